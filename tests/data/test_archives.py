import gzip
import io
import os
import tarfile

import pytest

from deeper.data.archives import BROKEN, TooLong, opened_tar, read_gzip

FILES = {f"set/{number}": os.urandom(300 + 90 * number) for number in range(6)}


@pytest.fixture(params=["w:", "w:gz", "w:bz2", "w:xz"])
def packed(request):
    whole = io.BytesIO()
    with tarfile.open(fileobj=whole, mode=request.param) as archive:
        for name, content in FILES.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return whole.getvalue()


def unpacked(data, **settings):
    with opened_tar(io.BufferedReader(io.BytesIO(data)), **settings) as archive:
        return {member.name: archive.extractfile(member).read() for member in archive}


def test_every_member_is_read(packed):
    assert unpacked(packed) == FILES


def test_an_archive_that_is_cut_anywhere_is_broken(packed):
    end = (
        len(packed) if packed[:2] in (b"\x1f\x8b", b"BZ", b"\xfd7") else 6 * 512 + 512 * 8
    )  # a plain one ends in zeros
    for length in range(0, end, 64):
        with pytest.raises(BROKEN):
            unpacked(packed[:length])


def test_a_damaged_header_is_not_the_end_of_an_archive():
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w:") as archive:
        for name in FILES:
            archive.addfile(tarfile.TarInfo(name))
    damaged = bytearray(plain.getvalue())
    damaged[512 * 2 + 5] ^= 1
    with pytest.raises(BROKEN, match="at a header"):
        unpacked(bytes(damaged))


def test_a_wrong_checksum_at_the_end_is_seen(packed):
    if packed[:2] == b"\x1f\x8b":
        with pytest.raises(BROKEN, match="CRC"):
            unpacked(packed[:-8] + bytes(4) + packed[-4:])


def test_what_unpacks_to_more_than_expected_is_read_no_further(packed, tmp_path):
    with pytest.raises(TooLong, match="more than 2,000 bytes"):
        unpacked(packed, most=2000)
    (tmp_path / "a.gz").write_bytes(gzip.compress(bytes(10_000_000)))
    with pytest.raises(TooLong, match="more than 100 bytes"):
        read_gzip(tmp_path / "a.gz", 100)
    assert read_gzip(tmp_path / "a.gz", 10_000_000) == bytes(10_000_000)
