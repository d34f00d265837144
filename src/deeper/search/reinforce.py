"""A recurrent network that writes networks and is trained by reinforcement learning.

Zoph, Le, *Neural architecture search with reinforcement learning*, arXiv 1611.01578, §3.1 (a choice is drawn from a
softmax and fed into the next step), §3.2 (REINFORCE with a moving average of rewards as the baseline) and §4.1: two
layers of 35 units, Adam with rate 0.0006, weights drawn between -0.08 and 0.08, the reward the cube of the accuracy on
validation pictures. The paper says nothing of how fast the average moves.

Ours differs: the accuracy is that of the last epoch, where the paper takes the best of the last five; one controller
learns from one batch after another. The paper's controller saw 12,800 networks; one that sees a few dozen needs a
higher rate, and a study that sets one says so.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor, nn

from deeper.errors import DeeperError
from deeper.search.searcher import Searcher, Told
from deeper.search.space import Choices, Space
from deeper.seeds import Purpose, seed_of

SPREAD = 0.08


@contextmanager
def _one_thread() -> Iterator[None]:
    """Keep torch to one thread: more only wait for each other here, and sums would depend on how many there are."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


class Controller(nn.Module):
    """Logits of each choice, given the choices before it.

    Args:
        sizes: options of each choice.
        hidden: units of a layer.
        layers: of the LSTM.
        generator: draws the weights.
    """

    def __init__(self, sizes: Sequence[int], hidden: int, layers: int, generator: torch.Generator):
        super().__init__()
        self.sizes = tuple(sizes)
        self.start = nn.Parameter(torch.empty(1, hidden))
        self.embeddings = nn.ModuleList(nn.Embedding(size, hidden) for size in self.sizes[:-1])
        self.lstm = nn.LSTM(hidden, hidden, layers, batch_first=True)
        self.heads = nn.ModuleList(nn.Linear(hidden, size) for size in self.sizes)
        for parameter in self.parameters():
            nn.init.uniform_(parameter, -SPREAD, SPREAD, generator=generator)

    def log_probability(self, choices: Tensor) -> Tensor:
        """Of whole points: (N, number of choices) of whole numbers → (N)."""
        start = self.start.expand(len(choices), 1, -1)
        fed = [self.embeddings[k](choices[:, k : k + 1]) for k in range(len(self.sizes) - 1)]
        seen, _ = self.lstm(torch.cat([start, *fed], 1))
        each = [head(seen[:, k]).log_softmax(1) for k, head in enumerate(self.heads)]
        return sum(logs.gather(1, choices[:, k : k + 1])[:, 0] for k, logs in enumerate(each))

    @torch.no_grad()
    def draw(self, uniform: np.ndarray) -> list[Choices]:
        """Points from uniform numbers in [0, 1): (N, number of choices) → N points."""
        fed, state, drawn = self.start.expand(len(uniform), -1), None, []
        for k, head in enumerate(self.heads):
            seen, state = self.lstm(fed[:, None], state)
            below = head(seen[:, 0]).double().softmax(1).cumsum(1).numpy()
            option = np.minimum((below <= uniform[:, k : k + 1]).sum(1), self.sizes[k] - 1)
            drawn.append(option)
            if k < len(self.embeddings):
                fed = self.embeddings[k](torch.from_numpy(option))
        return [tuple(int(option) for option in point) for point in np.stack(drawn, 1)]


class Reinforce(Searcher):
    """The controller's expected reward, climbed one batch at a time.

    Args:
        space: where to search.
        seed: of its weights and all that it draws.
        hidden: units of a layer of the controller.
        layers: of the controller.
        lr: of Adam.
        decay: how much of the baseline stays at each batch; the first batch's mean is the first baseline.
        power: the reward is the accuracy to this power; a network that is refused has 0.

    Raises:
        DeeperError: a rate or a size that is not above 0, a decay outside [0, 1).
    """

    def __init__(
        self,
        space: Space,
        seed: int,
        hidden: int = 35,
        layers: int = 2,
        lr: float = 0.0006,
        decay: float = 0.95,
        power: float = 3.0,
    ):
        super().__init__(space, seed)
        if not (hidden >= 1 and layers >= 1 and lr > 0 and power > 0 and 0 <= decay < 1):
            raise DeeperError("searcher: hidden, layers, lr and power must be above 0, decay from 0 to below 1")
        weights = torch.Generator().manual_seed(seed_of(seed, Purpose.SEARCH, Purpose.WEIGHTS))
        self.controller = Controller(space.sizes, hidden, layers, weights)
        self.optimizer = torch.optim.Adam(self.controller.parameters(), lr)
        self.decay, self.power = decay, power
        self.baseline: float | None = None

    def ask(self, count: int) -> list[Choices]:
        draws = [self.generator(number).random(len(self.space.sizes)) for number in self.numbers(count)]
        with _one_thread():
            return self.controller.draw(np.stack(draws)) if draws else []

    def tell(self, told: Sequence[Told]) -> None:
        super().tell(told)
        if not told:
            return
        rewards = torch.tensor([0.0 if one.loss is None else (1 - one.loss) ** self.power for one in told])
        mean = float(rewards.mean())
        baseline = mean if self.baseline is None else self.baseline
        with _one_thread():
            self.optimizer.zero_grad()
            self.objective([one.choices for one in told], rewards - baseline).neg().backward()
            self.optimizer.step()
        self.baseline = self.decay * baseline + (1 - self.decay) * mean

    def objective(self, points: Sequence[Choices], advantages: Tensor) -> Tensor:
        """What is climbed: the mean of log-probability times how much better than the baseline the reward was."""
        return (self.controller.log_probability(torch.tensor(points)) * advantages).mean()
