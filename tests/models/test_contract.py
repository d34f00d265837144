"""What every configured network keeps, whatever its family: a new one is tested by having a configuration.

``form`` in a model's file says which input the paper's network takes and which row of published/structure.csv counts
it. ``form.data`` is ``small`` for a small-image form, which must take the suite's small grey images of any size.
"""

import contextlib

import pytest
import torch
import torch.nn.functional as F
from forms import FORMS, NAMES, form
from networks import PAPER, PUBLISHED, config
from torch import nn

from deeper.cost.count import count
from deeper.models.build import build
from deeper.models.timm_contract import TimmContract

SMALL = (12, 14, 28)

TINY = [name for name in NAMES if FORMS[name][0] != "imagenet"]


def inputs(name):
    """(data, channels, classes, size) of every input a network must take."""
    data, size, _ = FORMS[name]
    if data == "small":
        return [("fashion_mnist", 1, 10, small) for small in SMALL]
    classes, channels, usual = PAPER.get(data, (10, 1, 28))
    return [(data, channels, classes, size or usual)]


@contextlib.contextmanager
def device(size):
    """Real tensors where they are the quicker ones: layers of photographs are large, those of small images many.

    Without numbers there is nothing to normalise by: scale and shift give the same shapes and gradients in the same
    places as PyTorch's normalisation, which takes most of the time on the meta device.
    """
    if size <= 32:
        yield
        return
    with torch.device("meta"), pytest.MonkeyPatch.context() as patch:
        patch.setattr(F, "batch_norm", scale_and_shift)
        yield


def scale_and_shift(images, mean, variance, weight=None, bias=None, *_, **__):
    if weight is None:
        return images.clone()
    shape = (1, -1, *(1 for _ in images.shape[2:]))
    return images * weight.view(shape) + bias.view(shape)


def outputs(classifier):
    return classifier.out_channels if isinstance(classifier, nn.Conv2d) else classifier.out_features


def logits(output):
    return output if isinstance(output, tuple) else (output,)


@pytest.mark.parametrize("name", NAMES)
def test_the_contract(name):
    """Shapes of features, head and logits; a classifier that can be replaced."""
    assert config(name)["form"] == form(name)
    for data, channels, classes, size in inputs(name):
        with device(size):
            network = build(config(name, data)).eval()
            images = torch.ones(2, channels, size, size)
            features = network.forward_features(images)
            assert features.shape[:2] == (2, network.num_features)
            assert network.forward_head(features).shape == network(images).shape == (2, classes)
            hidden = getattr(network, "head_hidden_size", network.num_features)
            assert network.forward_head(features, pre_logits=True).shape == (2, hidden)
            network.reset_classifier(7)
            assert network.forward_head(features).shape == (2, 7)


@pytest.mark.parametrize("name", NAMES)
def test_timm_s_names_for_classifier_stages_and_input(name):
    """Every network's stages are maps of their channels and sizes, and the picture that it names is one it takes."""
    data, channels, classes, size = inputs(name)[-1]
    with device(size):
        network = build(config(name, data)).eval()
        images = torch.ones(2, channels, size, size)
        final, maps = network.forward_intermediates(images)
        assert final.shape[:2] == (2, network.num_features)
        for stage, found in zip(network.feature_info, maps, strict=True):
            assert found.shape[:2] == (2, stage["num_chs"])
            assert size / found.shape[2] == pytest.approx(stage["reduction"], rel=0.42)
        sizes = [stage["reduction"] for stage in network.feature_info]
        assert sizes == sorted(sizes)
        assert outputs(network.get_classifier()) == classes
        network.reset_classifier(7)
        assert outputs(network.get_classifier()) == 7
    told = network.pretrained_cfg
    if isinstance(network, TimmContract):
        assert told["input_size"] == (channels, size, size)
        assert network.get_submodule(told["first_conv"]).in_channels == channels
        assert network.get_submodule(told["classifier"]) is network.get_classifier()


@pytest.mark.parametrize("name", NAMES)
def test_a_gradient_in_every_parameter(name):
    """All heads give logits, of new classifiers too, and their backward together reaches every parameter.

    A dropped block gets none in its step, so all are kept.
    """
    data, channels, _, size = inputs(name)[-1]
    with device(size):
        network = build(config(name, data))
        keep_all(network)
        network.reset_classifier(7)
        outputs = logits(network(torch.ones(2, channels, size, size)))
        sum(output.sum() for output in outputs).backward()
    assert all(output.shape == (2, 7) for output in outputs)
    assert len(outputs) == 1 or 0 < network.auxiliary_weight <= 1
    without = [key for key, parameter in network.named_parameters() if parameter.grad is None]
    assert without == []


def keep_all(network):
    for part in network.modules():
        if hasattr(part, "survival"):
            part.survival = 1.0


@pytest.mark.parametrize("name", [name for name in NAMES if FORMS[name][2]])
def test_counts_equal_the_published_ones(name):
    """Exact parameters and multiply-adds of the paper's network, from published/structure.csv."""
    data, channels, _, size = inputs(name)[0]
    with torch.device("meta"):
        network = build(config(name, data))
    row = PUBLISHED[FORMS[name][2]]
    assert sum(p.numel() for p in network.parameters()) == row["parameter count"]
    if sum(1 for _ in network.modules()) < 3000:
        assert count(network, channels, size).macs == row["multiply-adds (conv + linear)"]


@pytest.mark.parametrize("name", [name for name in NAMES if FORMS[name][0] == "small"])
def test_a_new_classifier_keeps_precision_and_mode(name):
    torch.manual_seed(0)
    network = build(config(name, "fashion_mnist")).double().eval()
    network.reset_classifier(7)
    images = torch.randn(2, 1, 12, 12, dtype=torch.float64)
    assert network(images).shape == (2, 7)
    assert torch.equal(network(images), network(images))
    network.train().reset_classifier(5)
    assert all(part.training for part in network.modules())


@pytest.mark.parametrize("name", [name for name in NAMES if FORMS[name][0] == "small"])
def test_real_numbers_on_small_images(name):
    """One step's gradient on the smallest images is finite, and evaluation repeats to the bit."""
    torch.manual_seed(0)
    network = build(config(name, "fashion_mnist"))
    images = torch.randn(4, 1, 12, 12)
    sum(output.square().sum() for output in logits(network(images))).backward()
    assert all(p.grad is None or p.grad.isfinite().all() for p in network.parameters())
    network.eval()
    assert torch.equal(network(images), network(images))
