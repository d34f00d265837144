"""Write the reports: the studies' from their results, the exact claims from the networks; nothing is trained.

python -m deeper.report
python -m deeper.report exact=false      the studies' alone, in a moment
python -m deeper.report only=zoo         the page of one study, or of several: only=[zoo,lrn]
python -m deeper.report for_profile=smoke the toy runs' pages, from results/smoke to reports/smoke
python -m deeper.report results=other/results reports=other/reports
"""

from collections.abc import Collection
from pathlib import Path

import hydra
from omegaconf import DictConfig

from deeper import cli, paths
from deeper.errors import DeeperError, hint
from deeper.schema.results import APART, RECORD


def report(results: Path, reports: Path, published: Path, exact: bool, only: Collection[str] = ()) -> str:
    """Write every page, or those of ``only`` some studies, and say what was written; the exact claims with ``exact``.

    Raises:
        DeeperError: there is no folder ``results``, a file in it is damaged, a study names something that does not
            exist, or ``reports`` cannot be written.
    """
    from deeper.files import writable
    from deeper.reporting import load
    from deeper.reporting.pages import site

    if not results.is_dir():
        raise DeeperError(f"there is no folder {results}; results=FOLDER names the one with the studies' tables")
    _see(only, load.load(results), results)
    writable(reports, "the reports' folder", "reports")
    findings = _compute() if exact else []
    written = site.write(results, reports, published, findings, only=only)
    pages = {path.stem for path in written if path.suffix == ".md"}
    studies = len(pages - {"README", "exact_claims"})
    found = f"{studies} {'study' if studies == 1 else 'studies'}" if studies else f"no study in {results} yet"
    computed = f", {len(findings)} exact claims" if exact else ""
    return f"{reports / 'README.md'}: {found}{computed}, {len(written)} files"


def _see(only: Collection[str], tables: list, results: Path) -> None:
    names = [one.name for one in tables]
    for name in only:
        if name not in names:
            raise DeeperError(f"only={name}: {results} has no study of this name; {hint(name, names)}")


def _compute() -> list:
    from deeper import exact

    return exact.compute()


@hydra.main(version_base="1.3", config_path=str(paths.CONF), config_name="report")
@cli.task
def main(config: DictConfig) -> None:
    if not isinstance(config.exact, bool):
        raise DeeperError(f"exact={config.exact}: it must be true or false")
    results, reports, published = (paths.folder(key, config[key]) for key in ("results", "reports", "published"))
    if config.for_profile in APART:
        results, reports = results / config.for_profile, reports / config.for_profile
    only = [config.only] if isinstance(config.only, str) else list(config.only or ())
    print(report(results, reports, published, config.exact, only))
    from deeper.reporting import load

    if config.for_profile not in APART and not only and load.is_there(results / RECORD):
        print(report(results / RECORD, reports / RECORD, published, False))


if __name__ == "__main__":
    cli.run(main)
