"""What betrays a stranger's hand on a page: whom it obeys, where it leads, foreign words; pure.

A page obeys the hosts that it loads scripts and frames from, that its own scripts name, that it
sends its visitors on to. It leads to the hosts of its links, seen or hidden. Vietnamese is written
in syllables of one simple build, so a word of another build is foreign, an abbreviation or a name;
which of those are usual on a page its own past tells. One pass, as `page_text`; all is bounded.
"""

import html
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

from ops.backups.pages.page_text import ENDLESS_NUMBER, TAG, skip_hidden

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
