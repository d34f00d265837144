"""Write the reports from the studies' results; nothing is trained and torch is not needed.

python -m deeper.report
python -m deeper.report results=other/results reports=other/reports
"""

from pathlib import Path

import hydra
from omegaconf import DictConfig

from deeper import cli


def report(results: Path, reports: Path, published: Path) -> str:
    """Write every page and say what was written.

    Raises:
        DeeperError: a results file is damaged, or a study names something that does not exist.
    """
    from deeper.reporting import site

    written = site.write(results, reports, published)
    studies = len({path for path in written if path.suffix == ".md"}) - 1
    found = f"{studies} {'study' if studies == 1 else 'studies'}" if studies else f"no study in {results} yet"
    return f"{reports / 'README.md'}: {found}, {len(written)} files"


@hydra.main(version_base="1.3", config_path=str(cli.CONF), config_name="report")
@cli.task
def main(config: DictConfig) -> None:
    print(report(Path(config.results), Path(config.reports), Path(config.published)))


if __name__ == "__main__":
    cli.run(main)
