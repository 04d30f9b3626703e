"""What a connector gives: rows or XML become items of the archive. Pure; one item at a time.

A connector says which queries it needs, and turns their rows into items while they come, so that
a portal of 100 000 articles never lies in memory. It captures as public only what the portal
shows everybody. One wrong row never ends a run: its item is refused by name, or taken with the
value put right; the tally counts both.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Protocol

from archive.errors import ArchiveError, ItemRefusedError
from archive.metadata.item import Item, Shape, make_id

Row = Mapping[str, Any]
"""Column → str, int, float, bytes, date, datetime or None; nothing in it is trusted."""

_SHAPES: Mapping[str, Shape] = {
    "news": "news", "spokesperson": "statement", "draft-law": "draft-law", "feedback": "question",
    "legal-document": "legal-document", "media": "media", "page": "page",
}  # fmt: skip
_REFUSALS_KEPT = 1000


@dataclass(frozen=True, slots=True)
class Query:
    """A question to the portal's database.

    Attributes:
        name: What `Connector.items` calls its rows.
        sql: One SELECT; its rows come in the order of the item they belong to.
    """

    name: str
    sql: str


@dataclass(frozen=True, slots=True)
class FileRef:
    """A file of the site, below its web root. It may be missing, or a link to somewhere else.

    Attributes:
        path: Relative, apart by "/", without "." and "..".
    """

    path: str


@dataclass(frozen=True, slots=True)
class UrlRef:
    """Bytes that only an address has: a page of a sitemap, what a feed encloses."""

    url: str


Content = bytes | FileRef | UrlRef


@dataclass(frozen=True, slots=True, kw_only=True)
class Captured:
    """One item as the portal has it now.

    Attributes:
        item: Its parts have no sizes and digests yet.
        contents: Path of a part → its bytes, or where they are.
        private: A petitioner's name, phone, papers; an object of its own, `RESTRICTED`.
        comments: What readers said of it, oldest first; one JSON line each.
        notes: Which values were put right, and how; for the events.
    """

    item: Item
    contents: Mapping[str, Content]
    private: "Captured | None" = None
    comments: tuple[Mapping[str, Any], ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PortalFacts:
    """What was found of a portal's database before it is asked.

    Attributes:
        engine: Of the database.
        tables: Name → its columns; with the schema before it where that is not the usual one.
        options: What the estate says besides: `prefix`, `post_types`, `author_meta`, …
    """

    engine: Literal["mariadb", "postgresql", "sqlite"]
    tables: Mapping[str, Sequence[str]]
    options: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Portal:
    """The portal whose items these are.

    Attributes:
        site: Name of the site.
        title: Its publisher, in words.
        url: Its address, without "/" at the end.
        officer: Who says that an author is not known.
        moment: When the portal was as its rows say; aware.
        default_class: Class of articles that the map does not name.
        classes: What the connector calls a column, a type, a module → content class.
        issuers: Bodies whose documents are the portal's own, besides `title`.
        time_zone: Of dates without one.
        language: Of items that name none.
        options: As `PortalFacts` has them.
    """

    site: str
    title: str
    url: str
    officer: str
    moment: datetime
    default_class: str = "news"
    classes: Mapping[str, str] = field(default_factory=dict)
    issuers: Sequence[str] = ()
    time_zone: str = "Asia/Ho_Chi_Minh"
    language: str = "vi"
    options: Mapping[str, str] = field(default_factory=dict)

    def class_of(self, *names: str, default: str = "") -> str:
        """Give the class of the first name that the map has."""
        found = (self.classes[name] for name in names if name in self.classes)
        return next(found, default or self.default_class)

    def is_own(self, body: str) -> bool:
        """Say whether a body is the portal's own, or none is named."""
        own = {it.strip().casefold() for it in (self.title, *self.issuers)}
        return not body.strip() or body.strip().casefold() in own


def shape_of(content_class: str, default: Shape = "news") -> Shape:
    """Give what items of a class consist of."""
    return _SHAPES.get(content_class, default)


@dataclass(frozen=True, slots=True)
class Refusal:
    """An item that was not captured: which, its id if it has one, and why."""

    source_key: str
    id: str
    error: ItemRefusedError


@dataclass(slots=True)
class Tally:
    """What came of a run.

    Attributes:
        captured: Items by class.
        refused: How many were not.
        refusals: The first thousand of them.
        put_right: What was done to values → how often.
        met: Ids of every item that is on the portal, captured or refused.
        spared: Ids of what may belong to refused ones.
    """

    captured: Counter[str] = field(default_factory=Counter)
    refused: int = 0
    refusals: list[Refusal] = field(default_factory=list)
    put_right: Counter[str] = field(default_factory=Counter)
    met: set[str] = field(default_factory=set)
    spared: set[str] = field(default_factory=set)

    def take(self, captured: Captured) -> Captured:
        """Count an item that is handed on."""
        self.captured[captured.item.content_class] += 1
        self.met.add(captured.item.id)
        self.put_right.update(captured.notes)
        return captured

    def refuse(self, site: str, source_key: str, error: ItemRefusedError) -> None:
        """Count an item that is not; the portal has it still, and whatever belongs to it."""
        id_ = make_id(site, source_key)
        error.params |= {"key": source_key, "site": site}
        self.refused += 1
        self.met.add(id_)
        self.spared |= {make_id(site, source_key, it) for it in ("private", "comments")}
        if len(self.refusals) < _REFUSALS_KEPT:
            self.refusals.append(Refusal(source_key, id_, error))

    def gone(self, known: Iterable[str]) -> Iterator[str]:
        """Give the ids of known items that the portal no longer shows.

        Only after a run that went to its end: a refused item is not gone.
        """
        return (it for it in known if it not in self.met and it not in self.spared)


class Connector(Protocol):
    """Turns the rows of one kind of portal into items."""

    @property
    def name(self) -> str:
        """`wordpress`, `mediawiki`, `nukeviet` or `mapping`."""
        ...

    def queries(self, facts: PortalFacts) -> list[Query]:
        """Give what to ask; all of it reads only.

        Raises:
            ArchiveError: The database is not of this kind of portal.
        """
        ...

    def items(
        self, rows: Mapping[str, Iterable[Row]], portal: Portal, tally: Tally | None = None
    ) -> Iterator[Captured]:
        """Give the items, in the order of their rows; counts into the tally while it goes."""
        ...


def not_of_kind(connector: str, missing: str) -> ArchiveError:
    """Make the error of a database that belongs to something else."""
    return ArchiveError(
        "this database is none of {connector}: it has no table {table}",
        data="nothing was captured",
        next_step="see `connector` and `part` in `[sites.archive]` of the estate",
        connector=connector,
        table=missing,
    )
