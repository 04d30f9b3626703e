"""The works of the archive.

| work | against |
|---|---|
| archive-store | ocfl-py: objects of three files; ours are durable, ocfl-py syncs nothing |
| archive-scrub | a bare loop of SHA-512 over the same files, two processes, from the disk |
"""

import json
import random
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from archive.ocfl.files import forget_pages, make_durable
from archive.ocfl.inventory import INVENTORY
from archive.ocfl.root import create_root
from archive.ocfl.write import Author, writing
from bench.figures import BARE_LOOP, OCFL_PY
from bench.measure import Command, run
from bench.peers import CHECKOUT, OURS, size_of
from bench.rounds import Note, Setting, do_rounds, make_fresh, read_once

ITEMS, SCRUBBED = 3000, 10_000
DAYS, DAILY_FILES = 60, 5
_MOMENT = datetime(2026, 1, 1, tzinfo=UTC)
_OUTSIDE = CHECKOUT / ".tools" / "bin" / "python"


@dataclass(frozen=True, slots=True)
class Keeper:
    """A program that does the archive's work.

    Attributes:
        name: In the tables.
        program: Its words before the verb.
    """

    name: str
    program: tuple[str, ...]

    @property
    def packages(self) -> dict[str, str]:
        """Debian packages by program."""
        return {}

    def version(self) -> str:
        """Return its version."""
        return OURS.version()

    def prepare(self, state: Path) -> None:
        """Its state is a new folder."""

    def size(self, state: Path) -> int:
        """Return the bytes of what it stored."""
        return size_of(state)

    def backup(self, state: Path, source: Path, label: str) -> Command:
        """Do the work that the label names."""
        return Command((*self.program, label, str(source), str(state)), folder=CHECKOUT)


_US = Keeper("ours", (sys.executable, "-m", "bench.keeping"))


def run_store(setting: Setting, note: Note) -> None:
    """Time storing objects alone."""
    if not _OUTSIDE.exists():
        run(Command(("make", "tools"), folder=CHECKOUT))
    count = max(round(ITEMS * min(setting.scales["site"], 1.0)), 20)
    items = make_items(setting.folder / "run" / "items", count)
    read_once(items)
    peers = (_US, Keeper(OCFL_PY, (str(_OUTSIDE), "-I", str(CHECKOUT / "bench/ocfl_peer.py"))))

    def turn(peer: Keeper, number: int) -> Command:
        del number
        make_fresh(setting, peer)
        return peer.backup(setting.state(peer), items, "store")

    inventories = size_of_inventories(setting.folder / "run" / "daily") / 1e6
    what = f"{count} items of 3 files, {size_of(items) / 1e6:.0f} MB; one object with {DAYS} daily "
    what += f"versions of {DAILY_FILES} files, all changed, has {inventories:.2f} MB of inventories"
    outcome = do_rounds(setting, "archive-store", what, peers, turn)
    seconds = outcome.seconds("ours") or 1.0
    note(replace(outcome, data=f"{what}; ours {count / seconds:.0f} items/s"))


def run_scrub(setting: Setting, note: Note) -> None:
    """Time reading a root whole."""
    count = max(round(SCRUBBED * min(setting.scales["site"], 1.0)), 20)
    root = setting.folder / "run" / "root"
    setting.say(f"archive-scrub: {count} objects are stored, not timed")
    items = make_items(setting.folder / "run" / "items", count)
    run(_US.backup(root, items, "store"))

    def turn(peer: Keeper, number: int) -> Command:
        del number
        make_fresh(setting, peer)
        make_durable(root)
        forget_pages(root)
        return peer.backup(setting.state(peer), root, _LABELS[peer.name])

    files = sum(1 for it in root.rglob("*") if it.is_file())
    what = f"{count} objects, {size_of(root) / 1e6:.0f} MB in {files} files, nothing of them cached"
    peers = (_US, replace(_US, name=BARE_LOOP))
    note(do_rounds(setting, "archive-scrub", what, peers, turn))


_LABELS = {"ours": "scrub", BARE_LOOP: "loop"}
RUNS: dict[str, Callable[[Setting, Note], None]] = {
    "archive-store": run_store,
    "archive-scrub": run_scrub,
}


def make_items(folder: Path, count: int) -> Path:
    """Write items as ingest hands them over: a description, a page, a picture."""
    chance = random.Random(2019)
    words = [chance.randbytes(4).hex() for _ in range(3000)]
    for number in range(count):
        item = folder / f"{number:06d}"
        item.mkdir(parents=True)
        described = {"id": f"urn:uuid:{number}", "title": " ".join(chance.choices(words, k=12))}
        (item / "item.json").write_text(json.dumps(described), encoding="utf-8")
        (item / "body.html").write_text(" ".join(chance.choices(words, k=2700)), encoding="utf-8")
        (item / "att-01.jpg").write_bytes(chance.randbytes(6000))
    return folder


def size_of_inventories(folder: Path) -> int:
    """Return the bytes of inventories and sidecars of an object that grows every day."""
    root = create_root(folder)
    for day in range(DAYS):
        with writing(root) as batch:
            files = {f"file-{name}.jsonl": f"{day} {name}".encode() for name in range(DAILY_FILES)}
            batch.put(
                "urn:uuid:daily", files, message="daily", author=Author("bench"), created=_MOMENT
            )
            batch.commit()
    return sum(it.stat().st_size for it in folder.rglob(f"{INVENTORY}*"))
