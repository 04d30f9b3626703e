"""Links of a page, a style sheet, a feed, a sitemap: what to ask for next. Pure and bounded."""

import re
import zlib
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from html import unescape
from itertools import chain, islice
from urllib.parse import urljoin

from selectolax.lexbor import LexborHTMLParser, LexborNode

from archive.capture.sitemaps import read_sitemap
from archive.errors import ArchiveError
from archive.web.address import Place

MOST = 10_000
_LARGEST_PAGE, _LARGEST_PIECE = 2 << 20, 16 << 10
PAGE, PART, SITEMAP = "page", "part", "sitemap"
"""A page that people read; what pages consist of; a list of pages."""

_PAGES = {"a": ("href",), "area": ("href",), "iframe": ("src",), "frame": ("src",)}
_PARTS = {
    "img": ("src", "data-src"), "source": ("src",), "script": ("src",), "video": ("src", "poster"),
    "audio": ("src",), "track": ("src",), "embed": ("src",), "object": ("data",),
    "input": ("src",), "link": ("href",), "body": ("background",), "image": ("href", "xlink:href"),
    "use": ("href", "xlink:href"),
}  # fmt: skip
_STYLE_LINKS = (  # each begins with a literal, which is looked for fast
    re.compile(r"""url\(\s*(?:"([^"\n]{1,2000})"|'([^'\n]{1,2000})'|([^\s"')(]{1,2000}))\s*\)"""),
    re.compile(r"""@import\s+(?:"([^"\n]{1,2000})"|'([^'\n]{1,2000})')"""),
)
_FEED_LINK = re.compile(
    r"""<link>\s{0,20}(?:<!\[CDATA\[\s{0,20})?([^<>\]\s]{1,2000})"""
    r"""|<(?:link|enclosure)\s[^<>]{0,500}?\b(?:href|url)=["']([^"'<>]{1,2000})"""
)
_REFRESH = re.compile(r"url\s*=\s*['\"]?([^'\";]{1,2000})", re.IGNORECASE)
_HTML = {"text/html", "application/xhtml+xml"}
_XML = {"application/rss+xml", "application/atom+xml", "application/xml", "text/xml"}
_LONGEST_KEPT = 200
_WHOLE = ("/", "http://", "https://")
_TO_PAGES = {"next", "prev", "canonical", "shortlink"}
_NOT_HERE = {"dns-prefetch", "preconnect", "pingback", "edituri", "wlwmanifest"}


@dataclass(frozen=True, slots=True)
class Link:
    """What is to be asked for; an own address of the site, and what it is."""

    address: str
    kind: str


def links_of(place: Place, address: str, kind: str, media_type: str, body: bytes) -> list[Link]:
    """Give what an answer leads to, each once, in its order; what leads elsewhere is left out.

    Args:
        place: The site.
        address: Of the answer.
        kind: As what it was asked for.
        media_type: As the server says.
        body: Its beginning, unpacked (see `unpack`).
    """
    found: Iterable[tuple[str, str]] = ()
    base = address
    if kind == SITEMAP:
        found = _of_sitemap(body)
    elif media_type in _HTML:
        trees = (LexborHTMLParser(it.decode("utf-8", "replace")) for it in _pieces(body))
        first = next(trees)
        base = _base_of(first, address)
        styles = _of_style(body[:_LARGEST_PAGE].decode("utf-8", "replace"))
        pages = chain.from_iterable(map(_of_page, chain([first], trees)))
        found = chain(pages, ((it, PART) for it in styles))
    elif media_type == "text/css":
        found = ((it, PART) for it in _of_style(body.decode("utf-8", "replace")))
    elif media_type in _XML:
        found = _of_feed(body)
    done: dict[str, str] = {}
    for link, kind_found in islice(found, MOST):
        # A menu says the same on every page; only a relative link depends on the page.
        is_whole = len(link) < _LONGEST_KEPT and link.startswith(_WHOLE)
        own, is_page = _own(place, link) if is_whole else _own_from(place, link, base)
        if own and (is_page or kind_found == PART):
            done.setdefault(own, kind_found)
    return [Link(*it) for it in done.items()]


@lru_cache(maxsize=20_000)
def _own(place: Place, link: str) -> tuple[str, bool]:
    return _own_from(place, link, "")


def _own_from(place: Place, link: str, base: str) -> tuple[str, bool]:
    """Give the own address of a link, empty where it leads elsewhere; and whether pages lie so."""
    own = place.own(link, base)
    return own, bool(own) and place.has_page(own)


def unpack(data: bytes, encoding: str, most: int) -> bytes:
    """Give the beginning of a body that a server packed, never more than so many bytes."""
    if encoding.strip().lower() not in {"gzip", "x-gzip", "deflate"}:
        return data
    with suppress(zlib.error):
        return zlib.decompressobj(zlib.MAX_WBITS | 32).decompress(data, most)
    return b""


def _pieces(body: bytes) -> Iterator[bytes]:
    """Cut a page where tags begin: what parsing takes grows with the square of nested tags."""
    body, begin = body[:_LARGEST_PAGE], 0
    while True:
        end = begin + _LARGEST_PIECE
        if end < len(body):
            found = body.rfind(b"<", begin + 1, end)
            end = found if found > 0 else end
        yield body[begin:end]
        if end >= len(body):
            return
        begin = end


def _base_of(tree: LexborHTMLParser, address: str) -> str:
    node = tree.css_first("base[href]")
    with suppress(ValueError):
        return urljoin(address, (node.attributes.get("href") or "").strip()) if node else address
    return address


def _of_page(tree: LexborHTMLParser) -> Iterator[tuple[str, str]]:
    names = ",".join((*_PAGES, *_PARTS, "meta[http-equiv]", "[style]", "[srcset]"))
    for node in tree.css(names):
        yield from _of_node(node)


def _of_node(node: LexborNode) -> Iterator[tuple[str, str]]:
    values, tag = node.attributes, node.tag or ""
    kind = PAGE if tag in _PAGES else PART
    if tag == "link":
        rel = set((values.get("rel") or "").lower().split())
        if rel & _NOT_HERE:
            return
        kind = PAGE if rel & _TO_PAGES else PART
    for name in chain(_PAGES.get(tag, ()), _PARTS.get(tag, ())):
        if value := values.get(name):
            yield value.strip(), kind
    if refresh := tag == "meta" and _REFRESH.search(values.get("content") or ""):
        yield refresh[1], PAGE
    if srcset := values.get("srcset"):
        yield from ((words[0], PART) for it in srcset.split(", ") if (words := it.split()))
    if style := values.get("style"):
        yield from ((it, PART) for it in _of_style(style))


def _of_style(text: str) -> Iterator[str]:
    for pattern in _STYLE_LINKS:
        for found in pattern.finditer(text):
            yield next(filter(None, found.groups()), "")


def _of_sitemap(body: bytes) -> Iterator[tuple[str, str]]:
    with suppress(ArchiveError):
        found = read_sitemap(body)
        kind = SITEMAP if found.kind == "sitemaps" else PAGE
        yield from ((it.loc, kind) for it in found.locations)


def _of_feed(body: bytes) -> Iterator[tuple[str, str]]:
    """Give links of a feed, RSS or Atom; parsing it took a sixth of a crawl of a WordPress."""
    for found in _FEED_LINK.finditer(body.decode("utf-8", "replace")):
        yield unescape(found[1] or found[2]), PAGE
