"""Rounds: peers do the same work by turns, each from a state prepared outside the clock."""

import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from bench.dataset import Dataset, ensure_dataset
from bench.figures import Outcome
from bench.measure import Command, Measurement, measure, run
from bench.peers import Archiver, Borg, Peer, ResticLike

SomePeer = TypeVar("SomePeer", bound=Peer)
Note = Callable[[Outcome], None]

_PIECE = 4 << 20


@dataclass(frozen=True, slots=True)
class Setting:
    """How one run of the comparison goes.

    Attributes:
        folder: Holds the data sets and, while a group runs, the repositories.
        peers: Who takes part, in the order of their turns.
        rounds: How often each work is done by each peer.
        scales: Scale of the data sets by name: site, dump, small.
        works: Names of the works wanted.
        say: Receives one line of progress at a time.
    """

    folder: Path
    peers: Sequence[Peer]
    rounds: int
    scales: dict[str, float]
    works: frozenset[str]
    say: Callable[[str], None]

    @property
    def archivers(self) -> list[Archiver]:
        """The peers that can check and restore."""
        return [peer for peer in self.peers if isinstance(peer, ResticLike | Borg)]

    def state(self, peer: Peer) -> Path:
        """Return the folder of a peer's repository and cache."""
        return self.folder / "run" / peer.name

    def data(self, name: str) -> Dataset:
        """Return a data set, made now if need be."""
        self.say(f"data set {name}, scale {self.scales[name]:g}")
        return ensure_dataset(name, self.folder / "data", scale=self.scales[name])


def do_rounds(
    setting: Setting,
    work: str,
    data: str,
    peers: Sequence[SomePeer],
    turn: Callable[[SomePeer, int], Command],
    after: Callable[[SomePeer, int], None] = lambda _peer, _number: None,
) -> Outcome:
    """Let the peers work by turns, round after round.

    Args:
        setting: Of the run.
        work: Its name.
        data: What it works on, in words.
        peers: In the order of their turns.
        turn: Prepares a peer for a round, not timed, and returns the command to time.
        after: Cleans up after it, not timed.
    """
    load = os.getloadavg()[0]
    found: dict[str, list[Measurement]] = {peer.name: [] for peer in peers}
    for number in range(setting.rounds):
        for peer in peers:
            command = turn(peer, number)
            os.sync()  # nobody's fsync shall wait for what the preparations have left to write
            measured = measure(command)
            found[peer.name].append(measured)
            setting.say(f"{work} round {number + 1}: {peer.name} {measured.seconds:.2f} s")
            after(peer, number)
    sizes = {peer.name: peer.size(setting.state(peer)) for peer in peers}
    when = datetime.now(UTC).isoformat(timespec="seconds")
    return Outcome(work, data, when, found, sizes, load)


def make_fresh(setting: Setting, peer: Peer) -> None:
    """Give a peer an empty repository and an empty cache."""
    state = setting.state(peer)
    shutil.rmtree(state, ignore_errors=True)
    state.mkdir(parents=True)
    peer.prepare(state)


def aside(setting: Setting, peer: Peer) -> Path:
    """Return the folder where a peer's state is laid aside."""
    return setting.folder / "run" / f"{peer.name}-aside"


def put_back(setting: Setting, peer: Peer) -> None:
    """Replace a peer's state by a full copy of the one laid aside."""
    shutil.rmtree(setting.state(peer), ignore_errors=True)
    run(Command(("cp", "-a", str(aside(setting, peer)), str(setting.state(peer)))))


@contextmanager
def clean_run_folder(setting: Setting) -> Iterator[None]:
    """Give a group an empty folder for its repositories, and lay it away afterwards."""
    folder = setting.folder / "run"
    _lay_away(setting)
    folder.mkdir(parents=True)
    try:
        yield
    finally:
        _lay_away(setting)


def _lay_away(setting: Setting) -> None:
    """Free the space of the run folder, but none of its inodes.

    For minutes after many files were removed, ext4 looks long for a free inode whenever a file is
    made, and the next group would be timed doing that.
    """
    folder = setting.folder / "run"
    if folder.exists():
        empty_files(folder)
        away = _away(setting)
        away.mkdir(exist_ok=True)
        folder.rename(away / str(len(list(away.iterdir()))))


def remove_laid_away(setting: Setting) -> None:
    """Remove what all groups left; nothing is timed after that."""
    shutil.rmtree(_away(setting), ignore_errors=True)


def _away(setting: Setting) -> Path:
    return setting.folder / "emptied"


def empty_files(folder: Path) -> None:
    """Cut every file below a folder to nothing."""
    for path in folder.rglob("*"):
        if path.is_file() and not path.is_symlink():
            path.chmod(0o600)
            os.truncate(path, 0)


def describe(data: Dataset) -> str:
    """Say what a data set is, for the table."""
    return f"{data.size / 1e9:.2f} GB in {data.files:,} files".replace(",", " ")


def read_once(root: Path) -> None:
    """Bring a data set into the page cache, so that whoever comes first has no cold start."""
    for path in root.rglob("*"):
        if path.is_file():
            with path.open("rb") as file:
                while file.read(_PIECE):
                    pass
