"""What a restore says of what it removed, left without a look, and was denied."""

import errno
import os
from pathlib import Path
from typing import Any

from backup.format.pack import BlobType
from backup.progress import SILENT
from backup.restorer.finish import Links
from backup.restorer.progress import Tally
from backup.restorer.restore import RestoreRequest, RestoreResult, restore_snapshot
from backup.restorer.target_folders import Folders
from tests.small_repository import SmallRepository, file_node, id_of, tree_of


def _restore(out: Path, **more: Any) -> RestoreResult:
    small = SmallRepository()
    small.add_pack([(BlobType.DATA, b"first"), (BlobType.DATA, b"second")])
    tree = tree_of([file_node(b"a", b"first"), file_node(b"b", b"second")])
    small.add_pack([(BlobType.TREE, tree)])
    small.save_index()
    request = RestoreRequest(os.fsencode(out), workers=0, **more)
    return restore_snapshot(small.repository, id_of(tree), request)


def test_removed_entries_are_counted_and_the_first_are_named(tmp_path: Path) -> None:
    _restore(tmp_path / "out")
    for number in range(25):
        (tmp_path / "out" / f"odd-{number:02}").touch()
    for dry_run in (True, False):
        result = _restore(tmp_path / "out", delete=True, dry_run=dry_run)
        assert result.deleted == 25
        assert result.removed == tuple(b"/odd-%02d" % it for it in range(20))
    assert {it.name for it in (tmp_path / "out").iterdir()} == {"a", "b"}


def test_files_that_nobody_compared_are_counted(tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert _restore(out, verify=True).unread == 0
    time = (out / "a").stat().st_mtime_ns
    (out / "a").write_bytes(b"spoil")
    os.utime(out / "a", ns=(time, time))
    for way in ("if-changed", "if-newer", "never"):
        result = _restore(out, verify=True, overwrite=way)
        assert (result.verified, result.unread) == (0, 2), way
        assert (out / "a").read_bytes() == b"spoil"
    result = _restore(out, verify=True)
    assert (result.verified, result.unread) == (1, 0)


def test_what_the_system_denies_is_told_from_what_is_damaged() -> None:
    tally = Tally(SILENT)
    tally.fail_with(b"a", errno.EPERM, os.strerror(errno.EPERM))
    tally.fail_with(b"b", errno.EACCES, os.strerror(errno.EACCES))
    tally.fail_with(b"c", errno.EIO, os.strerror(errno.EIO))
    assert (tally.result().error_count, tally.result().denied) == (3, 2)

    links = Links(Folders(-1), tally, dry_run=True)
    for first, further in ((b"a", b"a2"), (b"c", b"c2")):
        node = file_node(first, links=2, inode=ord(first))
        links.add(first, node, b"", replaces=True)
        links.add(further, node, b"", replaces=True)
    links.make()
    links.close()
    assert (tally.result().error_count, tally.result().denied) == (5, 3)
