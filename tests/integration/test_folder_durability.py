"""The folder store against the system itself: the order of its calls, and a disk that is full."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

TRACED = "fsync,fdatasync,link,linkat,rename,renameat,renameat2,write,unlink,unlinkat,mkdir,mkdirat"

WRITE_TWO = """
import sys
from backup.stores.folder import FolderStore
store = FolderStore(sys.argv[1])
store.write("data/ab/first", b"first content")
print("reported first", flush=True)
store.write("data/ab/second", b"second content")
print("reported second", flush=True)
store.delete("data/ab/first")
print("reported deletion", flush=True)
"""

FILL = """
import json, os, sys
from backup.errors import StoreFullError
from backup.stores.folder import FolderStore
store = FolderStore(sys.argv[1])
store.write("data/00/small", bytes(1000))
outcomes = []
for key, size in (("data/00/large", 2_000_000), ("data/01/large", 2_000_000)):
    try:
        store.write(key, memoryview(bytes(size)))
        outcomes.append("written")
    except StoreFullError as error:
        outcomes.append("full")
store.write("data/02/next", bytes(500_000))
files = sorted(os.path.join(f, n) for f, _, names in os.walk(sys.argv[1]) for n in names)
print(json.dumps({
    "outcomes": outcomes,
    "listed": sorted(store.list("")),
    "files": [os.path.relpath(path, sys.argv[1]) for path in files],
}))
"""


def trace(folder: Path, tmp_path: Path) -> list[str]:
    """Give the calls that name the store or report to us, shortened, in order."""
    log = tmp_path / "trace"
    strace = ["strace", "-f", "-y", "-s", "64", "-o", str(log), "-e", f"trace={TRACED}"]
    subprocess.run(
        [*strace, sys.executable, "-B", "-c", WRITE_TWO, str(folder)],
        check=True,
        capture_output=True,
        timeout=120,
    )
    calls = []
    for line in log.read_text().splitlines():
        if str(folder.parent) in line or "reported" in line:
            call = re.sub(r"^\d+ +", "", line)
            call = re.sub(r"\.giucong-tmp-\w+", "TEMPORARY", call)
            assert call.endswith(("= 0", "= 13", "= 14")) or "reported" in call, line
            calls.append(call)
    return [describe(call, folder.parent) for call in calls]


def describe(call: str, base: Path) -> str:
    """Give a traced call as "name file…", files relative to `base`."""
    if found := re.search(r"reported \w+", call):
        return found[0]
    name = re.sub(r"at2?$", "", call.partition("(")[0])
    files = re.findall(rf'{re.escape(str(base))}(?:/([^">]*))?[">]', call)
    return " ".join([name, *(file or "." for file in files)])


def test_every_step_is_durable_before_the_next(tmp_path: Path) -> None:
    base = tmp_path / "base"
    base.mkdir()

    assert trace(base / "store", tmp_path) == [
        "mkdir store",
        "mkdir store/data",
        "mkdir store/data/ab",
        "write store/data/ab/TEMPORARY",
        "fsync store/data/ab/TEMPORARY",
        "link store/data/ab/TEMPORARY store/data/ab/first",
        "unlink store/data/ab/TEMPORARY",
        "fsync store/data/ab",
        "fsync store/data",
        "fsync store",
        "fsync .",
        "reported first",
        "write store/data/ab/TEMPORARY",
        "fsync store/data/ab/TEMPORARY",
        "link store/data/ab/TEMPORARY store/data/ab/second",
        "unlink store/data/ab/TEMPORARY",
        "fsync store/data/ab",
        "reported second",
        "unlink store/data/ab/first",
        "fsync store/data/ab",
        "reported deletion",
    ]


def test_a_full_disk_leaves_nothing_of_the_attempt_and_the_rest_untouched(tmp_path: Path) -> None:
    """A tmpfs of 1 MiB in a mount namespace of its own, which ends with the process."""
    mount = tmp_path / "disk"
    mount.mkdir()
    namespace = ["unshare", "--mount"] + ([] if os.geteuid() == 0 else ["--map-root-user"])
    script = 'mount -t tmpfs -o size=1m tmpfs "$1" && exec "$2" -B -c "$3" "$1"'
    done = subprocess.run(
        [*namespace, "sh", "-c", script, "sh", mount, sys.executable, FILL],
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert json.loads(done.stdout) == {
        "outcomes": ["full", "full"],
        "listed": [["data/00/small", 1000], ["data/02/next", 500_000]],
        "files": ["data/00/small", "data/02/next"],
    }
    assert list(mount.iterdir()) == []
