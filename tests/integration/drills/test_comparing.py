"""A restored folder is compared with its snapshot in every name, byte and mode."""

import os
import shutil
import stat
import subprocess
import time
from pathlib import Path

import pytest

from backup.restorer.restore import RestoreRequest, restore_snapshot
from backup.snapshots.walk import TreeReader
from ops.drills.compare import Comparison, Newest, compare_folder
from tests.backing_up import back_up, make_repository
from tests.trees import Kinds, build_hostile_tree

NEWEST = Newest(b"/site/", time.time_ns())
OLD_NS = 1_600_000_000_000_000_001


class Restored:
    """A hostile tree, backed up and restored."""

    def __init__(self, folder: Path) -> None:
        self.source, self.target = folder / "source", folder / "restored"
        build_hostile_tree(self.source, Kinds(deep=False))
        (self.source / "plain").mkdir()
        for name in ("a", "b", "c"):
            (self.source / "plain" / name).write_bytes(name.encode() * 3_000)
        repository = make_repository()
        self.tree = back_up(repository, self.source).tree_id
        request = RestoreRequest(target=os.fsencode(self.target), workers=0, sparse=True)
        assert restore_snapshot(repository, self.tree, request).error_count == 0
        self.reader = TreeReader(repository, repository.load_index())

    @property
    def plain(self) -> Path:
        return self.target / "site" / "plain"

    def compare(self) -> Comparison:
        trees = [(self.tree, lambda _path: True)]
        return compare_folder(self.reader, trees, os.fsencode(self.target), NEWEST)


@pytest.fixture(scope="module")
def restored(tmp_path_factory: pytest.TempPathFactory) -> Restored:
    return Restored(tmp_path_factory.mktemp("comparing"))


def test_what_was_restored_whole_differs_in_nothing(restored: Restored) -> None:
    found = restored.compare()
    assert found.differences == []
    assert found.difference_count == 0
    assert found.equal_files == found.files > 20
    assert found.equal_entries == found.entries
    assert found.files + found.folders + found.links <= found.entries
    assert found.owners_compared == (os.geteuid() == 0)


def test_the_list_of_hashes_is_what_sha256sum_prints(restored: Restored) -> None:
    script = "find site -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum"
    printed = subprocess.run(
        ["sh", "-c", script], cwd=restored.target, capture_output=True, text=True, check=True
    )
    assert restored.compare().hash_list == printed.stdout.split()[0]


def change_byte(path: Path) -> None:
    status = path.stat()
    content = bytearray(path.read_bytes())
    content[1_000] ^= 1
    path.write_bytes(content)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def cut(path: Path) -> None:
    status = path.stat()
    os.truncate(path, status.st_size - 1)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def lengthen(path: Path) -> None:
    status = path.stat()
    path.write_bytes(path.read_bytes() + b"x")
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


@pytest.mark.parametrize(
    ("damage", "what"),
    [
        (change_byte, "content"),
        (cut, "content"),
        (lengthen, "content"),
        (Path.unlink, "missing"),
        (lambda path: path.chmod(0o601), "mode"),
        (lambda path: os.utime(path, ns=(OLD_NS, OLD_NS)), "mtime"),
        (lambda path: os.setxattr(path, b"user.more", b"1"), "attributes"),
        (lambda path: (path.unlink(), path.mkdir()), "type"),
        (lambda path: path.with_name("d").write_text("new"), "extra"),
    ],
)
def test_each_difference_names_the_file(restored: Restored, damage: object, what: str) -> None:
    kept = restored.target.with_name("kept")
    above = restored.plain.parent.stat()
    subprocess.run(["cp", "-a", restored.plain, kept], check=True)
    try:
        damage(restored.plain / "b")  # type: ignore[operator]  # a table of functions
        found = restored.compare()
    finally:
        shutil.rmtree(restored.plain)
        subprocess.run(["cp", "-a", kept, restored.plain], check=True)
        shutil.rmtree(kept)
        os.utime(restored.plain.parent, ns=(above.st_atime_ns, above.st_mtime_ns))
    name = "/site/plain/d" if what == "extra" else "/site/plain/b"
    assert (name, what) in [(it.path, it.what) for it in found.differences]
    assert restored.compare().difference_count == 0


def test_owners_are_compared_where_they_can_be_set(restored: Restored) -> None:
    is_root = os.geteuid() == 0
    owner = (restored.plain / "a").stat().st_uid
    os.chown(restored.plain / "a", 12_345 if is_root else owner, -1)
    try:
        found = restored.compare()
    finally:
        os.chown(restored.plain / "a", owner, -1)
    differing = [("/site/plain/a", "owner")] if is_root else []
    assert [(it.path, it.what) for it in found.differences] == differing
    assert found.owners_compared == is_root


def test_names_of_one_file_have_to_be_one_file_again(restored: Restored) -> None:
    links = [
        path for path in restored.target.rglob("*")
        if stat.S_ISREG(path.lstat().st_mode) and path.lstat().st_nlink > 1
    ]  # fmt: skip
    copy = links[0].with_name("copy")
    subprocess.run(["cp", "-a", links[0], copy], check=True)
    before = links[0].parent.stat()
    copy.rename(links[0])
    os.utime(links[0].parent, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert "links" in {it.what for it in restored.compare().differences}
