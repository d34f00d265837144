"""Which of many lines, boxes and circles in a plane meet: arrays in, one entry for each pair out.

Segments are rows (x, y, x, y), boxes (left, bottom, right, top), circles (x, y, radius). A segment of nan meets none.
"""

import numpy as np

TINY = 1e-9


def shared(boxes: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Shared area of each pair of boxes, [n, m]."""
    low = np.maximum(boxes[:, None, :2], others[None, :, :2])
    high = np.minimum(boxes[:, None, 2:], others[None, :, 2:])
    return np.clip(high - low, 0, None).prod(2)


def segments(ones: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Whether each pair of segments crosses, [n, m]."""
    a, b = ones[:, None, :2], ones[:, None, 2:]
    c, d = others[None, :, :2], others[None, :, 2:]
    return (_side(a, b, c) * _side(a, b, d) < 0) & (_side(c, d, a) * _side(c, d, b) < 0)


def segment_box(ones: np.ndarray, boxes: np.ndarray) -> np.ndarray:
    """Whether each segment has a part inside each box, [n, m]."""
    start = ones[:, None, :2]
    step = ones[:, None, 2:] - start
    step = np.where(np.abs(step) < TINY, TINY, step)
    one, other = (boxes[None, :, :2] - start) / step, (boxes[None, :, 2:] - start) / step
    enters = np.minimum(one, other).max(2)
    leaves = np.maximum(one, other).min(2)
    return np.maximum(enters, 0) < np.minimum(leaves, 1)


def segment_circle(ones: np.ndarray, circles: np.ndarray) -> np.ndarray:
    """Whether each segment comes into each circle, [n, m]."""
    start = ones[:, None, :2]
    step = ones[:, None, 2:] - start
    away = circles[None, :, :2] - start
    share = np.clip((away * step).sum(2) / np.maximum((step**2).sum(2), TINY), 0, 1)
    return np.hypot(*np.moveaxis(away - share[..., None] * step, 2, 0)) < circles[None, :, 2]


def box_circle(boxes: np.ndarray, circles: np.ndarray) -> np.ndarray:
    """The air between each box and each circle, [n, m]; 0 where they meet."""
    centres = circles[None, :, :2]
    nearest = np.clip(centres, boxes[:, None, :2], boxes[:, None, 2:])
    return np.clip(np.hypot(*np.moveaxis(nearest - centres, 2, 0)) - circles[None, :, 2], 0, None)


def _side(a: np.ndarray, b: np.ndarray, c: np.ndarray) -> np.ndarray:
    along, away = b - a, c - a
    return along[..., 0] * away[..., 1] - along[..., 1] * away[..., 0]
