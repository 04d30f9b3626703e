"""What a crawl knows of itself, in one SQLite file: a killed run goes on where it was.

An answer is first in the WARC file; its row, the links it brought and where it lies are then one
transaction. What stands in a file behind the last row is cut off at the next start, and asked for
again.
"""

import sqlite3
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from archive.web.cdxj import Capture
from archive.web.links import PAGE, PART, SITEMAP, Link

FILE = "crawl.db"
_SCHEMA = """
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS addresses (number INTEGER PRIMARY KEY, address TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL, rank INTEGER NOT NULL, depth INTEGER NOT NULL, via TEXT NOT NULL,
    tries INTEGER NOT NULL DEFAULT 0, run TEXT NOT NULL DEFAULT '', at TEXT NOT NULL DEFAULT '',
    status INTEGER NOT NULL DEFAULT 0, size INTEGER NOT NULL DEFAULT 0,
    note TEXT NOT NULL DEFAULT '');
CREATE INDEX IF NOT EXISTS waiting ON addresses (tries, rank, depth, number)
    WHERE run = '';
CREATE TABLE IF NOT EXISTS captures (number INTEGER PRIMARY KEY, line BLOB NOT NULL,
    filename TEXT NOT NULL, ends INTEGER NOT NULL, address INTEGER NOT NULL);
"""
_RANKS = {SITEMAP: 0, PART: 1, PAGE: 2}
"""What pages consist of comes before more pages, so that those that are there are whole."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """What is to be asked for next."""

    number: int
    address: str
    kind: str
    depth: int
    tries: int


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the crawl's log."""

    address: str
    kind: str
    depth: int
    via: str
    at: str
    status: int
    size: int
    note: str


@dataclass(frozen=True, slots=True)
class Kept:
    """An answer that was written.

    Attributes:
        run: Stamp of the run.
        size: Bytes of the answer.
        capture: Where it lies.
        end: Length of its WARC file by now.
    """

    run: str
    size: int
    capture: Capture
    end: int


class CrawlState:
    """The file of a crawl. Made by `open_state`."""

    def __init__(self, folder: Path, connection: sqlite3.Connection) -> None:
        self.folder = folder
        self._db = connection
        self.left: Counter[str] = Counter()

    def fact(self, name: str) -> str:
        """Give what is noted under a name; empty if nothing is."""
        row = self._db.execute("SELECT value FROM facts WHERE name = ?", [name]).fetchone()
        return str(row[0]) if row else ""

    def note(self, name: str, value: str) -> None:
        """Note something; an empty value is none."""
        with self._db:
            self._db.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", [name, value])

    def begin_run(self) -> str:
        """Give the stamp of the run that is under way; begin one where none is."""
        if not self.fact("run"):
            self.note("run", datetime.now(UTC).strftime("%Y%m%dt%H%M%S"))
        return self.fact("run")

    def known(self) -> Iterator[tuple[str, int]]:
        """Give every address, and how deep it was found."""
        yield from self._db.execute("SELECT address, depth FROM addresses")

    def next(self) -> Waiting | None:
        """Give what is to be asked for next."""
        row = self._db.execute(
            "SELECT number, address, kind, depth, tries FROM addresses WHERE run = ''"
            " ORDER BY tries, rank, depth, number LIMIT 1"
        ).fetchone()
        return Waiting(*row) if row else None

    def waiting(self) -> int:
        """Count what is still to be asked for."""
        return int(self._db.execute("SELECT count(*) FROM addresses WHERE run = ''").fetchone()[0])

    def add(self, links: Sequence[Link], depth: int, via: str) -> None:
        """Take addresses that are not known yet."""
        with self._db:
            self._add(links, depth, via)

    def _add(self, links: Sequence[Link], depth: int, via: str) -> None:
        self._db.executemany(
            "INSERT OR IGNORE INTO addresses (address, kind, rank, depth, via)"
            " VALUES (?, ?, ?, ?, ?)",
            [(it.address, it.kind, _RANKS[it.kind], depth, via) for it in links],
        )

    def done(self, one: Waiting, kept: Kept, links: Sequence[Link], depth: int) -> None:
        """Note an answer and what it led to, so many steps from a seed."""
        capture = kept.capture
        note = capture.truncated and f"truncated: {capture.truncated}"
        with self._db:
            self._db.execute(
                "INSERT INTO captures (line, filename, ends, address) VALUES (?, ?, ?, ?)",
                [msgspec.json.encode(capture), capture.filename, kept.end, one.number],
            )
            self._end(one, kept.run, capture.status, kept.size, note)
            self._add(links, depth, one.address)

    def failed(self, one: Waiting, run: str, note: str, *, for_good: bool) -> None:
        """Note that there was no answer; it is asked for again unless for good."""
        with self._db:
            self._end(one, run if for_good else "", 0, 0, note)

    def _end(self, one: Waiting, run: str, status: int, size: int, note: str) -> None:
        self._db.execute(
            "UPDATE addresses SET tries = tries + 1, run = ?, at = ?, status = ?, size = ?,"
            " note = ? WHERE number = ?",
            [run, datetime.now(UTC).isoformat(timespec="seconds"), status, size, note, one.number],
        )

    def size(self, run: str) -> int:
        """Give the bytes of a run's answers."""
        query = "SELECT coalesce(sum(size), 0) FROM addresses WHERE run = ?"
        return int(self._db.execute(query, [run]).fetchone()[0])

    def captures(self) -> list[Capture]:
        """Give where the answers of the run lie."""
        rows = self._db.execute("SELECT line FROM captures ORDER BY number")
        return [msgspec.json.decode(line, type=Capture) for (line,) in rows]

    def lines(self, run: str) -> Iterator[Line]:
        """Give the log of a run."""
        rows = self._db.execute(
            "SELECT address, kind, depth, via, at, status, size, note FROM addresses"
            " WHERE run = ? ORDER BY at, number",
            [run],
        )
        yield from (Line(*row) for row in rows)

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def end_run(self) -> None:
        """Forget where the answers of the run lie, and its files: they are kept elsewhere now.

        What is waiting stays for the next run; where nothing is, all of the crawl goes.
        """
        whole = not self.waiting()
        with self._db:
            self._db.execute("DELETE FROM captures")
            self._db.execute("DELETE FROM facts WHERE name = 'run'")
            if whole:
                self._db.execute("DELETE FROM addresses")
                self._db.execute("DELETE FROM facts")
        for path in self.folder.glob("*.warc.gz"):
            path.unlink()

    def mend(self) -> None:
        """Cut files off behind what is known of them; what they lost is asked for again."""
        sizes = {it.name: it.stat().st_size for it in self.folder.glob("*.warc.gz")}
        with self._db:
            names = self._db.execute("SELECT DISTINCT filename FROM captures").fetchall()
            for (name,) in names:
                lost = [name, sizes.get(name, 0)]
                self._db.execute(
                    "UPDATE addresses SET run = '' WHERE number IN"
                    " (SELECT address FROM captures WHERE filename = ? AND ends > ?)",
                    lost,
                )
                self._db.execute("DELETE FROM captures WHERE filename = ? AND ends > ?", lost)
        ends = dict(self._db.execute("SELECT filename, max(ends) FROM captures GROUP BY filename"))
        for name, size in sizes.items():
            path = self.folder / name
            if name not in ends:
                path.unlink()
            elif size > ends[name]:
                with path.open("r+b") as file:
                    file.truncate(ends[name])


def open_state(folder: Path) -> CrawlState:
    """Open what is known of a crawl, or begin; a file that is damaged is begun anew.

    Raises:
        OSError: The folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = folder / FILE
    try:
        return _open(folder, path)
    except sqlite3.DatabaseError:
        for it in (*folder.glob("*.warc.gz"), *folder.glob(f"{FILE}*")):
            it.unlink()
        return _open(folder, path)


def _open(folder: Path, path: Path) -> CrawlState:
    connection = sqlite3.connect(path)
    try:
        with closing(connection.execute("PRAGMA quick_check(1)")) as found:
            if found.fetchone()[0] != "ok":
                raise sqlite3.DatabaseError(str(path))  # noqa: TRY301 -- as SQLite's own
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.executescript(_SCHEMA)
        state = CrawlState(folder, connection)
        state.mend()
    except BaseException:
        connection.close()
        raise
    return state
