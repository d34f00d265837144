"""Randomness is a function, not a stream: a seed for every purpose, from integers."""

import hashlib
from enum import IntEnum


class Purpose(IntEnum):
    """What a seed is for. A number stands in the seeds of all results: it is never changed and never used again."""

    WEIGHTS = 0  # initial weights
    ORDER = 1  # of an epoch's pictures
    PICTURES = 2  # crops, mirrors and other augmentation of an epoch
    STEP = 3  # what a network draws in a step on a rank, such as dropout
    SHARED = 4  # what all ranks draw alike in a step, such as dropped blocks
    LESION = 11
    GRADIENT_NOISE = 12
    STEP_TIME = 13
    BATCH = 14  # what mixes the pictures of a batch
    BASELINE = 15  # the trees of a random forest
    SEARCH = 16  # what a searcher draws
    REPLAY = 17  # which of a cell's trainings a replayed search sees
    PICTURE = 21  # what is drawn for one picture of an epoch, where pictures come from disk
    OPERATIONS = 30  # which operations a picture of an epoch gets by RandAugment


def seed_of(*parts: int) -> int:
    """A 63-bit seed from integers, the same everywhere (SplitMix64 over the parts)."""
    state = 0
    for part in parts:
        state = (state ^ (part & 0xFFFFFFFFFFFFFFFF)) & 0xFFFFFFFFFFFFFFFF
        state = (state + 0x9E3779B97F4A7C15) & 0xFFFFFFFFFFFFFFFF
        state = ((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9) & 0xFFFFFFFFFFFFFFFF
        state = ((state ^ (state >> 27)) * 0x94D049BB133111EB) & 0xFFFFFFFFFFFFFFFF
        state ^= state >> 31
    return state >> 1


def number_of(name: str) -> int:
    """A 64-bit number that stands for a name in ``seed_of``, the same everywhere."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big")
