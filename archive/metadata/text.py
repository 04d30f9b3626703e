"""Texts of items: recognised, read, and given a readable NFC copy where that helps people."""

import re
import unicodedata
from dataclasses import dataclass
from pathlib import Path

from archive.metadata.item import Part

_MOST = 8 << 20
_TEXTS = re.compile(r"text/|application/(?:json|xml|xhtml)|\+xml$")
_ENDINGS = (".html", ".htm", ".txt", ".json", ".jsonl", ".xml", ".csv", ".md", ".wiki")
_TAGS = re.compile(r"<(?:script|style)\b.*?</(?:script|style)\s*>|<!--.*?-->|<[^>]*>", re.DOTALL)


@dataclass(frozen=True, slots=True)
class ReadText:
    """What became of a text.

    Attributes:
        encoding: As recognised: `utf-8`, `windows-1258`, `tcvn3`, `vni`, `vps`.
        words: For search.
        copy: A readable copy in UTF-8 and NFC; None where the original is that already.
    """

    encoding: str
    words: str
    copy: bytes | None


def read_text(part: Part, content: bytes | Path) -> ReadText | None:
    """Read a part that is a text; None for all others, and for what is too long to be one."""
    if not (_TEXTS.search(part.media_type) or part.path.endswith(_ENDINGS)):
        return None
    if isinstance(content, Path):
        if content.stat().st_size > _MOST:
            return None
        content = content.read_bytes()
    if len(content) > _MOST:
        return None
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return None
    is_nfc = unicodedata.is_normalized("NFC", text)
    copy = None if is_nfc else unicodedata.normalize("NFC", text).encode()
    return ReadText("utf-8", _words_of(text), copy)


def _words_of(text: str) -> str:
    return " ".join(_TAGS.sub(" ", text).split()) if "<" in text else text
