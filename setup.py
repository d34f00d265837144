"""Configurations and published numbers lie beside src/ in a checkout; a wheel has them inside, as deeper/installed/."""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py


class BuildWithFolders(build_py):
    """The modules, and the folders that they read."""

    def run(self) -> None:
        super().run()
        if not self.editable_mode:
            for name in ("conf", "published"):
                shutil.copytree(name, Path(self.build_lib) / "deeper" / "installed" / name, dirs_exist_ok=True)


setup(cmdclass={"build_py": BuildWithFolders})
