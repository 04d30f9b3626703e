"""Read sitemaps (sitemaps.org 0.9, with Google's news extension); pure, bounded, no entities.

A sitemap names pages and other sitemaps; whoever fetches these goes no deeper than one step. What
it holds too much is left and said, so that a sitemap made to harm costs little.
"""

import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal
from urllib.parse import urlsplit
from xml.parsers import expat

from archive.capture.captured import Captured, Portal, Tally, UrlRef
from archive.capture.making import NOT_NAMED, Making
from archive.capture.values import Cells, web_address
from archive.errors import ItemRefusedError, UnreadableFeedError

LARGEST = 50 << 20  # bytes; the limit of sitemaps.org
MOST = 50_000
_DEEPEST, _LONGEST = 16, 4096
_TAKEN = {"loc": "loc", "lastmod": "lastmod", "publication_date": "published", "title": "title",
          "language": "language", "keywords": "keywords"}  # fmt: skip
_GZIP = b"\x1f\x8b"


@dataclass(frozen=True, slots=True)
class Location:
    """A page or a sitemap, with what is said of it.

    Attributes:
        loc: Its address; http or https.
        lastmod, published, title, language, keywords: As they stand there; may be empty.
    """

    loc: str
    lastmod: str = ""
    published: str = ""
    title: str = ""
    language: str = ""
    keywords: str = ""


@dataclass(slots=True)
class Sitemap:
    """What one file names.

    Attributes:
        kind: Of pages, or of sitemaps.
        locations: In its order.
        left: How many were not taken: too many, or no address.
    """

    kind: Literal["pages", "sitemaps"] = "pages"
    locations: list[Location] = field(default_factory=list)
    left: int = 0


def read_sitemap(data: bytes) -> Sitemap:
    """Read a sitemap or an index of such, plain or packed.

    Raises:
        ArchiveError: It is none, is too large, declares entities, or is nested without end.
    """
    text = inflate(data) if data.startswith(_GZIP) else data
    if len(text) > LARGEST:
        raise UnreadableFeedError(why="it has more than {most} bytes", most=LARGEST)
    reader = _Reader()
    try:
        reader.parser.Parse(text, True)  # noqa: FBT003 -- expat's "this is the end"
    except expat.ExpatError as error:
        raise UnreadableFeedError(why="{reason}", reason=str(error)) from error
    return reader.found


def inflate(data: bytes) -> bytes:
    """Unpack a gzip file, up to the largest size and one byte.

    Raises:
        ArchiveError: It is broken.
    """
    try:
        return zlib.decompressobj(zlib.MAX_WBITS | 16).decompress(data, LARGEST + 1)
    except zlib.error as error:
        raise UnreadableFeedError(why="{reason}", reason=str(error)) from error


class _Reader:
    def __init__(self) -> None:
        self.found = Sitemap()
        self.parser = expat.ParserCreate(namespace_separator=" ")
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._text
        self.parser.StartDoctypeDeclHandler = self._refuse
        self._way: list[str] = []
        self._values: dict[str, str] = {}

    def _refuse(self, *_declared: object) -> None:
        raise UnreadableFeedError(why="it declares a document type")

    def _start(self, name: str, _attributes: object) -> None:
        local = name.rpartition(" ")[2]
        if not self._way and local not in {"urlset", "sitemapindex"}:
            raise UnreadableFeedError(why="its root is {name}", name=local[:40])
        if local == "sitemapindex" and not self._way:
            self.found.kind = "sitemaps"
        self._way.append(local)
        if len(self._way) > _DEEPEST:
            raise UnreadableFeedError(why="it is nested without end")
        if len(self._way) == 2:  # noqa: PLR2004 -- an entry, below the root
            self._values = {}

    def _text(self, text: str) -> None:
        # A picture of a page has a `loc` and a `title` of its own.
        key = _TAKEN.get(self._way[-1], "") if "image" not in self._way else ""
        if key and len(self._values.get(key, "")) < _LONGEST:
            self._values[key] = self._values.get(key, "") + text[:_LONGEST]

    def _end(self, _name: str) -> None:
        self._way.pop()
        if len(self._way) != 1:
            return
        values = {name: value.strip() for name, value in self._values.items()}
        if len(self.found.locations) >= MOST or not web_address(values.get("loc", "")):
            self.found.left += 1
            return
        self.found.locations.append(Location(**values))


def items_of_sitemap(
    locations: Iterable[Location], portal: Portal, tally: Tally | None = None
) -> Iterator[Captured]:
    """Give an item for each page of the portal; what it says must be fetched from its address."""
    tally = tally or Tally()
    host = urlsplit(portal.url).hostname
    for location in locations:
        if urlsplit(location.loc).hostname != host:
            continue
        key = f"page/{location.loc}"
        try:
            captured = _make(location, portal, key)
        except ItemRefusedError as error:
            tally.refuse(portal.site, key, error)
            continue
        if captured.item.id not in tally.met:
            yield tally.take(captured)


def _make(location: Location, portal: Portal, key: str) -> Captured:
    row = {name: getattr(location, name) for name in ("lastmod", "published", "title", "language")}
    cells = Cells(row, portal.time_zone)
    making = Making(portal, key, cells)
    making.parts.add(UrlRef(location.loc), "body", url=location.loc, suffix=".html")
    published: datetime | None = cells.moment("published")
    column = urlsplit(location.loc).path.strip("/").partition("/")[0]
    keywords = (it.strip() for it in location.keywords.split(","))
    return making.finish(
        content_class=portal.class_of(f"folder/{column}"), shape="page",
        title=cells.text("title") or location.loc,
        creators=[making.person("", NOT_NAMED)], source=making.own_source(location.loc),
        language=cells.text("language")[:8] or portal.language,
        keywords=tuple(it for it in keywords if it),
        published=published, modified=cells.moment("lastmod"), addresses=[location.loc],
    )  # fmt: skip
