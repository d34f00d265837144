"""How the ranks of a trial find each other."""

import socket
from datetime import timedelta

import pytest
import torch

from deeper.errors import DeeperError
from deeper.fit import ranks


@pytest.mark.parametrize("rank", [0, 1])
def test_a_rank_that_waits_for_one_that_never_comes_ends_in_one_line(rank, monkeypatch):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        place = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free.getsockname()[1])}
    for name, value in {**place, "RANK": str(rank), "WORLD_SIZE": "2"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("TORCHELASTIC_USE_AGENT_STORE", raising=False)
    monkeypatch.setattr(ranks, "COME_WITHIN", timedelta(seconds=1))
    with pytest.raises(DeeperError, match=f"the 2 ranks did not all meet at 127.0.0.1:{place['MASTER_PORT']}") as found:
        ranks.met()
    assert "\n" not in str(found.value)


@pytest.mark.parametrize("first", [True, False])
def test_every_rank_takes_the_first_ones_word(first):
    store = torch.distributed.HashStore()
    asked = [object.__new__(ranks.MeetingStrategy) for _ in range(2)]
    for rank, one in enumerate(asked):
        one.meeting = (store, rank, 2)
    assert [asked[0].as_the_first(first), asked[1].as_the_first(not first)] == [first, first]
