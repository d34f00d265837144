"""Write the site: a folder of pages that opens without a server or a network; nothing is trained.

python -m deeper.site
python -m deeper.site exact=false networks=[resnet20,vgg16]   in less time, with pages of two networks
python -m deeper.site results=other/results site=other/site
"""

import hydra
from omegaconf import DictConfig

from deeper import cli, paths
from deeper.schema.verbs import SiteSettings, check_verb


@hydra.main(version_base="1.3", config_path=str(paths.CONF), config_name="site")
@cli.task
def main(config: DictConfig) -> None:
    check_verb(SiteSettings, config)
    results, site = (paths.folder(key, config[key]) for key in ("results", "site"))
    published = paths.PUBLISHED if config.published is None else paths.folder("published", config.published)
    from deeper.site import build

    chosen = None if config.networks == "all" else list(config.networks)
    figures = None if config.figures is None else paths.folder("figures", config.figures)
    print(build.write(results, site, published, config.exact, chosen, figures))


if __name__ == "__main__":
    cli.run(main)
