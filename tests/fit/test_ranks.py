"""How the ranks of a trial find each other."""

import socket
from datetime import timedelta

import pytest

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
