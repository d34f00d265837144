"""Transfer as a user calls it: official sets from their own formats, mistakes, studies."""

import json
import os
import subprocess
import sys

import numpy as np
import official_sets as official
import pytest
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf
from transfers import TIMM, composed, draw
from trials import train

from deeper.data import prepared as arrays
from deeper.data.targets.multilabel import DIFFICULT
from deeper.errors import DeeperError
from deeper.fit.scores import METRICS, map_voc2007
from deeper.paths import CONF, ROOT
from deeper.reporting import published_numbers
from deeper.run import transfer_jobs
from deeper.run.jobs import make_job
from deeper.run.store import PREDICTIONS
from deeper.study import arms as study_arms
from deeper.study.rates import read_rates

SETS = {
    "cub": (official.write_cub, {"classes": 3, "train": 6, "test": 2}, 3, {"train": 18, "test": 6}),
    "cars": (official.write_cars, {"classes": 3, "train": 6, "test": 2}, 3, {"train": 18, "test": 6}),
    "aircraft": (official.write_aircraft, {"classes": 4, "train": 6, "test": 2}, 4, {"train": 24, "test": 8}),
    "caltech101": (official.write_caltech101, {"classes": 3, "images": 9}, 3, {"train": 18, "test": 9}),
}


def official_job(name, root, folder, classes, counts, *overrides):
    """A job on a small set in an official format; numbers that are those of the whole release are replaced."""
    own = ["transfer.target.reader.train=6"] if name == "caltech101" else []
    sizes = [f"transfer.target.classes={classes}", *(f"transfer.target.counts.{p}={n}" for p, n in counts.items())]
    place = f"transfer.target.path={folder}"
    return make_job(composed(root, f"transfer/target={name}", place, *sizes, *own, *TIMM, *overrides))


@pytest.mark.parametrize("name", SETS)
def test_an_official_set_goes_from_its_release_to_a_result(tmp_path, name):
    write, arguments, classes, counts = SETS[name]
    write(tmp_path / "release", **arguments)
    a_job = official_job(name, tmp_path, tmp_path / "release", classes, counts)
    prepared = arrays.open_set(tmp_path / "sets" / name)
    start, stop = prepared.meta["splits"]["test"]
    assert (start, stop - start) == (counts["train"], counts["test"])
    for image, label in zip(prepared.images, prepared.labels, strict=True):
        assert official.seen(image, classes) == label
    home = train(a_job)
    kept = np.load(home / PREDICTIONS)
    metric = METRICS[a_job["config"]["transfer"]["target"]["metric"]]
    assert home.record()["metrics"]["test_error"] == 1 - metric(kept["logits"], kept["labels"])


@pytest.mark.parametrize("mode", ["frozen", "finetune"])
def test_several_objects_a_picture_are_judged_by_their_mean_average_precision(tmp_path, mode):
    folder = tmp_path / "release"
    official.write_voc2007(folder, trainval=official.scenes(3, 8), test=official.scenes(3, 3))
    overrides = (f"transfer/mode={mode}", "transfer.mode.pretrained=false")
    a_job = official_job("voc2007", tmp_path, folder, 20, {"train": "null", "test": "null"}, *overrides)
    home = train(a_job)
    kept, metrics = np.load(home / PREDICTIONS), home.record()["metrics"]
    assert kept["logits"].shape[1] == 20
    assert metrics["test_error"] == pytest.approx(1 - map_voc2007(kept["logits"], kept["labels"]))
    assert (kept["labels"] >= 1 << DIFFICULT).any()
    assert metrics["validation_error"] is not None


def test_pictures_that_cannot_be_decoded_are_left_out_and_said(tmp_path, capsys):
    folder = draw(tmp_path / "pictures")
    damaged = folder / "kind 2/03.png"
    damaged.write_bytes(damaged.read_bytes()[:300])
    make_job(composed(tmp_path, "transfer/target=folder", f"transfer.target.path={folder}", *TIMM))
    said = capsys.readouterr().err
    assert "left out 1 that cannot be read: kind 2/03.png" in said
    assert len(arrays.open_set(tmp_path / "sets/folder").labels) == 47


def test_a_set_that_has_changed_its_settings_is_prepared_again(tmp_path, capsys):
    folder = draw(tmp_path / "pictures")
    named = ("transfer/target=folder", f"transfer.target.path={folder}", *TIMM)
    one = make_job(composed(tmp_path, *named))
    assert make_job(composed(tmp_path, *named))["id"] == one["id"]
    assert capsys.readouterr().err.count("preparing folder") == 1
    assert make_job(composed(tmp_path, *named, "transfer.target.size=40"))["data"] != one["data"]


def test_a_folder_of_links_that_has_changed_is_read_again(tmp_path, capsys):
    folder = draw(tmp_path / "pictures")
    (tmp_path / "links").mkdir()
    for category in folder.iterdir():
        (tmp_path / "links" / category.name).symlink_to(category)
    named = ("transfer/target=folder", f"transfer.target.path={tmp_path / 'links'}", *TIMM)
    one = make_job(composed(tmp_path, *named))
    next(folder.glob("*/*.png")).unlink()
    transfer_jobs._ready.cache_clear()
    assert make_job(composed(tmp_path, *named))["data"] != one["data"]
    assert capsys.readouterr().err.count("preparing folder") == 2


def test_a_folder_that_has_changed_is_read_again(tmp_path, capsys):
    folder = draw(tmp_path / "pictures")
    named = ("transfer/target=folder", *TIMM)
    one = make_job(composed(tmp_path, *named, f"transfer.target.path={folder}"))
    assert make_job(composed(tmp_path, *named, f"transfer.target.path={folder}/"))["id"] == one["id"]
    assert capsys.readouterr().err.count("preparing folder") == 1
    transfer_jobs._ready.cache_clear()
    draw(tmp_path / "more", classes=5)
    (tmp_path / "more/kind 4").rename(folder / "kind 4")
    assert make_job(composed(tmp_path, *named, f"transfer.target.path={folder}"))["config"]["data"]["classes"] == 5


def test_a_wrong_count_says_what_to_do(tmp_path):
    write, arguments, classes, counts = SETS["cub"]
    write(tmp_path / "release", **arguments)
    with pytest.raises(DeeperError, match="18 pictures in the train part, 19 expected; see that the folder holds"):
        official_job("cub", tmp_path, tmp_path / "release", classes, {**counts, "train": 19})


def call(folder, *arguments):
    command = [sys.executable, "-m", "deeper.transfer", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, env=dict(os.environ), timeout=300)


def test_a_study_of_a_target_of_ones_own_writes_a_table_and_pictures(tmp_path):
    folder = draw(tmp_path / "pictures")
    line = ["--multirun", "study=transfer_target", "transfer/target=folder", f"transfer.target.path={folder}"]
    line += ["transfer.target.name=mine", "transfer.target.title=Mine", "transfer.target.size=32"]
    line += ["transfer/backbone=timm", "transfer.backbone.name=test_resnet", "transfer.image_size=32"]
    line += [
        "transfer.backbone.model.pretrained=false",
        "logger=none",
        "training.batch_size=8",
        "training.epochs=1",
    ]
    done = call(tmp_path, *line)
    assert done.returncode == 0, done.stderr
    content = json.loads((tmp_path / "results/transfer_mine.json").read_text())
    assert [row["arm"] for row in content["trials"]] == ["frozen"] * 3 + ["finetune"] * 3 + ["scratch"] * 3
    first = content["trials"][0]
    assert first["transfer"]["mode"] == "frozen"
    assert sum(first["confusion"]["tested"]) == 12
    assert content["targets"]["mine"]["classes"] == [f"kind {n}" for n in range(4)]
    pairs = json.loads((tmp_path / "results/transfer_mine/mine.json").read_text())
    strips = {path.name for path in (tmp_path / "results/transfer_mine").glob("*.png")}
    assert strips == {f"mine-{label}.png" for pair in pairs for label in pair}
    again = call(tmp_path, *line, "transfer.target.licence=for research", "results=licensed")
    assert "9 reused" in again.stderr, again.stderr
    assert json.loads((tmp_path / "licensed/transfer_mine.json").read_text())["trials"] == content["trials"]
    assert [path.name for path in (tmp_path / "licensed").iterdir()] == ["transfer_mine.json"]


TUNED = """# @package _global_
hydra: {sweeper: {params: {seed: range(2)}}}
study:
  name: mine
  title: Mine
  question: Which rate?
  page: transfer
  free: [transfer.target, transfer.backbone, transfer.image_size, training]
  arms:
    hog: {set: {transfer/target: folder, transfer/backbone: hog, transfer/mode: frozen}}
    scratch:
      set:
        transfer/target: folder
        transfer/mode: scratch
        transfer/backbone: timm
        transfer.backbone.name: test_resnet
  claims: {}
"""


def test_rates_are_searched_of_networks_that_are_trained_alone(tmp_path):
    (tmp_path / "conf" / "study").mkdir(parents=True)
    (tmp_path / "conf" / "study" / "mine.yaml").write_text(TUNED)
    line = ["--multirun", f"hydra.searchpath=[file://{tmp_path / 'conf'}]", "study=mine", "logger=none"]
    line += [f"transfer.target.path={draw(tmp_path / 'pictures')}", "transfer.target.size=32", "transfer.image_size=32"]
    line += ["transfer.target.name=folder", "training.batch_size=8", "training.epochs=2", "tune=true"]
    done = call(tmp_path, *line)
    assert done.returncode == 0, done.stderr
    path = tmp_path / "conf" / "rates" / "mine.yaml"
    rates = read_rates(path)
    assert list(rates) == ["scratch"]
    found = rates["scratch"]
    assert found.inside
    assert (found.epochs, found.train, found.validation) == (1, 28, 8)
    assert "python -m deeper.transfer --multirun study=mine tune=true" in path.read_text()


@pytest.mark.parametrize(
    ("place", "words"),
    [
        ("null", "error: CUB-200-2011 cannot be fetched by a program; put the release into a folder"),
        ("/no/such/folder", "error: transfer.target.path=/no/such/folder is not a folder; name the one that holds the"),
    ],
)
def test_a_set_that_nothing_leads_to_is_one_line(tmp_path, place, words):
    done = call(tmp_path, "transfer/target=cub", f"transfer.target.path={place}")
    assert done.returncode == 2
    (line,) = done.stderr.strip().splitlines()
    assert line.startswith(words)


@pytest.mark.parametrize(
    "name",
    ["transfer", "transfer_pictures", "transfer_rates", "transfer_target", "transfer_photographs", "record/transfer"],
)
def test_a_study_of_transfer_composes_and_asks_what_there_is(name):
    with initialize_config_dir(str(CONF), version_base="1.3"):
        study = study_arms.study_of(compose("transfer", [f"study={name}"]))
        settings = study_arms.settings(study, "pocket")
        for own in settings.values():
            chosen = [f"{key}={value}" for key, value in own.items() if key != "seed"]
            config = compose("transfer", [f"study={name}", *chosen])
            assert config.transfer.mode.name in own["transfer/mode"]
    published_numbers.select(study, ROOT / "published", name)


def test_the_rates_of_the_study_are_those_that_the_calibration_chose():
    from deeper.reporting import load
    from deeper.reporting.pages import calibration

    chosen = calibration.build(load.read(ROOT / "results/transfer_rates.json")).chosen()
    with initialize_config_dir(str(CONF), version_base="1.3"):
        block = OmegaConf.to_container(compose("transfer", ["study=transfer"]).study, resolve=True)
    used = {}
    for arm in block["arms"].values():
        own = arm["set"]
        if own["transfer/mode"] != "frozen":
            used.setdefault(f"{own['transfer/target']} {own['transfer/mode']}", set()).add(own["recipe.lr"])
    assert used == {who: {rate} for who, rate in chosen.items()}
