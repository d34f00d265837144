"""One trial in a process of its own: trained from the frozen configuration, kept in its home."""

import io
import json
import logging
import os
import sys
import time
import traceback
import warnings
import zipfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from datetime import UTC, datetime
from typing import Any

import numpy as np
import torch
import yaml

from deeper.errors import DeeperError, one_line
from deeper.files import clear_leftovers, write_bytes
from deeper.fit.callbacks import Progress
from deeper.fit.fit import fit, load
from deeper.fit.outcome import Surroundings, TrialOutcome
from deeper.run import lightning_loggers, provenance
from deeper.run import wandb_runs as mirror
from deeper.run.costs import cost
from deeper.run.store import CHECKPOINT, CONFIG, CURVES, PREDICTIONS, WEIGHTS, Home

Tell = Callable[[list[dict[str, Any]]], None]
PARTS = {"pytorch-lightning_version", "state_dict", "loops", "optimizer_states"}  # of Lightning's, that are used


def train(job: dict[str, Any], say: Callable[[str, Any], None]) -> None:
    """Train the trial of ``job`` unless it is finished; every rank of a trial calls this.

    Args:
        job: ``config`` (resolved), ``id``, ``study``, ``data`` (digest), ``environment``.
        say: hands ``("progress", fraction)`` and ``("epoch", row)`` to the process that waits, or ``("reused", None)``.

    Raises:
        DeeperError: something the user can mend.
    """
    _quiet()
    config, home = job["config"], Home(job["config"]["store"], job["id"])
    first = int(os.environ.get("RANK", "0")) == 0
    with home.lock() if first else nullcontext():
        environment = {**job["environment"], "instruction_set": provenance.instruction_set()}
        if first and _reusable(home.record(), environment, config["reuse"]):
            say("reused", None)
            return
        if first:
            clear_leftovers(home.path)
        if first and (damaged := home.damaged()):
            line = f"trial {home.trial} was finished, and {', '.join(damaged)} is not what it was"
            say("note", f"{line}; what was there is kept in {home.set_aside()}, and it is trained again")
        if first and home.record() is not None:
            line = f"trial {home.trial} was computed by something else, and reuse=exact"
            say("note", f"{line}; what was there is kept in {home.set_aside('earlier')}, and it is trained again")
        began = time.perf_counter()
        earlier = _seconds_behind_checkpoint(home, environment, say) if first else 0.0
        if first:
            write_bytes(home / CONFIG, yaml.safe_dump(config, sort_keys=False).encode())
        _check_gpu(config["trainer"])
        if first:
            cost(config)  # kept for the record; a network that does not take such pictures is told before it is trained
        data = load(config)
        if data.digest != job["data"]:
            raise DeeperError("the prepared data changed while the sweep ran; start it again")
        live = mirror.Live(job) if first else None
        loggers = lightning_loggers.make(job) if first else []
        told = [lambda rows: live.add(rows[-1]), *(logger.add for logger in loggers)] if first else []
        around = Surroundings(
            checkpoint=home / CHECKPOINT,
            made_with=provenance.computes(environment),
            every=config["runtime"]["checkpoint_every"],
            publish=(lambda rows: _publish(home, rows, say, told)) if first else (lambda rows: None),
            callbacks=lambda steps: [Progress(lambda fraction: say("progress", fraction), steps)],
            **_features(job, environment),
        )
        with _beside_removed(home) if first else nullcontext():
            outcome = fit(config, data, around)
        if first:
            _keep(home, {**job, "environment": environment}, outcome, round(earlier + time.perf_counter() - began, 3))
            live.finish()
            for logger in loggers:
                logger.finish()


@contextmanager
def _beside_removed(home: Home) -> Iterator[None]:
    """Name and remove the checkpoint that could not be written, so that a full disk is not kept full by it."""
    beside = (home / CHECKPOINT).with_suffix(".tmp")
    beside.unlink(missing_ok=True)
    try:
        yield
    except OSError as error:
        if error.filename is None and beside.exists():
            error.filename = str(beside)
        raise
    finally:
        with suppress(OSError):
            beside.unlink(missing_ok=True)


def _features(job: dict[str, Any], environment: dict[str, Any]) -> dict[str, Any]:
    """What keeps the features of a transfer's target set; nothing for a training from scratch."""
    if "transfer" not in job["config"]:
        return {}
    from deeper.run import feature_store

    return {"keep": feature_store.keeper(job["config"], job["data"], provenance.computes(environment))}


def _reusable(record: dict[str, Any] | None, environment: dict[str, Any], reuse: str) -> bool:
    """Whether a finished trial stands for the one that is asked: with ``reuse=exact`` only if the same computed it."""
    return record is not None and (reuse != "exact" or provenance.same(record["environment"], environment))


def _keep(home: Home, job: dict[str, Any], outcome: TrialOutcome, total_s: float) -> None:
    config = job["config"]
    _write_curves(home, outcome.history)
    predictions, weights = io.BytesIO(), io.BytesIO()
    np.savez_compressed(predictions, logits=outcome.logits, labels=outcome.labels)
    torch.save(outcome.weights, weights)
    write_bytes(home / PREDICTIONS, predictions.getvalue())
    write_bytes(home / WEIGHTS, weights.getvalue())
    rate = outcome.images / outcome.train_s if outcome.images and outcome.train_s else None
    home.finish(
        {
            "status": "diverged" if outcome.reason else "finished",
            "reason": outcome.reason,
            "metrics": outcome.metrics,
            "cost": cost(config),
            "time": {
                "train_s": round(outcome.train_s, 3),
                "total_s": total_s,
                "images_per_s": rate and round(rate, 1),
                **outcome.times,
            },
            "gradients": outcome.gradients,
            "data": job["data"],
            "environment": job["environment"],
            "finished_at": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        }
    )


def _publish(home: Home, rows: list[dict[str, Any]], say: Callable[[str, Any], None], told: Iterable[Tell]) -> None:
    _write_curves(home, rows)
    say("epoch", rows[-1])
    for tell in told:
        tell(rows)
    print(json.dumps(rows[-1]), flush=True)


def _write_curves(home: Home, rows: list[dict[str, Any]]) -> None:
    write_bytes(home / CURVES, "".join(json.dumps(row) + "\n" for row in rows).encode())


def _seconds_behind_checkpoint(home: Home, environment: dict[str, Any], say: Callable[[str, Any], None]) -> float:
    """How long was trained for the checkpoint to go on from; 0 where there is none.

    One that is damaged, none of Lightning's, or made with other libraries or instructions is removed, and that is said:
    going on from it would end in other bits than either side alone. The first rank alone judges it, since others may be
    on another processor. ``torch.load`` reads over changed bytes, the archive's own checksums do not.
    """
    path = home / CHECKPOINT
    try:
        if path.exists():
            with zipfile.ZipFile(path) as archive:
                if (broken := archive.testzip()) is not None:
                    raise ValueError(f"{broken} is damaged")
            checkpoint = torch.load(path, map_location="cpu", weights_only=True)
            if missing := PARTS - checkpoint.keys():
                raise ValueError(f"it has no {min(missing)}")
            made_with = checkpoint["callbacks"].get("Checkpoint", {}).get("made_with")
            if made_with != provenance.computes(environment):
                raise ValueError("other libraries, instructions or another processor wrote it")
            return float(sum(row["seconds"] for row in checkpoint["callbacks"]["History"]["rows"]))
    except Exception as error:
        line = f"trial {home.trial} starts from the beginning, its checkpoint cannot be used: {error}"
        print(line, flush=True)
        say("note", line)
        path.unlink(missing_ok=True)
    return 0.0


def _check_gpu(trainer: dict[str, Any]) -> None:
    if trainer["accelerator"] == "gpu" and not torch.cuda.is_available():
        raise DeeperError(
            "nvidia-smi lists a GPU that torch cannot use (the driver is too old for it, or this torch has no CUDA); "
            "trainer.accelerator=cpu trains on the CPU"
        )


def _quiet() -> None:
    warnings.filterwarnings("ignore")
    for name in ("pytorch_lightning", "lightning.pytorch", "lightning_fabric", "torch.distributed"):
        logging.getLogger(name).setLevel(logging.ERROR)


def describe(error: BaseException) -> str:
    """An exception in one line; the traceback of a defect goes to standard error, which is the trial's log."""
    line = one_line(error)
    if line is None:
        traceback.print_exc(file=sys.stderr)
        line = f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else 'no message'}"
    return line
