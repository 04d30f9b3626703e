"""Read RSS and Atom with feedparser: an item for each entry; pure and bounded.

An entry with its full text has it as body; of one with a summary, the page at its address is.
Texts are taken as the feed has them, not cleaned: nothing here shows them to anybody.
"""

import calendar
import io
import re
from collections.abc import Iterator
from datetime import datetime
from email.utils import parsedate_to_datetime
from itertools import islice
from typing import Any
from urllib.parse import urljoin, urlsplit

import feedparser

from archive.capture.captured import Captured, Portal, Tally, UrlRef
from archive.capture.making import NOT_NAMED, Making
from archive.capture.values import TEXT, Cells, file_name, web_address
from archive.errors import ItemRefusedError, NotCapturedError, UnreadableFeedError
from archive.metadata.item import Source

LARGEST = 8 << 20
MOST = 5_000
_MOST_ENCLOSURES, _LONGEST = 50, 2000
# In whatever encoding of one or two bytes a character.
_ENTITY = re.compile(rb"<\x00?!\x00?E\x00?N\x00?T\x00?I\x00?T\x00?Y", re.IGNORECASE)


def items_of_feed(data: bytes, portal: Portal, tally: Tally | None = None) -> Iterator[Captured]:
    """Give the items of a feed, in its order.

    A feed shows the newest entries only: what it no longer names is not gone from the portal.

    Raises:
        ArchiveError: It is none, is too large, or declares entities.
    """
    tally = tally or Tally()
    found = parse_feed(data)
    for entry in islice(found["entries"], MOST):
        cells = Cells(entry, portal.time_zone)
        key = f"feed/{cells.text('id') or cells.text('link') or '?'}"
        try:
            captured = _make(Making(portal, key, cells), entry)
        except ItemRefusedError as error:
            tally.refuse(portal.site, key, error)
            continue
        if captured.item.id not in tally.met:
            yield tally.take(captured)


def parse_feed(data: bytes) -> Any:
    """Give a feed as feedparser reads it.

    Raises:
        ArchiveError: It is none, is too large, or declares entities.
    """
    if len(data) > LARGEST:
        raise UnreadableFeedError(why="it has more than {most} bytes", most=LARGEST)
    if _ENTITY.search(data):
        raise UnreadableFeedError(why="it declares entities")
    try:  # a stream: a text could be taken for an address or a file
        found = feedparser.parse(io.BytesIO(data), sanitize_html=False, resolve_relative_uris=False)
    except (ValueError, LookupError, TypeError, AttributeError, RuntimeError) as error:
        raise UnreadableFeedError(why="{reason}", reason=type(error).__name__) from error
    if not found.get("version") and not found.get("entries"):
        raise UnreadableFeedError(why="it is neither RSS nor Atom")
    return found


def _make(making: Making, entry: Any) -> Captured:
    cells, portal = making.cells, making.portal
    link = _whole(portal, cells.text("link", _LONGEST))
    if making.source_key.endswith("/?"):
        raise NotCapturedError(why="it has neither an id nor an address")
    full = entry.get("content") or []
    if full and full[0].get("value"):
        text = full[0]["value"].encode("utf-8", "surrogatepass")
        making.body(text, cells.read("type", full[0].get("type")) or "text/html")
    elif link:
        making.parts.add(UrlRef(link), "body", url=link, suffix=".html")
    else:
        making.body(cells.content("summary"))
    for enclosure in islice(entry.get("enclosures", ()), _MOST_ENCLOSURES):
        url = _whole(portal, cells.read("enclosure", enclosure.get("href"), _LONGEST))
        if url:
            making.parts.add(UrlRef(url), name=file_name(urlsplit(url).path), url=url,
                             media_type=cells.read("type", enclosure.get("type")))  # fmt: skip
    names = [cells.read("author", it.get("name")) for it in entry.get("authors", ())]
    tags = [cells.read("tags", it.get("term")) for it in entry.get("tags", ())]
    creators = [making.person(it, NOT_NAMED) for it in filter(None, names)]
    return making.finish(
        content_class=portal.class_of(*(f"category/{it}" for it in tags)),
        title=cells.text("title"),
        description=cells.text("summary", TEXT),
        creators=creators or [making.person("", NOT_NAMED)],
        source=_source_of(making, entry, link),
        language=cells.text("language")[:8] or portal.language,
        keywords=tuple(dict.fromkeys(filter(None, tags))),
        fields={"column": tags[0]} if tags and tags[0] else {},
        published=_moment(cells, entry, "published") or _moment(cells, entry, "updated"),
        modified=_moment(cells, entry, "updated"),
        addresses=[link],
    )  # fmt: skip


def _whole(portal: Portal, link: str) -> str:
    """Give an address of the web; one that a feed gives in part is the portal's."""
    try:
        return web_address(urljoin(f"{portal.url}/", link)) if link else ""
    except ValueError:
        return ""


def _source_of(making: Making, entry: Any, link: str) -> Source:
    said = entry.get("source") or {}
    name = making.cells.read("source", said.get("title"))
    url = web_address(making.cells.read("source", said.get("href"), _LONGEST))
    if making.portal.is_own(name):
        return making.own_source(link)
    return Source(name=name, url=url, basis="reprint" if url else "unknown")


def _moment(cells: Cells, entry: Any, name: str) -> datetime | None:
    """Give a date; one without a zone is the portal's, which feedparser would take for UTC."""
    text = cells.read(name, dict.get(entry, name))  # `get` of feedparser gives one for the other
    if not text:
        return None
    try:
        found: object = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        found = text
    moment = cells.as_moment("", found)
    parsed = dict.get(entry, f"{name}_parsed")
    if moment is None and parsed:
        moment = cells.as_moment(name, calendar.timegm(parsed))
    return moment
