"""What holds of trials wherever they run: on a GPU where there is one (``make gpu``), else on the CPU."""

import random
import time

import numpy as np
import photographs
import pytest
import torch
from hydra import compose, initialize_config_dir
from torch.nn.parallel import DistributedDataParallel
from trials import SMALL, finish, job, prepare, start, train

from deeper.models.residual import ResidualNetwork
from deeper.paths import CONF
from deeper.prepare import prepare as prepare_set
from deeper.run.jobs import make_job
from deeper.run.store import PREDICTIONS, WEIGHTS

ON = "trainer.accelerator=auto"


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return prepare(tmp_path_factory.mktemp("data"))


def test_trials_run_on_the_gpu_that_torch_has(root, tmp_path):
    wanted = "gpu" if torch.cuda.is_available() else "cpu"
    assert job(root, tmp_path, ON)["config"]["trainer"]["accelerator"] == wanted


def bits(home):
    return (home / WEIGHTS).read_bytes(), (home / PREDICTIONS).read_bytes()


def test_the_same_trial_twice_gives_the_same_bits(root, tmp_path):
    one, other = (train(job(root, tmp_path / name, ON, "model.dropout=0.2")) for name in ("one", "other"))
    assert bits(one) == bits(other)


def test_killed_and_resumed_it_ends_in_the_same_bits(root, tmp_path):
    long = (ON, "model.dropout=0.2", "training.epochs=30")
    began = time.monotonic()
    whole = train(job(root, tmp_path / "whole", *long))
    seconds, chance = time.monotonic() - began, random.Random(0)
    a_job, deaths = job(root, tmp_path / "killed", *long), 0
    for _ in range(5):
        running, _ = start(a_job)
        running.ranks[0].join(chance.uniform(0.3, 0.6) * seconds)
        deaths += running.ranks[0].exitcode is None
        running.kill()
    assert deaths >= 1
    assert bits(train(a_job)) == bits(whole)


@pytest.mark.parametrize("precision", ["bf16-mixed", "64-true"])
def test_it_learns_in_other_precisions(root, tmp_path, precision):
    home = train(job(root, tmp_path, ON, f"trainer.precision={precision}", "training.epochs=30"))
    assert home.record()["metrics"]["train_error"] < 0.5


def test_channels_last_computes_the_same(root, tmp_path):
    losses = []
    for last in ("true", "false"):
        options = (ON, "trainer.precision=64-true", f"trainer.channels_last={last}", "training.epochs=1")
        losses.append(train(job(root, tmp_path / last, *options)).record()["metrics"]["train_loss"])
    assert losses[0] == pytest.approx(losses[1], rel=1e-6)


def test_four_trials_side_by_side_have_the_bits_of_each_alone(root, tmp_path):
    jobs = [job(root, tmp_path / "together", ON, f"seed={seed}") for seed in range(4)]
    running = [start(one) for one in jobs]
    for one, _ in running:
        assert finish(one) == 0
    alone = [train(job(root, tmp_path / "alone", ON, f"seed={seed}")) for seed in range(4)]
    assert [bits(home) for _, home in running] == [bits(home) for home in alone]


def test_one_rank_of_ddp_computes_what_no_ddp_does(tmp_path):
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    backend = "nccl" if device.type == "cuda" else "gloo"
    torch.backends.cudnn.deterministic = True  # else two backward passes may add in two orders
    torch.distributed.init_process_group(backend, init_method=f"file://{tmp_path}/meet", rank=0, world_size=1)
    try:
        images, labels = torch.randn(8, 1, 14, 14, device=device), torch.arange(8, device=device)
        gradients = []
        for wrapped in (False, True):
            torch.manual_seed(0)
            network = ResidualNetwork(depth=8, width=4, in_chans=1).to(device)
            outer = DistributedDataParallel(network) if wrapped else network
            torch.nn.functional.cross_entropy(outer(images), labels).backward()
            gradients.append([parameter.grad.clone() for parameter in network.parameters()])
        assert all(torch.equal(one, other) for one, other in zip(*gradients, strict=True))
    finally:
        torch.distributed.destroy_process_group()


def test_a_folder_of_pictures_gives_the_same_bits_with_any_number_of_workers(tmp_path):
    photographs.write(tmp_path / "pictures")
    place = (f"data.folder={tmp_path / 'pictures'}", f"data.root={tmp_path / 'sets'}")
    with initialize_config_dir(version_base="1.3", config_dir=str(CONF)):
        prepare_set(compose("prepare", ["data=folder", *place, "data.held_out=6"]).data)
        small = [word for word in SMALL if not word.startswith(("data.", "augment.", "trainer.accelerator"))]
        streamed = ["data=folder", "augment=resized_crop", "data.image_size=16", "data.train_size=null"]
        streamed += ["data.validation_size=null", "training.batch_size=10", ON]
        jobs = [
            make_job(
                compose("train", [*small, *streamed, *place, f"store={tmp_path / str(n)}", f"runtime.workers={n}"])
            )
            for n in (0, 2)
        ]
    one, other = map(train, jobs)
    assert bits(one) == bits(other)
    assert len(set(np.load(one / PREDICTIONS)["labels"])) == 3
