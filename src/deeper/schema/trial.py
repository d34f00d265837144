"""What the settings of a trial may be: a composed configuration of ``train`` or ``transfer``.

Validated, never converted, but for one thing: where a number may have a fraction, ``0`` becomes ``0.0``, which is the
same and would be another id (``declared``). What a network, an optimizer or a reader is called with is its class's;
only what all of a kind share has a range here.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, Field, ValidationError, model_validator

from deeper.errors import DeeperError
from deeper.schema.base import (
    MOST,
    SEED,
    Closed,
    Count,
    Folder,
    Fraction,
    InFolder,
    NotNegative,
    Open,
    Positive,
    Rate,
    Row,
    Seed,
    Text,
    Whole,
    wrong,
)
from deeper.schema.errors import explain_setting
from deeper.schema.study import Settings

MOST_THREADS = 1024  # of any machine; what this one has is asked where a trial is trained

OneSeed = Annotated[Seed, Field(description=f"{SEED} (several: --multirun seed=0,1)")]
# Numbers that stay as they are written, since they are part of a trial's id.
Share = Annotated[int | float, Field(ge=0, le=1, description="a number from 0 to 1")]
Length = Annotated[int | float, Field(ge=0, description="a number of at least 0")]
Factor = Annotated[int | float, Field(ge=0, le=MOST, description=f"a number from 0 to {MOST}")]
Beta = Annotated[int | float, Field(ge=0, lt=1, description="a number of at least 0 and below 1")]
BETAS = "a list of two numbers, each at least 0 and below 1"
LARGEST_IMAGE = 4096  # pixels a side; a network on more is no trial that ends

LEARN_NOTHING = ("hog",)  # backbones without weights

Precision = Literal["32-true", "64-true", "bf16-mixed", "16-mixed", "bf16-true", "16-true"]
Mode = Literal["frozen", "finetune", "scratch"]
Grade = Literal["accuracy", "mean_per_class", "map_voc2007"]


MIXUP = "timm.data.mixup.Mixup"
MIXED_BY = ("batch", "pair", "elem")


class Called(Open):
    """A class or function, and what it is called with."""

    target: Text = Field(alias="_target_")


class DataSettings(Open):
    """The prepared set and what a trial sees of it; null sizes are whole parts, or said by the target set."""

    name: InFolder
    root: Folder
    classes: Count | None
    channels: Count | None
    image_size: Annotated[int, Field(ge=1, le=LARGEST_IMAGE)] | None
    train_size: Count | None
    validation_size: Count | None
    subset_seed: Seed
    streamed: bool = False


class OptimizerSettings(Called):
    """The numbers that most optimizers have; the rate must be said, or a library's own would be taken in silence."""

    lr: Rate
    momentum: Fraction = 0.0
    weight_decay: Rate = 0.0
    nesterov: bool = False
    fused: bool | None = None
    betas: Annotated[tuple[Beta, Beta], Field(strict=False, description=BETAS)] = (0.9, 0.999)
    alpha: Share = 0
    eps: Factor = 0


class ScheduleSettings(Called):
    """The numbers that most schedules have."""

    warmup_epochs: Length = 0
    warmup_start: Share = 0
    milestones: Row[Share] = ()
    factors: Row[Factor] = ()
    factor: Factor = 0
    every: Annotated[int | float, Field(gt=0, description="a number above 0")] = 1

    @model_validator(mode="after")
    def _ascends(self) -> Self:
        if list(self.milestones) != sorted(set(self.milestones)):
            raise wrong("they must ascend", "milestones")
        return self

    @model_validator(mode="after")
    def _gives_each_level_a_factor(self) -> Self:
        if self.factors and len(self.factors) != len(self.milestones):
            raise wrong(f"there are {len(self.milestones)} milestones; give each its own", "factors")
        return self


class AugmentSettings(Called):
    """Padding in pixels, where the augmentation has it."""

    pad: Whole = 0


class AverageSettings(Called):
    """The numbers that averages of weights have."""

    decay: Annotated[float, Field(ge=0, lt=1, description="a number of at least 0 and below 1")] = 0.0
    start: Annotated[float, Field(ge=0, lt=1, description="a number of at least 0 and below 1")] = 0.0
    every: Positive = 1.0
    use_warmup: bool = False


class BatchSettings(Called):
    """The numbers that most batch transforms have, and the transforms that one puts in turn."""

    mixup_alpha: NotNegative = 0.0
    cutmix_alpha: NotNegative = 0.0
    prob: Fraction = 0.0
    switch_prob: Fraction = 0.0
    label_smoothing: Fraction = 0.0
    probability: Fraction = 0.0
    least: Fraction = 0.0
    most: Fraction = 1.0
    rectangles: Count = 1
    transforms: Annotated[Row["BatchSettings"], Field(min_length=1)] | None = None

    @property
    def pairs(self) -> bool:
        """Whether pictures are mixed by twos, as timm's mixup does."""
        return self.target == MIXUP or any(one.pairs for one in self.transforms or ())

    @model_validator(mode="after")
    def _erases_from_least_to_most(self) -> Self:
        if self.least > self.most:
            raise wrong(f"it must be at most {self.most}, which is the most", "least")
        return self

    @model_validator(mode="after")
    def _mixes(self) -> Self:
        """timm takes any other word for ``batch``, and finds at the first batch that there is nothing to mix."""
        if self.target != MIXUP:
            return self
        given = self.model_extra or {}
        if given.get("mode", "batch") not in MIXED_BY:
            raise wrong(f"it must be one of {', '.join(MIXED_BY)}", "mode")
        none = "mixup_alpha" in self.model_fields_set and not self.mixup_alpha and not self.cutmix_alpha
        if none and given.get("cutmix_minmax") is None:
            raise wrong("it or cutmix_alpha must be above 0; batch=none mixes nothing", "mixup_alpha")
        return self


class GroupSettings(Called):
    """The numbers that most parameter groups have."""

    rate: Rate = 0.0
    weight_decay: Rate = 0.0
    body: Rate = 1.0
    decay: Rate = 1.0


class CallbackSettings(Called):
    """Of adaptive clipping: the most that a gradient may be, in norms of its weights."""

    factor: Positive = 1.0


class LossSettings(Called):
    """Of the binary loss: which share of a mixed label counts as there."""

    threshold: Fraction | None = None


class Training(Closed):
    """How long, in what batches, with what loss."""

    epochs: Count
    batch_size: Count
    evaluation_batch_size: Count
    label_smoothing: Fraction
    gradient_every: Count
    accumulate: Count = 1
    clip_norm: Positive | None = None
    initial_weights: Literal["stream", "named"] = "stream"
    validate_every: Count = 1

    @model_validator(mode="after")
    def _evaluates_after_the_last_epoch(self) -> Self:
        if self.epochs % self.validate_every:
            raise wrong(f"training.epochs={self.epochs} is not a multiple of it", "validate_every")
        return self


class Trainer(Closed):
    """What it is computed with."""

    accelerator: Literal["auto", "cpu", "gpu"]
    devices: Count
    threads: Annotated[int, Field(ge=1, le=MOST_THREADS)] | Literal["auto"]
    precision: Precision
    channels_last: bool
    compile: bool | Literal["reduce-overhead"]
    deterministic: bool
    sync_batchnorm: bool
    find_unused_parameters: bool


class LightningLogger(Called):
    """One of Lightning's loggers: the argument that gets the trial's id, and the package that it needs."""

    trial: Literal["version", "run_name"]
    needs: Text


class Logger(Closed):
    """The mirror in W&B, and a logger of Lightning's."""

    mode: Literal["none", "disabled", "offline", "online"]
    live: bool
    project: Text
    entity: str | None
    dir: Folder
    lightning: LightningLogger | None = None


class Runtime(Closed):
    """Epochs between checkpoints, whether a trial starts its ranks itself or is one that others started, and the
    processes of each rank that read pictures from disk.
    """

    checkpoint_every: Count
    ranks: Literal["own", "given"] = "own"
    workers: Whole | Literal["auto"] = 0


class LayerRates(Closed):
    """Fine-tuning: factor on the rate of all layers but the classifier, and factor a layer towards the input."""

    body: Rate = 1.0
    decay: Rate = 1.0


class TransferMode(Closed):
    """Frozen features and a classifier on them, or a training with rates by layer."""

    name: Mode
    pretrained: bool
    lr: Rate
    classifier: Literal["logistic", "ridge"] = "logistic"
    strengths: Row[Positive] = ()
    layers: LayerRates = LayerRates()

    @model_validator(mode="after")
    def _has_what_it_needs(self) -> Self:
        if self.name == "frozen" and not self.strengths:
            raise wrong("it must be a list of numbers above 0", "strengths")
        return self


class PictureCounts(Closed):
    """How many pictures the release has; null is not known."""

    train: Count | None = None
    test: Count | None = None


class TransferTarget(Open):
    """A target set; further keys say how it is read."""

    name: InFolder
    title: str
    classes: Count | None
    channels: Literal[1, 3]
    metric: Grade
    grain: Literal["fine", "coarse"] | None
    size: Count
    fit: Literal["crop", "pad"]
    counts: PictureCounts | None
    root: Folder


class Backbone(Open):
    """The network that is transferred, and the normalisation that it was trained with.

    Of ``transfer/backbone=trial`` channels, means and deviations are null until its trial is known.
    """

    name: Text
    channels: Literal[1, 3] | None
    mean: Row[float] | None
    std: Row[Positive] | None
    model: Settings

    @model_validator(mode="after")
    def _normalises_every_channel(self) -> Self:
        if self.channels is None and "trial" in self.model_extra:
            return self
        for key in ("mean", "std"):
            values = getattr(self, key)
            if self.channels is None or values is None or len(values) != self.channels:
                raise wrong(f"it must be a list of {self.channels} numbers, one a channel", key)
        return self


class TransferSettings(Closed):
    """What is transferred, to what, and how."""

    target: TransferTarget
    backbone: Backbone
    mode: TransferMode
    image_size: Annotated[int, Field(ge=1, le=LARGEST_IMAGE)]
    per_class: Count | None
    held_out: Annotated[float, Field(gt=0, lt=1)]
    layer: Text

    @model_validator(mode="after")
    def _has_something_to_learn(self) -> Self:
        if self.backbone.name in LEARN_NOTHING and self.mode.name != "frozen":
            raise wrong(f"backbone {self.backbone.name} has nothing to learn; say transfer/mode=frozen", "mode", "name")
        return self

    @model_validator(mode="after")
    def _layer_is_of_frozen_networks(self) -> Self:
        if self.mode.name != "frozen" and self.layer != "pre_logits":
            raise wrong("it is for transfer/mode=frozen; others train the whole network", "layer")
        return self


class TrialSettings(Closed):
    """A composed configuration. ``study`` is its own subject: ``deeper.schema.study``."""

    model: Called
    data: DataSettings
    augment: AugmentSettings
    optimizer: OptimizerSettings
    schedule: ScheduleSettings
    parameters: GroupSettings | None = None
    batch: BatchSettings | None = None
    average: AverageSettings | None = None
    callbacks: dict[str, CallbackSettings] | None = None
    loss: LossSettings | None = None
    training: Training
    trainer: Trainer
    seed: OneSeed
    transfer: TransferSettings | None = None

    recipe: Settings = {}
    rates: Settings = {}
    regimes: Settings = {}
    regime: Literal["optimise", "capacity", "generalise"] = "capacity"
    profile: Text = "pocket"
    blocks: Count | None = None
    tune: bool = False
    trial: None = None
    name: InFolder | None = None
    zip: Row[Text | Row[Text]] | None = None
    sweeps: Folder = "reports/sweeps"
    study: Settings
    logger: Logger
    store: Folder
    results: Folder
    reuse: Literal["id", "exact"] = "id"
    trust_table: bool
    dry_run: bool
    runtime: Runtime

    @model_validator(mode="after")
    def _fit_together(self) -> Self:
        if self.augment.pad > (self.data.image_size or self.augment.pad):
            raise wrong("it must be a whole number from 0 to data.image_size", "augment", "pad")
        frozen = self.transfer is not None and self.transfer.mode.name == "frozen"
        if self.schedule.warmup_epochs > self.training.epochs and not frozen:
            most = f"it must be a number of epochs up to training.epochs={self.training.epochs}"
            raise wrong(f"{most}; recipe.warmup_epochs=0 warms up for none", "schedule", "warmup_epochs")
        if self.training.batch_size % self.trainer.devices:
            devices = self.trainer.devices
            raise wrong(f"it is not a multiple of trainer.devices={devices}", "training", "batch_size")
        if self.batch is not None and self.batch.pairs and self.training.batch_size // self.trainer.devices % 2:
            rank = " on each rank" if self.trainer.devices > 1 else ""
            raise wrong(f"it must be even{rank}, as batch=mixup and its like mix by twos", "training", "batch_size")
        classes = self.model.model_extra.get("num_classes", self.data.classes)
        if self.transfer is None and classes != self.data.classes:
            raise wrong(f"{self.data.name} has {self.data.classes} classes", "model", "num_classes")
        return self


def declared(config: Mapping[str, Any], settings: BaseModel) -> dict[str, Any]:
    """The configuration with whole numbers written as fractions where the schema has a fraction: ``0`` as ``0.0``.

    Args:
        config: as composed, with plain containers.
        settings: what ``check_settings`` made of it.
    """
    found = dict(config)
    for name, field in type(settings).model_fields.items():
        key, value = field.alias or name, getattr(settings, name)
        if key not in found:
            continue
        if isinstance(value, BaseModel):
            found[key] = declared(found[key], value)
        elif isinstance(value, float) or (isinstance(value, tuple) and all(isinstance(one, float) for one in value)):
            found[key] = list(value) if isinstance(value, tuple) else value
    return found


def check_settings(config: dict[str, Any]) -> TrialSettings:
    """The settings of a composed configuration, checked.

    Raises:
        DeeperError: one cannot be; names the override and, where one is close, the right word.
    """
    try:
        return TrialSettings.model_validate(config)
    except ValidationError as error:
        raise DeeperError(explain_setting(error, TrialSettings, config)) from None
