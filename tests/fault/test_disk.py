"""A disk that is full, and sources that cannot be read, change or vanish on the way."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fault.campaign import ask_restic
from tests.fault.processes import ROOT, make_place
from tests.fault.world import read_source
from tests.private_server import tie

pytestmark = pytest.mark.slow

# Runs within a mount namespace of its own: the disk vanishes with the last process.
_ON_A_SMALL_DISK = """
set -eu
mount -t tmpfs -o size="$2" tmpfs "$1/disk"
cp -r "$1/place/repository" "$1/disk/repository"
export RESTIC_REPOSITORY="$1/disk/repository"
run() { echo "\\$ $*"; code=0; "$PYTHON" -m backup "$@" || code=$?; echo "exit $code"; }
run backup --tag one "$1/place-source/small"
run backup --tag two "$1/place-source"
run check --read-data
restic --no-cache unlock; restic --no-cache check
run restore latest --tag one --target "$1/restored"
mount -o remount,size=200m "$1/disk"
run backup --tag two "$1/place-source"
run check --read-data
restic --no-cache check
run restore latest --tag two --target "$1/restored-two"
find "$1/disk" -name '.giucong-tmp-*' -exec touch -d '2 days ago' {} +
run prune --max-unused 0
find "$1/disk" -name '.giucong-tmp-*' | sed 's/^/leftover /'
restic --no-cache check --read-data
"""


@pytest.mark.parametrize("megabytes", [3, 5])
def test_a_backup_to_a_full_disk_says_so_and_heals(tmp_path: Path, megabytes: int) -> None:
    place = make_place(tmp_path / "place", files=600)
    (place.source / "small").mkdir()
    (place.source / "small" / "page.html").write_bytes(b"<p>tin</p>" * 500)
    (tmp_path / "disk").mkdir()
    namespace = ["unshare", "--mount"] + ([] if os.geteuid() == 0 else ["--map-root-user"])
    done = subprocess.run(
        [*namespace, "sh", "-c", _ON_A_SMALL_DISK, "sh", str(tmp_path), f"{megabytes}m"],
        env={**place.environment(), "PYTHON": sys.executable, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    output = done.stdout + done.stderr
    assert done.returncode == 0, output
    codes = [int(line.split()[1]) for line in done.stdout.splitlines() if line.startswith("exit ")]
    #   one, two, check, restore, two, check, restore, prune
    assert codes == [0, 1, 0, 0, 0, 0, 0, 0], output
    assert "leftover" not in done.stdout
    assert "no room is left" in done.stderr
    assert "Traceback" not in output
    restored = tmp_path / "restored" / str(place.source).lstrip("/") / "small"
    assert (restored / "page.html").read_bytes() == b"<p>tin</p>" * 500
    restored = tmp_path / "restored-two" / str(place.source).lstrip("/")
    assert read_source(restored) == read_source(place.source)


def test_a_source_that_shrinks_grows_or_vanishes_makes_no_false_copy(tmp_path: Path) -> None:
    """Whatever changes while it is read: what is stored was really there, as whole pieces."""
    place = make_place(tmp_path / "place", files=400)
    changing = place.source / "changing"
    changing.mkdir()
    for number in range(300):
        (changing / f"{number}.log").write_bytes(bytes([number % 251]) * 5_000)
    churn = subprocess.Popen([*tie(), sys.executable, "-c", _CHURN, str(changing)])
    try:
        for _ in range(3):
            process = place.start("backup", "--json", str(place.source))
            output, _ = process.communicate(timeout=120)
            assert process.returncode in {0, 3}, output
            assert "Traceback" not in output
    finally:
        churn.kill()
        churn.wait()
    place.prove_sound()
    snapshot = json.loads(
        ask_restic(place.repository, ["snapshots", "--json", "--latest", "1"]).stdout
    )[-1]
    for by_restic in (False, True):
        restored = place.restore(str(snapshot["id"]), by_restic=by_restic)
        # What did not change is there and right.
        for path, content in read_source(place.source).items():
            if not path.startswith(b"/data/changing"):
                assert restored[path] == content


_CHURN = """
import os, random, sys
folder = sys.argv[1]
chance = random.Random(7)
while True:
    path = f"{folder}/{chance.randrange(300)}.log"
    action = chance.randrange(4)
    try:
        if action == 0:
            os.truncate(path, chance.randrange(5_000))
        elif action == 1:
            os.unlink(path)
        else:
            with open(path, "ab") as file:
                file.write(bytes(chance.randrange(9_000)))
    except FileNotFoundError:
        pass
"""


@pytest.mark.parametrize("size", [5_000, 3_000_000])
def test_a_file_on_a_bad_sector_is_reported_and_the_rest_is_saved(
    tmp_path: Path, size: int
) -> None:
    """The kernel answers reads of one file with EIO; strace plays the kernel."""
    place = make_place(tmp_path / "place", files=60)
    bad = place.source / "bad-sector.pdf"
    bad.write_bytes(bytes(size))
    expected = read_source(place.source)
    strace = ["strace", "-f", "-qq", "-o", "/dev/null", "-P", str(bad)]
    strace += ["-e", "inject=read,readv,pread64,preadv,preadv2:error=EIO"]
    done = subprocess.run(
        [*strace, sys.executable, "-m", "backup", "backup", str(place.source)],
        env=place.environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    assert done.returncode == 3, done.stdout + done.stderr
    assert "bad-sector.pdf" in done.stderr
    assert "Input/output error" in done.stderr
    place.prove_sound()
    restored = place.restore("latest", by_restic=True)
    assert b"/data/bad-sector.pdf" not in restored
    assert {**restored, b"/data/bad-sector.pdf": expected[b"/data/bad-sector.pdf"]} == expected
    # Once it can be read again, the next backup has it.
    place.run("backup", str(place.source))
    assert place.restore("latest") == expected
