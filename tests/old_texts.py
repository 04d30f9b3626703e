"""Writes Vietnamese as it was written before Unicode, for tests."""

import unicodedata

from archive.metadata import encodings

_TONES = "\u0300\u0301\u0303\u0309\u0323"


def write_old(text: str, encoding: str) -> bytes:
    """Give the bytes of a text in an old encoding."""
    if encoding == "windows-1258":
        return b"".join(map(_write_1258, text))
    if encoding == "vni":
        pairs = {it: pair for pair, it in encodings._VNI.items()}
        return "".join(pairs.get(it, it) for it in text).encode("cp1252")
    table = encodings._TCVN3_TABLE if encoding == "tcvn3" else encodings._VPS_TABLE
    marks = {letter: chr(byte) for byte, letter in table.items()}
    return "".join(marks.get(it, it) for it in text).encode("latin-1")


def _write_1258(letter: str) -> bytes:
    try:
        return letter.encode("cp1258")
    except UnicodeEncodeError:
        apart = unicodedata.normalize("NFD", letter)
        rest = "".join(it for it in apart if it not in _TONES)
        tone = "".join(it for it in apart if it in _TONES)
        return unicodedata.normalize("NFC", rest).encode("cp1258") + tone.encode("cp1258")
