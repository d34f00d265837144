import json
import os
import subprocess
import sys

import pytest
import timm
import torch
import torch.nn.functional as F
from hydra import compose, initialize_config_dir
from networks import PUBLISHED, config
from omegaconf import MissingMandatoryValue, OmegaConf

from deeper.cost.count import count
from deeper.errors import DeeperError
from deeper.models.build import build
from deeper.models.inception_factorised import FactorisedInception
from deeper.models.timm_network import InceptionV3, TimmNetwork
from deeper.paths import CONF, ROOT


def parameters(network):
    return sum(p.numel() for p in network.parameters())


def named(name, further):
    base = {"_target_": "deeper.models.timm_network.TimmNetwork", "name": name, "form": {}, "network": name}
    return {**base, "in_chans": 1, "num_classes": 10, **further}


@pytest.mark.parametrize("name", ["resnet18", "mobilenetv3_small_050", "convnext_atto", "resnet18.a1_in1k"])
def test_the_contract_of_timms_networks(name):
    with torch.device("meta"):
        network = build(named(name, {})).eval()
        images = torch.empty(2, 1, 64, 64)
        features = network.forward_features(images)
        assert features.shape == (2, network.num_features, 2, 2)
        assert network(images).shape == (2, 10)
        assert network.forward_head(features, pre_logits=True).shape == (2, network.head_hidden_size)
        network.reset_classifier(7)
        assert network.train()(images).shape == (2, 7)
        assert parameters(network) == parameters(timm.create_model(name, in_chans=1, num_classes=7))


def test_a_network_with_channels_last_gives_maps():
    with torch.device("meta"):
        network = TimmNetwork("swin_tiny_patch4_window7_224", num_classes=4).eval()
        features = network.forward_features(torch.empty(2, 3, 224, 224))
        assert features.shape == (2, 768, 7, 7)
        assert network.forward_head(features).shape == (2, 4)


def test_a_transformer_gives_tokens():
    with torch.device("meta"):
        network = TimmNetwork("vit_tiny_patch16_224", num_classes=4).eval()
        features = network.forward_features(torch.empty(2, 3, 224, 224))
        assert features.shape == (2, 197, network.num_features)
        assert network.forward_head(features).shape == (2, 4)


def test_it_computes_what_timm_does():
    torch.manual_seed(0)
    ours = TimmNetwork("resnet18", 1, 10, arguments={"block_args": {}}).eval()
    images = torch.randn(2, 1, 32, 32)
    assert torch.equal(ours(images), ours.network(images))


def test_further_arguments_reach_timm():
    with torch.device("meta"):
        network = build(named("resnet18", {"arguments": {"drop_rate": 0.25, "layers": [1, 1, 1, 1]}}))
    assert network.network.drop_rate == 0.25
    assert parameters(network) < parameters(timm.create_model("resnet18"))


@pytest.mark.parametrize(
    ("name", "further", "words"),
    [
        ("resnt18", {}, "no network 'resnt18'; did you mean .*resnet18"),
        ("qqqqqqqq", {}, r"timm.list_models\(\)"),
        (None, {}, "no network None"),
        ("resnet18", {"arguments": {"widht": 3}}, "unexpected keyword argument 'widht'"),
        ("resnet18", {"arguments": {"in_chans": 3}}, "in_chans is a setting of its own"),
        ("inception_v3", {"arguments": {"aux_logits": True}}, "model=inception_v3"),
    ],
)
def test_mistakes_are_one_line(name, further, words):
    with torch.device("meta"), pytest.raises(DeeperError, match=words) as caught:
        build(named(name, further))
    assert "\n" not in str(caught.value)


def test_weights_that_cannot_be_had_are_one_line(monkeypatch):
    def refuse(*args, **kwargs):
        raise OSError("cannot reach the host\nmore\nlines")

    monkeypatch.setattr(timm, "create_model", refuse)
    with pytest.raises(DeeperError, match="for resnet18: cannot reach the host; pretrained=false"):
        build(named("resnet18", {"pretrained": True}))


def test_counting_fetches_no_weights():
    with torch.device("meta"):
        assert parameters(build(named("resnet18", {"pretrained": True}))) > 11_000_000


def test_from_the_command_line():
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "deeper.cost", "model=timm", "model.name=resnet18", "data=imagenet"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120)
    with torch.device("meta"):
        expected = count(timm.create_model("resnet18"), 3, 224)
    assert json.loads(done.stdout) == expected.as_dict() | {"extra_head_params": 0}


def test_the_configuration_takes_its_name_as_the_networks():
    found = composed("model.name=resnet19", "+model.arguments.drop_rate=0.1")
    assert (found["network"], found["arguments"]) == ("resnet19", {"drop_rate": 0.1})
    with pytest.raises(DeeperError, match="model resnet19: timm has no network 'resnet19'; did you mean resnet1"):
        build(found)


def test_a_name_is_needed():
    with pytest.raises(MissingMandatoryValue, match=r"model\.name"):
        composed()


def composed(*overrides):
    with initialize_config_dir(version_base="1.3", config_dir=str(CONF)):
        return OmegaConf.to_container(compose("cost", ["model=timm", *overrides]), resolve=True, throw_on_missing=True)[
            "model"
        ]


def test_inception_v3_with_and_without_its_head():
    for auxiliary, row in ((True, "tv/inception_v3_aux"), (False, "tv/inception_v3_noaux")):
        with torch.device("meta"):
            network = InceptionV3(auxiliary)
        cost = count(network, 3, 299)
        assert cost.params == PUBLISHED[row]["parameter count"]
        assert cost.macs == PUBLISHED[row]["multiply-adds (conv + linear)"]
        assert isinstance(network.train()(torch.empty(2, 3, 299, 299, device="meta")), tuple) == auxiliary


def test_the_auxiliary_head_of_inception_v3_says_its_smallest_images():
    with torch.device("meta"):
        network, few = InceptionV3(), torch.empty(2, 3, 298, 310)
        assert len(network(torch.empty(2, 3, 299, 299))) == 2
        with pytest.raises(ValueError, match="299 pixels a side at least, not 298×310; auxiliary=false") as caught:
            network(few)
        assert "\n" not in str(caught.value)
        assert network.eval()(few).shape == InceptionV3(auxiliary=False)(few).shape == (2, 1000)
        network.train().reset_classifier(0)
        assert network(few).shape == (2, 2048)


def test_averages_count_the_padding_in_timms_inception_v3_alone():
    """In a corner of a map of ones timm's 3×3 average is 4/9, ours 1; what the branch does to it is the same."""
    torch.manual_seed(0)
    theirs = InceptionV3(auxiliary=False).network.Mixed_5b.eval()
    ours = FactorisedInception("v3", blocks=(1, 1, 1)).a[0].branches[3].eval()
    ours.load_state_dict(dict(zip(ours.state_dict(), theirs.branch_pool.state_dict().values(), strict=True)))
    ones = torch.ones(1, 192, 3, 3)
    assert torch.equal(ours[0](ones), ones)
    pooled = F.avg_pool2d(ones, 3, 1, 1)
    torch.testing.assert_close(pooled[..., 0, 0], ones[..., 0, 0] * 4 / 9)
    expected = torch.cat([theirs(ones)[:, :-32], F.relu(ours[1](pooled))], 1)
    torch.testing.assert_close(theirs(ones), expected)


def test_inception_v3_resets_its_head_too():
    with torch.device("meta"):
        network, images = InceptionV3(), torch.empty(2, 3, 299, 299)
        network.reset_classifier(0)
        assert network(images).shape == (2, 2048)
        network.reset_classifier(7)
        assert [output.shape for output in network(images)] == [(2, 7)] * 2


def test_the_later_ones_drop_as_the_paper_says():
    for name in ("inception_v4", "inception_resnet_v2"):
        with torch.device("meta"):
            network = build(config(name, "imagenet"))
        assert network.network.head_drop.p == 0.2


@pytest.mark.parametrize("name", ["resnet18", "mobilenetv3_small_050", "swin_tiny_patch4_window7_224"])
def test_a_new_classifier_keeps_place_precision_and_mode(name):
    with torch.device("meta"):
        network = TimmNetwork(name, num_classes=4).bfloat16()
    for training in (True, False):
        network.train(training).reset_classifier(0)
        network.reset_classifier(7)
        assert {(p.device.type, p.dtype) for p in network.parameters()} == {("meta", torch.bfloat16)}
        assert {part.training for part in network.modules()} == {training}
