"""The mean of the weights that a training passes through, and the statistics that belong to it.

Izmailov, Podoprikhin, Garipov, Vetrov, Wilson, *Averaging weights leads to wider optima and better generalization*,
arXiv 1803.05407. An exponential moving average is timm's (``conf/average/ema.yaml``).
"""

import copy
from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm


class SnapshotAverage:
    """Stochastic weight averaging (algorithm 1): the plain mean of the weights at regular points of the last part.

    How many are in the mean is a function of the step, so a resumed training goes on as an uninterrupted one. Before
    the first point it is the trained weights themselves.

    Args:
        network: that is trained.
        start: share of the training before the first snapshot.
        every: epochs from one snapshot to the next.

    Raises:
        ValueError: a ``start`` outside [0, 1) or an ``every`` that is not positive.
    """

    def __init__(self, network: nn.Module, start: float = 0.75, every: float = 1.0):
        if not 0 <= start < 1:
            raise ValueError(f"average.start={start}: it must be at least 0 and less than 1")
        if not every > 0:
            raise ValueError(f"average.every={every}: it must be a positive number of epochs")
        self.module = copy.deepcopy(network).eval()
        self.start, self.every = start, every

    def begin(self, steps: int, steps_per_epoch: int) -> None:
        """Be told how long the training is."""
        self.between = max(1, round(self.every * steps_per_epoch))
        self.first = steps - (steps - max(1, round(self.start * steps))) // self.between * self.between  # ends the last

    def snapshots(self, step: int) -> int:
        """How many are in the mean after so many steps."""
        return 0 if step < self.first else 1 + (step - self.first) // self.between

    @torch.no_grad()
    def update(self, network: nn.Module, step: int) -> None:
        """Take in the weights after so many steps, where they are a snapshot."""
        if step > self.first and (step - self.first) % self.between:
            return
        share = 1 / max(1, self.snapshots(step))
        for mean, now in zip(self.module.state_dict().values(), network.state_dict().values(), strict=True):
            mean.copy_(mean.lerp(now, share) if share < 1 and mean.is_floating_point() else now)


@torch.no_grad()
def renew_statistics(network: nn.Module, pictures: Iterable[tuple[Tensor, ...]]) -> None:
    """Give batch normalisation the mean and variance that pictures have under the network's present weights.

    Those of averaged weights are not the average of theirs (arXiv 1803.05407, §3.2). Nothing is drawn: all else is in
    evaluation mode. Layers that no picture reaches, such as auxiliary heads, keep what they have.
    """
    norms = [part for part in network.modules() if isinstance(part, _BatchNorm) and part.track_running_stats]
    before = [({name: kept.clone() for name, kept in norm.named_buffers()}, norm.momentum) for norm in norms]
    modes = [(part, part.training) for part in network.modules()]
    network.eval()
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # the plain mean over batches
        norm.train()
    for images, *_ in pictures:
        network(images)
    for norm, (buffers, momentum) in zip(norms, before, strict=True):
        norm.momentum = momentum
        if not norm.num_batches_tracked:
            for name, kept in norm.named_buffers():
                kept.copy_(buffers[name])
    for part, training in modes:
        part.training = training
