"""Composing the jobs of a study: what the settings of its arms are as overrides, and what is wrong with one of them."""

import itertools
import pickle
import re
from collections.abc import Mapping, Sequence
from typing import Any

from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.config_loader import ConfigLoader
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf, open_dict
from omegaconf.errors import OmegaConfBaseException

from deeper.errors import DeeperError, hint, one_line
from deeper.run.seeded import Alike
from deeper.schema.added import check_added
from deeper.schema.study import Settings, Study
from deeper.study.arms import settings
from deeper.study.checked_jobs import study_file

SEED = re.compile(r"seed=(0|[1-9]\d*)")
ARM = "++study.arm="
UNKNOWN = re.compile(r"unknown setting '([^']+)'")

Composed = tuple[DictConfig, DictConfig]


class Composer:
    """Composes jobs. Of those that differ in the seed alone the first is composed, which takes long; others share it.

    Args:
        loader: Hydra's.
        master: the configuration of the sweep, or of the run, with ``hydra``.
    """

    def __init__(self, loader: ConfigLoader, master: DictConfig):
        self.loader, self.master = loader, master
        self.composed: dict[tuple[str, ...], tuple[DictConfig, bytes]] = {}  # Hydra's part, and ours pickled
        self.alike: dict[tuple[str, ...], Alike] = {}

    def compose(self, overrides: Sequence[str]) -> Composed:
        """Hydra's part and ours of a job's configuration.

        Raises:
            DeeperError: a setting of the job's arm does not exist; names the study's file.
        """
        seed = next((o.partition("=")[2] for o in overrides if SEED.fullmatch(o)), None)
        alike = tuple(o for o in overrides if not SEED.fullmatch(o))
        if seed is None or len(alike) != len(overrides) - 1:
            return self._compose(overrides)
        if alike not in self.composed:
            hydra, config = self._compose(overrides)
            self.composed[alike] = hydra, pickle.dumps(config, pickle.HIGHEST_PROTOCOL)
            return hydra, config
        hydra, kept = self.composed[alike]
        if alike not in self.alike:
            self.alike[alike] = Alike(pickle.loads(kept))
        if self.alike[alike].places is not None:
            return hydra, self.alike[alike].with_seed(int(seed))
        config = pickle.loads(kept)  # a seventh of the time of copy.deepcopy
        config.seed = int(seed)
        return hydra, config

    def _compose(self, overrides: Sequence[str]) -> Composed:
        try:
            config = self.loader.load_sweep_config(self.master, list(overrides))
        except (HydraException, OmegaConfBaseException) as error:
            arm = next((o.removeprefix(ARM) for o in overrides if o.startswith(ARM)), None)
            if arm is None:
                raise
            where = study_file(self.master.hydra.runtime) or "study"
            raise DeeperError(f"{where}: study.arms.{arm}.set: {self._explain(error, overrides)}") from error
        with open_dict(config):
            hydra = config.pop("hydra")
        check_added(overrides, config, hydra.runtime, lambda others: self.loader.load_sweep_config(self.master, others))
        return hydra, config

    def _explain(self, error: Exception, overrides: Sequence[str]) -> str:
        line = one_line(error)
        if (unknown := UNKNOWN.match(line)) is None:
            return line
        above, _, name = unknown[1].rpartition(".")
        others = [o for o in overrides if o.lstrip("+~").partition("=")[0] != unknown[1]]
        try:
            config = self.loader.load_sweep_config(self.master, others)
            names = list(OmegaConf.select(config, above) if above else config)
        except (HydraException, OmegaConfBaseException, TypeError):
            return line
        return f"there is no setting {unknown[1]!r}; {hint(name, names)}"


def overrides_of_jobs(
    study: Study | None,
    profile: str,
    grid: list[Override],
    line: list[Override],
    blocks: int | None = None,
    together: Sequence[Sequence[str]] = (),
) -> list[list[str]]:
    """Overrides of every job of a sweep: its grid, once for each arm of the study that names settings.

    Args:
        study: None where the sweep is of none.
        profile: which of an arm's settings hold.
        grid: of the study's file; a setting of an arm replaces one of it.
        line: of the command line, which replaces both.
        blocks: of the ledger: the first seeds of every arm, ``study.block`` of them each; None for all.
        together: names of settings whose values go in step, in groups.

    Raises:
        DeeperError: of settings that go in step one has no values, or another number of them; or there are no blocks,
            or not so many.
    """
    arms = settings(study, profile) if study else {}
    if blocks is not None and (type(blocks) is not int or blocks < 1):
        raise DeeperError(f"blocks={blocks}: it must be a whole number of at least 1, or null")
    if blocks is not None and not arms:
        raise DeeperError(f"blocks={blocks}: only a study whose arms name settings is run in blocks; name one: study=…")
    if not arms:
        parts = _in_step([*grid, *line], together)
        return [job for part in parts for job in BasicSweeper.split_arguments(part, None)[0]]
    if together:
        raise DeeperError("zip is for a sweep of your own; the arms of a study say themselves what goes together")
    parser = OverridesParser.create()
    jobs: list[list[str]] = []
    for name, chosen in arms.items():
        of_arm = parser.parse_overrides(overrides_of_arm(name, chosen))
        own = BasicSweeper.split_arguments([*grid, *of_arm, *line], None)[0]
        if blocks is not None and len(own) < blocks * study.block:
            there = len(own) // study.block
            raise DeeperError(f"blocks={blocks}: the seeds of study {study.name} are enough for {there}")
        jobs += own[: blocks and blocks * study.block]
    return jobs


def groups_in_step(value: Any) -> list[list[str]]:
    """The setting ``zip`` as groups of names: ``[a, b]`` is one, ``[[a, b], [c, d]]`` are two.

    Raises:
        DeeperError: it is something else.
    """
    said = OmegaConf.to_container(value) if OmegaConf.is_config(value) else value
    groups = [said] if isinstance(said, list) and all(isinstance(name, str) for name in said) else said
    if not isinstance(groups, list) or not all(isinstance(group, list) and len(group) > 1 for group in groups):
        raise DeeperError(f"zip={said}: it must be a list of settings whose values go in step: zip=[model,recipe.lr]")
    return groups


def _in_step(overrides: list[Override], together: Sequence[Sequence[str]]) -> list[list[Override]]:
    """The overrides once for each step, in which settings that go in step have one value; others stay as they are."""
    if not together:
        return [overrides]
    parser, swept = OverridesParser.create(), {o.get_key_element().lstrip("+"): o for o in overrides}
    groups = []
    for names in together:
        for name in names:
            if name not in swept or not swept[name].is_sweep_override():
                raise DeeperError(f"zip: {name} has not several values on the command line, so nothing goes in step")
        values = [_words(swept[name]) for name in names]
        if len({len(own) for own in values}) > 1:
            counts = ", ".join(f"{name} {len(own)}" for name, own in zip(names, values, strict=True))
            raise DeeperError(f"zip: values that go in step must be equally many ({counts})")
        groups.append([dict(zip(names, step, strict=True)) for step in zip(*values, strict=True)])
    chosen = [{name: value for part in parts for name, value in part.items()} for parts in itertools.product(*groups)]
    return [[_chosen(o, step, parser) for o in overrides] for step in chosen]


def _words(override: Override) -> list[str]:
    return [f"{override.get_key_element()}={value}" for value in override.sweep_string_iterator()]


def _chosen(override: Override, step: Mapping[str, str], parser: OverridesParser) -> Override:
    name = override.get_key_element().lstrip("+")
    return parser.parse_override(step[name]) if name in step else override


def overrides_of_arm(name: str, chosen: Settings) -> list[str]:
    """The overrides that make an arm, with the mark of its jobs."""
    return [*(f"{key}={written(value)}" for key, value in chosen.items()), f"{ARM}{name}"]


def check_settings_of_arms(study: Study, profile: str, composer: Composer, overrides: Sequence[str]) -> None:
    """See that every arm of a study can be composed, for a run that is of none of them.

    Raises:
        DeeperError: a setting of an arm does not exist.
    """
    for name, chosen in settings(study, profile).items():
        single = {key: value for key, value in chosen.items() if key != "seed"}  # it may be a range
        composer.compose([*overrides, *overrides_of_arm(name, single)])


def written(value: Any, quoted: bool = False) -> str:
    """A value as an override has it.

    Args:
        value: null, a number, a text, or lists and mappings of them.
        quoted: whether texts are data, such as ``"010"``, and not words of Hydra's own, such as ``range(3)``.
    """
    if value is None:
        return "null"
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{key}:{written(part, quoted)}" for key, part in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(written(part, quoted) for part in value) + "]"
    if quoted and isinstance(value, str):
        return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"
    return str(value).lower() if quoted and isinstance(value, bool) else str(value)
