"""What an offline run of W&B holds: its file is a log of LevelDB's, with a record of W&B's protocol in each entry."""

import json

from wandb.proto import wandb_internal_pb2

BLOCK, HEAD = 32768, 7


def records(path):
    """Every record of a ``.wandb`` file."""
    data, place, parts = path.read_bytes(), HEAD, b""
    while place < len(data):
        left = BLOCK - place % BLOCK
        if left < HEAD:
            place += left
            continue
        length, kind = int.from_bytes(data[place + 4 : place + 6], "little"), data[place + 6]
        parts += data[place + HEAD : place + HEAD + length]
        place += HEAD + length
        if kind in (1, 4):  # whole, or the last part of one
            record = wandb_internal_pb2.Record()
            record.ParseFromString(parts)
            parts = b""
            yield record


def read(run):
    """Group, summary (the last value of each key, as the server keeps it), history, and whether the run was ended."""
    group, summary, history, ended = None, {}, [], False
    for record in records(next(run.glob("*.wandb"))):
        kind = record.WhichOneof("record_type")
        if kind == "run":
            group = record.run.run_group
        elif kind == "history":
            row = {item.key or "/".join(item.nested_key): json.loads(item.value_json) for item in record.history.item}
            history.append(row)
            summary |= {key: value for key, value in row.items() if key[0] != "_"}
        elif kind == "summary":
            changed = record.summary.update
            summary |= {item.key or "/".join(item.nested_key): json.loads(item.value_json) for item in changed}
        ended |= kind == "exit"
    return group, summary, history, ended
