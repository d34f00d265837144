"""Pictures and labels from whole numbers, the same on every machine and with every version of every library."""

import numpy as np

CLASSES = 10


def numbers(count: int, seed: int) -> np.ndarray:
    """uint64 (count,), SplitMix64 of a counter that starts at ``seed`` · 2^32."""
    state = np.arange(1, count + 1, dtype=np.uint64) + (np.uint64(seed) << np.uint64(32))
    state = state * np.uint64(0x9E3779B97F4A7C15)
    state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return state ^ (state >> np.uint64(31))


def pixels(count: int, side: int, channels: int, seed: int) -> np.ndarray:
    """Noise: uint8 (count, side, side, channels)."""
    return (
        (numbers(count * side * side * channels, seed) >> np.uint64(56))
        .astype(np.uint8)
        .reshape(count, side, side, channels)
    )


def classes(count: int, seed: int) -> np.ndarray:
    """Labels int64 (count,), each of ten classes about as often as the others."""
    order = np.argsort(numbers(count, seed), kind="stable")
    return (order % CLASSES).astype(np.int64)


def pictures(count: int, side: int, channels: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Pictures, uint8 (count, side, side, channels), and labels: a bright square at a class's own place in noise."""
    images, labels = pixels(count, side, channels, seed) // 2, classes(count, seed + 1)
    tall, wide = side // 2, side // 5
    for image, label in zip(images, labels, strict=True):
        row, column = divmod(int(label), 5)
        image[tall * row : tall * (row + 1), wide * column : wide * (column + 1)] += 110
    return images, labels
