"""The index of a storage root: one SQLite file with items, their addresses and their words.

It holds nothing that the objects do not hold: lost or damaged, it is made anew from any copy
(`archive.reindex`). It follows the store and never leads it: an object is durable before its row
is written, so a killed run leaves a row too few, which the next start mends.

Words stand in an FTS5 table without content (text is read from the objects): title and text in two
columns, as written (NFC) and folded (`archive.search.fold`). SQLite before 3.43 cannot delete from
such a table, and elsewhere a new row is quicker: an item that changed gets a new number, and words
of numbers that are no item's are never found. An index with many of them is made anew.
"""

import hashlib
import sqlite3
import unicodedata
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import msgspec

from archive.errors import ArchiveError
from archive.metadata.findings import INFECTED
from archive.metadata.item import Item
from archive.search.fold import fold, make_match

SCHEMA = 4
_RANKED = 2_000
"""Beyond so many hits the newest come first: to weigh each would take longer than people wait."""
_MOST_DEAD = 5
"""Where more than one number in so many is no item's, they cost more than an index made anew."""

_TABLES = """
CREATE TABLE items (
    number INTEGER PRIMARY KEY,
    place INTEGER NOT NULL,
    id TEXT NOT NULL UNIQUE,
    version TEXT NOT NULL,
    site TEXT NOT NULL,
    source_key TEXT NOT NULL,
    class TEXT NOT NULL,
    shape TEXT NOT NULL,
    title TEXT NOT NULL,
    creator TEXT NOT NULL,
    published TEXT NOT NULL,
    day TEXT NOT NULL,
    archived TEXT NOT NULL,
    withdrawn TEXT NOT NULL,
    grade INTEGER NOT NULL,
    retention TEXT NOT NULL,
    unscanned INTEGER NOT NULL,
    infected INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    fingerprint TEXT NOT NULL
);
CREATE INDEX items_by_site ON items (site, source_key);
CREATE INDEX items_by_day ON items (day, place);
CREATE INDEX items_by_class ON items (class, day);
CREATE TABLE addresses (address TEXT NOT NULL, number INTEGER NOT NULL,
    PRIMARY KEY (address, number)) WITHOUT ROWID;
CREATE VIRTUAL TABLE words USING fts5 (exact, folded, content='',
    tokenize="unicode61 remove_diacritics 0", detail=full);
INSERT INTO words (words, rank) VALUES ('hashsize', 16777216);
"""


@dataclass(frozen=True, slots=True)
class Entry:
    """An item as the index has it; times are UTC in ISO form, empty where there is none.

    Attributes:
        id, version, site, source_key, content_class, shape, title, creator: Of the item.
        published, day, archived, withdrawn: When; `day` is the local day it counts to.
        grade: Who may see it.
        retention: Its row; empty is unmapped.
        unscanned: How many of its files nobody looked through for malware.
        infected: How many of its files carry malware, and are kept all the same.
        bytes: Of its newest version's files.
        fingerprint: Of what the portal said.
    """

    id: str
    version: str
    site: str
    source_key: str
    content_class: str
    shape: str
    title: str
    creator: str
    published: str
    day: str
    archived: str
    withdrawn: str
    grade: int
    retention: str
    unscanned: int
    infected: int
    bytes: int
    fingerprint: str


_COLUMNS = (
    "id, version, site, source_key, class, shape, title, creator, published, day, archived,"
    " withdrawn, grade, retention, unscanned, infected, bytes, fingerprint"
)

# The place of an item is its first number: it stays where it was in a list that somebody pages.
_NEWEST_FIRST = "day DESC, items.place DESC"
_AFTER = "(items.day, items.place) < (SELECT day, place FROM items WHERE id = ?)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What somebody looks for; empty fields do not count.

    Attributes:
        text: Words; see `archive.search.fold.make_match`.
        site, content_class: Names.
        since, until: Days of publication, both included.
        address: An address that the item has or had, whole.
        limit: Most entries.
        newest_first: Whatever the words.
        after: Id of an item: only what comes after it, the newest first; of one that is unknown
            nothing does.
    """

    text: str = ""
    site: str = ""
    content_class: str = ""
    since: date | None = None
    until: date | None = None
    address: str = ""
    limit: int = 50
    newest_first: bool = False
    after: str = ""


@dataclass(frozen=True, slots=True)
class Known:
    """What a run has to know of an item: its id, its fingerprint, whether it is withdrawn."""

    id: str
    fingerprint: str
    is_gone: bool


@dataclass(frozen=True, slots=True)
class Found:
    """What was found: the entries, and how many there are in all."""

    entries: tuple[Entry, ...]
    count: int


class ItemIndex:
    """An index that is open. Made by `open_index`; closes with `close`."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def close(self) -> None:
        """Close it."""
        self._connection.close()

    def put(self, rows: Iterable["Row"]) -> None:
        """Write items and their words, in one transaction; an item that is there is replaced."""
        with self._connection as connection:
            for row in rows:
                _put(connection, row)

    @property
    def is_worn(self) -> bool:
        """Whether so many words are no item's any more that it should be made anew."""
        query = "SELECT count(*), ifnull(max(number), 0) FROM items"
        items, numbers = self._connection.execute(query).fetchone()
        return bool((numbers - items) * _MOST_DEAD > numbers)

    def entry(self, item_id: str) -> Entry | None:
        """Give one item."""
        query = f"SELECT {_COLUMNS} FROM items WHERE id = ?"  # noqa: S608 - a constant
        row = self._connection.execute(query, [item_id]).fetchone()
        return Entry(*row) if row else None

    def ids_like(self, text: str, most: int = 10) -> list[str]:
        """Give ids that begin or end so; `urn:uuid:` may be left out."""
        begin = text if text.startswith("urn:") else f"urn:uuid:{text}"
        rows = self._connection.execute(
            "SELECT id FROM items WHERE (id >= ? AND id < ?) OR substr(id, -?) = ?"
            " ORDER BY id LIMIT ?",
            [begin, begin + "\U0010ffff", len(text), text, most],
        )
        return [row[0] for row in rows]

    def ids(self) -> Iterator[str]:
        """Give every id."""
        return (row[0] for row in self._connection.execute("SELECT id FROM items"))

    def ids_between(self, first: date, last: date, site: str = "") -> list[str]:
        """Give the ids of the items of these days, both included; of one site, or of all."""
        rows = self._connection.execute(
            "SELECT id FROM items WHERE day >= ? AND day <= ? AND ? IN ('', site) ORDER BY id",
            [first.isoformat(), last.isoformat(), site],
        )
        return [row[0] for row in rows]

    def known_of(self, site: str, prefix: str = "") -> dict[str, Known]:
        """Give what is known of a site's items, by source key.

        Args:
            site: Its name.
            prefix: Beginning of the source keys, as a connector's name.
        """
        rows = self._connection.execute(
            "SELECT source_key, id, fingerprint, withdrawn <> '' FROM items"
            " WHERE site = ? AND source_key >= ? AND source_key < ?",
            [site, prefix, prefix + "\U0010ffff"],
        )
        return {key: Known(item_id, mark, bool(gone)) for key, item_id, mark, gone in rows}

    def search(self, wanted: Wanted) -> Found:
        """Find items, the best first; without words, or with very many hits, the newest first."""
        where, values = _conditions(wanted)
        match = make_match(wanted.text)
        if wanted.text and not match:
            return Found((), 0)
        table = "items"
        if match:
            table = "words JOIN items ON items.number = words.rowid"
            where, values = ["words MATCH ?", *where], [match, *values]
        tests = f" WHERE {' AND '.join(where)}" if where else ""
        count = self._connection.execute(f"SELECT count(*) FROM {table}{tests}", values)  # noqa: S608 - constants
        total = int(count.fetchone()[0])
        is_ranked = match and total <= _RANKED and not (wanted.newest_first or wanted.after)
        order = "rank, day DESC" if is_ranked else _NEWEST_FIRST
        if wanted.after:
            tests += f"{' AND' if where else ' WHERE'} {_AFTER}"
            values = [*values, wanted.after]
        query = f"SELECT {_COLUMNS} FROM {table}{tests} ORDER BY {order} LIMIT ?"  # noqa: S608 - constants
        rows = self._connection.execute(query, [*values, wanted.limit])
        return Found(tuple(Entry(*row) for row in rows), total)

    def figures(self) -> list[dict[str, Any]]:
        """Give counts by site and class: items, withdrawn ones, bytes, first and last day.

        `unmapped` counts items that no retention row covers, `unscanned` those with a file that
        nobody looked through for malware, `infected` those that carry some.
        """
        rows = self._connection.execute(
            "SELECT site, class, count(*), sum(withdrawn <> ''), sum(bytes), min(nullif(day, '')),"
            " max(day), sum(retention = ''), sum(unscanned > 0),"
            " sum(infected > 0) FROM items"
            " GROUP BY site, class ORDER BY site, class"
        )
        names = ("site", "class", "items", "withdrawn", "bytes", "first", "last", "unmapped",
                 "unscanned", "infected")  # fmt: skip
        return [dict(zip(names, row, strict=True)) for row in rows]

    def fingerprint(self) -> str:
        """Give a digest of every row, so that a rebuilt index can be held against the live one."""
        digest = hashlib.sha256()
        for row in self._connection.execute(f"SELECT {_COLUMNS} FROM items ORDER BY id"):  # noqa: S608 - a constant
            digest.update(msgspec.json.encode(row) + b"\n")
        query = "SELECT address, id FROM addresses JOIN items USING (number) ORDER BY address, id"
        for row in self._connection.execute(query):
            digest.update(msgspec.json.encode(row) + b"\n")
        return digest.hexdigest()


@dataclass(frozen=True, slots=True)
class Row:
    """What the index is told of an object.

    Attributes:
        item: As `item.json` of its newest version has it.
        version: `v2`.
        day: The local day the item counts to.
        fingerprint: Of what the portal said.
        text: Its words, title included.
    """

    item: Item
    version: str
    day: str
    fingerprint: str
    text: str


def open_index(path: Path, *, read_only: bool = False) -> ItemIndex:
    """Open an index; made where there is none.

    Raises:
        ArchiveError: The file is damaged, or of another version: `archive.reindex` makes it anew.
    """
    connection: sqlite3.Connection | None = None
    try:
        if read_only:
            connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=30)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            connection = sqlite3.connect(path, timeout=30)
            connection.execute("PRAGMA journal_mode = WAL")
        _prepare(connection, read_only=read_only)
    except sqlite3.Error as error:
        if connection is not None:
            connection.close()
        raise ArchiveError(
            "the index of the archive at {path} cannot be used",
            why="{reason}",
            data="the archive itself was not touched; the index holds nothing of its own",
            next_step="`{program} archive.reindex`",
            path=path,
            reason=str(error),
        ) from error
    return ItemIndex(connection)


def _prepare(connection: sqlite3.Connection, *, read_only: bool) -> None:
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("PRAGMA cache_size = -65536")
    found = connection.execute("PRAGMA user_version").fetchone()[0]
    if found == SCHEMA:
        return
    if found or read_only:
        connection.close()
        raise sqlite3.DatabaseError(f"version {found}")
    with connection, closing(connection.cursor()) as cursor:
        cursor.executescript(f"BEGIN; {_TABLES} PRAGMA user_version = {SCHEMA}; COMMIT;")


def _put(connection: sqlite3.Connection, row: Row) -> None:
    item = row.item
    exact = unicodedata.normalize("NFC", row.text)
    words = "INSERT INTO words (exact, folded) VALUES (?, ?)"
    # Words are never deleted, so their next number was never anybody's.
    number = connection.execute(words, [exact, fold(exact)]).lastrowid
    query = "SELECT number, place FROM items WHERE id = ?"
    old, place = connection.execute(query, [item.id]).fetchone() or (None, number)
    if old is not None:
        connection.execute("DELETE FROM addresses WHERE number = ?", [old])
        connection.execute("DELETE FROM items WHERE number = ?", [old])
    values = [
        number, place, item.id, row.version, item.site, item.source_key,
        item.content_class, item.shape, item.title, item.creators[0].name if item.creators else "",
        _moment(item.published), row.day, _moment(item.archived), _moment(item.withdrawn),
        int(item.grade), item.retention.row,
        sum(not (it.malware or it.derived_from) for it in item.parts),
        sum(it.malware.startswith(INFECTED) for it in item.parts),
        sum(part.size for part in item.parts), row.fingerprint,
    ]  # fmt: skip
    places = ", ".join("?" * len(values))
    connection.execute(f"INSERT INTO items VALUES ({places})", values)  # noqa: S608 - marks
    addresses = dict.fromkeys(item.addresses)
    connection.executemany(
        "INSERT INTO addresses VALUES (?, ?)", [(address, number) for address in addresses]
    )


def _conditions(wanted: Wanted) -> tuple[list[str], list[Any]]:
    tests: Iterator[tuple[str, Any]] = iter(
        (
            ("items.site = ?", wanted.site),
            ("items.class = ?", wanted.content_class),
            ("items.day >= ?", wanted.since and wanted.since.isoformat()),
            ("items.day <= ?", wanted.until and wanted.until.isoformat()),
            ("items.number IN (SELECT number FROM addresses WHERE address = ?)", wanted.address),
        )
    )
    chosen = [(test, value) for test, value in tests if value]
    return [test for test, _value in chosen], [value for _test, value in chosen]


def _moment(moment: datetime | None) -> str:
    return moment.isoformat() if moment else ""
