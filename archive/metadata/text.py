"""Texts of items: recognised, read, and given a readable NFC copy where that helps people.

The original is never changed. What is not UTF-8, or is UTF-8 made of an old encoding, is recognised
by its syllables (`archive.metadata.encodings`); what it declares only lowers the bar. A text too
short or too mixed to tell is `unknown`, and stays as it is. Linear in the length of the text.
"""

import html
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from archive.metadata.encodings import DECODERS, as_bytes_text, count_syllables, read_once
from archive.metadata.item import Part

UNKNOWN, TOO_LARGE = "unknown", "too large"
MOST = 8 << 20
"""What is larger is no text to read, but data; it is archived like any file."""

_SAMPLE = 200_000
_HEAD = 4096
_ENOUGH, _SHARE, _AHEAD = 6, 0.85, 0.15
_DECLARED_ENOUGH, _DECLARED_SHARE = 2, 0.6
_FOREIGN = 0.5
_TEXTS = re.compile(r"text/|application/(?:json|xml|xhtml)|\+xml$")
_ENDINGS = (".html", ".htm", ".txt", ".json", ".jsonl", ".xml", ".csv", ".md", ".wiki")
_MODERN = re.compile("[ăđĩũơưĂĐĨŨƠƯ\u0300-\u0323Ạ-ỹ]")
_INLINE = re.compile(r"</?(?:b|i|u|em|strong|font|span|a|sup|sub)(?:\s[^<>]*)?/?>", re.IGNORECASE)
_TAG = re.compile(r"<[^<>]*>")
_SCRIPT = re.compile(r"<!--|<(script|style)(?![\w-])", re.IGNORECASE)
_ENDS = {
    name: re.compile(rf"</{name}[^<>]*>", re.IGNORECASE) for name in ("script", "style")
} | {"": re.compile("-->")}  # fmt: skip
_ENTITY = re.compile(r"&(?:#\d{2,7}|#[xX][0-9a-fA-F]{2,6}|[A-Za-z]{2,8});")
_CHARSET = re.compile(
    r"""((?:charset|encoding)\s{0,4}=\s{0,4}["']?)([\w.-]{2,40})""", re.IGNORECASE
)
_FONTS = {".vn": "tcvn3", "vni-": "vni", "vps ": "vps"}
_FONT = re.compile(r"""(?:face\s?=|font-family\s?:)\s?["']?(\.vn|vni-|vps )""", re.IGNORECASE)
_NAMES = {
    "x-viet-tcvn": "tcvn3", "x-viet-tcvn5712": "tcvn3", "tcvn": "tcvn3", "tcvn-5712": "tcvn3",
    "abc": "tcvn3", "x-viet-vni": "vni", "vni": "vni", "x-viet-vps": "vps", "vps": "vps",
    "windows-1258": "windows-1258", "cp1258": "windows-1258",
}  # fmt: skip
_UTF16 = {b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}


@dataclass(frozen=True, slots=True)
class ReadText:
    """What became of a text.

    Attributes:
        encoding: As recognised: `utf-8`, `utf-16-le`, `windows-1258`, `tcvn3`, `vni`, `vps`,
            `unknown`, `too large`.
        words: For search.
        copy: A readable copy in UTF-8 and NFC; None where the original is that already, or where
            nobody knows how to read it.
        form: What was not as it should be: `NFD`, `not NFC`, `old encoding inside UTF-8`,
            `UTF-8 inside UTF-8`.
    """

    encoding: str
    words: str
    copy: bytes | None
    form: str = ""


def read_text(part: Part, content: bytes | Path) -> ReadText | None:
    """Read a part that is a text; None for all others.

    Records (indexes and logs of captured pages) are read by programs: nobody searches in them.
    """
    if part.role == "record":
        return None
    if not (_TEXTS.search(part.media_type) or part.path.endswith(_ENDINGS)):
        return None
    size = len(content) if isinstance(content, bytes) else content.stat().st_size
    if size > MOST:
        return ReadText(TOO_LARGE, "", None)
    data = content if isinstance(content, bytes) else content.read_bytes()
    if utf16 := _UTF16.get(data[:2]):
        return _converted(utf16, data[2:].decode(utf16, "replace"))
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return _read_bytes(data, part)
    return _read_unicode(text, part)


def _read_unicode(text: str, part: Part) -> ReadText:
    if (once := read_once(text)) is not None:
        return _converted("utf-8", once, "UTF-8 inside UTF-8")
    if not text.isascii() or "&" in text:
        moved = _moved_text(text)
        found = recognise(moved, _declared(text, part), as_written=text) if moved else ""
        if moved and found:
            return _converted(found, DECODERS[found](moved), "old encoding inside UTF-8")
    if unicodedata.is_normalized("NFC", text):
        return ReadText("utf-8", words_in(text), None)
    form = "NFD" if unicodedata.is_normalized("NFD", text) else "not NFC"
    return _converted("utf-8", text, form)


def _read_bytes(data: bytes, part: Part) -> ReadText:
    text = _with_characters(data.decode("latin-1"))
    found = recognise(text, _declared(text, part))
    if not found:
        return ReadText(UNKNOWN, words_in(text), None)
    return _converted(found, DECODERS[found](text))


def _converted(encoding: str, text: str, form: str = "") -> ReadText:
    text = unicodedata.normalize("NFC", text)
    head = _CHARSET.sub(r"\1utf-8", text[:_HEAD]) if "<" in text[:_HEAD] else text[:_HEAD]
    return ReadText(encoding, words_in(text), (head + text[_HEAD:]).encode(errors="replace"), form)


def recognise(text: str, declared: str = "", *, as_written: str = "") -> str:
    """Give the old encoding of a text; empty where none is plain.

    Args:
        text: Its bytes as characters, U+0080 to U+00FF.
        declared: What it, or its fonts, say that it is.
        as_written: The text as Unicode has it, where it is valid UTF-8: read so, it must make no
            sense before it is taken for something else.
    """
    sample = words_in(text[:_SAMPLE])
    counts = {name: count_syllables(decode(sample)) for name, decode in DECODERS.items()}
    shares = {name: good / every if every else 0.0 for name, (good, every) in counts.items()}
    best = max(shares, key=lambda name: (shares[name], counts[name][0]))
    if as_written:
        good, every = count_syllables(words_in(as_written[:_SAMPLE]))
        if not every or good / every > _FOREIGN:
            return ""
    second = max(share for name, share in shares.items() if name != best)
    is_declared = best == declared
    enough, share = (
        (_DECLARED_ENOUGH, _DECLARED_SHARE) if is_declared else (_ENOUGH, _SHARE)
    )  # fmt: skip
    is_ahead = is_declared or shares[best] - second >= _AHEAD
    return best if counts[best][0] >= enough and shares[best] >= share and is_ahead else ""


def _moved_text(text: str) -> str | None:
    """Give the bytes of a text that may be an old one inside UTF-8; None where it is not."""
    if _MODERN.search(text):
        return None
    plain = as_bytes_text(_with_characters(text))
    return None if plain is None or plain.isascii() else plain


def _with_characters(text: str) -> str:
    """Write entities of windows-1252 letters as characters; markup stays."""

    def character(found: re.Match[str]) -> str:
        letter = html.unescape(found[0])
        plain = as_bytes_text(letter) if len(letter) == 1 and not letter.isascii() else None
        return plain or found[0]

    return _ENTITY.sub(character, text)


def _declared(text: str, part: Part) -> str:
    head = text[:_HEAD]
    told = _CHARSET.search(part.media_type) or _CHARSET.search(head)
    named = _NAMES.get(told[2].lower(), "") if told else ""
    font = _FONT.search(text[:_SAMPLE])
    return named or (_FONTS[font[1].lower()] if font else "")


def words_in(text: str) -> str:
    """Give the words of a text without its markup, scripts and entities."""
    if "<" in text:
        text = _TAG.sub(" ", _INLINE.sub("", "".join(_shown(text)))).strip()
    return html.unescape(text) if "&" in text else text


def _shown(text: str) -> Iterator[str]:
    """Give what lies outside scripts, styles and comments."""
    start = 0
    while begin := _SCRIPT.search(text, start):
        yield text[start : begin.start()]
        end = _ENDS[(begin[1] or "").lower()].search(text, begin.end())
        if end is None:
            return
        start = end.end()
    yield text[start:]
