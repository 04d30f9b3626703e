"""What there is to copy is counted as a backup would, and the time is reckoned from facts."""

import os
from pathlib import Path

import pytest

from ops.sites.probe.first_copy import Extent, copy_rate, measure, reckon_seconds


def test_a_walk_counts_files_and_leaves_out_what_is_excluded(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"x" * 10)
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub/b").write_bytes(b"x" * 5)
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache/c").write_bytes(b"x" * 100)
    (tmp_path / "link").symlink_to(tmp_path)
    extent = Extent()
    measure(os.fsencode(tmp_path), lambda path, _status: path.endswith(b"/cache"), extent)

    assert (extent.files, extent.size_bytes, extent.unreadable) == (2, 15, 0)
    assert sorted(extent.samples) == [os.fsencode(tmp_path / name) for name in ("a", "sub/b")]


def test_a_single_file_is_a_part_as_well(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"x" * 10)
    extent = Extent()
    measure(os.fsencode(tmp_path / "a"), lambda _path, _status: False, extent)

    assert (extent.files, extent.size_bytes) == (1, 10)


def test_a_trial_is_made_only_where_there_is_something(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"x" * 100_000)

    assert copy_rate([]) is None
    assert copy_rate([os.fsencode(tmp_path / "gone")]) is None
    assert (copy_rate([os.fsencode(tmp_path / "a")]) or 0) > 0


@pytest.mark.parametrize(
    ("rate", "limits", "seconds"),
    [
        (None, {}, None),
        (1_000_000.0, {}, 10.0),
        (1_000_000.0, {"default": 50, "07:00-19:00": 10}, 10.0),
        (10_000_000.0, {"default": 50, "07:00-19:00": 10}, 8.0),
    ],
)
def test_the_slower_of_source_and_store_counts(
    rate: float | None, limits: dict[str, int], seconds: float | None
) -> None:
    assert reckon_seconds(10_000_000, rate, limits) == seconds
