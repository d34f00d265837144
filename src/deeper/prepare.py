"""Prepare a data set: fetch it, check it, write it in the form that training reads.

python -m deeper.prepare data=fashion_mnist
python -m deeper.prepare data=cifar10 data.folder=/where/the/files/are
"""

from pathlib import Path

import hydra
from omegaconf import DictConfig, OmegaConf

from deeper import cli, files, paths
from deeper.data import prepared as arrays
from deeper.data import sources
from deeper.errors import DeeperError


def prepare(data: DictConfig) -> str:
    """Make the prepared set that ``data`` (a composed conf/data/*.yaml) describes and say what was done.

    A set that is there, whole, and made from the same files is left alone.

    Raises:
        DeeperError: the set serves only to count networks, no source delivers the files, they are not the ones the
            configuration names, or there is no place to write.
    """
    if data.reader is None:
        raise DeeperError(f"{data.name} serves to count networks (python -m deeper.cost); Deeper does not prepare it")
    folder = paths.folder("data.root", data.root) / paths.folder("data.name", data.name)
    if type(data.held_out) is not int or data.held_out < 1:
        raise DeeperError(f"data.held_out={data.held_out}: it must be a whole number of at least 1")
    try:
        return _prepare(data, folder)
    except OSError as error:
        where = error.filename or folder.parent
        raise DeeperError(
            f"cannot prepare {data.name} in {folder.parent}: {error.strerror or error} ({where}); "
            "free space or choose another folder with data.root=FOLDER"
        ) from error


def _prepare(data: DictConfig, folder: Path) -> str:
    layout = sources.Layout(**OmegaConf.to_container(data.layout, resolve=True))
    with files.folder_lock(folder):
        reason = _why_rebuild(folder, data, layout)
        if reason is None:
            return f"{_summary(folder, arrays.read_meta(folder))}: already prepared and verified, nothing to do"
        with files.scratch_folder(folder) as scratch:
            routes = [hydra.utils.instantiate(route) for route in data.routes]
            gathered = sources.gather(data.name, layout, routes, scratch, data.folder)
        labelled = hydra.utils.instantiate(data.reader, _partial_=True, _convert_="all")(gathered.content)
        _expect(data, labelled)
        meta = arrays.write_set(folder, data.name, labelled, data.held_out, gathered.facts)
    return f"{reason}{_summary(folder, meta)}\nsource: {gathered.route}; digests agree"


def _why_rebuild(folder: Path, data: DictConfig, layout: sources.Layout) -> str | None:
    if not folder.exists():
        return ""
    try:
        meta = arrays.open_set(folder).meta
    except DeeperError as error:
        return f"rebuilt, because {str(error).partition(';')[0]}\n"
    start, stop = meta["splits"]["validation"]
    known = {name: meta["source"].get(name, {}) for name in layout.files}
    same_files = len(known) == len(meta["source"]) and all(
        dict(facts).items() <= known[name].items() for name, facts in layout.files.items()
    )
    same_split = meta["validation"]["rule"] == arrays.RULE and stop - start == data.held_out
    if same_files and same_split:
        return None
    return "rebuilt, because the configuration names other files or another validation split\n"


def _expect(data: DictConfig, labelled) -> None:
    found = (len(labelled.classes), labelled.train_images.shape[3], *labelled.train_images.shape[1:3])
    expected = (data.classes, data.channels, data.size, data.size)
    if found != expected:
        raise DeeperError(f"{data.name}: classes, channels, height, width should be {expected}, the files have {found}")


def _summary(folder: Path, meta: dict) -> str:
    counts = ", ".join(f"{stop - start} {name}" for name, (start, stop) in meta["splits"].items())
    return f"{folder}: {counts} images of {'x'.join(map(str, meta['image_shape']))}, {len(meta['classes'])} classes"


@hydra.main(version_base="1.3", config_path=str(paths.CONF), config_name="prepare")
@cli.task
def main(config: DictConfig) -> None:
    print(prepare(config.data))


if __name__ == "__main__":
    cli.run(main)
