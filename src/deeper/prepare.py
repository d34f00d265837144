"""Prepare a data set: fetch it, check it, write it in the form that training reads.

python -m deeper.prepare data=fashion_mnist
python -m deeper.prepare data=cifar10 data.folder=/where/the/files/are
python -m deeper.prepare data=folder data.folder=/a/folder/of/class/folders     lists it; the pictures stay there
"""

from pathlib import Path

import hydra
from omegaconf import DictConfig, OmegaConf

from deeper import cli, paths
from deeper.data.list_folder import prepare_listing
from deeper.data.prepared import LabelledImages, open_set, preparing, read_meta, write_set
from deeper.data.released_files import DIGESTS, Layout, gather
from deeper.data.splits import RULE
from deeper.errors import DeeperError
from deeper.files import scratch_folder
from deeper.schema.prepare import check_set


def prepare(data: DictConfig) -> str:
    """Make the prepared set that ``data`` (a composed conf/data/*.yaml) describes and say what was done.

    A set that is there, whole, and made from the same files is left alone.

    Raises:
        DeeperError: no source delivers the files, they are not the ones the configuration names, a folder of pictures
            cannot be listed, or the set cannot be written.
    """
    settings = OmegaConf.to_container(data, resolve=True)
    check_set(settings)
    folder = paths.folder("data.root", data.root) / paths.folder("data.name", data.name)
    if data.get("streamed"):
        with preparing(folder, "data.root"):
            return prepare_listing(folder, settings)
    layout = Layout(**OmegaConf.to_container(data.layout, resolve=True))
    with preparing(folder, "data.root"):
        why = _why_rebuild(folder, data, layout)
        if why is None:
            return f"{_summary(folder, read_meta(folder))}: already prepared and verified, nothing to do"
        with scratch_folder(folder) as scratch:
            routes = [hydra.utils.instantiate(route) for route in data.routes]
            gathered = gather(data.name, layout, routes, scratch, data.folder)
        images = hydra.utils.instantiate(data.reader, _partial_=True, _convert_="all")(gathered.content)
        _check_shape(data, images)
        meta = write_set(folder, data.name, images, data.held_out, gathered.facts)
    known = sum(any(kind in facts for kind in DIGESTS) for facts in layout.files.values())
    agree = (
        "digests agree" if known == len(layout.files) else f"digests are known of {known} of {len(layout.files)} files"
    )
    return f"{why}{_summary(folder, meta)}\nsource: {gathered.route}; {agree}"


def _why_rebuild(folder: Path, data: DictConfig, layout: Layout) -> str | None:
    """The line that says why a set is made again, "" where there is none yet; None where it is whole and the same."""
    if not folder.exists():
        return ""
    try:
        meta = open_set(folder).meta
    except DeeperError as error:
        return f"rebuilt, because {str(error).partition(';')[0]}\n"
    start, stop = meta["splits"]["validation"]
    same_files = layout.files.keys() == meta["source"].keys() and all(
        dict(facts).items() <= meta["source"][name].items() for name, facts in layout.files.items()
    )
    same_split = meta["validation"]["rule"] == RULE and stop - start == data.held_out
    if same_files and same_split:
        return None
    return "rebuilt, because the configuration names other files or another validation split\n"


def _check_shape(data: DictConfig, images: LabelledImages) -> None:
    actual = (len(images.classes), images.train_images.shape[3], *images.train_images.shape[1:3])
    expected = (data.classes, data.channels, data.size, data.size)
    if actual != expected:
        raise DeeperError(
            f"{data.name}: classes, channels, height, width should be {expected}, the files have {actual}"
        )


def _summary(folder: Path, meta: dict) -> str:
    counts = ", ".join(f"{stop - start} {name}" for name, (start, stop) in meta["splits"].items())
    return f"{folder}: {counts} images of {'x'.join(map(str, meta['image_shape']))}, {len(meta['classes'])} classes"


@hydra.main(version_base="1.3", config_path=str(paths.CONF), config_name="prepare")
@cli.task
def main(config: DictConfig) -> None:
    print(prepare(config.data))


if __name__ == "__main__":
    cli.run(main)
