"""Measurements on finished trials."""

import json
import os
import shutil
import signal

import pytest
from trials import composed, job, train

from deeper.errors import DeeperError
from deeper.run import identity, slots, store
from deeper.run import measurements as probing
from deeper.run.slots import Display, Sweep, TrialFailed
from deeper.study import arms as study_arms
from deeper.study import table as study

LESION = {"of": "deeper.probes.lesion.probe", "images": 20, "draws": 1, "most": 1}


@pytest.fixture(scope="module")
def home(root, tmp_path_factory):
    return train(job(root, tmp_path_factory.mktemp("store"), "training.epochs=1"))


def test_measured_once_and_kept(home, capfd):
    probing.run([(home, {"lesion": LESION})] * 2, slots=1)
    assert "1 measured" in capfd.readouterr().err
    kept = probing.found(home, {"lesion": LESION})["lesion"]
    assert kept["value"]["units"] == ["stages.0.0", "stages.1.0", "stages.2.0"]
    path = probing.place(home, "lesion", LESION)
    before = path.stat().st_mtime_ns
    probing.run([(home, {"lesion": LESION})], slots=1)
    assert path.stat().st_mtime_ns == before
    assert capfd.readouterr().err == ""


def test_a_measurement_that_was_changed_is_made_again(home, capfd):
    spec = {"lesion": {**LESION, "images": 17}}
    probing.run([(home, spec)], slots=1)
    path = probing.place(home, "lesion", spec["lesion"])
    measured = json.loads(path.read_text())
    older = {key: value for key, value in measured.items() if key != "digest"} | {"whole": 0.5}
    path.write_text(json.dumps(older))
    assert probing.found(home, spec)["lesion"]["value"] == older, "from before digests were kept"
    path.write_text(json.dumps(measured | {"whole": 0.5}))
    capfd.readouterr()
    assert probing.found(home, spec) == {}
    assert f"warning: {path} is not what was written and is not believed" in capfd.readouterr().err
    probing.run([(home, spec)], slots=1)
    assert json.loads(path.read_text()) == measured


def test_other_settings_are_another_measurement(home):
    assert probing.found(home, {"lesion": {**LESION, "draws": 2}}) == {}
    assert probing.key("a", LESION) != probing.key("b", LESION)


def test_the_whole_networks_error_is_that_of_the_trial(home):
    """On all validation images the probe's network is the trained one."""
    spec = {**LESION, "images": 40}
    probing.run([(home, {"whole": spec})], slots=1)
    last = json.loads((home / "curves.jsonl").read_text().splitlines()[-1])
    assert probing.found(home, {"whole": spec})["whole"]["value"]["whole"] == last["validation_error"]


def test_old_probes_keep_their_keys(home):
    """What other settings would add to the digest is not in it."""
    assert probing.key("a", LESION) == identity.measurement_key("a", LESION)
    assert probing.key("a", {**LESION, "arms": ["plain20"]}) == probing.key("a", LESION)


def test_a_probe_sees_as_many_validation_images_as_it_says(home):
    """The trial's own are 40 of the split's 60."""
    lesion = {"of": LESION["of"], "draws": 1, "most": 1}
    specs = {str(count): {**lesion, "validation": count} for count in (10, 60, None)} | {"own": lesion}
    assert len({probing.key(home.trial, spec) for spec in specs.values()}) == 4
    probing.run([(home, specs)], slots=1)
    found = {name: one["value"]["whole"] for name, one in probing.found(home, specs).items()}
    for name, count in {"10": 10, "60": 60, "None": 60, "own": 40}.items():
        assert found[name] * count == pytest.approx(round(found[name] * count))
    assert found["60"] == found["None"]
    last = json.loads((home / "curves.jsonl").read_text().splitlines()[-1])
    assert found["own"] == last["validation_error"]


def test_a_trials_steps_are_timed_when_nothing_else_runs(home):
    alone = {"of": "deeper.probes.step_time.probe", "steps": 2, "rounds": 1, "warmup": 0, "alone": True}
    specs = {"step_time": alone, "lesion": {**LESION, "images": 11}, "other": {**alone, "steps": 1}}
    probing.run([(home, specs)], slots=3)
    made = {name: probing.place(home, name, spec).stat().st_mtime_ns for name, spec in specs.items()}
    assert made["lesion"] < made["step_time"] < made["other"]
    value = probing.found(home, specs)["step_time"]["value"]
    assert (value["batch_size"], value["evaluation_batch_size"], value["threads"]) == (20, 33, 1)
    assert value["step_ms"] > 0


def test_arms_take_turns_at_being_timed_when_all_else_is_done(root, tmp_path):
    """A seed of every arm and then the next: what slows the machine for a while slows all arms alike."""
    config = job(root, tmp_path)["config"]
    specs = {"step_time": {"of": "deeper.probes.step_time.probe", "alone": True}, "lesion": LESION}
    tasks = [
        probing.Measurement({"config": {**config, "seed": seed}, "id": f"{arm}{seed}", "probe": probe}, "")
        for arm in "ab"
        for seed in (10, 9)
        for probe in specs.items()
    ]
    sweep = Sweep(tasks, 2, Display("test"))
    together = sweep._next()
    assert [task.job["probe"][0] for task in together] == ["lesion"] * 4
    for task in together[1:]:
        task.state = "measured"
    together[0].state = "running"
    assert sweep._next() == []
    together[0].state = "failed"
    order = []
    while found := sweep._next():
        (task,) = found
        order.append(task.job["id"])
        task.state = "measured"
    assert order == ["a9", "b9", "a10", "b10"]


def test_one_that_fails_or_is_killed_costs_itself_alone(home, monkeypatch, capfd):
    start = slots.processes.start

    def start_and_kill(a_job, *rest):
        running = start(a_job, *rest)
        if a_job["probe"][0] == "killed":
            os.kill(running.ranks[0].pid, signal.SIGKILL)
        return running

    monkeypatch.setattr(slots.processes, "start", start_and_kill)
    specs = {"killed": {**LESION, "images": 13}, "wrong": {**LESION, "drawz": 1}, "right": {**LESION, "images": 14}}
    with pytest.raises(TrialFailed, match="2 of 3 probes failed"):
        probing.run([(home, specs)], slots=2)
    assert set(probing.found(home, specs)) == {"right"}
    said = capfd.readouterr().err
    assert f"failed: killed on {home.trial}: killed by signal 9" in said
    assert "probes: 1 measured, 2 failed" in said


def test_ctrl_c_ends_what_runs(home, monkeypatch):
    monkeypatch.setattr(Sweep, "_poll", lambda sweep, task: (_ for _ in ()).throw(KeyboardInterrupt))
    ran = []
    monkeypatch.setattr(Display, "close", lambda display, sweep: ran.extend(sweep.tasks))
    with pytest.raises(KeyboardInterrupt):
        probing.run([(home, {"lesion": {**LESION, "images": 15}})], slots=1)
    assert [task.running.ranks[0].is_alive() for task in ran] == [False]


def test_a_store_that_was_moved_is_read_and_written_where_it_is(home, tmp_path):
    """Not where the frozen configuration says that it was."""
    moved = shutil.copytree(home.path, tmp_path / "moved" / home.trial)
    there, spec = store.Home(moved.parent, home.trial), {**LESION, "images": 16}
    probing.run([(there, {"lesion": spec})], slots=1)
    assert probing.found(there, {"lesion": spec})
    assert not probing.found(home, {"lesion": spec})


def test_data_that_was_moved_is_read_where_it_is_and_must_be_the_same(home, root, tmp_path, capfd):
    shutil.copytree(root / "fashion_mnist", tmp_path / "moved" / "fashion_mnist")
    moved = store.Home(shutil.copytree(home.path, tmp_path / "store" / home.trial).parent, home.trial)
    config = json.loads(json.dumps(moved.config()))
    assert moved.config(tmp_path / "moved")["data"] == {**config["data"], "root": str(tmp_path / "moved")}
    spec = {**LESION, "images": 14}
    probing.run([(moved, {"lesion": spec})], slots=1, roots={home.trial: str(tmp_path / "moved")})
    assert probing.found(moved, {"lesion": spec})
    record = moved.record()
    moved.finish({**{key: value for key, value in record.items() if key not in ("id", "files", "digest")}, "data": "x"})
    with pytest.raises(TrialFailed, match=f"trial {home.trial} was trained on other data than is in"):
        probing.run([(moved, {"lesion": {**LESION, "images": 13}})], slots=1)


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ({"of": "os.system"}, "must name a function of deeper.probes"),
        ({"of": "deeper.analysis.nothing.probe"}, "must name a function of deeper.probes"),
        ({"of": "deeper.probes.lesion.nothing"}, "deeper.probes.lesion.nothing has no results version"),
    ],
)
def test_a_probe_that_is_none_is_refused(home, spec, words):
    with pytest.raises(DeeperError, match=words):
        probing.run([(home, {"x": spec})], slots=1)


def test_a_transfer_is_not_measured_as_if_it_were_a_training():
    with pytest.raises(DeeperError, match="probe x: a transfer sees a target set, which no probe reads"):
        probing.train({"config": {"transfer": {}}, "probe": ("x", LESION)}, print)


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ({**LESION, "drawz": 1}, "drawz"),
        ({"of": "deeper.probes.columns.probe"}, "ResidualNetwork has no columns"),
        ({**LESION, "validation": 61}, "choose a size from 10 to 60"),
    ],
)
def test_a_probe_that_fails_says_why(home, spec, words):
    with pytest.raises(TrialFailed, match=words):
        probing.run([(home, {"x": spec})], slots=1)


def lesion_study(root, home, *overrides):
    """A study's configuration of the one trial, which is in the arm resnet20."""
    sizes = ("study.probes.lesion.images=12", "study.probes.lesion.draws=1", "study.probes.lesion.most=1")
    return composed(
        root, home.path.parent, "training.epochs=1", "study=lesion", "++study.arm=resnet20", *sizes, *overrides
    )


@pytest.mark.parametrize(("arms", "measured"), [("[resnet20]", True), ("[plain20]", False)])
def test_a_study_measures_what_is_for_the_trials_arm(root, home, arms, measured):
    config = lesion_study(root, home, f"+study.probes.lesion.arms={arms}")
    study.measure([config], [home.trial], slots=1)
    whole = study_arms.study_of(config)
    alone = whole.model_copy(update={"arms": {"resnet20": whole.arms["resnet20"]}})
    (row,) = study.table(alone, [config], [home.trial])["trials"]
    assert set(row.get("probes", {})) == ({"lesion"} if measured else set())


def test_a_probe_for_an_arm_that_is_none_is_refused_before_anything_is_trained(root, home):
    config = lesion_study(root, home, "+study.probes.lesion.arms=[plain21]")
    with pytest.raises(DeeperError, match=r"probes\.lesion\.arms\.0: 'plain21' is not among the study's arms"):
        study_arms.study_of(config)
