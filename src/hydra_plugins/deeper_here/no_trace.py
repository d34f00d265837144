"""Hydra's basic sweeper without the file and the folder that it makes for every sweep."""

import tempfile
from typing import Any

from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from omegaconf import open_dict, read_write


class NoTraceSweeper(BasicSweeper):
    """What Hydra writes of a sweep goes to a folder that is gone afterwards; its jobs stay in the user's."""

    def sweep(self, arguments: list[str]) -> Any:
        with tempfile.TemporaryDirectory() as folder:
            with read_write(self.config), open_dict(self.config):
                self.config.hydra.sweep.dir = folder
            return super().sweep(arguments)
