"""The fault campaign: fail at every store call in turn, and prove what must be true afterwards.

After a process of ours stopped, or its store failed, at any call:

(a) our own check, which reads all data, finds nothing that a snapshot needs missing or wrong, and
    every snapshot that was there reads back to the same bytes;
(b) stock restic, after ``unlock``, checks the repository and finds no error;
(c) the next run of the same scenario heals: it succeeds, does all it should, and (a) holds again.

A thorough campaign proves (a) and (c) after every call; a sample proves them once for each number
of changes that took effect, for between two changes the files are the same. Stock restic is asked
once for each distinct state.
"""

import shutil
import subprocess
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from pathlib import Path

from backup.check.check import CheckRequest, check_repository
from backup.errors import BackupError
from backup.stores.faulty import Call, Effect, Fault, FaultyStore, Stopped
from backup.stores.memory import MemoryStore
from tests.fault.scenarios import Scenario
from tests.fault.world import (
    Desk,
    SwiftClock,
    World,
    bury,
    export,
    open_part,
    part_of,
    read_back,
)
from tests.restic_oracle import PASSWORD

PARTS = ("main", "copy")
CHANGES = ("write", "delete")
STOPS = (Effect.STOP_BEFORE, Effect.STOP_AFTER)
State = tuple[tuple[str, int], ...]


@dataclass
class Campaign:
    """One scenario, failed again and again.

    Attributes:
        scenario: What is done.
        world: On what.
        folder: For caches and exported repositories; everything in it is removed again.
        is_thorough: Whether to prove everything after every call.
        tally: How often what was run and proved.
        states: Distinct states of files that stock restic has approved.
    """

    scenario: Scenario
    world: World
    folder: Path
    is_thorough: bool = False
    tally: Counter[str] = field(default_factory=Counter)
    states: set[State] = field(default_factory=set)
    _numbers: Iterator[int] = field(default_factory=count)
    _proved: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.start = self.scenario.start(self.world)
        self._snapshots = (
            open_part(self.start, "main").load_snapshots() if self.scenario.is_open else []
        )

    def count_calls(self) -> list[Call]:
        """Run the scenario without a failure, prove the outcome, and give the calls it made."""
        store = self.start.clone()
        faulty = FaultyStore(store)
        desk = self._desk(faulty)
        self.scenario.act(desk)
        self._prove_sound(store)
        desk.store = store
        self.scenario.succeeded(desk)
        self._prove_by_restic(store)
        return faulty.calls

    def stop(self, effect: Effect, at: int) -> None:
        """Let the process die before or after a call, numbered from 1, and prove (a), (b), (c)."""
        store = self.start.clone()
        faulty = FaultyStore(store, [Fault(effect, at=at)])
        desk = self._desk(faulty)
        try:
            self.scenario.act(desk)
        except Stopped:
            self.tally["stops"] += 1
        else:
            self.tally["ran through"] += 1
        changes = sum(call.method in CHANGES for call in faulty.calls)
        if effect is Effect.STOP_BEFORE and faulty.calls[-1].method in CHANGES:
            changes -= 1
        if self.is_thorough or changes not in self._proved:
            self._proved.add(changes)
            self._prove_everything(store, desk)

    def fail(self, fault: Fault) -> bool:
        """Let the store fail as planned, and prove (a), (b), (c); gives whether it still worked."""
        store = self.start.clone()
        desk = self._desk(FaultyStore(store, [fault], sleep=lambda _seconds: None))
        try:
            self.scenario.act(desk)
            succeeded = True
        except BackupError:
            succeeded = False
        self.tally["failures survived" if succeeded else "failures refused"] += 1
        self._prove_everything(store, desk)
        return succeeded

    def interrupt(self, at: int) -> None:
        """Let somebody press Ctrl-C while a call is under way, and prove (a), (b), (c)."""
        store = self.start.clone()
        delay = Fault(Effect.DELAY, at=at, delay=timedelta(seconds=1))
        desk = self._desk(FaultyStore(store, [delay], sleep=_press_control_c))
        try:
            self.scenario.act(desk)
        except KeyboardInterrupt:
            self.tally["interrupts"] += 1
        self._prove_everything(store, desk)

    # The proofs --------------------------------------------------------------------------------

    def _prove_everything(self, store: MemoryStore, desk: Desk) -> None:
        is_same = store.objects().keys() == self.start.objects().keys()
        if not is_same and self.scenario.is_whole:
            self._prove_sound(store)
            self._prove_kept(store)
            self._prove_by_restic(store)
        for part in PARTS:
            if f"{part}/config" in store.objects():
                bury(store, part)
        desk.store = store
        desk.clock.seconds += 60
        self.scenario.act(desk)
        self.tally["healed"] += 1
        self._prove_sound(store)
        self.scenario.succeeded(desk)

    def _prove_sound(self, store: MemoryStore) -> None:
        for part in PARTS:
            if f"{part}/config" not in store.objects():
                continue
            result = check_repository(open_part(store, part), CheckRequest(read_data="all"))
            assert result.errors == [], [str(error) for error in result.errors]
            assert result.is_every_pack_verified
            self.tally["checked"] += 1

    def _prove_kept(self, store: MemoryStore) -> None:
        if not self._snapshots:
            return
        repository = open_part(store, "main")
        there = repository.load_snapshots()
        known = {snapshot.id for snapshot in there} | {snapshot.original for snapshot in there}
        may_go = {snapshot.id for snapshot in self.scenario.may_go(self._snapshots)}
        lost = {snapshot.id for snapshot in self._snapshots} - known - may_go
        assert lost == set()
        for snapshot in there:
            contents = self.world.contents.get(snapshot.tree)
            assert contents is not None, "a snapshot of something that never was"
            assert read_back(repository, snapshot) == contents
            self.tally["snapshots read back"] += 1

    def _prove_by_restic(self, store: MemoryStore) -> None:
        left = store.clone()
        for part in PARTS:
            if f"{part}/config" in left.objects():
                bury(left, part)
            objects = part_of(left, part)
            state = _state_of(part, objects)
            if "config" in objects and state not in self.states:
                self._ask_restic(objects)
                self.states.add(state)

    def _ask_restic(self, objects: dict[str, bytes]) -> None:
        folder = self.folder / f"export-{next(self._numbers)}"
        export(objects, folder)
        check = ["check"] if any(key.startswith("index/") for key in objects) else ["snapshots"]
        for words in (["unlock"], check):
            ask_restic(folder, words)
        shutil.rmtree(folder)
        self.tally["approved by restic"] += 1

    def _desk(self, store: FaultyStore) -> Desk:
        cache = self.folder / f"cache-{next(self._numbers)}"
        if self.scenario.with_cache:
            shutil.copytree(self.world.cache, cache)
        desk = Desk(self.world, store, cache)
        desk.clock = SwiftClock(start=desk.clock.now(), step=self.scenario.clock_step)
        return desk


def _press_control_c(_seconds: float) -> None:
    raise KeyboardInterrupt


def _state_of(part: str, objects: dict[str, bytes]) -> State:
    """Tell states apart by how many files of each kind there are."""
    kinds = Counter(key.partition("/")[0] for key in objects)
    return ((part, 0), *sorted(kinds.items()))


def ask_restic(folder: Path, words: Sequence[str]) -> subprocess.CompletedProcess[str]:
    """Run stock restic on a repository in a folder; it must succeed."""
    done = subprocess.run(
        ["restic", "--no-cache", "-r", str(folder), *words],
        env={"RESTIC_PASSWORD": PASSWORD, "PATH": "/usr/bin:/bin", "GOMAXPROCS": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, f"{words}: {done.stdout}{done.stderr}"
    return done
