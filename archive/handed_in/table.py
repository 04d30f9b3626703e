r"""A table of items, as an office fills it in with a spreadsheet: CSV in UTF-8, one item a row.

| column | what |
|---|---|
| `key` | number or name of the item, never used twice; left out: its first file |
| `title`, `author` | never empty; several authors apart by ";" |
| `author_unknown` | why nobody is named, where `author` is empty |
| `file` | paths below the folder, apart by "\|"; or `text`: the text itself |
| `source`, `source_url`, `basis`, `permission` | where it is from; `own`, `reprint`, `exchange` |
| `class`, `shape`, `grade`, `published`, `created`, `language`, `keywords`, `description`, … | |

Columns have Vietnamese names too. A wrong row is refused by its line, and the others are taken.
"""

import csv
import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from io import BufferedReader, TextIOWrapper
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import cast, get_args

from archive.capture.captured import Captured, FileRef, Portal, shape_of
from archive.capture.making import Parts
from archive.capture.values import find_zone
from archive.errors import HandedInError
from archive.handed_in.listing import Listing, clean, unreadable
from archive.metadata.item import Agent, Basis, Grade, Item, Role, Shape, Source, make_id

SHEET = "items.csv"
PREFIX = "handed-in"
FIELDS = ("kind", "issuer", "number", "issued", "effective", "expires", "abstract", "signer",
          "position", "column", "status", "opens", "closes", "outcome", "approved")  # fmt: skip
COLUMNS: Mapping[str, tuple[str, ...]] = {
    "key": ("mã", "số thứ tự", "stt"), "title": ("tiêu đề", "tên"),
    "author": ("tác giả",), "author_unknown": ("lý do không rõ tác giả",), "role": ("vai trò",),
    "organisation": ("cơ quan",), "source": ("nguồn",), "source_url": ("địa chỉ nguồn",),
    "basis": ("căn cứ sử dụng",), "permission": ("giấy phép",), "file": ("tệp", "tập tin"),
    "text": ("nội dung",), "class": ("loại",), "shape": ("dạng",), "grade": ("mức độ tiếp cận",),
    "published": ("ngày đăng", "date"), "created": ("ngày tạo",), "language": ("ngôn ngữ",),
    "keywords": ("từ khóa", "từ khoá"), "description": ("mô tả",),
    "identifier": ("mã định danh",), "address": ("địa chỉ",),
    "number": ("số ký hiệu", "số hiệu"), "kind": ("loại văn bản",), "issuer": ("cơ quan ban hành",),
    "issued": ("ngày ban hành",), "effective": ("ngày hiệu lực",), "abstract": ("trích yếu",),
    "signer": ("người ký",), "position": ("chức vụ",), "column": ("chuyên mục",), "expires": (),
    "status": (), "opens": (), "closes": (), "outcome": (), "approved": (),
}  # fmt: skip
_ALIASES = {name: name for name in COLUMNS} | {
    alias: name for name, aliases in COLUMNS.items() for alias in aliases
}  # fmt: skip
_BASES: Mapping[str, Basis] = {
    "own": "own", "của cổng": "own", "reprint": "reprint", "đăng lại": "reprint",
    "exchange": "exchange", "trao đổi": "exchange", "cơ quan cung cấp": "exchange",
}  # fmt: skip
_GRADES = {"1": 1, "2": 2, "3": 3, "4": 4, "công khai": 1, "nội bộ": 2, "hạn chế": 3, "bí mật": 4,
           "public": 1, "internal": 2, "restricted": 3, "secret": 4}  # fmt: skip
_DAYS = ("issued", "effective", "expires", "opens", "closes", "approved")
_MOMENTS = ("%d/%m/%Y", "%d/%m/%Y %H:%M", "%d/%m/%Y %H:%M:%S")
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,60}")
_TEXTS, _PICTURES = (".html", ".htm", ".txt", ".md"), (".jpg", ".jpeg", ".png", ".gif", ".webp")
_LARGEST_CELL, _MOST_ROWS, _MOST_PARTS, _LONGEST_KEY = 8 << 20, 100_000, 500, 200


@dataclass(frozen=True, slots=True)
class Refused:
    """What was not taken: where it stands, and why."""

    place: str
    error: HandedInError


@dataclass(frozen=True, slots=True)
class Desk:
    """Where things are handed in.

    Attributes:
        portal: Whose items they are.
        content_class: Of rows that name none; empty: the portal's.
        classes: Content classes that there are; empty: any.
    """

    portal: Portal
    content_class: str = ""
    classes: frozenset[str] = frozenset()


def read_table(path: Path, listing: Listing, desk: Desk) -> Iterator[Captured | Refused]:
    """Give the items of a table, in order; a wrong row is given as refused.

    Args:
        path: The CSV file.
        listing: The folder that its paths start at.
        desk: What is known of whoever hands it in.

    Raises:
        HandedInError: It is no table, or has a column that nobody knows.
    """
    csv.field_size_limit(_LARGEST_CELL)
    seen: set[str] = set()
    try:
        with TextIOWrapper(
            BufferedReader(listing.reader.open(path)), encoding="utf-8-sig", newline=""
        ) as file:
            first = file.readline(_LARGEST_CELL)
            file.seek(0)
            delimiter = max(",;\t", key=first.count)
            rows = csv.reader(file, delimiter=delimiter, strict=True)
            names = _columns_of(next(rows, []))
            line = rows.line_num
            for cells in islice(rows, _MOST_ROWS):
                begin, line = line + 1, rows.line_num
                if any(it.strip() for it in cells):
                    yield _item_or_refusal(path.name, begin, names, cells, (listing, desk, seen))
            if next(rows, None) is not None:
                raise HandedInError(why="more than {most} rows at once", most=_MOST_ROWS)
    except OSError as error:
        raise unreadable(path.name, error) from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise HandedInError(
            why="{path} is no CSV in UTF-8: {reason}", path=path.name, reason=str(error)
        ) from error


def _columns_of(cells: list[str]) -> list[str]:
    names = [unicodedata.normalize("NFC", it).strip().casefold().replace(" ", "_") for it in cells]
    found = [_ALIASES.get(it) or _ALIASES.get(it.replace("_", " "), "") for it in names]
    for name, known in zip(names, found, strict=True):
        if not known:
            raise HandedInError(
                why='nobody knows the column "{name}"; there are: {known}',
                name=name[:60], known=", ".join(COLUMNS),
            )  # fmt: skip
    if len(set(found)) < len(found) or "title" not in found:
        raise HandedInError(why="a table has the column `title`, and no column twice")
    return found


def _item_or_refusal(
    table: str, line: int, names: list[str], cells: list[str],
    given: tuple[Listing, Desk, set[str]],
) -> Captured | Refused:  # fmt: skip
    place = f"{table}:{line}"
    try:
        row = _row_of(names, cells)
        return _make(row, cells[names.index("text")] if "text" in names else "", *given)
    except HandedInError as error:
        return Refused(place, error)


def _row_of(names: list[str], cells: list[str]) -> dict[str, str]:
    if len(cells) != len(names):
        raise HandedInError(
            why="it has {count} cells, the table has {expected} columns",
            count=len(cells), expected=len(names),
        )  # fmt: skip
    return {
        name: unicodedata.normalize("NFC", it).strip()
        for name, it in zip(names, cells, strict=True)
    }


def _make(
    row: Mapping[str, str], text: str, listing: Listing, desk: Desk, seen: set[str]
) -> Captured:
    portal = desk.portal
    parts = parts_of([it for it in row.get("file", "").split("|") if it.strip()], listing, text)
    key = row.get("key") or row.get("identifier") or row.get("file", "").split("|")[0].strip()
    if not key or len(key) > _LONGEST_KEY or key in seen:
        raise HandedInError(why="its key is empty, too long, or there already", key=key)
    title = row["title"]
    if not title:
        raise HandedInError(why="it has no title")
    seen.add(key)
    content_class = row.get("class") or desk.content_class or portal.default_class
    if not _NAME.fullmatch(content_class) or (desk.classes and content_class not in desk.classes):
        raise HandedInError(
            why='there is no class "{name}"; there are: {known}',
            name=content_class[:60], known=", ".join(sorted(desk.classes)),
        )  # fmt: skip
    shape = row.get("shape") or shape_of(content_class, "other")
    if shape not in get_args(Shape):
        raise HandedInError(why='there is no shape "{name}"', name=shape[:60])
    source_key = f"{PREFIX}/{key}"
    item = Item(
        id=make_id(portal.site, source_key), site=portal.site, source_key=source_key,
        content_class=content_class, shape=cast("Shape", shape), title=title,
        creators=_creators(row, portal), source=_source(row, portal),
        description=row.get("description", ""), language=row.get("language") or portal.language,
        publisher=portal.title, identifier=row.get("identifier", ""),
        keywords=tuple(it.strip() for it in row.get("keywords", "").split(";") if it.strip()),
        created=_moment(row, "created", portal), published=_moment(row, "published", portal),
        addresses=(row["address"],) if row.get("address") else (),
        grade=_grade(row), fields=_fields(row, portal), parts=tuple(parts.parts),
    )  # fmt: skip
    return Captured(item=item, contents=parts.contents)


def parts_of(paths: list[str], listing: Listing, text: str = "") -> Parts:
    """Give the parts of an item: its text first, then files in the order they are named.

    Raises:
        HandedInError: A file is not there, or may not be taken.
    """
    parts = Parts()
    if text.strip():
        parts.add(text.encode(), "body", suffix=".txt", media_type="text/plain")
    if len(paths) > _MOST_PARTS:
        raise HandedInError(why="it has more than {most} files", most=_MOST_PARTS)
    for path in paths:
        found = listing.find(path)
        if found is None:
            refused = listing.refused.get(path.strip())
            raise refused or HandedInError(why="{path} is missing", path=path.strip()[:200])
        name = PurePosixPath(unicodedata.normalize("NFC", found.name))
        parts.add(FileRef(clean(path)), role_of(name.suffix), name=str(name))
    return parts


def role_of(suffix: str) -> Role:
    """Give what a file is, by the ending of its name."""
    ending = suffix.lower()
    return "body" if ending in _TEXTS else "picture" if ending in _PICTURES else "attachment"


def _creators(row: Mapping[str, str], portal: Portal) -> tuple[Agent, ...]:
    role, organisation = row.get("role") or "author", row.get("organisation", "")
    names = [it.strip() for it in row.get("author", "").split(";") if it.strip()]
    signer = row.get("signer")
    found = [Agent(name=it, role=role, organisation=organisation) for it in names]
    if signer and signer not in names:
        found.append(Agent(name=signer, role="signer", organisation=row.get("issuer", "")))
    if found:
        return tuple(found)
    if not row.get("author_unknown"):
        raise HandedInError(why="it has no author; `author_unknown` says why nobody is named")
    return (Agent(name="không rõ", role=role, unknown_because=row["author_unknown"],
                  unknown_by=portal.officer),)  # fmt: skip


def _source(row: Mapping[str, str], portal: Portal) -> Source:
    name, told = row.get("source", ""), row.get("basis", "").casefold()
    basis = _BASES.get(told) if told else "own" if portal.is_own(name) else "reprint"
    if basis is None:
        raise HandedInError(why='there is no basis "{name}"', name=told[:60])
    url, permission = row.get("source_url", ""), row.get("permission", "")
    if basis != "own" and (not name or not (url or permission)):
        raise HandedInError(why="what is reused needs `source`, and `source_url` or `permission`")
    return Source(name=name or portal.title, url=url, basis=basis, permission=permission)


def _grade(row: Mapping[str, str]) -> Grade:
    told = row.get("grade", "").casefold()
    if told and told not in _GRADES:
        raise HandedInError(why='there is no access grade "{name}"', name=told[:60])
    return Grade(_GRADES.get(told, 1))


def _fields(row: Mapping[str, str], portal: Portal) -> dict[str, str]:
    found = {name: row[name] for name in FIELDS if row.get(name)}
    for name in _DAYS:
        moment = _moment(row, name, portal)
        if moment:
            found[name] = moment.astimezone(find_zone(portal.time_zone)).date().isoformat()
    return found


def _moment(row: Mapping[str, str], name: str, portal: Portal) -> datetime | None:
    text = row.get(name, "")
    if not text:
        return None
    for read in (datetime.fromisoformat, *(_reader(it) for it in _MOMENTS)):
        try:
            found = read(text)
            return found if found.tzinfo else found.replace(tzinfo=find_zone(portal.time_zone))
        except ValueError:
            continue
    raise HandedInError(
        why='"{text}" in the column {name} is no day; write 31/12/2026', text=text[:60], name=name
    )


def _reader(form: str) -> Callable[[str], datetime]:
    return lambda text: datetime.strptime(text, form)  # noqa: DTZ007 - the portal's zone comes next
