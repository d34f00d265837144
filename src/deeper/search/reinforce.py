"""A recurrent network that writes networks and is trained by reinforcement learning.

Zoph, Le, *Neural architecture search with reinforcement learning*, arXiv 1611.01578, §3.1 (a choice is drawn from a
softmax and fed into the next step), §3.2 (REINFORCE with a moving average of rewards as the baseline) and §4.1: two
layers of 35 units, Adam with rate 0.0006, weights drawn between -0.08 and 0.08, the reward the cube of the accuracy on
validation pictures. The paper says nothing of how fast the average moves.

Ours differs: the accuracy is that of the last epoch, where the paper takes the best of the last five; one controller
learns from one batch after another; a choice that has one option is not written. The paper's controller saw 12,800
networks; one that sees a few dozen needs a higher rate, and a study that sets one says so.

Thousands of replays would take hours one after another: each step is a few dozen products of small matrices. So
everything here is of R controllers side by side, and a search alone has R = 1: one code, in float64, so that how many
there are moves no choice.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property

import numpy as np
import torch
from torch import Tensor, nn

from deeper.errors import DeeperError
from deeper.search.searcher import Searcher, Team, Told
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


class Controllers(nn.Module):
    """R recurrent networks, each with weights of its own, that write points: logits of a choice from those before it.

    Args:
        sizes: options of each choice.
        hidden: units of a layer.
        layers: of the LSTM.
        generators: one for each controller; it draws the weights.
    """

    def __init__(self, sizes: Sequence[int], hidden: int, layers: int, generators: Sequence[torch.Generator]):
        super().__init__()

        def drawn(*shape: int) -> nn.Parameter:
            each = [torch.empty(shape, dtype=torch.float64) for _ in generators]
            for weights, generator in zip(each, generators, strict=True):
                nn.init.uniform_(weights, -SPREAD, SPREAD, generator=generator)
            return nn.Parameter(torch.stack(each))

        self.sizes, self.hidden = tuple(sizes), hidden
        self.start = drawn(1, hidden)
        self.embeddings = nn.ParameterList(drawn(size, hidden) for size in self.sizes[:-1])
        self.cells = nn.ParameterList(drawn(2 * hidden, 4 * hidden) for _ in range(layers))
        self.biases = nn.ParameterList(drawn(1, 4 * hidden) for _ in range(layers))
        self.heads = nn.ParameterList(drawn(hidden, size) for size in self.sizes)
        self.shifts = nn.ParameterList(drawn(1, size) for size in self.sizes)

    def log_probability(self, choices: Tensor) -> Tensor:
        """Of whole points: (R, N, number of choices) of whole numbers → (R, N)."""
        total = torch.zeros(choices.shape[:2], dtype=torch.float64)
        for k, logs in enumerate(self._walk(choices.shape[1], lambda k, _: choices[..., k])):
            total = total + logs.gather(2, choices[..., k : k + 1])[..., 0]
        return total

    @torch.no_grad()
    def draw(self, uniform: np.ndarray) -> np.ndarray:
        """Points from uniform numbers in [0, 1): (R, N, number of choices) → whole numbers of the same shape."""
        drawn = np.zeros(uniform.shape, dtype=np.int64)

        def choose(k: int, logs: Tensor) -> Tensor:
            below = logs.exp().cumsum(2).numpy() <= uniform[..., k : k + 1]
            drawn[..., k] = np.minimum(below.sum(2), self.sizes[k] - 1)
            return torch.from_numpy(drawn[..., k])

        for _ in self._walk(uniform.shape[1], choose):
            pass
        return drawn

    def _walk(self, count: int, choose: Callable[[int, Tensor], Tensor]) -> Iterator[Tensor]:
        """The log-probabilities of each choice's options, (R, ``count``, options); ``choose`` says what is taken."""
        rows = torch.arange(len(self.start))[:, None]
        fed = self.start.expand(-1, count, -1)
        state = [(torch.zeros_like(fed), torch.zeros_like(fed)) for _ in self.cells]
        for k in range(len(self.sizes)):
            for layer, (cell, bias) in enumerate(zip(self.cells, self.biases, strict=True)):
                state[layer] = _lstm(fed, *state[layer], cell, bias)
                fed = state[layer][0]
            logs = torch.baddbmm(self.shifts[k], fed, self.heads[k]).log_softmax(2)
            option = choose(k, logs)
            yield logs
            if k < len(self.embeddings):
                fed = self.embeddings[k][rows, option]


def _lstm(fed: Tensor, shown: Tensor, kept: Tensor, weights: Tensor, bias: Tensor) -> tuple[Tensor, Tensor]:
    """A step of a long short-term memory without peepholes: (R, N, hidden) → what it shows, what it keeps."""
    gates = torch.baddbmm(bias, torch.cat([fed, shown], 2), weights)
    enters, stays, leaves, new = gates.chunk(4, 2)
    kept = stays.sigmoid() * kept + enters.sigmoid() * new.tanh()
    return leaves.sigmoid() * kept.tanh(), kept


class Learners:
    """Controllers that climb their expected rewards, one batch at a time.

    Args:
        controllers: R of them.
        lr: of Adam.
        decay: how much of a baseline stays at each batch; the first batch's mean is the first baseline.
    """

    def __init__(self, controllers: Controllers, lr: float, decay: float):
        self.controllers, self.decay = controllers, decay
        self.optimizer = torch.optim.Adam(controllers.parameters(), lr, fused=True)
        self.baselines: Tensor | None = None

    def learn(self, points: Tensor, rewards: Tensor, shares: Tensor) -> None:
        """Take a step.

        Args:
            points: (R, N, number of choices).
            rewards: (R, N).
            shares: of each point in the means of its controller, (R, N); 0 where a controller has fewer points.
        """
        means = (rewards * shares).sum(1)
        baselines = means if self.baselines is None else self.baselines
        self.optimizer.zero_grad()
        self.objective(points, rewards - baselines[:, None], shares).sum().neg().backward()
        self.optimizer.step()
        self.baselines = self.decay * baselines + (1 - self.decay) * means

    def objective(self, points: Tensor, advantages: Tensor, shares: Tensor) -> Tensor:
        """What each climbs: the mean of log-probability times how much better than the baseline the reward was; (R)."""
        return (self.controllers.log_probability(points) * advantages * shares).sum(1)


class Reinforce(Searcher):
    """The controller's expected reward, climbed one batch at a time.

    Args:
        space: where to search.
        seed: of its weights and all that it draws.
        hidden: units of a layer of the controller.
        layers: of the controller.
        lr: of Adam.
        decay: how much of the baseline stays at each batch; the first batch's mean is the first baseline.
        power: the reward is 1 minus the loss, of an error the accuracy, to this power; a network that is refused has 0.

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
        self.hidden, self.layers, self.lr, self.decay, self.power = hidden, layers, lr, decay, power
        self.written = [k for k, size in enumerate(space.sizes) if size > 1] or [0]

    @cached_property
    def alone(self) -> "ReinforceTeam":
        """A team of this one."""
        return ReinforceTeam([self])

    @classmethod
    def team(cls, searchers: "Sequence[Reinforce]") -> "ReinforceTeam":
        return ReinforceTeam(searchers)

    def ask(self, count: int) -> list[Choices]:
        return self.alone.ask(count, [0])[0]

    def tell(self, told: Sequence[Told]) -> None:
        self.alone.tell([told], [0])

    def draws(self, count: int) -> np.ndarray:
        """Uniform numbers for the next proposals: (``count``, choices that are written)."""
        each = [self.generator(number).random(len(self.written)) for number in self.numbers(count)]
        return np.reshape(each, (count, len(self.written)))

    def weights(self) -> torch.Generator:
        """What draws its controller's weights."""
        # The number of weights is 0, so proposal 0 has this seed too. numpy draws that and torch this, by other
        # algorithms, so that no number of one is one of the other; another seed here would change every kept replay.
        return torch.Generator().manual_seed(seed_of(self.seed, Purpose.SEARCH, Purpose.WEIGHTS))

    def reward(self, told: Told) -> float:
        """Of a proposal."""
        return 0.0 if told.loss is None else (1 - told.loss) ** self.power

    def point(self, written: Sequence[int]) -> Choices:
        """The point of choices that were written."""
        chosen = dict(zip(self.written, written, strict=True))
        return tuple(chosen.get(k, 0) for k in range(len(self.space.sizes)))


class ReinforceTeam(Team):
    """Searches with equal settings on one space, whose controllers are computed at once."""

    def __init__(self, searchers: Sequence[Reinforce]):
        super().__init__(searchers)
        one = self.searchers[0]
        sizes = [one.space.sizes[k] for k in one.written]
        controllers = Controllers(sizes, one.hidden, one.layers, [searcher.weights() for searcher in self.searchers])
        self.learners, self.choices = Learners(controllers, one.lr, one.decay), len(sizes)

    def ask(self, count: int, going: Sequence[int]) -> list[list[Choices]]:
        uniform = np.zeros((len(self.searchers), count, self.choices))
        for k in going:
            uniform[k] = self.searchers[k].draws(count)
        with _one_thread():
            drawn = self.learners.controllers.draw(uniform).tolist()
        return [[self.searchers[k].point(written) for written in drawn[k]] for k in going]

    def tell(self, told: Sequence[Sequence[Told]], going: Sequence[int]) -> None:
        shape = (len(self.searchers), max(map(len, told), default=0))
        points, rewards = torch.zeros(*shape, self.choices, dtype=torch.int64), torch.zeros(shape, dtype=torch.float64)
        shares = torch.zeros_like(rewards)
        for k, batch in zip(going, told, strict=True):
            searcher = self.searchers[k]
            Searcher.tell(searcher, batch)
            for n, one in enumerate(batch):
                points[k, n] = torch.tensor([one.choices[place] for place in searcher.written])
                rewards[k, n], shares[k, n] = searcher.reward(one), 1 / len(batch)
        if shape[1]:
            with _one_thread():
                self.learners.learn(points, rewards, shares)
