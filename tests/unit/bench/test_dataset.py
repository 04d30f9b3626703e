import hashlib
import time
from pathlib import Path

import numpy as np
import pytest

from bench.content import Writer, make_content
from bench.dataset import (
    SITE_BYTES,
    SMALL_FILES,
    SMALL_MEAN,
    ensure_dataset,
    make_dump,
    make_site,
    make_small,
    spread_sizes,
)
from bench.mutation import pass_day
from bench.words import make_pools

SCALE = 0.002


def digest(root: Path) -> dict[str, tuple[str, int]]:
    found = {}
    for path in sorted(root.rglob("*")):
        if path.is_file():
            content = hashlib.sha256(path.read_bytes()).hexdigest()
            found[str(path.relative_to(root))] = (content, path.stat().st_mtime_ns)
    return found


def test_the_same_seed_makes_the_same_portal(tmp_path: Path) -> None:
    make_site(tmp_path / "one", SCALE, seed=5)
    make_site(tmp_path / "two", SCALE, seed=5)
    make_site(tmp_path / "other", SCALE, seed=6)

    assert digest(tmp_path / "one") == digest(tmp_path / "two")
    assert digest(tmp_path / "one") != digest(tmp_path / "other")


def test_a_portal_holds_what_it_should(tmp_path: Path) -> None:
    made = make_site(tmp_path / "site", 0.01)
    found = [path for path in (tmp_path / "site").rglob("*") if path.is_file()]
    sizes = [path.stat().st_size for path in found]
    contents = {hashlib.sha256(path.read_bytes()).digest() for path in found}

    assert made.files == len(found) == pytest.approx(550, rel=0.02)
    assert made.size == sum(sizes) == pytest.approx(SITE_BYTES * 0.01, rel=0.02)
    assert 0 in sizes
    assert 0.94 < len(contents) / len(found) < 0.98
    assert all(path.stat().st_mtime < time.time() - 3600 for path in found)


def test_small_files_are_small_and_in_folders(tmp_path: Path) -> None:
    made = make_small(tmp_path / "small", SCALE)
    folders = {path.parent for path in (tmp_path / "small").rglob("*") if path.is_file()}

    assert made.files == SMALL_FILES * SCALE
    assert made.size == pytest.approx(made.files * SMALL_MEAN, rel=0.02)
    assert 1 <= len(folders) <= made.files / 100 + 1


def test_a_dump_has_its_size_and_looks_like_one(tmp_path: Path) -> None:
    made = make_dump(tmp_path / "dump", 0.0005)
    text = (tmp_path / "dump/portal-toan-bo.sql").read_bytes()

    assert made.size == len(text) == 2_000_000
    assert text.startswith(b"-- MariaDB dump")
    assert text.count(b"INSERT INTO `wp_posts` VALUES (") >= 1


def test_a_day_changes_little_and_the_same_each_time(tmp_path: Path) -> None:
    before = make_site(tmp_path / "one", SCALE)
    make_site(tmp_path / "two", SCALE)
    first = digest(tmp_path / "one")
    changes = pass_day(tmp_path / "one", scale=SCALE)
    pass_day(tmp_path / "two", scale=SCALE)
    second = digest(tmp_path / "one")
    kept = [name for name, found in second.items() if first.get(name) == found]

    assert second == digest(tmp_path / "two")
    assert len(second) == before.files + changes.added - changes.deleted
    assert len(kept) == before.files - changes.changed - changes.renamed - changes.deleted - 1
    assert {found for found, _ in first.values()} & {found for found, _ in second.values()}


def test_rows_are_inserted_in_the_middle_of_the_dump(tmp_path: Path) -> None:
    make_site(tmp_path, SCALE)
    dump = tmp_path / "sao-luu/portal.sql"
    before = dump.read_bytes()
    pass_day(tmp_path, scale=SCALE)
    after = dump.read_bytes()

    assert len(after) > len(before)
    assert after[: len(before) // 3] == before[: len(before) // 3]
    assert after[-len(before) // 3 :] == before[-len(before) // 3 :]


def test_data_are_reused_only_with_the_same_stamp(tmp_path: Path) -> None:
    made = ensure_dataset("small", tmp_path, scale=0.0002)
    (made.root / "dau-vet").touch()
    again = ensure_dataset("small", tmp_path, scale=0.0002)

    assert again == made
    assert (made.root / "dau-vet").exists()

    ensure_dataset("small", tmp_path, scale=0.0002, seed=9)

    assert not (made.root / "dau-vet").exists()


@pytest.mark.parametrize("kind", ["html", "php", "js", "css", "json", "pdf", "jpg"])
@pytest.mark.parametrize("size", [1_000, 77_777])
def test_a_content_has_exactly_its_size(tmp_path: Path, kind: str, size: int) -> None:
    pools = make_pools(1, size=50_000, code_size=20_000)
    out = Writer(tmp_path, np.random.default_rng(1))

    assert len(make_content(out, kind, size, pools)) == size


def test_sizes_add_up_and_keep_their_limits() -> None:
    sizes = spread_sizes(np.random.default_rng(1), 1000, 60_000_000, spread=1.7, smallest=2_500)

    assert sum(sizes) == pytest.approx(60_000_000, abs=1000)
    assert min(sizes) >= 2_500
    assert max(sizes) <= 10_000_000
