import hashlib
import itertools
import os
import subprocess
import sys
from pathlib import Path

import pytest
import released
import torchvision
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

from deeper.data import prepared as arrays
from deeper.errors import DeeperError
from deeper.paths import CONF, ROOT
from deeper.prepare import prepare

FASHION_MNIST = "da7cf95a222fa0a9988f6bec01bd8009c847ff5f83ddfb1d2a18fdac1a1ca02d"
SETS = {
    "fashion_mnist": (released.idx_files, 20, (40, 20, 20)),
    "cifar10": (released.cifar10_files, 20, (80, 20, 20)),
    "cifar100": (released.cifar100_files, 100, (100, 100, 100)),
}


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def composed(name, *overrides):
    with initialize_config_dir(version_base="1.3", config_dir=str(CONF)):
        return compose("prepare", [f"data={name}", *overrides]).data


@pytest.fixture
def small(tmp_path):
    """The configuration of a small Fashion-MNIST whose files lie in ``tmp_path/files``."""
    files = released.idx_files()
    released.write(tmp_path / "files", files)
    return released.config("fashion_mnist", files, tmp_path / "data", f"data.folder={tmp_path / 'files'}")


@pytest.mark.parametrize("name", SETS)
def test_set_is_prepared_from_a_folder_of_the_user(tmp_path, name):
    make, held_out, counts = SETS[name]
    files = make()
    released.write(tmp_path / "files", files)
    data = released.config(name, files, tmp_path / "data", f"data.folder={tmp_path / 'files'}", held_out=held_out)
    said = prepare(data)
    opened = arrays.open_set(tmp_path / "data" / name)
    assert tuple(len(opened.split(split)[1]) for split in arrays.SPLITS) == counts
    assert opened.meta["image_shape"] == [data.size, data.size, data.channels]
    assert len(opened.meta["classes"]) == data.classes
    assert len(said.splitlines()) == 2
    assert f"{counts[0]} train, {counts[1]} validation, {counts[2]} test" in said
    assert str(tmp_path / "files") in said


def test_bytes_are_the_same_whichever_way_they_came(tmp_path):
    files = released.cifar10_files()
    released.write(tmp_path / "plain" / "cifar-10-batches-py", files)
    released.write(tmp_path / "zipped", files, compress=True)
    released.tar(tmp_path / "tar" / "cifar-10-python.tar.gz", files, "cifar-10-batches-py")
    results = []
    for way in ("plain", "zipped", "tar"):
        prepare(released.config("cifar10", files, tmp_path / f"from {way}", f"data.folder={tmp_path / way}"))
        results.append(contents(tmp_path / f"from {way}" / "cifar10"))
    assert results[0] == results[1] == results[2]


def test_second_time_does_nothing_and_needs_no_source(small, tmp_path):
    prepare(small)
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "data" / "fashion_mnist").iterdir()}
    small.folder = str(tmp_path / "nowhere")
    said = prepare(small)
    assert "already prepared and verified" in said
    assert len(said.splitlines()) == 1
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "data" / "fashion_mnist").iterdir()} == before


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        *itertools.product(["images.npy", "labels.npy", "meta.json"], ["flipped", "truncated"]),
        *itertools.product(["images.npy", "labels.npy"], ["missing"]),
    ],
)
def test_damaged_set_is_rebuilt(small, tmp_path, name, damage):
    prepare(small)
    folder = tmp_path / "data" / "fashion_mnist"
    before = contents(folder)
    data = bytearray(before[name])
    if damage == "missing":
        (folder / name).unlink()
    elif damage == "flipped":
        data[len(data) // 2] ^= 1
        (folder / name).write_bytes(data)
    else:
        (folder / name).write_bytes(data[:-30])
    assert prepare(small).startswith("rebuilt, because ")
    assert contents(folder) == before


def test_the_users_folder_is_never_replaced(small, tmp_path):
    mine = tmp_path / "data" / "fashion_mnist"
    (tmp_path / "files").rename(tmp_path / "away")
    released.write(mine, released.idx_files())
    small.folder = str(mine)
    before = contents(mine)
    with pytest.raises(DeeperError, match=r"is there and is no file of a prepared set, .* choose another root"):
        prepare(small)
    assert contents(mine) == before
    small.folder = str(tmp_path / "away")
    small.name = "trials"
    for name, content in (("images.npy", b"the user's"), ("meta.json", b"{}")):
        released.write(tmp_path / "data" / "trials", {name: content})
        with pytest.raises(DeeperError, match=r"/images\.npy is there"):
            prepare(small)
    small.name = "notes"
    (tmp_path / "data" / "notes").write_text("x")
    with pytest.raises(DeeperError, match="/notes is there"):
        prepare(small)
    assert (tmp_path / "data" / "notes").read_text() == "x"
    (tmp_path / "data" / "empty").mkdir()
    small.name = "empty"
    prepare(small)


def test_a_file_that_was_put_beside_a_set_stays(small, tmp_path):
    prepare(small)
    mine = tmp_path / "data" / "fashion_mnist" / "notes.txt"
    mine.write_text("x")
    assert "nothing to do" in prepare(small)
    small.held_out = 20
    with pytest.raises(DeeperError, match=r"notes\.txt is there and is no file of a prepared set"):
        prepare(small)
    assert mine.read_text() == "x"
    assert arrays.open_set(mine.parent).meta["splits"]["validation"] == [50, 60]
    mine.unlink()
    assert "another validation split" in prepare(small)


def test_damaged_set_stays_where_there_is_nothing_to_rebuild_it_from(small, tmp_path):
    prepare(small)
    folder = tmp_path / "data" / "fashion_mnist"
    (folder / "labels.npy").unlink()
    before = contents(folder)
    (tmp_path / "files" / released.IDX_FILES[0]).unlink()
    with pytest.raises(DeeperError, match="train-images-idx3-ubyte missing in"):
        prepare(small)
    assert contents(folder) == before


def test_set_from_other_files_or_another_split_is_rebuilt(small, tmp_path):
    prepare(small)
    small.held_out = 20
    assert "another validation split" in prepare(small)
    assert arrays.read_meta(tmp_path / "data" / "fashion_mnist")["splits"]["validation"] == [40, 60]
    files = released.idx_files(train=70)
    released.write(tmp_path / "files", files)
    small.layout = released.config("fashion_mnist", files, tmp_path).layout
    assert "other files" in prepare(small)
    assert arrays.read_meta(tmp_path / "data" / "fashion_mnist")["splits"]["test"] == [70, 90]


def test_leftovers_of_a_killed_run_are_cleared_away(small, tmp_path):
    leftover = tmp_path / "data" / ".fashion_mnist.tmp-dead" / "fashion_mnist"
    released.write(leftover, {"images.npy": b"half"})
    prepare(small)
    assert sorted(path.name for path in (tmp_path / "data").iterdir()) == ["fashion_mnist"]


@pytest.mark.parametrize("name", released.IDX_FILES)
@pytest.mark.parametrize("damage", ["flipped", "truncated", "missing"])
def test_damaged_source_leaves_nothing_prepared(small, tmp_path, name, damage):
    path = tmp_path / "files" / name
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    if damage == "missing":
        path.unlink()
    else:
        path.write_bytes(data if damage == "flipped" else data[:-1])
    with pytest.raises(DeeperError, match=f"^{name} "):
        prepare(small)
    assert not (tmp_path / "data").exists()


def test_files_of_another_kind_than_configured_are_refused(small):
    small.size = 32
    with pytest.raises(DeeperError, match=r"should be \(10, 1, 32, 32\), the files have \(10, 1, 28, 28\)"):
        prepare(small)


@pytest.mark.parametrize("inside", ["file", "file/below"])
def test_place_that_cannot_be_written_is_named(small, tmp_path, inside):
    (tmp_path / "file").write_text("")
    small.root = str(tmp_path / inside)
    with pytest.raises(DeeperError, match=r"cannot prepare fashion_mnist in .*data\.root=FOLDER"):
        prepare(small)


def test_full_disk_leaves_nothing_and_says_what_to_do(small, tmp_path, monkeypatch):
    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(DeeperError, match=r"No space left on device .* free space"):
        prepare(small)
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("name", SETS)
def test_every_configuration_has_what_training_reads(name):
    data = released.config(name, SETS[name][0](), "data")
    assert (data.name, data.root, data.folder, data.subset_seed) == (name, "data", None, 0)
    assert (data.train_size, data.validation_size) == (None, None)
    assert data.image_size == data.size == (28 if name == "fashion_mnist" else 32)
    assert data.channels == (1 if name == "fashion_mnist" else 3)
    assert data.classes == (100 if name == "cifar100" else 10)
    OmegaConf.to_container(data, resolve=True, throw_on_missing=True)


@pytest.mark.parametrize("name", ["cifar10", "cifar100"])
def test_cifar_digests_are_torchvisions(name):
    layout = composed(name).layout
    dataset = getattr(torchvision.datasets, name.upper())
    known = dict([*dataset.train_list, *dataset.test_list, (dataset.meta["filename"], dataset.meta["md5"])])
    assert {file: facts.md5 for file, facts in layout.files.items()} == known
    assert (layout.subfolders, layout.archive) == ([dataset.base_folder], dataset.filename)


def test_debian_package_gives_the_published_set_or_a_line_that_helps(tmp_path):
    data = composed("fashion_mnist", f"data.root={tmp_path}")
    data.routes = [route for route in data.routes if "package" in route]
    try:
        said = prepare(data)
    except DeeperError as error:
        said = str(error)
    if said.startswith("no source for fashion_mnist"):
        assert "Debian package dataset-fashion-mnist: " in said
        assert "data.folder=FOLDER" in said
    else:
        assert "55000 train, 5000 validation, 10000 test images of 28x28x1" in said
        assert arrays.open_set(tmp_path / "fashion_mnist").digest == FASHION_MNIST


# --- the command


def command(*arguments, folder):
    line = [sys.executable, "-m", "deeper.prepare", *arguments]
    return subprocess.run(line, cwd=folder, capture_output=True, text=True, timeout=120)


def digests(files):
    for name, content in files.items():
        yield f"data.layout.files.{name}.sha256={hashlib.sha256(content).hexdigest()}"
        yield f"data.layout.files.{name}.bytes={len(content)}"


def test_command_prepares_below_the_current_folder_and_leaves_nothing_else(tmp_path):
    files = released.idx_files()
    released.write(tmp_path / "files", files, compress=True)
    arguments = ["data=fashion_mnist", "data.folder=files", "data.held_out=20", *digests(files)]
    first = command(*arguments, folder=tmp_path)
    assert (first.returncode, first.stderr) == (0, "")
    assert "40 train, 20 validation, 20 test" in first.stdout
    assert "already prepared" in command(*arguments, folder=tmp_path).stdout
    left = {str(Path(path).relative_to(tmp_path)) for path in tmp_path.iterdir()}
    assert left == {"files", "data"}


@pytest.mark.parametrize("size", [-10, 0, "abc"])
def test_a_validation_split_that_cannot_be_leaves_the_set_alone(small, tmp_path, size):
    prepare(small)
    before = contents(tmp_path / "data" / "fashion_mnist")
    small.held_out = size
    with pytest.raises(DeeperError, match=f"data.held_out={size}: it must be a whole number"):
        prepare(small)
    assert contents(tmp_path / "data" / "fashion_mnist") == before


def test_command_ends_with_one_line_and_status_2_on_wrong_bytes(tmp_path):
    released.write(tmp_path / "files", released.idx_files())
    done = command("data.folder=files", folder=tmp_path)
    assert done.returncode == 2
    assert done.stdout == ""
    last = done.stderr.splitlines()[-1]
    assert last.startswith(
        "error: train-images-idx3-ubyte (folder files) is not the released file: sha256 expected c59f"
    )
    assert "Traceback" not in done.stderr


def test_command_composes_without_torch():
    code = "import sys, deeper.prepare; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.stdout == "False\n"


def test_an_empty_folder_is_no_imagenet(tmp_path):
    (tmp_path / "pictures").mkdir()
    data = composed("imagenet", f"data.root={tmp_path / 'data'}", f"data.folder={tmp_path / 'pictures'}")
    with pytest.raises(DeeperError, match="holds pictures of 0 classes"):
        prepare(data)
    assert not (tmp_path / "data" / "imagenet").exists()


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("data.layout.files=3", "data.layout.files=3: it must be a mapping of each file to what is known of it"),
        ("data.layout=none", "data.layout=none: it must be"),
        ("data.layout=null", "data.layout=null: a set that is not listed where it lies needs it"),
        ("data.reader=null", "data.reader=null: a set that is not listed where it lies needs it"),
        ("data.name=../evil", "data.name=../evil: it must be a name without a slash or a point in front"),
        ("data.name=a/b", "data.name=a/b: it must be a name without a slash or a point in front"),
        ("data.routes=[x]", "data.routes.0=x: it must be"),
    ],
)
def test_what_is_said_of_a_set_is_checked_before_anything_is_fetched(tmp_path, override, words):
    with pytest.raises(DeeperError) as caught:
        prepare(composed("fashion_mnist", f"data.root={tmp_path / 'data'}", override))
    assert words in str(caught.value)
    assert not list(tmp_path.iterdir())


def test_only_digests_that_are_known_agree(small):
    for name in list(small.layout.files)[:3]:
        small.layout.files[name] = {}
    assert "digests are known of 1 of 4 files" in prepare(small)


def test_a_folder_where_nothing_can_be_made_is_one_line():
    with pytest.raises(DeeperError, match="cannot prepare fashion_mnist in /proc: No such file or directory"):
        prepare(composed("fashion_mnist", "data.root=/proc"))


def test_a_mistake_in_a_multirun_is_one_line(tmp_path):
    command = [sys.executable, "-m", "deeper.prepare", "--multirun", "data=folder", f"data.root={tmp_path / 'data'}"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr.splitlines() == ["error: folder: name the folder of class folders with data.folder=FOLDER"]
