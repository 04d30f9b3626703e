"""Several at once on one repository, in real processes: backups, prunes, stock restic."""

import json
import os
import random
import subprocess
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from tests.fault.campaign import ask_restic
from tests.fault.processes import Place, change_source, make_place
from tests.fault.world import Contents, read_source
from tests.restic_oracle import PASSWORD

# Whoever finds the repository locked says so with this code, and has changed nothing.
_LOCKED = 11


def start_restic(place: Place, *words: str) -> "subprocess.Popen[str]":
    """Start stock restic beside us."""
    return subprocess.Popen(
        ["restic", "--no-cache", "-r", str(place.repository), *words],
        env={"RESTIC_PASSWORD": PASSWORD, "PATH": os.environ["PATH"], "GOMAXPROCS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


class Crowd:
    """Two sources, one repository, everybody at once.

    Attributes:
        places: One a source; both have the same repository.
        contents: What each snapshot holds, by its tag.
    """

    def __init__(self, base: Path, seed: int, *, files: int) -> None:
        self.chance = random.Random(seed)
        self._files = files
        one = make_place(base / "one", files=files, seed=seed)
        two = replace(one, source=base / "two-source")
        self.places = (one, two)
        self.contents: dict[str, Contents] = {}
        self._number = 0
        for place in self.places:
            change_source(place, self.chance, files=files)
            self.back_up_alone(place)

    def back_up_alone(self, place: Place) -> None:
        """Back up with nobody beside."""
        tag = self._next_tag()
        place.run("backup", "--tag", tag, str(place.source))
        self.contents[tag] = read_source(place.source)

    def _next_tag(self) -> str:
        self._number += 1
        return f"run-{self._number}"

    def run_round(self) -> list[int]:
        """Change both sources; back both up while one prunes; gives the exit codes."""
        place = self.places[0]
        for changed in self.places:
            change_source(changed, self.chance, files=self._files // 4)
        # Something to prune: all but the newest two snapshots of each source go.
        place.run("forget", "--keep-last", "2")
        tags = [self._next_tag() for _ in self.places]
        running = [
            it.start("backup", "--tag", tag, "--retry-lock", "60s", str(it.source))
            for it, tag in zip(self.places, tags, strict=True)
        ]
        time.sleep(self.chance.uniform(0, 0.8))
        running.append(place.start("prune", "--max-unused", "0", "--retry-lock", "60s"))
        running.append(start_restic(place, "check", "--retry-lock", "60s"))
        outputs = [process.communicate(timeout=240)[0] for process in running]
        codes = [process.returncode for process in running]
        for code, output in zip(codes, outputs, strict=True):
            assert code in {0, _LOCKED}, outputs
            assert "Traceback" not in output
        for it, tag, code in zip(self.places, tags, codes, strict=False):
            if code == 0:
                self.contents[tag] = read_source(it.source)
        return codes

    def prove(self) -> Sequence[str]:
        """Check with both programs, and restore every snapshot that is there; gives their tags."""
        place = self.places[0]
        place.prove_sound()
        listed = ask_restic(place.repository, ["snapshots", "--json"]).stdout
        tags = []
        for number, snapshot in enumerate(json.loads(listed)):
            (tag,) = snapshot["tags"]
            tags.append(tag)
            owner = next(it for it in self.places if snapshot["paths"] == [str(it.source)])
            restored = owner.restore(snapshot["id"], by_restic=number % 2 == 0)
            assert restored == self.contents[tag]
        return tags


@pytest.mark.slow
def test_two_backups_and_a_prune_at_once(tmp_path: Path) -> None:
    crowd = Crowd(tmp_path, seed=1, files=150)
    codes = crowd.run_round()
    assert codes[:2] == [0, 0]
    assert len(crowd.prove()) == 4


@pytest.mark.soak
def test_two_backups_and_a_prune_at_once_for_long(tmp_path: Path, soak_seconds: float) -> None:
    until = time.monotonic() + soak_seconds
    crowd = Crowd(tmp_path, seed=2, files=1_000)
    rounds = 0
    pruned = 0
    while time.monotonic() < until or not rounds:
        codes = crowd.run_round()
        pruned += codes[2] == 0
        crowd.prove()
        rounds += 1
    print(f"\n{rounds} rounds of two backups, a prune and a restic check at once; {pruned} pruned")
    assert pruned > 0
