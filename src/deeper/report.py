"""Write the reports: the studies' from their results, the exact claims from the networks; nothing is trained.

python -m deeper.report
python -m deeper.report exact=false      the studies' alone, in a moment
python -m deeper.report results=other/results reports=other/reports
"""

from pathlib import Path

import hydra
from omegaconf import DictConfig

from deeper import cli
from deeper.errors import DeeperError


def report(results: Path, reports: Path, published: Path, exact: bool) -> str:
    """Write every page and say what was written; with ``exact`` the exact claims are computed too.

    Raises:
        DeeperError: a results file is damaged, a study names something that does not exist, or ``reports`` cannot be
            written.
    """
    from deeper.reporting import records, site

    records.load(results)
    _make(reports)
    findings = _compute() if exact else []
    written = site.write(results, reports, published, findings)
    pages = {path.stem for path in written if path.suffix == ".md"}
    studies = len(pages - {"README", "exact_claims"})
    found = f"{studies} {'study' if studies == 1 else 'studies'}" if studies else f"no study in {results} yet"
    computed = f", {len(findings)} exact claims" if exact else ""
    return f"{reports / 'README.md'}: {found}{computed}, {len(written)} files"


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DeeperError(f"no reports can be written to {folder} ({error.strerror}): choose reports=FOLDER") from error


def _compute() -> list:
    from deeper.analysis import exact

    return exact.compute()


@hydra.main(version_base="1.3", config_path=str(cli.CONF), config_name="report")
@cli.task
def main(config: DictConfig) -> None:
    print(report(Path(config.results), Path(config.reports), Path(config.published), config.exact))


if __name__ == "__main__":
    cli.run(main)
