"""The demo's comparison sees every difference that a restore could make."""

import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from examples.compare import compare_databases, compare_trees
from examples.pictures import draw_picture

NOTHING: frozenset[str] = frozenset()


@pytest.fixture
def trees(tmp_path: Path) -> tuple[Path, Path]:
    """Two equal folders: a file with a hard link, a symbolic link, a folder."""
    source = tmp_path / "source"
    (source / "folder").mkdir(parents=True)
    (source / "page").write_text("một trang")
    (source / "same").hardlink_to(source / "page")
    (source / "link").symlink_to("page")
    restored = tmp_path / "restored"
    shutil.copytree(source, restored, symlinks=True)
    (restored / "same").unlink()
    (restored / "same").hardlink_to(restored / "page")
    for path in [*source.rglob("*"), source]:
        status = path.lstat()
        copy = restored / path.relative_to(source)
        os.utime(copy, ns=(status.st_atime_ns, status.st_mtime_ns), follow_symlinks=False)
    return source, restored


def change_content(restored: Path) -> None:
    status = (restored / "page").stat()
    (restored / "page").write_text("một tranh")
    os.utime(restored / "page", ns=(status.st_atime_ns, status.st_mtime_ns))


def change_time(restored: Path) -> None:
    status = (restored / "page").stat()
    os.utime(restored / "page", ns=(status.st_atime_ns, status.st_mtime_ns + 1))


def change_mode(restored: Path) -> None:
    (restored / "folder").chmod(0o700)


def split_hard_link(restored: Path) -> None:
    shutil.copy2(restored / "same", restored / "copy")
    (restored / "copy").rename(restored / "same")


def lose_file(restored: Path) -> None:
    (restored / "link").unlink()


def add_file(restored: Path) -> None:
    (restored / "new").touch()


def test_equal_trees_have_no_difference(trees: tuple[Path, Path]) -> None:
    assert compare_trees(*trees, leave_out=NOTHING) == []


@pytest.mark.parametrize(
    ("change", "difference"),
    [
        (change_content, "page: content differs"),
        (change_time, "page: modified_ns differs"),
        (change_mode, "folder: mode differs"),
        (split_hard_link, "page: linked_with differs"),
        (lose_file, "link: missing"),
        (add_file, "new: not in the source"),
    ],
)
def test_each_difference_is_named(
    trees: tuple[Path, Path], change: Callable[[Path], None], difference: str
) -> None:
    change(trees[1])

    assert difference in compare_trees(*trees, leave_out=NOTHING)


def test_what_is_left_out_is_not_compared(trees: tuple[Path, Path]) -> None:
    add_file(trees[1])

    assert compare_trees(*trees, leave_out=frozenset({"new"})) == []


def make_database(path: Path, rows: int) -> Path:
    with closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE articles (title TEXT)")
        database.executemany("INSERT INTO articles VALUES (?)", [("tin",)] * rows)
        database.commit()
    return path


def test_databases_are_compared_row_by_row(tmp_path: Path) -> None:
    source = make_database(tmp_path / "source", rows=3)
    same = make_database(tmp_path / "same", rows=3)
    short = make_database(tmp_path / "short", rows=2)

    assert compare_databases(source, same) == []
    assert compare_databases(source, short) == ["short: rows differ"]


def test_pictures_are_the_same_for_the_same_seed() -> None:
    picture = draw_picture(7)

    assert picture == draw_picture(7)
    assert picture != draw_picture(8)
    assert picture.startswith(b"\x89PNG\r\n\x1a\n")
