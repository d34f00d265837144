"""Search: architectures, or settings.

``python -m deeper.search searcher=evolution search.networks=24``                      a cell, by evolution
``python -m deeper.search --multirun searcher=random,evolution search.seed=range(5)``  several searches
``python -m deeper.search space=settings 'search.over={optimizer.lr: [0.05, 0.1]}'``   a setting of any model
``python -m deeper.search searches=cells``                                             a study of searches

With ``dry_run=true`` it says how many trials and hours that takes, and trains nothing. The same command goes on where a
search was killed. See conf/search.yaml.
"""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import hydra
from omegaconf import DictConfig, OmegaConf

from deeper import cli
from deeper.errors import DeeperError
from deeper.paths import CONF

if TYPE_CHECKING:
    from deeper.schema.search import Searches, SearchResult, SearchSettings, SearchStudy, SearchTable
    from deeper.search.planned import Left
    from deeper.search.trainings import Trainings


@hydra.main(version_base="1.3", config_path=str(CONF), config_name="search")
@cli.task
def search(cfg: DictConfig) -> None:
    """Run the search of a composed configuration, or the searches of a study."""
    from hydra.core.global_hydra import GlobalHydra
    from hydra.core.hydra_config import HydraConfig

    from deeper.files import writable
    from deeper.run.jobs import check_processes
    from deeper.schema.search import search_settings
    from deeper.search import composed, planned, studied
    from deeper.search.trainings import Trainings, plain
    from deeper.study.composing import Composer

    if cfg.slots is not None and (type(cfg.slots) is not int or cfg.slots < 1):
        raise DeeperError(f"slots={cfg.slots}: it must be a whole number of at least 1, or null")
    check_processes("slots", cfg.slots or 1)
    hydra_config = HydraConfig.get()
    if (named := hydra_config.runtime.choices.study) != "none":
        raise DeeperError(f"study={named}: a search answers to no study of trials; searches=NAME names one of searches")
    composer = Composer(GlobalHydra.instance().config_loader(), OmegaConf.create({"hydra": hydra_config}))
    settings, study = search_settings(plain(cfg.search)), studied.searches_of(cfg)
    if study:
        studied.check_line(hydra_config.overrides.task, study)
    chosen = hydra_config.runtime.choices
    name = study.name if study else settings.name or f"{chosen.space}-{chosen.searcher}-{settings.seed}"
    trainings = Trainings(composer, hydra_config.overrides.task, cfg.slots, name)
    settings = settings.model_copy(update={"batch": settings.batch or trainings.slots})
    if settings.final:
        trainings.job(settings.final.set, settings.final.seeds[0])  # a mistake there is told before hours of searching
    if study:
        studied.check(cfg, study, settings, trainings)
    else:
        composed.check_told(composed.space_of(cfg.space), settings, trainings)
    if cfg.dry_run:
        if study:
            left = planned.of_study(cfg, study, settings, trainings)
        else:
            left = planned.of_search(cfg, composed.started(cfg, trainings, settings, name), trainings)
        print(f"{name}: {_planned(left)}")
        return
    writable(Path(cfg.results), "the results' folder", "results")
    _run(cfg, settings, study, trainings, name)
    if trainings.taken:
        print(f"{len(trainings.taken)} trials were taken from the file that has them (trust_table)", file=sys.stderr)


def _run(
    cfg: DictConfig, settings: "SearchSettings", study: "Searches | None", trainings: "Trainings", name: str
) -> None:
    from deeper.search import composed, studied

    if study is None:
        start = composed.started(cfg, trainings, settings, name)
        _summarise(composed.run(cfg, start, trainings), composed.file_of(cfg, name))
    elif study.table:
        _summarise_table(studied.tabulate(cfg, study, settings, trainings), composed.study_file(cfg, study))
    else:
        _summarise_study(studied.compare(cfg, study, settings, trainings), composed.study_file(cfg, study))


def _planned(left: "Left") -> str:
    told = "no trial yet to tell hours from" if left.hours is None else f"{left.hours:.2f} hours"
    return f"{left.to_train} of {left.trials} trials to train at most, {told}"


def _summarise(result: "SearchResult", path: Path) -> None:
    told = len(result.proposals)
    hours = sum(network.seconds for network in result.networks) / 3600
    print(f"{result.name}: {len(result.networks)} networks of {told} proposals, {hours:.2f} hours of training; {path}")
    if result.winner is None:
        print("no network was trained: everything that was proposed is outside search.window", file=sys.stderr)
        return
    best = result.networks[result.winner]
    print(f"best: {best.words}: validation error {best.error:.4f}, {best.cost.macs:,} multiply-adds")
    for one in (result.networks[place] for place in result.front):
        print(
            f"front: {one.error:.4f}, {one.cost.macs:,} multiply-adds, {one.cost.activation_bytes:,} bytes: {one.words}"
        )
    if result.final:
        tested = result.final.test_errors
        print(f"tested: {sum(tested) / len(tested):.4f} over {len(tested)} fresh seeds")


def _summarise_table(table: "SearchTable", path: Path) -> None:
    from statistics import median

    print(f"{len(table.cells)} cells; rank correlation with long training {table.rank_correlation}; {path}")
    for one in table.replays:
        reached = [count for count in one.needed if count is not None]
        needed = [count or float("inf") for count in one.needed]
        share = len(reached) / len(one.needed)
        print(f"{one.searcher}: ends at {one.mean[-1]:.4f}; median needed {median(needed):g}, reached by {share:.0%}")


def _summarise_study(study: "SearchStudy", path: Path) -> None:
    print(f"{len(study.searches)} searches, {study.networks_trained} different networks; {path}")
    for one in study.finals:
        tested = one.final.test_errors
        mean, macs = sum(tested) / len(tested), one.final.cost.macs
        print(f"{one.label}: test error {mean:.4f} over {len(tested)} seeds, {macs:,} multiply-adds: {one.final.words}")
    print(f"rank correlation of short and long training: {study.rank_correlation}")


if __name__ == "__main__":
    cli.run(search)
