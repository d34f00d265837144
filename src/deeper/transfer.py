"""Transfer: a target set by frozen features, by fine-tuning, or from scratch.

``python -m deeper.transfer transfer/target=clipart transfer/mode=finetune seed=0``
``python -m deeper.transfer --multirun study=transfer``
``python -m deeper.transfer transfer/target=cub transfer.target.path=FOLDER``      a set that you have
``python -m deeper.transfer transfer/backbone=trial transfer.backbone.trial=ID``    a trial of ours as the start

A target set is prepared when it is first needed. Every setting is a Hydra override; ``--cfg job`` prints them all.
See conf/transfer.yaml.
"""

import hydra
from omegaconf import DictConfig

from deeper import cli, paths
from deeper.train import one_trial


@hydra.main(version_base="1.3", config_path=str(paths.CONF), config_name="transfer")
@cli.task
def transfer(cfg: DictConfig) -> str:
    """Run the one trial of a composed configuration, or say what that takes, and return its id."""
    name = f"{cfg.transfer.target.name} {cfg.transfer.mode.name} {cfg.transfer.backbone.name} seed={cfg.seed}"
    return one_trial(cfg, name)


if __name__ == "__main__":
    cli.run(transfer)
