"""An archive on a disk that is full, and in the hands of a user who is not root."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from archive.fixity.repair import apply_repair, look_everywhere, plan_repair
from archive.ocfl.copies import update_copy
from archive.ocfl.root import StorageRoot, create_root
from archive.ocfl.validate_root import validate_root
from archive.ocfl.write import writing
from tests.archive_roots import (
    MOMENT,
    WRITER,
    contents,
    files_of,
    flip_bit,
    in_memory,
    make_root,
    object_id,
    place_of,
    put,
)
from tests.fault.processes import ROOT

pytestmark = pytest.mark.slow

# Runs within a mount namespace of its own: the disks vanish with the last process.
_ON_SMALL_DISKS = """
import subprocess, sys
from pathlib import Path
from archive.errors import StorageFullError
from archive.ocfl.copies import update_copy
from archive.ocfl.root import StorageRoot, create_root
from archive.ocfl.staging import STAGING
from archive.ocfl.validate_root import validate_root
from archive.ocfl.write import writing
from tests.archive_roots import make_root, put

disk = Path(sys.argv[1])
def mount(*options):
    subprocess.run(["mount", "-t", "tmpfs", *options, "tmpfs", disk], check=True)

def fill(work):
    try:
        work()
    except StorageFullError:
        return 1
    return 0

def prove(root, objects):
    with writing(root):
        pass
    verdict = validate_root(root.path)
    assert verdict.findings == () and verdict.is_valid, verdict
    assert verdict.objects in objects, (verdict.objects, objects)
    assert not (root.path / STAGING).exists()

source = make_root(disk.parent / "source", objects=3, versions=2)
full = 0
limits = [f"nr_inodes={count}" for count in range(22, 110, 4)]
limits += [f"size={size}k" for size in range(60, 260, 12)]
for limit in limits:
    mount("-o", limit)
    root = create_root(disk / "root")
    failed = fill(lambda: put(root, [0, 1]))
    prove(root, {0, 1, 2} if failed else {2})
    failed += fill(lambda: put(root, [0, 1, 2], version=2))
    prove(root, {0, 1, 2, 3})
    full += failed > 0
    subprocess.run(["mount", "-o", "remount,size=100m,nr_inodes=10000", disk], check=True)
    put(root, [0, 1, 2], version=2)
    prove(root, {3})
    copy = create_root(disk / "copy")
    free = 4 + full % 30
    subprocess.run(["mount", "-o", f"remount,size={160 + 12 * (full % 9)}k", disk], check=True)
    failed = fill(lambda: update_copy(source, copy))
    prove(copy, {0, 1, 2, 3})
    subprocess.run(["mount", "-o", "remount,size=100m", disk], check=True)
    assert update_copy(source, copy).is_complete
    prove(copy, {3})
    full += failed
    subprocess.run(["umount", disk], check=True)
print("full", full)
"""


def test_on_a_full_disk_what_was_there_stays_and_the_next_run_goes_on(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    namespace = ["unshare", "--mount"] + ([] if os.geteuid() == 0 else ["--map-root-user"])
    done = subprocess.run(
        [*namespace, sys.executable, "-c", _ON_SMALL_DISKS, str(tmp_path / "disk")],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)},
        capture_output=True, text=True, check=False, timeout=240,
    )  # fmt: skip

    assert done.returncode == 0, done.stdout + done.stderr
    assert int(done.stdout.split()[1]) > 30


@contextmanager
def nobody(folder: Path) -> Iterator[None]:
    """Be a user for whom modes of files count, and who owns a folder."""
    before = os.geteuid()
    if before == 0:
        os.chown(folder, 65_534, 65_534)
        os.seteuid(65_534)
    try:
        yield
    finally:
        os.seteuid(before)


def test_a_user_who_is_not_root_writes_copies_repairs_and_undoes(tmp_path: Path) -> None:
    """Folders are read-only once they are in place, and are moved and removed all the same."""
    with in_memory(tmp_path) as folder:
        with nobody(folder):
            roots = {"first": make_root(folder / "first", objects=3, versions=3)}
            roots["second"] = create_root(folder / "second")
            assert update_copy(roots["first"], roots["second"]).is_complete
            put(roots["first"], [1, 5], version=4)
            assert update_copy(roots["first"], roots["second"]).is_complete
            with writing(roots["first"]) as batch:  # not committed
                batch.put(object_id(9), contents(9), message="", author=WRITER, created=MOMENT)
            with pytest.raises(PermissionError):
                (place_of(roots["first"], 1) / "v1" / "c" / "x").write_bytes(b"")
            heal(roots)

        assert files_of(folder / "first") == files_of(folder / "second")
        for root in roots.values():
            assert validate_root(root.path).findings == ()
            assert validate_root(root.path).is_valid


def heal(roots: dict[str, StorageRoot]) -> None:
    place = place_of(roots["second"], 1)
    flip_bit(place / "v1" / "c" / "item.json")
    (place / "v1" / "c" / "item.json").chmod(0o444)
    for folder in (place / "v1" / "c", place / "v1", place):
        folder.chmod(0o555)
    path = place.relative_to(roots["second"].path).as_posix()
    plan = plan_repair(look_everywhere(roots, [path]), {"first": 4, "second": 4})
    assert [it["outcome"] for it in apply_repair(plan, roots, MOMENT)] == ["success"]
