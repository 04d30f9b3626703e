"""Capture any portal by a TOML file: queries, and which column is what.

A value in the file is a text with columns in braces: `"{title}"`, `"van-ban/{file}"`; one that is
a single column keeps its type (a date, bytes). Queries need no ORDER BY: each is put in the order
of its key here, by the bytes of its text, in the same way on every engine.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any, ClassVar, Literal

import msgspec

from archive.capture.captured import (
    Captured,
    FileRef,
    Portal,
    PortalFacts,
    Query,
    Row,
    Tally,
)  # fmt: skip
from archive.capture.joined import Followers, Key, each_item, rows_of
from archive.capture.making import NOT_NAMED, Making, add_comment
from archive.capture.values import (
    TEXT,
    Cells,
    address,
    as_bytes,
    file_name,
    fill_in,
    is_name,
    placeholders,
)  # fmt: skip
from archive.errors import NotCapturedError, WrongMappingError
from archive.metadata.item import Basis, Grade, Shape, Source

_SELECT = re.compile(r"\s*(?:SELECT|WITH)\b", re.IGNORECASE)
_GRADES = {"public": Grade.PUBLIC, "internal": Grade.INTERNAL, "restricted": Grade.RESTRICTED}
_LONGEST_KEY = 200


class Body(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A text of an item: in the row, or a file of the site."""

    text: str = ""
    file: str = ""
    type: str = "text/html"
    name: str = ""


class Step(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A step of a question or a draft; left out where its moment is empty."""

    moment: str
    status: str
    note: str = ""


class Attachment(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A file that belongs to an item: named in its own row, or by a query of its own.

    Attributes:
        file: Its path below the web root.
        query, item: The query, and which of its columns is the item's key.
        private: Whether it is a paper that somebody handed in.
    """

    file: str
    name: str = ""
    query: str = ""
    item: str = ""
    private: bool = False


class Comments(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What readers said of an item; each value is the name of a column.

    Attributes:
        query, item: The query, and which of its columns is the item's key.
        shown: Tells whether the portal shows it; all are shown unless given.
        private: Who said it.
    """

    query: str
    item: str
    id: str
    text: str
    moment: str
    shown: str = ""
    private: Mapping[str, str] = {}


class Origin(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where items come from, if not from the portal itself."""

    name: str
    url: str = ""
    basis: Basis = "unknown"
    permission: str = ""


class Kind(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename={
    "content_class": "class"}):  # fmt: skip
    """Items of one kind.

    Attributes:
        name: In their `source_key`.
        content_class: Of the estate; `classes` of the site may map `<name>/<column>`.
        query, key: The query, and which of its columns tells items apart.
        nameless: Why the items name nobody, where they do not.
        folders: Below the web root; files in them that a text shows are captured with it.
    """

    name: str
    content_class: str
    query: str
    key: str
    title: str
    bodies: tuple[Body, ...]
    shape: Shape | None = None
    description: str = ""
    language: str = ""
    identifier: str = ""
    column: str = ""
    authors: tuple[str, ...] = ()
    role: str = "author"
    organisation: str = ""
    nameless: str = NOT_NAMED
    source: Origin | None = None
    keywords: tuple[str, ...] = ()
    created: str = ""
    published: str = ""
    modified: str = ""
    withdrawn: str = ""
    addresses: tuple[str, ...] = ()
    grade: Literal["public", "internal", "restricted"] = "public"
    fields: Mapping[str, str] = {}
    trail: tuple[Step, ...] = ()
    attachments: tuple[Attachment, ...] = ()
    comments: Comments | None = None
    private: Mapping[str, str] = {}
    folders: tuple[str, ...] = ()


class MappingFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole file."""

    schema: Literal[1]
    items: tuple[Kind, ...]


def read_mapping(data: bytes) -> "Mapped":
    """Read a mapping file.

    Raises:
        ArchiveError: It is not right; says where.
    """
    try:
        file = msgspec.toml.decode(data, type=MappingFile)
    except (msgspec.MsgspecError, ValueError) as error:
        raise WrongMappingError(why="{reason}", reason=str(error)) from error
    names = [it.name for it in file.items]
    for kind in file.items:
        if names.count(kind.name) > 1 or not re.fullmatch(r"[a-z0-9-]{1,40}", kind.name):
            raise WrongMappingError(
                why="`name` of items is missing or used twice: {name}", name=kind.name
            )
        for query, key in _queries_of(kind).values():
            if not _SELECT.match(query) or ";" in query.rstrip().rstrip(";"):
                raise WrongMappingError(why="a query of `{name}` is not one SELECT", name=kind.name)
            if not is_name(key):
                raise WrongMappingError(
                    why="`{key}` of `{name}` is no column", key=key, name=kind.name
                )
    return Mapped(file)


class Mapped:
    """Connector by a mapping file."""

    name: ClassVar[str] = "mapping"

    def __init__(self, file: MappingFile) -> None:
        self._file = file

    def queries(self, facts: PortalFacts) -> list[Query]:
        """Give the file's queries, each in the order of its key."""
        return [
            Query(f"{kind.name}:{what}", _in_order(query, key, facts.engine))
            for kind in self._file.items
            for what, (query, key) in _queries_of(kind).items()
        ]

    def items(
        self, rows: Mapping[str, Iterable[Row]], portal: Portal, tally: Tally | None = None
    ) -> Iterator[Captured]:
        """Give the items of each kind, in the order of their keys."""
        tally = tally or Tally()
        for kind in self._file.items:
            yield from each_item(
                rows_of(rows, f"{kind.name}:items"), _Kind(kind, rows, portal).make, portal, tally,
                Key(kind.key, partial(_key_of, kind.name), _by_text),
            )  # fmt: skip


class _Kind:
    def __init__(self, kind: Kind, rows: Mapping[str, Iterable[Row]], portal: Portal) -> None:
        self._kind, self._portal = kind, portal
        self._files = [
            Followers(rows_of(rows, f"{kind.name}:files-{number}"), it.item, _by_text)
            for number, it in enumerate(kind.attachments)
        ]
        item = kind.comments.item if kind.comments else ""
        self._comments = Followers(rows_of(rows, f"{kind.name}:comments"), item, _by_text)

    def make(self, key: str, cells: Cells) -> Captured:
        kind, portal = self._kind, self._portal
        making = Making(portal, f"mapping/{kind.name}/{key}", cells)
        files = [it.of(key) for it in self._files]
        self._take_comments(making, self._comments.of(key))
        self._take_bodies(making)
        for attachment, found in zip(kind.attachments, files, strict=True):
            for row in found if attachment.query else [cells.row]:
                self._attach(making, attachment, Cells(row, portal.time_zone))
        for name, template in kind.private.items():
            making.secret[name] = _text(cells, template)
        column = _text(cells, kind.column)
        link = [address(portal.url, _text(cells, it)) for it in kind.addresses]
        names = [_text(cells, it) for it in kind.authors]
        people = [making.person(it, "", kind.role, _text(cells, kind.organisation))
                  for it in names if it]  # fmt: skip
        fields = {name: _field(cells, template) for name, template in kind.fields.items()}
        fields["column"] = column
        return making.finish(
            content_class=portal.class_of(
                f"{kind.name}/{column}", kind.name, default=kind.content_class
            ),
            shape=kind.shape,
            title=_text(cells, kind.title),
            description=_text(cells, kind.description, TEXT),
            identifier=_text(cells, kind.identifier),
            language=_text(cells, kind.language)[:8] or portal.language,
            creators=people or [making.person("", kind.nameless, kind.role)],
            source=self._source(making, link[0] if link else ""),
            keywords=tuple(filter(None, (_text(cells, it) for it in kind.keywords))),
            created=_moment(cells, kind.created), published=_moment(cells, kind.published),
            modified=_moment(cells, kind.modified), withdrawn=_moment(cells, kind.withdrawn),
            addresses=link, grade=_GRADES[kind.grade],
            fields={name: value for name, value in fields.items() if value},
            trail=_trail(cells, kind.trail),
        )  # fmt: skip

    def _take_bodies(self, making: Making) -> None:
        cells = making.cells
        for body in self._kind.bodies:
            if body.file:
                path = cells.path("file", _text(cells, body.file))
                if not path:
                    raise NotCapturedError(why="the place of its file is not known")  # fmt: skip
                url = address(self._portal.url, path)
                making.parts.add(FileRef(path), "body", name=body.name or file_name(path), url=url,
                                 media_type=body.type)  # fmt: skip
                continue
            data = as_bytes(_value(cells, body.text))
            if data:
                making.body(data, body.type, body.name)
            making.add_linked(data, self._kind.folders)

    def _attach(self, making: Making, attachment: Attachment, cells: Cells) -> None:
        path = cells.path("file", _text(cells, attachment.file))
        making.cells.notes.update(cells.notes)
        if not path or path.endswith("/") or not all(
            cells.text(it) for it in placeholders(attachment.file)
        ):  # fmt: skip
            return
        name = _text(cells, attachment.name) or file_name(path)
        if attachment.private:
            making.papers.add(FileRef(path), "private", name=name)
        else:
            making.parts.add(FileRef(path), name=name, url=address(self._portal.url, path))

    def _take_comments(self, making: Making, rows: Sequence[Row]) -> None:
        told = self._kind.comments
        if told is None:
            return
        columns = {"id": told.id, "text": told.text, "moment": told.moment}
        for row in rows:
            said = Cells(row, self._portal.time_zone)
            shown = not told.shown or said.whole(told.shown) == 1
            add_comment(making, said, shown=shown, columns=columns, secret=told.private)

    def _source(self, making: Making, link: str) -> Source:
        told = self._kind.source
        name = _text(making.cells, told.name) if told else ""
        if told is None or making.portal.is_own(name):
            return making.own_source(link)
        return Source(name=name, url=_text(making.cells, told.url), basis=told.basis,
                      permission=_text(making.cells, told.permission))  # fmt: skip


def _queries_of(kind: Kind) -> dict[str, tuple[str, str]]:
    """Give the queries of a kind with the column that each is ordered by."""
    found = {"items": (kind.query, kind.key)}
    for number, it in enumerate(kind.attachments):
        if it.query:
            found[f"files-{number}"] = (it.query, it.item)
    if kind.comments:
        found["comments"] = (kind.comments.query, kind.comments.item)
    return found


def _in_order(query: str, key: str, engine: str) -> str:
    """Order a query by the bytes of its key's text, which Python compares alike."""
    text = {
        "mariadb": f"CAST(CONVERT(q.{key} USING utf8mb4) AS BINARY)",
        "postgresql": f'CAST(q.{key} AS text) COLLATE "C"',
        "sqlite": f"CAST(q.{key} AS text)",
    }[engine]
    return f"SELECT * FROM ({query.strip().rstrip(';')}) AS q ORDER BY {text}"


def _key_of(name: str, key: object) -> str:
    return f"mapping/{name}/{key}"


def _by_text(value: object) -> str | None:
    """Give a key as text; None for NULL, and for what is no name of anything."""
    cells = Cells({"key": value}, "UTC")
    text = cells.text("key", _LONGEST_KEY)
    return None if not text or cells.notes else text


def _value(cells: Cells, template: str) -> Any:
    names = placeholders(template)
    if len(names) == 1 and template == f"{{{names[0]}}}":
        return cells.row.get(names[0])
    return fill_in(template, {it: cells.text(it, TEXT) for it in names})


def _text(cells: Cells, template: str, limit: int = 500) -> str:
    return cells.read(template.strip("{}"), _value(cells, template), limit) if template else ""


def _field(cells: Cells, template: str) -> str:
    value = _value(cells, template)
    if isinstance(value, datetime):
        return cells.as_day(cells.as_moment(template, value))
    return cells.read(template.strip("{}"), value, TEXT)


def _moment(cells: Cells, template: str) -> datetime | None:
    return cells.as_moment(template.strip("{}"), _value(cells, template)) if template else None


def _trail(cells: Cells, steps: Iterable[Step]) -> tuple[tuple[datetime, str, str], ...]:
    found = [(_moment(cells, it.moment), _text(cells, it.status), _text(cells, it.note))
             for it in steps]  # fmt: skip
    return tuple(sorted((moment, status, note) for moment, status, note in found if moment))
