"""A backup that takes over what is unchanged writes the very trees that one from nothing writes."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.backing_up import back_up, make_repository

# Quotes, a backslash, what looks like a node, markup, no UTF-8, an unprintable sign, a dot, marks.
NAMES = (
    b'quo"ted', b"back\\slash", b'x","type":"file","mode":1', b"<&>", b"no-utf8-\xff", b"new\nline",
    b"space\xc2\xa0", b".", "cổng".encode(),
)  # fmt: skip

FILES = 47
MOST_CHANGED = 3


@pytest.fixture
def site(tmp_path: Path) -> Path:
    root = tmp_path / "site"
    touched = root / "touched"
    for folder in (root, root / "kept", touched, touched / "kept"):
        _fill(folder)
    (touched / "other-name").hardlink_to(root / "kept" / "empty")
    (touched / "big").write_bytes(os.urandom(700_000))
    (touched / "no-rights").write_bytes(b"no")
    (touched / "no-rights").chmod(0)
    return root


def _fill(folder: Path) -> None:
    folder.mkdir()
    for name in NAMES:
        (folder / os.fsdecode(b"file " + name)).write_bytes(name * 20)
    (folder / "empty").touch()
    (folder / "named").write_bytes(b"attributes")
    os.setxattr(folder / "named", "user.a", b"1")
    os.setxattr(folder / "named", "user.b", b'"},{"name":"')
    (folder / "link").symlink_to("empty")
    (folder / "with attributes").mkdir()
    os.setxattr(folder / "with attributes", "user.c", b"\xff")
    (folder / "without").mkdir()
    (folder / "without").chmod(0o2750)


def _grow(site: Path) -> None:
    with (site / "touched" / "kept" / "named").open("ab") as file:
        file.write(b"more")


def _rename(site: Path) -> None:
    (site / "touched" / "named").rename(site / "touched" / "renamed")


def _exchange(site: Path) -> None:
    touched = site / "touched"
    (touched / "empty").rename(touched / "aside")
    (touched / "named").rename(touched / "empty")
    (touched / "aside").rename(touched / "named")


def _become_a_folder(site: Path) -> None:
    (site / "touched" / "named").unlink()
    (site / "touched" / "named").mkdir()


def _become_a_file(site: Path) -> None:
    (site / "touched" / "without").rmdir()
    (site / "touched" / "without").write_bytes(b"a file now")


CHANGES: dict[str, Callable[[Path], object]] = {
    "a file grows": _grow,
    "a file gets another name": _rename,
    "two files change places": _exchange,
    "a file becomes a folder": _become_a_folder,
    "a folder becomes a file": _become_a_file,
    "a file gets other rights": lambda site: (site / "touched" / "empty").chmod(0o640),
    "a folder gets other rights": lambda site: (site / "touched" / "without").chmod(0o700),
    "a file gets an attribute": lambda site: os.setxattr(
        site / "touched" / "empty", "user.new", b"1"
    ),
    "a folder gets an attribute": lambda site: os.setxattr(
        site / "touched" / "without", "user.new", b"1"
    ),
    "a folder's attribute changes": lambda site: os.setxattr(
        site / "touched" / "with attributes", "user.c", b"2"
    ),
    "a folder loses its attribute": lambda site: os.removexattr(
        site / "touched" / "with attributes", "user.c"
    ),
    "a file gets a second name": lambda site: os.link(
        site / "touched" / "big", site / "touched" / "kept" / "big"
    ),
    "a second name goes": lambda site: (site / "touched" / "other-name").unlink(),
    "a folder gets another date": lambda site: os.utime(site / "touched" / "kept", ns=(1, 10**18)),
    "a folder comes": lambda site: (site / "touched" / "new" / "newer").mkdir(parents=True),
    "nothing": lambda _site: None,
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("has_cache", [True, False], ids=["cache", "no-cache"])
def test_the_tree_is_that_of_a_backup_from_nothing(
    tmp_path: Path, site: Path, change: str, has_cache: bool
) -> None:
    cache = tmp_path / "cache" if has_cache else None
    repository = make_repository(cache_dir=cache)
    first = back_up(repository, site)

    CHANGES[change](site)
    second = back_up(repository, site)

    assert second.tree_id == back_up(make_repository(), site).tree_id
    assert (second.tree_id == first.tree_id) == (change == "nothing")
    assert first.summary["files_new"] == FILES
    assert second.summary["files_unmodified"] in range(FILES - MOST_CHANGED, FILES + 1)
