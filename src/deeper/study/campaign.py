"""The measuring of the ledger, block by block: which study is next, and how far each has come.

A block is one seed of every arm (``Study.block`` seeds where averages need several). Blocks go in rounds of several,
because one or two seeds decide nothing: every study has those of the first round before any has more. So it may stop
anywhere, and every study has whole pairs.
"""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

import yaml
from pydantic import ValidationError

from deeper.claims.family import planned
from deeper.errors import DeeperError
from deeper.files import write_bytes, yaml_value
from deeper.parents import end_with_parent
from deeper.run.jobs import default_slots, make_job
from deeper.schema.errors import explain
from deeper.schema.results import RECORD, read_table
from deeper.schema.verbs import Blocks
from deeper.study.identities import jobs_of
from deeper.study.plan import Plan, make

BLOCKS = "blocks.yaml"
HEAD = "# Whole blocks that the table of each study has; written by `python -m deeper.ledger`, read by dvc.yaml.\n"

TRANSFERS = ("transfer",)  # studies of record that python -m deeper.transfer runs

NO_MORE: Mapping[str, int] = MappingProxyType({})

Run = Callable[[Sequence[str], float], bool]


def blocks_of(table: Path) -> int:
    """How many whole blocks a study's table has; 0 where there is none.

    Raises:
        DeeperError: the file is no table of results.
    """
    if not table.exists():
        return 0
    content = read_table(table)
    trained = [name for name, arm in content.study.arms.items() if arm.trained]
    seeds = [sum(row.arm == arm and not row.members for row in content.trials) for arm in trained]
    return min(seeds) // content.study.block


def order(
    studies: Sequence[str],
    most: int,
    done: dict[str, int],
    together: int = 1,
    at_once: int = 1,
    more: Mapping[str, int] = NO_MORE,
) -> Iterator[tuple[str, int]]:
    """What is to be measured: (study, number of blocks that its table has afterwards), in order.

    Args:
        studies: in the order within a round.
        most: blocks.
        done: blocks that are there.
        together: blocks of a study in a round.
        at_once: blocks of a study that one command trains, so that no slot waits for the last trial of each.
        more: the blocks of those studies that get another number.
    """
    for before in range(0, max([most, *more.values()]), together):
        for study in studies:
            last = min(before + together, more.get(study, most))
            blocks = [*range(before + at_once, last, at_once), last] if before < last else []
            yield from ((study, block) for block in blocks if done.get(study, 0) < block)


def is_changed(study: str, table: Path, settings: Sequence[str]) -> bool:
    """Whether a table has trials that the study, as its file is now, has not: it is then measured anew."""
    verb, own = command_of(study)
    try:
        configs = jobs_of(f"{RECORD}/{study}", [*own[1:], *settings], verb)[1]
    except DeeperError:  # its rates may be of other settings; if it is another mistake, its command says so
        return True
    asked = {make_job(config)["id"] for config in configs}
    return not {row.id for row in read_table(table).trials if not row.members} <= asked


def command_of(study: str) -> tuple[str, list[str]]:
    """The verb that runs a study of record, and the overrides that make it one."""
    if study in TRANSFERS:  # its profile stands in its file
        return "transfer", [f"study={RECORD}/{study}"]
    return "train", [f"study={RECORD}/{study}", f"profile={RECORD}"]


def forecast(study: str, blocks: int, overrides: Sequence[str], slots: int | None = None) -> Plan:
    """What the first blocks of a study take; nothing is trained.

    Raises:
        DeeperError: it would not run.
    """
    verb, own = command_of(study)
    name = f"{RECORD}/{study}"
    configs = jobs_of(name, [*own[1:], *overrides, f"blocks={blocks}", "trust_table=true"], verb)[1]
    jobs = [make_job(config, slots or default_slots(config)) for config in configs]
    return make(configs, jobs, slots or default_slots(configs[0]))


def write_blocks(folder: Path, studies: Sequence[str]) -> dict[str, int]:
    """Write ``blocks.yaml`` from the tables that are there, of other studies too; the blocks of these studies."""
    named = [*read_blocks(folder), *(one.name for one in planned() if (folder / f"{one.name}.json").exists())]
    done = {study: blocks_of(folder / f"{study}.json") for study in dict.fromkeys([*named, *studies])}
    found: dict[str, dict[str, int]] = {"record": {}, "record_transfer": {}}
    for study, blocks in done.items():
        if blocks:
            found["record_transfer" if study in TRANSFERS else "record"][study] = blocks
    write_bytes(folder / BLOCKS, (HEAD + yaml.safe_dump(found, sort_keys=False)).encode())
    return {study: done[study] for study in studies}


def read_blocks(folder: Path) -> dict[str, int]:
    """The blocks by study that ``blocks.yaml`` names; none where it is not there.

    Raises:
        DeeperError: the file says something else.
    """
    path = folder / BLOCKS
    try:
        return Blocks.model_validate(yaml_value(path.read_bytes())).record or {}
    except FileNotFoundError:
        return {}
    except ValidationError as error:
        raise DeeperError(f"{path}: {explain(error, Blocks, '')}") from error
    except (OSError, ValueError, LookupError, TypeError, AttributeError, yaml.YAMLError) as error:
        raise DeeperError(f"{path}: it must name the blocks of each study under `record` ({error})") from error


def run_until(command: Sequence[str], deadline: float) -> bool:
    """Run a command to its end, or stop it at ``deadline`` (of ``time.monotonic``); whether it ended.

    Its trials end with it, and go on from their checkpoints next time. The signal is not Ctrl-C's, which is ignored by
    what was started in the background of a shell. A campaign that is killed takes its command with it.

    Raises:
        DeeperError: it failed; what it said is on the terminal.
    """
    with subprocess.Popen(command, preexec_fn=end_with_parent) as process:
        try:
            code = process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.terminate()
            return False
        except KeyboardInterrupt:
            process.terminate()  # of a SIGTERM to the campaign; leaving this block would wait for the command's end
            raise
    if code:
        raise DeeperError(f"it stopped at: {' '.join(command[1:])}; mend that and start again, it goes on from there")
    return True


def measure(
    studies: Sequence[str],
    most: int,
    folder: Path,
    settings: Sequence[str],
    deadline: float,
    finished: Callable[[str, int], None],
    run: Run = run_until,
    together: int = 1,
    at_once: int = 1,
    changed: Callable[[str, Path, Sequence[str]], bool] = is_changed,
    more: Mapping[str, int] = NO_MORE,
    tuned: Callable[[str], None] = lambda study: None,
) -> bool:
    """Find rates and train block by block until ``deadline`` or all is measured; whether all is.

    Args:
        studies: in the order within a block.
        most: blocks.
        folder: of the tables.
        settings: overrides for every call of ``deeper.train``.
        deadline: of ``time.monotonic``.
        finished: told of each study's block.
        run: runs a command; whether it ended by the deadline.
        together: blocks of a study in a round.
        at_once: blocks of a study that one command trains.
        changed: whether a table is of other settings than its study.
        more: the blocks of those studies that get another number.
        tuned: told of each study whose rates are found, before its first block is trained with them.

    Raises:
        DeeperError: a study failed.
    """
    done = write_blocks(folder, studies)
    done = {study: 0 if n and changed(study, folder / f"{study}.json", settings) else n for study, n in done.items()}
    ready: set[str] = set()
    for study, block in order(studies, most, done, together, at_once, more):
        verb, own = command_of(study)
        train = [sys.executable, "-m", f"deeper.{verb}", "--multirun", *own]
        if study not in ready:
            if not run([*train, *settings, "tune=true"], deadline):
                return False
            ready.add(study)
            tuned(study)
        if not run([*train, *settings, f"blocks={block}", "trust_table=true"], deadline):
            return False
        if blocks_of(folder / f"{study}.json") < block:
            raise DeeperError(f"study {study} has no block {block} after it ran: has it fewer seeds than blocks?")
        write_blocks(folder, studies)
        finished(study, block)
    return True
