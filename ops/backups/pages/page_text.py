"""A page as it is read: its text as a visitor sees it, and what a stranger's hand shows by; pure.

One pass whose time grows with the page's length, whatever stands in it; all is bounded. The
standard library's `html.parser` does not promise that: 60 kB of `<a ` keep Python 3.11's for over a
minute, and a defaced page must not hold up a backup. So a tag is here what lies between `<` and the
next `>` out of quotes, with no `<` between; an attribute that holds that one bare shows some of
itself as text, the same in every reading. Two more things in Python take quadratic time, and are
kept from it: composing a letter with endless marks, and character sets in which no page is written.
"""

import codecs
import html
import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterator
from itertools import islice
from typing import NamedTuple

_HIDDEN = {"script", "style", "template", "noscript", "svg", "iframe", "object", "textarea"}
_INLINE = {
    "a", "abbr", "acronym", "b", "bdi", "bdo", "big", "cite", "code", "data", "del", "dfn", "em",
    "font", "i", "ins", "kbd", "label", "mark", "nobr", "q", "s", "samp", "small", "span",
    "strike", "strong", "sub", "sup", "time", "tt", "u", "var", "wbr",
}  # fmt: skip
# What was taken is not given back (`*+`): else a name without a `>` is tried in every length.
TAG = re.compile(
    r"<(?:(?P<comment>!--)|(?P<close>/?)(?P<name>[a-zA-Z!?][^\s/<>\"']*+)"
    r"(?:[^<>\"']++|\"[^<\"]*+\"|'[^<']*+'|[\"'])*+>)"
)
ENDLESS_NUMBER = re.compile(r"&#[xX]?[0-9a-fA-F]{9,};?")
_CHARSET = re.compile(rb"charset\s*=\s*[\"']?\s*([A-Za-z0-9._:-]{1,40})", re.IGNORECASE)
_NO_PAGES = {"idna", "punycode", "raw-unicode-escape", "undefined", "unicode-escape", "utf-7"}
# Python sorts the marks after a letter one by one; Unicode needs no more than 30 (UAX #15, 12).
_ENDLESS_MARKS = re.compile(r"([^\w\s]{32})")
_CHARSET_WITHIN = 1024  # bytes in which a page has to name its character set (WHATWG HTML 4.2.5.4)
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)

_VOID = {
    "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track",
    "wbr",
}  # fmt: skip
_MARKED = re.compile(
    r"\s(id|class|href)\s*+=\s*+(?:\"([^\"]*+)\"|'([^']*+)'|([^\s\"'<>]++))", re.IGNORECASE
)

LONGEST_TITLE = 1000
"""Characters of a title that are kept; what lies behind is no title."""
MOST_HEADINGS = 20
"""Main headings that are kept, each at most `LONGEST_HEADING` characters long."""
LONGEST_HEADING = 300


class VisibleText(NamedTuple):
    """What a visitor reads; all in NFC, every run of blanks one space.

    Attributes:
        title: Of the page; empty without one.
        text: The rest.
        headings: The main ones (`h1`), which are part of the text, too.
    """

    title: str
    text: str
    headings: tuple[str, ...] = ()


class _Ignoring:
    """Tells which parts of a page are passed over: an element with one of the selectors.

    It ends where as many elements of its name were closed as were opened since: broken markup ends
    it elsewhere, in every reading alike.
    """

    def __init__(self, selectors: Collection[str]) -> None:
        self._selectors = frozenset(selectors)
        self._name, self._depth = "", 0

    def passes_over(self, found: re.Match[str], name: str) -> bool:
        """Take the next tag in; tells whether what follows is passed over."""
        if not self._selectors or not name:
            return bool(self._depth)
        if self._depth:
            if name == self._name:
                self._depth += -1 if found["close"] else 1
        elif (
            not found["close"]
            and name not in _VOID
            and not self._selectors.isdisjoint(_list_marks(found[0], name))
        ):
            self._name, self._depth = name, 1
        return bool(self._depth)


def _list_marks(tag: str, name: str) -> set[str]:
    """Give what an element is called by: its name, `#id`, and `.class` for each class."""
    marks = {name}
    for key, *values in _MARKED.findall(tag):
        value = "".join(values)
        if key.lower() == "id":
            marks.add(f"#{value.strip()}")
        elif key.lower() == "class":
            marks.update(f".{it}" for it in value.split())
    return marks


def read_html(source: str, ignore: Collection[str] = ()) -> VisibleText:
    """Read a page; broken markup gives some text, never an error.

    Args:
        source: The page.
        ignore: Elements that are passed over: `#id`, `.class` or a name, such as `form`.
    """
    pieces: list[str] = []
    headings: list[tuple[int, int]] = []
    title: str | None = None
    at, begun = 0, -1
    ignoring, is_passed = _Ignoring(ignore), False
    while found := TAG.search(source, at):
        if not is_passed:
            pieces.append(source[at : found.start()])
        name = (found["name"] or "").lower()
        at = skip_hidden(source, found, name)
        is_passed = ignoring.passes_over(found, name)
        if name == "title" and not found["close"]:
            title = source[found.end() : at] if title is None else title
        elif name not in _INLINE:
            pieces.append(" ")
        if name == "h1":
            if begun >= 0 and found["close"]:
                headings.append((begun, len(pieces)))
            begun = -1 if found["close"] else len(pieces)
    if not is_passed:
        pieces.append(source[at:])
    told = (_fold("".join(pieces[it[0] : it[1]])) for it in headings[:MOST_HEADINGS])
    return VisibleText(
        _fold(title or "")[:LONGEST_TITLE],
        _fold("".join(pieces)),
        tuple(it[:LONGEST_HEADING] for it in told if it),
    )


def list_links(source: str) -> list[str]:
    """Give where a page's links lead, as written, each once, in their order."""
    found = (
        html.unescape(ENDLESS_NUMBER.sub("", "".join(values)))
        for tag in TAG.finditer(source)
        if (tag["name"] or "").lower() == "a" and not tag["close"]
        for key, *values in _MARKED.findall(tag[0])
        if key.lower() == "href"
    )
    return list(dict.fromkeys(found))


def skip_hidden(source: str, found: re.Match[str], name: str) -> int:
    """Give where reading goes on after a tag: behind a comment, before a hidden element's end."""
    if found["comment"]:
        end = source.find("-->", found.end())
        return len(source) if end < 0 else end + 3
    if found["close"] or (name not in _HIDDEN and name != "title"):
        return found.end()
    closing = re.compile(rf"</{name}(?![^\s/>])", re.IGNORECASE).search(source, found.end())
    return len(source) if closing is None else closing.start()


def _fold(source: str) -> str:
    return fold(html.unescape(ENDLESS_NUMBER.sub("\N{REPLACEMENT CHARACTER}", source)))


def fold(text: str) -> str:
    """Make equal what reads equal: NFC, and every run of blanks, of whatever kind, one space."""
    pieces = _ENDLESS_MARKS.split(" ".join(text.split()))
    return "".join(unicodedata.normalize("NFC", piece) for piece in pieces)


def decode(data: bytes, declared: str = "") -> str:
    """Decode a page: by its byte order mark, the server's word, its own word, else as UTF-8.

    Args:
        data: The page's bytes; what does not decode is replaced.
        declared: Character set in the server's `Content-Type`; empty where it names none.
    """
    marked = next((name for mark, name in _MARKS if data.startswith(mark)), "")
    own = _CHARSET.search(data[:_CHARSET_WITHIN])
    for name in (marked, declared, own[1].decode() if own else ""):
        if name and _is_charset(name):
            return data.decode(name, "replace").removeprefix("\N{ZERO WIDTH NO-BREAK SPACE}")
    return data.decode("utf-8", "replace")


def _is_charset(name: str) -> bool:
    try:
        found = codecs.lookup(name)
    except (LookupError, ValueError):
        return False
    return found._is_text_encoding and found.name not in _NO_PAGES  # noqa: SLF001 -- tells text from `zip`, `hex`


MOST_HOSTS = 200
MOST_FOREIGN = 1000
LONGEST_WORD = 24

_LOADS = {"script", "iframe", "frame", "embed", "object", "base"}
_VALUE = re.compile(
    r"[\s\"'/](src|data|href|content|http-equiv|on[a-z]{3,20})\s*+=\s*+"
    r"(?:\"([^\"]*+)\"|'([^']*+)'|([^\s\"'<>][^\s<>]*+))",
    re.IGNORECASE,
)
_HOST = re.compile(r"\s*+(?:https?:)?[/\\]{2}([^\s/\\?#\"'<>]{1,253})", re.IGNORECASE)
_REFRESH = re.compile(r"url\s*+=\s*+[\"']?(.*)", re.IGNORECASE | re.DOTALL)
_NAMED_IN_SCRIPT = re.compile(r"(?:https?:|[\"'`])\\?/\\?/([a-z0-9.-]{1,253})", re.IGNORECASE)
_NOT_IN_ADDRESSES = re.compile(r"[\t\n\r]")  # browsers drop them (WHATWG URL 4.4)
_UNPACKS = re.compile(r"\b(eval|atob|unescape|fromCharCode)\s*+\(")
# Of a writing without blanks each sign is a word.
_WORD = re.compile(r"[\u3040-\u9fff]|[^\W\d_]{2,}")
_SYLLABLE = re.compile(
    r"(?:ngh?|[cgknpt]h|gi|tr|qu|[bcdđghklmnpqrstvx])?[aeiouy]{1,3}(?:ch|n[gh]|[cmnpt])?"
)


class Traits(NamedTuple):
    """What a page is known by.

    A page obeys the hosts that it loads scripts and frames from, that its own scripts name, that it
    sends its visitors on to. It leads to the hosts of its links, seen or hidden. Vietnamese is
    written in syllables of one simple build, so a word of another build is foreign, an abbreviation
    or a name; which of those are usual on a page its own past tells.

    Attributes:
        obeys: Hosts whose word the page does, and `NAME()` of what unpacks hidden scripts.
        leads: Host and number of links, by host; the page's own are named only where it names them.
        foreign: Words that are no Vietnamese syllable, in small letters, each once.
    """

    obeys: tuple[str, ...] = ()
    leads: tuple[tuple[str, int], ...] = ()
    foreign: tuple[str, ...] = ()


def find_traits(source: str, text: str) -> Traits:
    """Give a page's traits.

    Args:
        source: The page.
        text: What a visitor reads of it.
    """
    obeys: dict[str, None] = {}
    leads: Counter[str] = Counter()
    at = 0
    while found := TAG.search(source, at):
        name = (found["name"] or "").lower()
        at = found.end()
        if found["comment"] or name in {"script", "style", "title"}:
            at = skip_hidden(source, found, name)
        if found["close"]:
            continue
        if name in {"a", "area"}:
            leads.update(islice(_hosts_in(found[0], {"href"}), 1))
        script = source[found.end() : at] if name == "script" else ""
        obeys |= dict.fromkeys(_obeyed(found[0], name, script))
    return Traits(
        tuple(islice(obeys, MOST_HOSTS)), tuple(leads.most_common(MOST_HOSTS)), _find_foreign(text)
    )


def _obeyed(tag: str, name: str, script: str) -> Iterator[str]:
    """Yield whom an element obeys: what it loads, where it sends on, what its scripts name."""
    if name in _LOADS:
        yield from _hosts_in(tag, {"src", "data", "href"})
    elif name == "meta":
        yield from _hosts_of_refresh(tag)
    handlers = (value for key, value in _values(tag) if key.startswith("on"))
    for it in (script, *handlers):
        yield from _hosts_in_script(it)


def host_of(address: str) -> str:
    """Give the host that an address names, in small letters; empty where it names none."""
    found = _HOST.match(address)
    return found[1].rpartition("@")[2].partition(":")[0].lower() if found else ""


def _values(tag: str) -> Iterator[tuple[str, str]]:
    for key, *values in _VALUE.findall(tag):
        value = html.unescape(ENDLESS_NUMBER.sub("", "".join(values)))
        yield key.lower(), _NOT_IN_ADDRESSES.sub("", value)


def _hosts_in(tag: str, keys: set[str]) -> Iterator[str]:
    return (host for key, value in _values(tag) if key in keys and (host := host_of(value)))


def _hosts_of_refresh(tag: str) -> Iterator[str]:
    values = dict(_values(tag))
    if values.get("http-equiv", "").strip().lower() == "refresh":
        to = _REFRESH.search(values.get("content", ""))
        if to and (host := host_of(to[1])):
            yield host


def _hosts_in_script(script: str) -> Iterator[str]:
    for found in _NAMED_IN_SCRIPT.finditer(script):
        yield found[1].lower()
    for found in _UNPACKS.finditer(script):
        yield f"{found[1]}()"


def _find_foreign(text: str) -> tuple[str, ...]:
    words = dict.fromkeys(it[0][:LONGEST_WORD].lower() for it in _WORD.finditer(text))
    foreign = (it for it in words if not _SYLLABLE.fullmatch(_without_marks(it)))
    return tuple(islice(foreign, MOST_FOREIGN))


def _without_marks(word: str) -> str:
    plain = unicodedata.normalize("NFD", word)
    return "".join(it for it in plain if not unicodedata.combining(it))
