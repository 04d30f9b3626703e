"""A full or read-only disk: what is stored can still be listed, checked and restored."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.integration.jobs.small_estate import (
    GIUCONG,
    ROOT,
    build_used_estate,
)

pytestmark = pytest.mark.slow

# Runs within a mount namespace of its own: the disk vanishes with the last process.
_SMALL_DISK = """
set -eu
run() { echo "\\$ $*"; code=0; "$GIUCONG" "$@" 2>&1 || code=$?; echo "exit $code"; }
engine() { echo "\\$ engine $*"; code=0; "$PYTHON" -m backup -r "$FOLDER/$DISK/near/cong-xa" \\
  --password-file "$FOLDER/keys/repository.key" "$@" 2>&1 || code=$?; echo "exit $code"; }
cp -r "$FOLDER/$DISK" "$FOLDER/kept"
mount -t tmpfs -o size="$SIZE" tmpfs "$FOLDER/$DISK"
cp -r "$FOLDER/kept/." "$FOLDER/$DISK"
case $HOW in
  full) cat /dev/zero > "$FOLDER/$DISK/filled" 2>/dev/null || true ;;
  read-only) mount -o remount,ro "$FOLDER/$DISK" ;;
esac
"""
_READ = """
run backup.list --site cong-xa
run backup.files --site cong-xa --all
run backup.check --site cong-xa --read-data
run backup.restore --site cong-xa --target "$FOLDER/restored"
engine snapshots
engine --no-lock snapshots
"""
_NAME_WHAT_TO_FREE = """
run
run backup.restore --site cong-xa --target "$FOLDER/restored"
"""

_DO_NOT_FIT = """
head -c 60000000 /dev/urandom > "$FOLDER/www/uploads/phim.mp4"
run backup.run --site cong-xa
rm "$FOLDER/www/uploads/phim.mp4"
run backup.prune --site cong-xa --dry-run
run backup.prune --site cong-xa --confirm cong-xa
run backup.prune --site cong-xa --dry-run
"""


def on_small_disk(estate: Path, disk: str, how: str, script: str, size: str = "3m") -> list[str]:
    """Run it with one folder of the estate on a disk of its own; gives what each command said."""
    namespace = ["unshare", "--mount"] + ([] if os.geteuid() == 0 else ["--map-root-user"])
    done = subprocess.run(
        [*namespace, "sh", "-c", _SMALL_DISK + script],
        cwd=ROOT,
        env={
            **os.environ, "GIUCONG": str(GIUCONG), "PYTHON": sys.executable,
            "GIUCONG_ESTATE": str(estate), "GIUCONG_LANG": "en", "FOLDER": str(estate.parent),
            "DISK": disk, "HOW": how, "SIZE": size,
        },
        capture_output=True, text=True, check=False, timeout=200,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout.split("\n$ ")


@pytest.fixture
def estate(tmp_path: Path) -> Path:
    return build_used_estate(tmp_path / "estate")


@pytest.mark.parametrize("how", ["full", "read-only"])
def test_what_only_reads_goes_on_without_a_lock_and_says_so(estate: Path, how: str) -> None:
    listed, files, checked, restored, locked, unlocked = on_small_disk(estate, "stores", how, _READ)

    for said in (listed, files, checked, restored, unlocked):
        assert said.rstrip().endswith("exit 0"), said
    for said in (files, checked, restored):
        assert "is only read, without a lock" in said
        assert "Let nothing forget or prune there" in said
    assert (estate.parent / "restored/cong-xa/files/www/index.php").is_file()
    assert "add --no-lock to read all the same" in locked


def test_a_full_disk_of_the_catalog_is_called_so_and_a_way_to_restore_is_named(
    estate: Path,
) -> None:
    for said in on_small_disk(estate, "state", "full", _NAME_WHAT_TO_FREE):
        assert "the disk is full: the catalog in" in said, said
        assert "free room on that disk" in said
        assert "--no-lock restore latest --target FOLDER" in said


def test_what_a_backup_that_did_not_fit_left_is_told_and_counted(estate: Path) -> None:
    failed, counted, removed, again = on_small_disk(estate, "stores", "", _DO_NOT_FIT, "40m")

    assert "what this run had stored already takes room until a prune removes it" in failed
    told = re.search(r"no longer needed: (.* MiB), of which (.*) can go now", counted)
    assert told, counted
    assert told[1] == told[2]
    assert re.search(rf"removed \d+ packs, {told[1]}", removed), removed
    assert "no longer needed: 0 B, of which 0 B can go now" in again
