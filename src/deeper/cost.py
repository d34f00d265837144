"""Count what a network costs: ``python -m deeper.cost model=resnet56 data=cifar10`` prints one JSON object.

``params`` and ``macs`` (multiply-adds of one image), ``activation_bytes`` kept for its backward pass in float32,
``depth`` in weight layers, ``receptive_field`` in pixels. No data is needed and no weight is allocated.
"""

import json

import hydra
from omegaconf import DictConfig, OmegaConf

from deeper import cli


@hydra.main(version_base="1.3", config_path=str(cli.CONF), config_name="cost")
@cli.task
def cost(cfg: DictConfig) -> None:
    """Print the cost of ``cfg.model`` for one image of ``cfg.data``."""
    from deeper.analysis.cost import count_config

    config = OmegaConf.to_container(cfg, resolve=True)
    print(json.dumps(count_config(config["model"], config["data"]["channels"], config["data"]["image_size"]).as_dict()))


if __name__ == "__main__":
    cli.run(cost)
