"""The ranks of one trial: how they find each other."""

import os
from datetime import timedelta

import torch
from pytorch_lightning.strategies import DDPStrategy
from torch.distributed import rendezvous

from deeper.errors import DeeperError

COME_WITHIN = timedelta(minutes=10)
WORK_WITHIN = timedelta(minutes=30)  # what they do together: one may have more to evaluate than another


class MeetingStrategy(DDPStrategy):
    """Data parallel; ranks that never come are an error in bounded time."""

    meeting: tuple[torch.distributed.Store, int, int] | None = None

    def setup_distributed(self) -> None:
        if not torch.distributed.is_initialized():  # a trainer comes here for each fit and evaluation
            self.set_world_ranks()
            self.meeting = self.meeting or met()
            store, rank, ranks = self.meeting
            torch.distributed.init_process_group(
                self._get_process_group_backend(),
                store=store,
                rank=rank,
                world_size=ranks,
                timeout=WORK_WITHIN,
                device_id=None if self.root_device.type == "cpu" else self.root_device,
            )
        super().setup_distributed()

    def as_the_first(self, fact: bool) -> bool:
        """What the first rank says, on every rank; asked once, before the training.

        Raises:
            DeeperError: the ranks do not meet.
        """
        self.meeting = self.meeting or met()
        store, rank, _ = self.meeting
        if rank == 0:
            store.set("fact", str(fact))
        return store.get("fact") == b"True"


def met() -> tuple[torch.distributed.Store, int, int]:
    """Wait for all ranks at the address that the environment names: what they share, this one's number, how many.

    Raises:
        DeeperError: some did not come, or nobody is there.
    """
    try:
        store, rank, ranks = next(rendezvous("env://", timeout=COME_WITHIN))
    except (torch.distributed.DistError, TimeoutError) as error:
        where = f"{os.environ['MASTER_ADDR']}:{os.environ['MASTER_PORT']}"
        raise DeeperError(
            f"the {os.environ['WORLD_SIZE']} ranks did not all meet at {where}, which is rank 0's, within "
            f"{COME_WITHIN.total_seconds():.0f} s; see that each is started and reaches it: "
            f"{str(error).splitlines()[0]}"
        ) from error
    store.set_timeout(WORK_WITHIN)
    return store, rank, ranks
