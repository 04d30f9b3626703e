"""Real processes of ours on a real folder: started, killed, and what is left of them."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from tests.fault.campaign import ask_restic
from tests.fault.world import Contents, read_source
from tests.restic_oracle import PASSWORD, create_oracle_repository

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Place:
    """Folders of one test with real processes.

    Attributes:
        source: What is backed up.
        work: Folder of the repository and the cache.
    """

    source: Path
    work: Path

    @property
    def repository(self) -> Path:
        """The repository."""
        return self.work / "repository"

    def environment(self) -> Mapping[str, str]:
        """Give the variables our processes run with."""
        return {
            "RESTIC_REPOSITORY": str(self.repository),
            "RESTIC_PASSWORD": PASSWORD,
            "RESTIC_FROM_PASSWORD": PASSWORD,
            "XDG_CACHE_HOME": str(self.work / "cache"),
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT),
        }

    def start(self, *words: str) -> "subprocess.Popen[str]":
        """Start our command line."""
        return subprocess.Popen(
            [sys.executable, "-m", "backup", *words],
            env=self.environment(),
            cwd=self.work,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def run(self, *words: str) -> str:
        """Run our command line to its end; it must succeed. Gives what it printed."""
        process = self.start(*words)
        output, _ = process.communicate(timeout=240)
        assert process.returncode == 0, f"{words}: {output}"
        return output

    def restore(self, snapshot: str, *, by_restic: bool = False) -> Contents:
        """Restore a snapshot's source, and describe what came out."""
        target = self.work / f"restored-{random.getrandbits(40):x}"
        words = ["restore", f"{snapshot}:{self.source}", "--target", str(target)]
        if by_restic:
            ask_restic(self.repository, words)
        else:
            self.run(*words)
        contents = read_source(target)
        shutil.rmtree(target)
        return contents

    def prove_sound(self) -> None:
        """Let stock restic remove what locks are left and check; then we read all data."""
        ask_restic(self.repository, ["unlock"])
        ask_restic(self.repository, ["check"])
        self.run("check", "--read-data")


def make_place(base: Path, *, files: int, seed: int = 0) -> Place:
    """Make a source, and an empty repository whose key is cheap.

    Args:
        base: For the repository; the source lies beside it.
        files: How many pages; the source has 20 kB for each.
        seed: Decides about their contents.
    """
    place = Place(base.with_name(f"{base.name}-source"), base)
    change_source(place, random.Random(seed), files=files)
    create_oracle_repository(place.repository)
    return place


def change_source(place: Place, chance: random.Random, *, files: int) -> None:
    """Write so many files anew, and one big one of 17 kB for each."""
    for number in range(files):
        path = place.source / f"{number % 7}" / f"{chance.randrange(4 * files)}.html"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(chance.randbytes(3_000))
    (place.source / "large.iso").write_bytes(chance.randbytes(17_000 * files))


def kill_after(
    process: "subprocess.Popen[str]", seconds: float, number: int = signal.SIGKILL
) -> bool:
    """Kill a process after some time; its workers must die too.

    Args:
        process: A running one.
        seconds: After how long.
        number: The signal; any but SIGKILL lets it clean up first.

    Returns:
        Whether it was still running then.
    """
    try:
        output, _ = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        workers = descendants(process.pid)
        process.send_signal(number)
        output, _ = process.communicate(timeout=60)
        # A signal may also come when Python does not listen to it yet, or not any more.
        # Struck within `exec`, as in imports, Python ends itself with SIGINT: 130 for a shell.
        allowed = {-number} if number == signal.SIGKILL else {130, -number, -signal.SIGINT}
        allowed.add(0)  # done in the instant before the signal came
        if "runpy" in output or "Fatal Python error" in output:
            allowed.add(1)
        assert process.returncode in allowed, f"exit {process.returncode}: {output}"
        prove_gone(workers)
        return number != signal.SIGKILL or process.returncode != 0
    assert process.returncode == 0, output
    return False


def descendants(pid: int) -> Sequence[psutil.Process]:
    """Give all processes below one."""
    with suppress(psutil.NoSuchProcess):
        return psutil.Process(pid).children(recursive=True)
    return []


def prove_gone(workers: Sequence[psutil.Process]) -> None:
    """Wait until none of these processes lives; a minute at most."""
    until = time.monotonic() + 60
    while alive := [it for it in workers if _is_alive(it)]:
        assert time.monotonic() < until, f"workers outlived their parent: {alive}"
        time.sleep(0.01)


def _is_alive(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
