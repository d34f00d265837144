"""Write the reports: the studies' from their results, the exact claims from the networks; nothing is trained.

python -m deeper.report
python -m deeper.report exact=false      the studies' alone, in a moment
python -m deeper.report only=zoo         the page of one study, or of several: only=[zoo,lrn]
python -m deeper.report for_profile=smoke the toy runs' pages, from results/smoke to reports/smoke
python -m deeper.report results=other/results reports=other/reports
python -m deeper.report slides=slides    a picture a claim for slides, light and dark, and no page
python -m deeper.report figures=null     makes figures and exact claims anew, and gives the same bytes
python -m deeper.report compare=HEAD     what moved since a commit, or against a folder of results; writes nothing
"""

import sys
from collections.abc import Collection
from pathlib import Path
from typing import Any

import hydra
from omegaconf import DictConfig

from deeper import cli, paths
from deeper.errors import DeeperError, hint, known
from deeper.files import json_value
from deeper.schema.results import APART, RECORD
from deeper.schema.verbs import ReportSettings, check_verb


def report(
    results: Path,
    reports: Path,
    published: Path,
    exact: bool,
    only: Collection[str] = (),
    family: Path | None = None,
    figures: Path | None = None,
) -> str:
    """Write every page, or those of ``only`` some studies, and say what was written; the exact claims with ``exact``.

    The tables of the folder ``family`` that are not among the results count in the family of comparisons, and its
    baselines stand for those that the results lack. Figures and exact claims that the folder ``figures`` keeps are not
    made again.

    Raises:
        DeeperError: there is no folder ``results``, a file in it is damaged, a study names something that does not
            exist, or ``reports`` cannot be written.
    """
    from deeper.files import writable
    from deeper.reporting import load
    from deeper.reporting.pages import site
    from deeper.schema.baselines import FILE as BASELINES
    from deeper.schema.baselines import read_baselines

    if not results.is_dir():
        raise DeeperError(f"there is no folder {results}; results=FOLDER names the one with the studies' tables")
    tables = load.load(results)
    _see(only, tables, results)
    names = {one.name for one in tables}
    others = [one.table for one in load.load(family) if one.measures and one.name not in names] if family else []
    writable(reports, "the reports' folder", "reports")
    findings = _compute(figures) if exact else []
    spare = read_baselines(family / BASELINES) if family else None
    written = site.write(results, reports, published, findings, others, only, figures, spare)
    pages = {path.stem for path in written if path.suffix == ".md"}
    studies = len(pages - {"README", "exact_claims"})
    found = f"{studies} {'study' if studies == 1 else 'studies'}" if studies else f"no study in {results} yet"
    computed = f", {len(findings)} exact claims" if exact else ""
    return f"{reports / 'README.md'}: {found}{computed}, {len(written)} files"


def compared(old: str, results: Path, committed: Path, only: Collection[str] = ()) -> str:
    """What moved between a commit, or a folder, and the tables of ``results``, or ``only`` some, for a terminal.

    Raises:
        DeeperError: there is no such commit or folder, or it has none of these studies.
    """
    from deeper.reporting import agreement

    if not results.is_dir():
        raise DeeperError(f"there is no folder {results}; results=FOLDER names the one with the studies' tables")
    now = agreement.measured(results)
    _see(only, now.studies, results)
    return agreement.text(agreement.read(old, committed), now, old, only)


def drawn(results: Path, published: Path, slides: Path, findings: list) -> str:
    """Draw a slide for every claim, trained or counted (``findings``), and say where they are.

    Raises:
        DeeperError: a table is damaged, or the folder ``slides`` cannot be written.
    """
    from deeper import files
    from deeper.reporting.charts import slide
    from deeper.reporting.pages import site

    files.writable(slides, "the slides' folder", "slides")
    pictures = slide.slides(site.ledger_rows(results, published).values(), findings)
    for name, content in pictures.items():
        files.write_bytes(slides / name, content)
    return f"{slides}: {len(pictures)} pictures"


def _see(only: Collection[str], tables: list, results: Path) -> None:
    names = [one.name for one in tables]
    for name in only:
        if name not in names:
            raise DeeperError(f"only={name}: {results} has no study of this name; {hint(name, names)}")


def _tell_what_is_not_kept(figures: Path | None) -> None:
    """A report needs no kept figures, but whoever waits for them anew each time is told why."""
    from deeper.files import writable

    try:
        if figures:
            writable(figures, "the folder of kept figures", "figures")
    except DeeperError as error:
        print(f"warning: {error}; everything is drawn anew", file=sys.stderr)


def _compute(kept: Path | None) -> list:
    from deeper import exact

    return exact.findings(kept)


@hydra.main(version_base="1.3", config_path=str(paths.CONF), config_name="report")
@cli.task
def main(config: DictConfig) -> None:
    check_verb(ReportSettings, config)
    profiles = sorted(path.stem for path in (paths.CONF / "profile").glob("*.yaml"))
    known(config.for_profile, profiles, "for_profile", "the profiles")
    results, reports = (paths.folder(key, config[key]) for key in ("results", "reports"))
    published = paths.PUBLISHED if config.published is None else paths.folder("published", config.published)
    below = config.for_profile if config.for_profile in APART else ""
    results, reports = results / below, reports / below
    only = [config.only] if isinstance(config.only, str) else list(config.only or ())
    if config.compare is not None:
        moved = compared(str(config.compare), results, Path("results") / below, only)
        cli.tell(moved, {"compared": moved.splitlines()})
        return
    figures = None if config.figures is None else paths.folder("figures", config.figures)
    if config.slides is not None:
        findings = _compute(figures) if config.exact else []
        said = drawn(results, published, paths.folder("slides", config.slides), findings)
        cli.tell(said, {"slides": str(config.slides)})
        return
    family = None if config.family is None else paths.folder("family", config.family) / below
    _tell_what_is_not_kept(figures)
    said = report(results, reports, published, config.exact, only, family, figures)
    cli.tell(said, {"reports": [said], "verdicts": _verdicts(reports)})
    from deeper.reporting import load
    from deeper.reporting.pages import front_page

    if not below:
        front_page.write(reports)
        for output in ("curves", "metrics"):  # of the pipeline, also where they are empty
            (reports / RECORD / output).mkdir(parents=True, exist_ok=True)
    if config.for_profile not in APART and not only and load.is_there(results / RECORD):
        more = report(results / RECORD, reports / RECORD, published, False, figures=figures)
        cli.tell(more, {"reports": [said, more], "verdicts_of_record": _verdicts(reports / RECORD)})


def _verdicts(reports: Path) -> dict[str, dict[str, Any]]:
    """The numbers of every claim that has a file under ``metrics``, by study and claim."""
    files = sorted((reports / "metrics").glob("*/*.json"))
    studies = dict.fromkeys(path.parent.name for path in files)
    return {one: {p.stem: json_value(p.read_bytes()) for p in files if p.parent.name == one} for one in studies}


def _quoted(word: str) -> str:
    """``compare=HEAD~1`` as Hydra's grammar, which knows no ``~`` in a value, takes it."""
    key, is_set, value = word.partition("=")
    return f'{key}="{value}"' if key == "compare" and is_set and value.strip("'\"") == value else word


if __name__ == "__main__":
    sys.argv[1:] = map(_quoted, sys.argv[1:])
    cli.run(main)
