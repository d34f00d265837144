"""A finished trial loaded from a notebook."""

import copy
import dataclasses
import json
import shutil
import subprocess
import sys

import deep_pictures
import numpy as np
import photographs
import pytest
import synthetic
import timm.data
import torch
import transfers
from hydra import compose, initialize_config_dir
from PIL import Image
from trials import job, train

import deeper
from deeper.api import exporting
from deeper.api.preprocessing import PicturePreprocessing
from deeper.data.listing import open_listing
from deeper.data.prepared import open_set
from deeper.errors import DeeperError
from deeper.paths import CONF
from deeper.prepare import prepare
from deeper.run.jobs import make_job
from deeper.run.store import PREDICTIONS
from deeper.schema.results import sealed

NETWORK = ("model=resnet20", "model.depth=8", "training.epochs=1", "data.image_size=14")


@pytest.fixture(scope="module")
def finished(root, tmp_path_factory):
    return train(job(root, tmp_path_factory.mktemp("store"), *NETWORK))


@pytest.fixture(scope="module")
def loaded(finished):
    return deeper.load(finished.trial, store=finished.path.parent)


def test_predictions_of_the_test_pictures_are_the_stored_ones_to_the_bit(finished, loaded, root):
    pictures, labels = open_set(root / "fashion_mnist").split("test")
    stored = np.load(finished / PREDICTIONS)
    said = loaded.predict(np.array(pictures))
    assert (said == stored["logits"]).all()
    assert (said.argmax(1) != labels).mean() == pytest.approx(loaded.record["metrics"]["test_error"])
    assert said.shape[1] == len(loaded.classes)


def test_timm_is_told_what_the_network_was_trained_on(loaded):
    told = timm.data.resolve_data_config(model=loaded.network)
    assert told["input_size"] == (1, 14, 14)
    assert (told["mean"], told["std"]) == (loaded.preprocessing.mean, loaded.preprocessing.std)
    assert (told["crop_pct"], told["interpolation"]) == (1.0, "bilinear")
    assert loaded.network.pretrained_cfg["label_names"] == loaded.classes


def test_files_and_pillow_s_images_go_the_same_way_as_arrays(loaded, root, tmp_path):
    pictures = np.array(open_set(root / "fashion_mnist").split("test")[0][:3])
    images = [Image.fromarray(picture[..., 0]) for picture in pictures]
    images[0].save(tmp_path / "first.png")
    seen = loaded.preprocessing([tmp_path / "first.png", *images[1:]])
    assert seen.shape == (3, 1, 14, 14)
    torch.testing.assert_close(seen, loaded.preprocessing(pictures))
    torch.testing.assert_close(seen, loaded.preprocessing(pictures[..., 0]))
    assert loaded.preprocessing([Image.new("RGB", (300, 200), "red")]).shape == (1, 1, 14, 14)


@pytest.mark.parametrize("pictures", [np.zeros((2, 28, 28), np.float32), np.zeros((2, 30, 30), np.uint8)])
def test_an_array_that_the_network_does_not_take_is_one_line(loaded, pictures):
    with pytest.raises(DeeperError, match=r"the network takes uint8 \(N, 28, 28, 1\)"):
        loaded.predict(pictures)


def test_one_picture_is_a_list_of_one_and_none_is_one_line(loaded, tmp_path):
    Image.new("RGB", (40, 30), "red").save(tmp_path / "red.png")
    one = loaded.predict(tmp_path / "red.png")
    assert one.shape == (1, 10)
    assert np.array_equal(one, loaded.predict(str(tmp_path / "red.png")))
    for none in ([], np.zeros((0, 28, 28), np.uint8)):
        with pytest.raises(DeeperError, match="there are no pictures; name one or more"):
            loaded.predict(none)


OTHERS = {
    "a list of arrays": ([np.zeros((28, 28), np.uint8)] * 2, "ndarray"),
    "a tensor": (torch.zeros(2, 28, 28), "Tensor"),
    "a list of tensors": ([torch.zeros(28, 28)], "Tensor"),
    "None": (None, "NoneType"),
    "a None among files": (["x.png", None], "NoneType"),
}


@pytest.mark.parametrize("pictures", OTHERS)
def test_what_is_no_picture_is_one_line(loaded, pictures):
    given, kind = OTHERS[pictures]
    words = rf"a picture cannot be of type {kind}; name files .* one uint8 array .*numpy\.stack"
    from_disk = PicturePreprocessing({}, 3, 16)
    for takes in (loaded.predict, loaded.preprocessing, from_disk):
        with pytest.raises(DeeperError, match=words):
            takes(given)


def test_files_may_come_one_after_another(loaded, tmp_path):
    for name in ("one", "other"):
        Image.new("RGB", (40, 30), "red").save(tmp_path / f"{name}.png")
    assert loaded.predict(tmp_path.glob("*.png")).shape == (2, 10)


def test_a_file_that_is_no_picture_is_one_line(loaded, tmp_path):
    (tmp_path / "x.png").write_text("no picture")
    with pytest.raises(DeeperError, match="the picture cannot be read"):
        loaded.predict([tmp_path / "x.png"])


def test_one_that_started_from_another_is_loaded_from_a_copy_of_the_store(finished, root, tmp_path):
    """Neither the store nor the pictures are where they were."""
    place = tmp_path / "place"
    shutil.copytree(finished.path, place / "trials" / finished.trial)
    backbone = ("transfer/backbone=trial", f"transfer.backbone.trial={finished.trial}", "augment.pad=1")
    tuned = ("transfer/mode=finetune", "training.epochs=1")
    home = train(transfers.job(place, transfers.draw(tmp_path / "pictures"), *backbone, *tuned))
    place.rename(tmp_path / "moved")
    store, sets = tmp_path / "moved" / "trials", tmp_path / "moved" / "sets"
    found = deeper.load(home.trial, store=store, data_root=sets)
    pictures = np.array(open_set(sets / "folder").split("test")[0])
    assert (found.predict(pictures) == np.load(store / home.trial / PREDICTIONS)["logits"]).all()


def test_a_trial_that_is_not_there_is_one_line(tmp_path):
    with pytest.raises(DeeperError, match="there is no finished trial abc"):
        deeper.load("abc", store=tmp_path)
    with pytest.raises(DeeperError, match="name a trial"):
        deeper.load(study="dense")
    with pytest.raises(DeeperError, match=r'a trial is named by its id, a text: deeper\.load\("7"\)'):
        deeper.load(7)
    for said, words in (({"seed": 3}, "seed=3"), ({"study": "x", "arm": "y"}, "study='x'"), ({"arm": "y"}, "arm='y'")):
        with pytest.raises(DeeperError, match=f"^{words}: abc is a trial's id, which says all; leave {words} away"):
            deeper.load("abc", store=tmp_path, **said)
    with pytest.raises(DeeperError, match=r"x\.json cannot be read"):
        deeper.load(study="x", arm="y", results=tmp_path)
    (tmp_path / "x.json").write_text(json.dumps(sealed(synthetic.results(seeds=4, epochs=2, name="x"))))
    with pytest.raises(DeeperError, match="arm 'plain57' is not among the arms of x; did you mean 'plain56'"):
        deeper.load(study="x", arm="plain57", results=tmp_path)


@pytest.mark.parametrize("ending", ["safetensors", "pt2"])
def test_an_exported_network_says_the_same(loaded, tmp_path, ending):
    path = loaded.export(tmp_path / f"net.{ending}")
    about = json.loads((tmp_path / f"net.{ending}.json").read_text())
    assert about["trial"] == loaded.id
    assert about["preprocessing"]["image_size"] == 14
    pictures = torch.randn(5, 1, 14, 14)
    if ending == "pt2":
        said = torch.export.load(path).module()(pictures)
        torch.testing.assert_close(said, loaded.network(pictures), atol=1e-5, rtol=1e-5)
    else:
        from safetensors.torch import load_file

        for name, tensor in loaded.network.state_dict().items():
            assert torch.equal(load_file(path)[name], tensor)


@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16, torch.float64])
def test_a_network_in_other_numbers_is_exported_in_them(loaded, tmp_path, kind):
    other = dataclasses.replace(loaded, network=copy.deepcopy(loaded.network).to(kind))
    path = other.export(tmp_path / "net.pt2")
    pictures = torch.randn(3, 1, 14, 14).to(kind)
    said = torch.export.load(path).module()(pictures)
    assert said.dtype == kind
    torch.testing.assert_close(said, other.network(pictures), atol=0.05, rtol=0.05)


def test_an_export_that_cannot_be_written_is_one_line_and_leaves_nothing(loaded, tmp_path):
    (tmp_path / "file").write_text("x")
    for place in ("none", "file"):
        with pytest.raises(DeeperError, match=rf"{place}/net\.safetensors cannot be written \(.+\); name another"):
            loaded.export(tmp_path / place / "net.safetensors")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_an_export_that_fails_leaves_what_was_there(loaded, tmp_path, monkeypatch):
    path = loaded.export(tmp_path / "net.pt2")
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    monkeypatch.setattr(torch, "allclose", lambda *args, **tolerances: False)
    with pytest.raises(DeeperError, match="says something else than the network"):
        loaded.export(path)

    def full(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.undo()
    monkeypatch.setattr("os.replace", full)
    with pytest.raises(DeeperError, match="No space left on device"):
        loaded.export(path)
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == before

    monkeypatch.undo()
    monkeypatch.setattr(exporting, "write_bytes", full)  # of the network alone: what is said of it is small
    with pytest.raises(DeeperError, match=r"other\.safetensors cannot be written \(No space left on device"):
        loaded.export(tmp_path / "other.safetensors")
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == before


def test_an_export_of_another_ending_says_which_there_are(loaded, tmp_path):
    with pytest.raises(DeeperError, match=r"must end in \.safetensors, \.pt2, \.onnx"):
        loaded.export(tmp_path / "net.h5")


def test_it_works_from_standard_input(finished):
    program = f"import deeper\nprint(deeper.load({finished.trial!r}, store={str(finished.path.parent)!r}).id)\n"
    done = subprocess.run([sys.executable, "-"], input=program, capture_output=True, text=True)
    assert done.stdout.strip() == finished.trial, done.stderr


VIEWS = {
    "one": "augment.test=null",
    "ten": "augment.test=[{_target_: deeper.data.transforms.Middle, size: 20}, "
    "{_target_: torchvision.transforms.v2.TenCrop, size: 16}]",
    "dense": "augment.test=[{_target_: deeper.data.transforms.WholePicture, sides: [24, 16]}]",
}


def on_disk(place, folder):
    """What trains a network on pictures from disk, tested as a name of ``VIEWS`` says; and the test files."""
    with initialize_config_dir(version_base="1.3", config_dir=str(CONF)):
        prepare(compose("prepare", ["data=folder", f"data.folder={folder}", f"data.root={place / 'sets'}"]).data)

    def trained(views):
        small = ["model=resnet20", "model.depth=8", "model.width=4", "data.image_size=16", "trainer.accelerator=cpu"]
        small += ["data.train_size=null", "data.validation_size=null", "training.epochs=1", "training.batch_size=10"]
        small += ["training.evaluation_batch_size=7", "logger=none", "runtime.workers=0", VIEWS[views]]
        words = [
            "data=folder",
            "augment=resized_crop",
            *small,
            f"data.root={place / 'sets'}",
            f"store={place / 'store'}",
        ]
        with initialize_config_dir(version_base="1.3", config_dir=str(CONF)):
            return train(make_job(compose("train", words)))

    listing = open_listing(place / "sets" / "folder", None)
    return trained, [listing.path(row) for row in listing.rows("test")]


@pytest.fixture(scope="module")
def disk(tmp_path_factory):
    place = tmp_path_factory.mktemp("disk")
    return on_disk(place, photographs.write(place / "pictures"))


@pytest.mark.parametrize("views", VIEWS)
def test_a_network_that_was_trained_on_pictures_from_disk_predicts_what_is_stored_to_the_bit(disk, views, tmp_path):
    trained, files = disk
    home = trained(views)
    found = deeper.load(home.trial, store=home.path.parent)
    stored = np.load(home / PREDICTIONS)
    assert (found.predict(files) == stored["logits"]).all()
    assert found.classes == ("n00000000", "n00000001", "n00000002")
    assert found.preprocessing(files[:2]).shape == (2, 3, 16, 16)
    image = Image.open(files[0])
    assert np.allclose(found.predict(image), stored["logits"][:1], atol=0.2)  # decoded by Pillow, not as in training
    found.export(tmp_path / "network.safetensors")
    about = json.loads((tmp_path / "network.safetensors.json").read_text())
    assert about["preprocessing"]["augment"]["evaluation"][0]["share"] == 0.875


@pytest.mark.parametrize("kind", deep_pictures.WHITE)
def test_deep_pictures_from_disk_are_predicted_as_stored_to_the_bit(kind, tmp_path):
    trained, files = on_disk(tmp_path, deep_pictures.write(tmp_path / "pictures", kind))
    home = trained("one")
    found = deeper.load(home.trial, store=home.path.parent)
    stored = np.load(home / PREDICTIONS)["logits"]
    assert (found.predict(files) == stored).all()
    assert (found.predict([Image.open(file) for file in files]) == stored).all()
    assert found.preprocessing.about()["white"] == {kind: deep_pictures.WHITE[kind]}


def transferred(root, folder, *overrides):
    """A small network fine-tuned on a folder, the files of its test part, and its stored logits."""
    small = ("transfer/mode=finetune", "training.epochs=1", *(overrides or transfers.TIMM))
    home = train(transfers.job(root, folder, *small))
    names = json.loads((root / "sets" / "folder" / "names.json").read_text())
    start, stop = open_set(root / "sets" / "folder").meta["splits"]["test"]
    files = [folder / name for name in names[start:stop]]
    return deeper.load(home.trial, store=home.path.parent), files, np.load(home / PREDICTIONS)["logits"]


@pytest.mark.parametrize("kind", deep_pictures.WHITE)
def test_deep_pictures_of_a_target_set_are_predicted_as_stored_to_the_bit(kind, tmp_path):
    folder = deep_pictures.write(tmp_path / "pictures", kind)
    found, files, stored = transferred(tmp_path, folder)
    assert (found.predict(files) == stored).all()
    assert (found.predict([Image.open(file) for file in files]) == stored).all()
    found.export(tmp_path / "network.safetensors")
    about = json.loads((tmp_path / "network.safetensors.json").read_text())
    assert about["preprocessing"]["white"] == {kind: deep_pictures.WHITE[kind]}


def test_colours_that_a_grey_network_saw_are_predicted_as_stored_to_the_bit(finished, tmp_path):
    folder = transfers.draw(tmp_path / "pictures")
    backbone = ("transfer/backbone=trial", f"transfer.backbone.trial={finished.trial}", f"store={finished.path.parent}")
    found, files, stored = transferred(tmp_path, folder, *backbone)
    assert found.preprocessing.channels == 1
    assert (found.predict(files) == stored).all()


def test_deep_pictures_that_a_network_s_set_had_none_of_are_refused(loaded, tmp_path):
    Image.fromarray(np.full((28, 28), 2000, np.uint16)).save(tmp_path / "deep.png")
    for picture in (tmp_path / "deep.png", Image.open(tmp_path / "deep.png")):
        with pytest.raises(DeeperError, match="cannot be read: it is grey with more than 8 bits, and its set"):
            loaded.predict(picture)


def test_pictures_from_disk_that_cannot_be_read_are_one_line(disk, tmp_path):
    trained, _ = disk
    home = trained("one")
    found = deeper.load(home.trial, store=home.path.parent)
    (tmp_path / "broken.jpg").write_bytes(b"no picture")
    with pytest.raises(DeeperError, match=r"broken\.jpg: the picture cannot be read"):
        found.predict([tmp_path / "broken.jpg"])
    with pytest.raises(DeeperError, match=r"gone\.jpg: the picture cannot be read: No such file"):
        found.predict([tmp_path / "gone.jpg"])
    with pytest.raises(DeeperError, match=r"the network takes uint8 \(N, H, W, 3\)"):
        found.predict(np.zeros((2, 30, 30), np.uint8))
    with pytest.raises(DeeperError, match="there are no pictures"):
        found.predict([])
    assert found.predict(np.zeros((2, 30, 40, 3), np.uint8)).shape == (2, 3)
