"""The works of the archive.

| work | against |
|---|---|
| archive-store | ocfl-py: objects of three files; ours are durable, ocfl-py syncs nothing |
| archive-scrub | a bare loop of SHA-512 over the same files, two processes, from the disk |
| archive-crawl | `wget --mirror --warc-file` of one frozen portal; ours reads it back too |
| archive-ingest | seconds: `archive.ingest` of articles with pictures, start-up too |
| archive-reindex | seconds: `archive.reindex` of these |
| archive-search | seconds: 400 questions to 200 000 items; 95 of 100 within 100 ms |
"""

import json
import random
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path

from archive.ocfl.files import forget_pages, make_durable
from archive.ocfl.inventory import INVENTORY
from archive.ocfl.root import create_root
from archive.ocfl.write import Author, writing
from bench.articles import SITE, fill_index, write_estate, write_hand_over
from bench.figures import BARE_LOOP, OCFL_PY, WGET
from bench.measure import Command, run
from bench.peers import CHECKOUT, OURS, size_of
from bench.rounds import Note, Setting, do_rounds, make_fresh, read_once

ITEMS, SCRUBBED = 3000, 10_000
INGESTED, SEARCHED, CRAWLED = 2000, 200_000, 2000
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


def run_ingest(setting: Setting, note: Note) -> None:
    """Time a whole ingest, then a rebuilt index, as people run them."""
    count = max(round(INGESTED * min(setting.scales["site"], 1.0)), 20)
    items = write_hand_over(setting.folder / "run" / "items", count)
    read_once(items)

    def ingest(peer: Keeper, number: int) -> Command:
        del number
        make_fresh(setting, peer)
        return _task(setting.state(peer), "ingest", "--site", SITE, "--from", str(items))

    def reindex(peer: Keeper, number: int) -> Command:
        del number
        return _task(setting.state(peer), "reindex")

    what = f"{count} articles of 25 KB with a picture, {size_of(items) / 1e6:.0f} MB"
    for work, turn in (("archive-ingest", ingest), ("archive-reindex", reindex)):
        if work in setting.works:
            if work != "archive-ingest" and "archive-ingest" not in setting.works:
                run(ingest(_US, 0))
            outcome = do_rounds(setting, work, what, [_US], turn)
            seconds = outcome.seconds("ours") or 1.0
            note(replace(outcome, data=f"{what}; {count / seconds:.0f} items/s"))


def _task(state: Path, task: str, *arguments: str) -> Command:
    estate = write_estate(state)
    program = str(Path(sys.executable).with_name("giucong"))
    return Command((program, f"archive.{task}", *arguments), folder=state,
                   environment={"GIUCONG_ESTATE": str(estate)})  # fmt: skip


def run_search(setting: Setting, note: Note) -> None:
    """Time questions to a large index."""
    count = max(round(SEARCHED * min(setting.scales["site"], 1.0)), 100)
    setting.say(f"archive-search: {count} items are put into an index, not timed")
    index = fill_index(setting.folder / "run" / "index.db", count)

    def turn(peer: Keeper, number: int) -> Command:
        del number
        make_fresh(setting, peer)
        return peer.backup(setting.state(peer), index, "search")

    outcome = do_rounds(setting, "archive-search", f"{count} items", [_US], turn)
    told = (setting.state(_US) / "search.txt").read_text(encoding="utf-8")
    note(replace(outcome, data=f"400 questions to {count} items: {told}"))


class Wget(Keeper):
    """wget, which writes what it gets to files as well."""

    @property
    def packages(self) -> dict[str, str]:
        """Debian packages by program."""
        return {"wget": "wget"}

    def backup(self, state: Path, source: Path, label: str) -> Command:
        """Capture the site whose address a file holds."""
        del label
        state.mkdir(parents=True, exist_ok=True)
        words = ("-q", "--mirror", "--page-requisites", f"--warc-file={state}/site")
        url = source.read_text(encoding="utf-8")
        return Command((*self.program, *words, "-P", str(state), url), folder=state)


def run_crawl(setting: Setting, note: Note) -> None:
    """Time capturing a site that answers at once."""
    count = max(round(CRAWLED * min(setting.scales["site"], 1.0)), 20)
    url = setting.folder / "run" / "url.txt"
    url.parent.mkdir(parents=True, exist_ok=True)
    peers = (_US, Wget(WGET, ("wget",)))
    with subprocess.Popen(
        (sys.executable, "-m", "bench.frozen", str(count)),
        cwd=CHECKOUT, stdout=subprocess.PIPE, text=True,
    ) as server:  # fmt: skip
        try:
            url.write_text((server.stdout or StringIO()).readline().strip(), encoding="utf-8")

            def turn(peer: Keeper, number: int) -> Command:
                del number
                make_fresh(setting, peer)
                return peer.backup(setting.state(peer), url, "crawl")

            what = f"{count} articles of a portal and what they consist of, from memory"
            outcome = do_rounds(setting, "archive-crawl", what, peers, turn)
        finally:
            server.terminate()
    seconds = outcome.seconds("ours") or 1.0
    note(replace(outcome, data=f"{what}; ours {count / seconds:.0f} articles/s"))


_LABELS = {"ours": "scrub", BARE_LOOP: "loop"}
INGEST = frozenset({"archive-ingest", "archive-reindex"})
"""Works of `run_ingest`, which share what they store."""
RUNS: dict[str, Callable[[Setting, Note], None]] = {
    "archive-store": run_store,
    "archive-scrub": run_scrub,
    "archive-crawl": run_crawl,
    "archive-search": run_search,
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
