import pytest
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

from deeper.cost.networks import TIMM, PaperNetwork, take_timm_input
from deeper.errors import DeeperError
from deeper.paths import CONF


@pytest.mark.parametrize(
    ("name", "data", "size"),
    [
        ("resnet20", "cifar10", 32),
        ("resnet50", "imagenet", 224),
        ("lenet5_1998", "fashion_mnist", 32),
        ("efficientnet_b3", "imagenet", 300),
        ("densenet264", "imagenet", 224),
        ("googlenet_small", "fashion_mnist", 28),
    ],
)
def test_a_name_means_what_it_means_on_the_command_line(name, data, size):
    with initialize_config_dir(version_base="1.3", config_dir=str(CONF)):
        wanted = OmegaConf.to_container(compose("cost", [f"model={name}", f"data={data}"]), resolve=True)
    found = PaperNetwork(name)
    assert found.config == wanted["model"]
    assert (found.channels, found.size) == (wanted["data"]["channels"], size)


def test_a_setting_goes_over_the_file():
    assert PaperNetwork("googlenet", auxiliary=False).config["auxiliary"] is False
    assert PaperNetwork("googlenet", auxiliary=False).params < PaperNetwork("googlenet").params


def test_weights_that_timm_does_not_have_are_one_line():
    model = {"_target_": TIMM, "network": "resnet18.foo"}
    with pytest.raises(DeeperError, match=r"model\.name=resnet18\.foo: .*leave out what stands after the dot"):
        take_timm_input(OmegaConf.create({"model": model}))
