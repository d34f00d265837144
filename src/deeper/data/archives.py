"""Archives of others: read to the last byte or refused, and never longer than what is expected."""

import bz2
import contextlib
import gzip
import io
import lzma
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

BROKEN = (EOFError, OSError, KeyError, zlib.error, lzma.LZMAError, tarfile.TarError, zipfile.BadZipFile)
MOST_BYTES = 16 * 2**30
COMPRESSED = {b"\x1f\x8b": gzip.open, b"BZh": bz2.open, b"\xfd7zXZ": lzma.open}
CHUNK = 2**20


class TooLong(Exception):
    """What an archive holds is more than what is expected of it; it was read no further."""


class Bounded(io.RawIOBase):
    """A stream that may hold ``most`` bytes. Reading more raises ``TooLong``: a small archive can hold very much."""

    def __init__(self, content: BinaryIO, most: int):
        self.content, self.most, self.left = content, most, most

    def readable(self) -> bool:
        return True

    def read(self, size: int | None = -1) -> bytes:
        data = self.content.read(self.left + 1 if size is None or size < 0 else min(size, self.left + 1))
        self.left -= len(data)
        if self.left < 0:
            raise TooLong(f"it holds more than {self.most:,} bytes")
        return data


class _EveryHeader(tarfile.TarInfo):
    """A header that is cut off or damaged is an error; tarfile alone takes it for the end of the archive."""

    @classmethod
    def fromtarfile(cls, archive: tarfile.TarFile) -> tarfile.TarInfo:
        try:
            return super().fromtarfile(archive)
        except tarfile.EOFHeaderError:  # the mark at the end
            raise
        except tarfile.HeaderError as error:
            raise tarfile.ReadError(f"it ends or is damaged at a header: {error}") from error


@contextlib.contextmanager
def opened_tar(content: BinaryIO, most: int = MOST_BYTES) -> Iterator[tarfile.TarFile]:
    """A tar archive, compressed or not, to be read once from its start to its end.

    Behind its last member the rest is read as well, since a compressed file's checksum stands at its end.

    Args:
        content: a buffered stream of the archive's bytes.
        most: bytes that it may unpack to.

    Raises:
        one of ``BROKEN``: it is cut off or damaged.
        TooLong: it unpacks to more than ``most`` bytes.
    """
    bounded = Bounded(decompressed(content), most)
    with tarfile.open(fileobj=bounded, mode="r|", tarinfo=_EveryHeader) as archive:
        yield archive
    while bounded.read(CHUNK):
        pass


def decompressed(content: BinaryIO) -> BinaryIO:
    """What gzip, bzip2 or xz packed into a buffered stream; the stream itself where none of them did."""
    start = content.peek(8)
    return next((opener(content) for mark, opener in COMPRESSED.items() if start.startswith(mark)), content)


def read_gzip(path: Path, most: int) -> bytes:
    """The content of a gzip file.

    Raises:
        one of ``BROKEN``: it is cut off or damaged.
        TooLong: it is more than ``most`` bytes.
    """
    with gzip.open(path) as content:
        return Bounded(content, most).read()
