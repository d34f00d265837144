"""What metrics that are not read off their names are: a sentence each, for the foot of a page's verdicts."""

from collections.abc import Iterable

from deeper.claims.verdicts import Verdict

DEFINITIONS = {
    "mean_train_error": "the running training error, averaged over the epochs: the lower, the faster a network learned",
    "gradient_imbalance_start": "the distance, in decades and without direction, between the geometric means of the "
    "gradient's norm over the first and over the last third of the layers, before the first step: it is as large where "
    "gradients blow up on their way to the input as where they vanish",
    "gradient_imbalance_training": "the same distance between the first and the last third of the layers, averaged "
    "over the epochs",
    "gradient_signal_start": "of the gradients of several batches before the first step, the share that they have in "
    "common: 100 % without noise, 0 where batches have nothing in common; mean over the first third of the layers",
    "lesion_increase": "the validation error after one block is taken out of the trained network, averaged over its "
    "blocks, minus that of the whole network; a mean can be small where single blocks are dear",
    "early_gradient": "log10 of the geometric mean of the gradient's norm over the first third of the layers, averaged "
    "over the epochs",
    "early_gradient_start": "log10 of the geometric mean of the gradient's norm over the first third of the layers, "
    "before the first step",
    "averaging_heads_gain": "the validation error of the main head minus that of the mean of all heads",
    "averaging_gain": "the mean test error of a group's networks minus that of their average",
    "gain_over_best": "the test error of a group's best network, chosen on the test images, minus that of their "
    "average",
    "zero_activations": "the share of zeros after the activations, averaged over the layers",
}


def of(verdicts: Iterable[Verdict]) -> list[str]:
    """``*Training error, mean over the epochs*: …`` for every metric of the comparisons that has a definition."""
    metrics = {outcome.metric for answer in verdicts for outcome in answer.outcomes}
    known = sorted((metric for metric in metrics if metric.name in DEFINITIONS), key=lambda metric: metric.label)
    return [f"*{metric.label[:1].upper()}{metric.label[1:]}*: {DEFINITIONS[metric.name]}." for metric in known]
