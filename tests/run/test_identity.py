import textwrap

import pytest
from trials import job

from deeper.run import identity


def ids(root, store, *overrides):
    return job(root, store, *overrides)["id"]


@pytest.mark.parametrize(
    "override",
    [
        "seed=1",
        "optimizer.lr=0.06",
        "training.epochs=4",
        "training.batch_size=10",
        "data.train_size=110",
        "data.image_size=28",
        "data.subset_seed=1",
        "augment.pad=2",
        "schedule=steps",
        "model.shortcut=none",
        "trainer.threads=2",
        "trainer.devices=2",
        "trainer.precision=64-true",
        "trainer.compile=true",
        "trainer.channels_last=false",
    ],
)
def test_what_changes_the_result_is_part_of_the_identity(root, tmp_path, override):
    assert ids(root, tmp_path, override) != ids(root, tmp_path)


@pytest.mark.parametrize(
    "override",
    [
        "logger=wandb_offline",
        "logger.project=other",
        "store=elsewhere",
        "results=elsewhere",
        "study=residual_vs_plain",
        "profile=smoke",
        "runtime.checkpoint_every=2",
        "model.name=other",
        "data.folder=/somewhere",
    ],
)
def test_what_does_not_is_not(root, tmp_path, override):
    assert ids(root, tmp_path, override) == ids(root, tmp_path)


def test_all_images_is_the_same_as_their_number(root, tmp_path):
    assert ids(root, tmp_path, "data.train_size=200") == ids(root, tmp_path, "data.train_size=null")


def test_a_plain_network_is_the_same_by_any_name(root, tmp_path):
    plain = ids(root, tmp_path, "model=plain20", "model.depth=8", "model.width=4")
    assert plain == ids(root, tmp_path, "model.shortcut=none")


def test_data_is_part_of_it(root, tmp_path):
    config = job(root, tmp_path)["config"]
    assert identity.trial_id(config, "a") != identity.trial_id(config, "b")


def test_the_code_that_computes_is_part_of_it_and_nothing_else():
    files, others = identity.closure((identity.ROOT, "deeper.models.residual"))
    assert {"deeper.fit.module", "deeper.data.augment", "deeper.models.residual", "deeper.seeds"} <= set(files)
    strangers = ("report", "sweep", "mirror", "store", "processes", "cost", "study", "claims", "cli", "trial")
    assert not [name for name in files if name.rpartition(".")[2] in strangers]
    assert {"torch", "pytorch_lightning", "numpy"} <= others


def test_relative_imports_and_every_target_are_followed(root, tmp_path):
    path = tmp_path / "a.py"
    path.write_text("from .network import Network\nfrom . import build\nfrom ..data import arrays\n")
    found = identity._imports("deeper.models.a", path)
    assert {"deeper.models.network", "deeper.models.build", "deeper.data.prepared"} <= found
    config = job(root, tmp_path)["config"]
    config["model"]["inner"] = [{"_target_": "deeper.data.cutout.Cutout"}]
    targets = identity._targets(identity.semantic(config))
    assert {"deeper.data.cutout", "deeper.data.augment", "deeper.fit.schedule", "torch.optim"} <= targets


def code_digest(folder, name, text):
    path = folder / name
    path.write_text(textwrap.dedent(text))
    return identity._code_digest(path)


def test_words_about_the_code_are_not_code(tmp_path):
    plain = code_digest(tmp_path, "a.py", "def f(x):\n    return x + 1\n")
    told = '"""A file."""\n\n\ndef f(x):\n    """Add one."""\n    return (x + 1)  # one more\n'
    assert code_digest(tmp_path, "b.py", told) == plain
    assert code_digest(tmp_path, "c.py", "def f(x):\n    return x + 2\n") != plain
