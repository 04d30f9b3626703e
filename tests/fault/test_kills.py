"""SIGKILL at random moments of real processes with real workers, on a real folder."""

import json
import os
import random
import shutil
import signal
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from tests.fault.campaign import ask_restic
from tests.fault.processes import Place, change_source, descendants, kill_after, make_place
from tests.fault.world import Contents, read_source
from tests.restic_oracle import create_oracle_repository

VERBS = ("backup", "forget", "prune", "copy")
_KILLS = 2
_SEED = 2026
_SNAPSHOTS = 4
_KEPT = 2


def snapshots_in(repository: Path) -> list[str]:
    """Give the ids of all snapshots, oldest first, as restic sees them."""
    listed = ask_restic(repository, ["--no-lock", "snapshots", "--json"]).stdout
    return [it["id"] for it in sorted(json.loads(listed), key=lambda it: str(it["time"]))]


@dataclass
class Killing:
    """One verb, killed again and again, always from the same start.

    Attributes:
        start: The folders as they are before the verb; never changed.
        words: The command line.
        contents: What the snapshots of `start` hold, by their ids.
        chance: Chooses the moments.
        tally: What was done how often.
    """

    start: Place
    words: Sequence[str]
    contents: dict[str, Contents]
    chance: random.Random
    tally: Counter[str] = field(default_factory=Counter)

    def kill(self, longest: float, base: Path, number: int = signal.SIGKILL) -> None:
        """Kill it at some moment within `longest` seconds, then prove what must be true."""
        shutil.copytree(self.start.work, base, symlinks=True)
        place = replace(self.start, work=base)
        moment = self.chance.uniform(min(0.1, longest), longest)
        was_killed = kill_after(place.start(*self.words), moment, number)
        self.tally["killed" if was_killed else "ran through"] += 1
        self.prove(place)
        place.run(*self.words)
        self.tally["healed"] += 1
        self.prove(place)
        self.prove_done(place)
        shutil.rmtree(base)

    def prove(self, place: Place) -> None:
        """Prove the repository sound, and one of the snapshots it had whole."""
        place.prove_sound()
        old = [it for it in snapshots_in(place.repository) if it in self.contents]
        if old:
            chosen = self.chance.choice(old)
            by_restic = self.chance.random() < 1 / 3
            assert place.restore(chosen, by_restic=by_restic) == self.contents[chosen]
            self.tally["restored by restic" if by_restic else "restored"] += 1

    def prove_done(self, place: Place) -> None:
        """Prove that the verb did what it is for."""
        there = snapshots_in(place.repository)
        if self.words[0] == "backup":
            assert set(self.contents) < set(there)
            assert place.restore(there[-1]) == read_source(self.start.source)
        elif self.words[0] == "forget":
            assert there == list(self.contents)[-_KEPT:]
        elif self.words[0] == "prune":
            assert there == list(self.contents)
            assert "0 B" in place.run("prune", "--dry-run")
        else:
            assert len(there) == len(self.contents)
            newest = list(self.contents.values())[-1]
            assert place.restore(there[-1], by_restic=True) == newest


def prepare(verb: str, base: Path, *, files: int) -> Killing:
    """Make the start for a verb."""
    chance = random.Random(f"{_SEED} {verb}")
    place = make_place(base, files=files)
    contents = {}
    for _ in range(_SNAPSHOTS):
        change_source(place, chance, files=files // 6)
        place.run("backup", str(place.source))
        contents[snapshots_in(place.repository)[-1]] = read_source(place.source)
    words = [verb]
    if verb == "backup":
        change_source(place, chance, files=files // 2)
        words.append(str(place.source))
    elif verb == "forget":
        words += ["--keep-last", str(_KEPT)]
    elif verb == "prune":
        for snapshot in list(contents)[1:-1]:
            place.run("forget", snapshot)
            del contents[snapshot]
        words += ["--max-unused", "0"]
    else:
        origin = place.source.with_name("origin")
        place.repository.rename(origin)
        create_oracle_repository(place.repository)
        words += ["--from-repo", str(origin)]
    return Killing(place, words, contents, chance)


def measure(killing: Killing, base: Path) -> float:
    """Give how long the verb takes undisturbed, in seconds."""
    shutil.copytree(killing.start.work, base, symlinks=True)
    place = replace(killing.start, work=base)
    started_at = time.monotonic()
    place.run(*killing.words)
    longest = time.monotonic() - started_at
    killing.prove(place)
    killing.prove_done(place)
    shutil.rmtree(base)
    return longest


@pytest.mark.slow
@pytest.mark.parametrize("verb", VERBS)
def test_killed_at_random_moments(verb: str, tmp_path: Path) -> None:
    killing = prepare(verb, tmp_path / "start", files=150)
    longest = measure(killing, tmp_path / "measured")
    for number in range(_KILLS):
        killing.kill(longest, tmp_path / f"killed-{number}")
    assert killing.tally["killed"] > 0
    assert killing.tally["healed"] == _KILLS


@pytest.mark.soak
@pytest.mark.parametrize("verb", VERBS)
def test_killed_hundreds_of_times(verb: str, tmp_path: Path, soak_seconds: float) -> None:
    until = time.monotonic() + soak_seconds
    killing = prepare(verb, tmp_path / "start", files=1_000)
    longest = measure(killing, tmp_path / "measured")
    while time.monotonic() < until or not killing.tally["killed"]:
        killing.kill(longest, tmp_path / f"killed-{killing.tally.total()}")
    print(f"\n{verb}: {dict(killing.tally)}; undisturbed {longest:.1f} s")


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_backup_that_is_interrupted_cleans_up_and_refers_to_nothing_dead(
    number: int, tmp_path: Path
) -> None:
    killing = prepare("backup", tmp_path / "start", files=150)
    longest = measure(killing, tmp_path / "measured")
    killing.kill(longest, tmp_path / "interrupted", number)
    assert killing.tally["healed"] == 1


@pytest.mark.soak
def test_interrupted_hundreds_of_times(tmp_path: Path, soak_seconds: float) -> None:
    until = time.monotonic() + soak_seconds
    killing = prepare("backup", tmp_path / "start", files=1_000)
    longest = measure(killing, tmp_path / "measured")
    while time.monotonic() < until or not killing.tally["killed"]:
        number = killing.chance.choice([signal.SIGINT, signal.SIGTERM])
        killing.kill(longest, tmp_path / f"killed-{killing.tally.total()}", number)
    print(f"\ninterrupted backup: {dict(killing.tally)}; undisturbed {longest:.1f} s")


@pytest.mark.slow
def test_workers_die_with_the_process_that_started_them(tmp_path: Path) -> None:
    """Each worker asks the kernel to be killed when its parent dies."""
    place = make_place(tmp_path / "place", files=2_000)
    for _try in range(5):  # a machine that is busy may see them too late, and the backup is done
        process = place.start("backup", "--force", str(place.source))
        while process.poll() is None and not descendants(process.pid):
            pass
        if kill_after(process, 0.05):
            return
    pytest.fail("it was always done before it could be killed")


@pytest.mark.slow
def test_workers_outlive_a_terminal_that_closes(tmp_path: Path) -> None:
    """A hang-up reaches every process of a terminal; the one that backs up goes on."""
    place = make_place(tmp_path / "place", files=2_000)
    process = place.start("backup", str(place.source))
    until = time.monotonic() + 60
    while not list((place.repository / "data").glob("??/*")):  # so the workers are at work
        assert process.poll() is None
        assert time.monotonic() < until
    assert descendants(process.pid)
    os.killpg(process.pid, signal.SIGHUP)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 0, output
    place.prove_sound()


@pytest.mark.slow
def test_a_running_backup_survives_the_unlock_of_stock_restic(tmp_path: Path) -> None:
    """Restic learns whether a lock's holder lives by sending it SIGHUP."""
    place = make_place(tmp_path / "place", files=300)
    process = place.start("backup", "--stdin-from-command", "--", "sleep", "4")
    while not list((place.repository / "locks").iterdir()):
        assert process.poll() is None
        time.sleep(0.02)
    ask_restic(place.repository, ["unlock"])
    process.send_signal(signal.SIGHUP)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 0, output
    assert len(snapshots_in(place.repository)) == 1
    place.prove_sound()
