"""Prepared sets at another image size: resized once, kept beside the set, checked at every use."""

import contextlib
import glob
import hashlib
import json
import os
from pathlib import Path

import numpy as np

from deeper.data.prepared import LABELS, ArraySet, load_array, open_set, read_meta, save_file, verify_file
from deeper.errors import DeeperError
from deeper.files import folder_lock, json_value, scratch_folder, sync_folder, write_synced

RESIZE_VERSION = 1  # raise it when `resize` gives other pixels: copies that are kept are then made again
FOLDER = ".resized"
KEY = 16  # hexadecimal digits
RESIZE_CHUNK = 4096
HALF_UP = 0.5 + 1e-9  # exact ties round up whatever the last bit of a weight is on this processor


def open_resized(folder: str | Path, size: int) -> ArraySet:
    """Open a prepared set with images of ``size`` × ``size`` pixels.

    Where that is another size than the set's own, the images are resized once (see ``resize``) and kept in
    ``.resized`` beside the set, under the digest of the set and ``RESIZE_VERSION``. A kept file that is not what was
    written is made again.

    Raises:
        DeeperError: as ``open_set``, or ``size`` is less than 1.
    """
    folder = Path(folder)
    meta = read_meta(folder)
    if list(meta["image_shape"][:2]) == [size, size]:
        return open_set(folder)
    key = hashlib.sha256(f"{RESIZE_VERSION} {meta['digest']}".encode()).hexdigest()[:KEY]
    copy = folder.parent / FOLDER / f"{folder.name}-{size}-{key}.npy"
    shape = (meta["splits"]["test"][1], size, size, meta["image_shape"][2])
    images = _kept(copy, shape)
    if images is None:
        images = resize(open_set(folder).images, size)
        # a disk that is full or read-only, or has no locks, costs time, not the trial
        with contextlib.suppress(OSError, DeeperError):
            _keep(copy, images)
    verify_file(folder / LABELS, meta["files"][LABELS], content=True)
    return ArraySet(folder, meta, images, load_array(folder / LABELS, np.int64, shape[:1], None))


def resize(images: np.ndarray, size: int) -> np.ndarray:
    """Resize uint8 N×H×W×C images to ``size`` × ``size``, bilinear with antialiasing; the very array where it fits.

    Raises:
        DeeperError: ``size`` is less than 1.
    """
    if size < 1:
        raise DeeperError(f"images cannot be resized to {size} pixels; choose 1 or more")
    if images.shape[1:3] == (size, size):
        return images
    import torch  # here, because preparing a set needs none of it and it takes seconds to import

    result = np.empty((len(images), size, size, images.shape[3]), np.uint8)
    for start in range(0, len(images), RESIZE_CHUNK):
        chunk = torch.from_numpy(np.array(images[start : start + RESIZE_CHUNK])).permute(0, 3, 1, 2).double()
        scaled = torch.nn.functional.interpolate(chunk, (size, size), mode="bilinear", antialias=True)
        scaled = scaled.add_(HALF_UP).floor_().clamp_(0, 255).to(torch.uint8)
        result[start : start + RESIZE_CHUNK] = scaled.permute(0, 2, 3, 1).numpy()
    return result


def _kept(path: Path, shape: tuple[int, ...]) -> np.ndarray | None:
    """The images of a kept copy, as a memory map; None where it is not there or is not what was written."""
    try:
        verify_file(path, json_value(path.with_suffix(".json").read_bytes()), content=True)
        return load_array(path, np.uint8, shape, "r")
    except (OSError, ValueError, LookupError, TypeError, DeeperError):
        return None


def _keep(path: Path, images: np.ndarray) -> None:
    with folder_lock(path):
        if _kept(path, images.shape) is not None:  # another process has written it meanwhile
            return
        with scratch_folder(path) as scratch:
            facts = save_file(scratch / path.name, images)
            write_synced(scratch / "facts.json", json.dumps(facts).encode())
            os.replace(scratch / path.name, path)
            os.replace(scratch / "facts.json", path.with_suffix(".json"))
            sync_folder(path.parent)
        for earlier in path.parent.glob(f"{glob.escape(path.stem[:-KEY])}{'?' * KEY}.*"):
            if earlier.stem != path.stem:  # of the set before it was prepared anew
                earlier.unlink(missing_ok=True)
