"""A file of terabytes that takes no room: whoever owns a site makes one in a moment."""

import json
import os
import time
from pathlib import Path

import pytest

from backup.archiver.big_files import WINDOW
from backup.archiver.run_writer import RunWriter
from tests.integration.jobs.small_estate import build_estate, giucong
from tests.unit.backup.archiver.test_big_files import name_of, read, store, writer

__all__ = ["writer"]

pytestmark = pytest.mark.slow
MIB, TIB = 1 << 20, 1 << 40


def make_sparse(path: Path, size: int, *pieces: tuple[int, bytes]) -> None:
    with path.open("wb") as file:
        file.truncate(size)
        for offset, data in pieces:
            os.pwrite(file.fileno(), data, offset)


def test_holes_are_cut_as_the_same_zeros_are(writer: RunWriter, tmp_path: Path) -> None:
    path, written = tmp_path / "sparse", tmp_path / "written"
    pieces = ((3 * WINDOW + 5, os.urandom(20 * MIB)), (8 * WINDOW, b"x"))
    make_sparse(path, 12 * WINDOW + 7, *pieces)
    written.write_bytes(path.read_bytes())
    assert path.stat().st_blocks * 512 < written.stat().st_blocks * 512

    ((ids, size, _),), failures = store(writer, name_of(path))
    ((wanted, _, _),), _ = store(writer, name_of(written))

    assert (ids, size, failures) == (wanted, path.stat().st_size, [])
    assert read(writer._repository, ids) == written.read_bytes()


def test_four_tebibytes_of_nothing_take_seconds(writer: RunWriter, tmp_path: Path) -> None:
    path = tmp_path / "sparse"
    make_sparse(path, 4 * TIB, (TIB, b"x"), (4 * TIB - 1, b"y"))
    begun = time.monotonic()

    ((ids, size, _),), failures = store(writer, name_of(path))

    assert time.monotonic() - begun < 20
    assert (size, failures) == (4 * TIB, [])
    assert len({ids[at : at + 32] for at in range(0, len(ids), 32)}) <= 5


def test_a_site_is_saved_without_the_file_whose_holes_are_too_large(tmp_path: Path) -> None:
    estate = build_estate(tmp_path / "estate")
    make_sparse(estate.parent / "www" / "uploads" / "khong.img", 4 * TIB)
    assert giucong(estate, "backup.init").returncode == 0
    begun = time.monotonic()

    done = giucong(estate, "backup.run", "--site", "cong-xa")

    assert done.returncode == 3, done.stdout + done.stderr
    assert time.monotonic() - begun < 60
    assert "khong.img" in done.stdout + done.stderr
    listed = giucong(estate, "backup.files", "--site", "cong-xa", "--folder",
                     "cong-xa/files/www/uploads", "--json")  # fmt: skip
    names = [it["path"] for it in json.loads(listed.stdout)["items"]]
    assert any(it.endswith("anh-19.jpg") for it in names)
    assert not any(it.endswith("khong.img") for it in names)
