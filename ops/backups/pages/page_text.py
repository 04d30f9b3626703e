"""Read what a visitor reads of a page: its title and its visible text; pure.

One pass whose time grows with the page's length, whatever stands in it. The standard library's
`html.parser` does not promise that: 60 kB of `<a ` keep Python 3.11's for over a minute, and a
defaced page must not hold up a backup. So a tag is here what lies between `<` and the next `>` with
no `<` between; an attribute that holds one of the two bare shows some of itself as text, the same
in every reading. Two more things in Python take quadratic time, and are kept from it: composing a
letter with endless marks, and character sets in which no page is written.

A text's fingerprint: equal for equal texts, and a sketch by which two can be likened; pure.

The sketch holds the smallest hashes of all runs of three words (a bottom-k sketch, Broder, "On the
resemblance and containment of documents", 1997). From two sketches the share of runs that both
texts have is estimated; for texts of up to `SKETCH_SIZE` different runs it is exact.
"""

import codecs
import hashlib
import html
import re
import unicodedata
from dataclasses import dataclass
from typing import NamedTuple

_HIDDEN = {"script", "style", "template", "noscript", "svg", "iframe", "object", "textarea"}
_INLINE = {
    "a", "abbr", "acronym", "b", "bdi", "bdo", "big", "cite", "code", "data", "del", "dfn", "em",
    "font", "i", "ins", "kbd", "label", "mark", "nobr", "q", "s", "samp", "small", "span",
    "strike", "strong", "sub", "sup", "time", "tt", "u", "var", "wbr",
}  # fmt: skip
# What was taken is not given back (`*+`): else a name without a `>` is tried in every length.
_TAG = re.compile(r"<(?:(?P<comment>!--)|(?P<close>/?)(?P<name>[a-zA-Z!?][^\s/<>]*+)[^<>]*+>)")
_ENDLESS_NUMBER = re.compile(r"&#[xX]?[0-9a-fA-F]{9,};?")
_CHARSET = re.compile(rb"charset\s*=\s*[\"']?\s*([A-Za-z0-9._:-]{1,40})", re.IGNORECASE)
_NO_PAGES = {
    "idna", "punycode", "raw-unicode-escape", "undefined", "unicode-escape", "utf-7",
}  # fmt: skip
# Python sorts the marks after a letter one by one; Unicode needs no more than 30 (UAX #15, 12).
_ENDLESS_MARKS = re.compile(r"([^\w\s]{32})")
_CHARSET_WITHIN = 1024  # bytes in which a page has to name its character set (WHATWG HTML 4.2.5.4)
_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16"),
          (codecs.BOM_UTF16_BE, "utf-16"))  # fmt: skip

LONGEST_TITLE = 1000
"""Characters of a title that are kept; what lies behind is no title."""


class VisibleText(NamedTuple):
    """What a visitor reads.

    Attributes:
        title: Of the page; empty without one.
        text: The rest; both in NFC, every run of blanks one space.
    """

    title: str
    text: str


def read_html(source: str) -> VisibleText:
    """Read a page; broken markup gives some text, never an error."""
    pieces: list[str] = []
    title: str | None = None
    at = 0
    while found := _TAG.search(source, at):
        pieces.append(source[at : found.start()])
        name = (found["name"] or "").lower()
        at = _after(source, found, name)
        if name == "title" and not found["close"]:
            title = source[found.end() : at] if title is None else title
        elif name not in _INLINE:
            pieces.append(" ")
    pieces.append(source[at:])
    return VisibleText(_fold(title or "")[:LONGEST_TITLE], _fold("".join(pieces)))


def _after(source: str, found: re.Match[str], name: str) -> int:
    """Give where reading goes on after a tag: behind a comment, before a hidden element's end."""
    if found["comment"]:
        end = source.find("-->", found.end())
        return len(source) if end < 0 else end + 3
    if found["close"] or (name not in _HIDDEN and name != "title"):
        return found.end()
    closing = re.compile(rf"</{name}(?![^\s/>])", re.IGNORECASE).search(source, found.end())
    return len(source) if closing is None else closing.start()


def _fold(source: str) -> str:
    return fold(html.unescape(_ENDLESS_NUMBER.sub("\N{REPLACEMENT CHARACTER}", source)))


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


SKETCH_SIZE = 128
"""Hashes kept; the estimate's standard deviation is below 5 % then."""

_WORDS = 3
_HASH_BYTES = 8


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """What is kept of a text.

    Attributes:
        sha256: Of its UTF-8 bytes, in hexadecimal.
        sketch: The smallest hashes of its runs of words, ascending, 16 hexadecimal digits each, one
            after the other; empty for an empty text, and for what is no text.
    """

    sha256: str
    sketch: str = ""


def take_fingerprint(text: str) -> Fingerprint:
    """Take the fingerprint of a folded text."""
    words = text.split()
    runs = {" ".join(words[at : at + _WORDS]) for at in range(max(1, len(words) - _WORDS + 1))}
    hashes = sorted(_hash(run) for run in runs if run)[:SKETCH_SIZE]
    return Fingerprint(hashlib.sha256(text.encode()).hexdigest(), "".join(hashes))


def _hash(run: str) -> str:
    return hashlib.blake2b(run.encode(), digest_size=_HASH_BYTES).hexdigest()


def liken(one: Fingerprint, other: Fingerprint) -> float:
    """Give the share of their runs of words that two texts have in common, 0 to 1."""
    if one.sha256 == other.sha256:
        return 1.0
    first, second = _hashes(one), _hashes(other)
    smallest = sorted(first | second)[:SKETCH_SIZE]
    if not smallest:
        return 0.0
    return sum(it in first and it in second for it in smallest) / len(smallest)


def _hashes(fingerprint: Fingerprint) -> set[str]:
    width = 2 * _HASH_BYTES
    sketch = fingerprint.sketch
    return {sketch[at : at + width] for at in range(0, len(sketch), width)}
