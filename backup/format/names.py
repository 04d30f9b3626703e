r"""File names as tree JSON writes them: quoted as Go's ``strconv.Quote`` does, then as JSON.

Quoting turns bytes that are not UTF-8 into ``\\xNN`` and what Go calls unprintable into ``\\u…``,
so every name a Linux folder can hold survives. The printable table is that of Unicode 15.0, which
the Go releases behind restic 0.16–0.18 use; Python's own table is patched to it.
"""

import json
import re
from bisect import bisect_right

from backup.errors import DamagedError

_PLAIN = re.compile(rb"[ !#-%'-;=?-\[\]-~]*")
_SHORT = {
    0x07: "\\a",
    0x08: "\\b",
    0x0C: "\\f",
    0x0A: "\\n",
    0x0D: "\\r",
    0x09: "\\t",
    0x0B: "\\v",
    0x22: '\\"',
    0x5C: "\\\\",
}
_UNSHORT = {text[1]: chr(code) for code, text in _SHORT.items()}
_ESCAPE = re.compile(
    r"\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-7]{3})|(.))", re.DOTALL
)
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
_FIRST_INVALID, _LAST_INVALID = 0xDC80, 0xDCFF
_FIRST_BEYOND_BMP = 0x10000
_LONGEST_ATTRIBUTE_NAME = 255
# Printable from Unicode 15.0 on, which Python 3.11 (14.0) does not know: first, last.
_ADDED_IN_15_0 = (
    (0xCF3, 0xCF3), (0xECE, 0xECE), (0x10EFD, 0x10EFF), (0x1123F, 0x11241), (0x11B00, 0x11B09),
    (0x11F00, 0x11F10), (0x11F12, 0x11F3A), (0x11F3E, 0x11F59), (0x1342F, 0x1342F),
    (0x13440, 0x13455), (0x1B132, 0x1B132), (0x1B155, 0x1B155), (0x1D2C0, 0x1D2D3),
    (0x1DF25, 0x1DF2A), (0x1E030, 0x1E06D), (0x1E08F, 0x1E08F), (0x1E4D0, 0x1E4F9),
    (0x1F6DC, 0x1F6DC), (0x1F774, 0x1F776), (0x1F77B, 0x1F77F), (0x1F7D9, 0x1F7D9),
    (0x1FA75, 0x1FA77), (0x1FA87, 0x1FA88), (0x1FAAD, 0x1FAAF), (0x1FABB, 0x1FABD),
    (0x1FABF, 0x1FABF), (0x1FACE, 0x1FACF), (0x1FADA, 0x1FADB), (0x1FAE8, 0x1FAE8),
    (0x1FAF7, 0x1FAF8), (0x2B739, 0x2B739), (0x31350, 0x323AF),
)  # fmt: skip
# Printable from Unicode 15.1 on, which Python 3.13 knows and Go does not.
_ADDED_IN_15_1 = ((0x2FFC, 0x2FFF), (0x31EF, 0x31EF), (0x2EBF0, 0x2EE5D))


def json_text(value: object) -> str:
    """Write JSON as Go's encoder does: compact, no ASCII escapes, but ``<``, ``>`` and ``&``.

    A byte that is not UTF-8 (a lone surrogate, as `os.fsdecode` gives it) becomes one escaped
    U+FFFD. What is replaced here can only stand within strings.
    """
    text = (
        json.dumps(value, ensure_ascii=False, separators=(",", ":"))
        .replace("<", "\\u003c")
        .replace(">", "\\u003e")
        .replace("&", "\\u0026")
        .replace("\u2028", "\\u2028")
        .replace("\u2029", "\\u2029")
    )
    return _LONE_SURROGATE.sub(r"\\ufffd", text)


def quote_name(name: bytes) -> str:
    """Give the JSON string, quotes included, for a file's raw name."""
    if _PLAIN.fullmatch(name):
        return f'"{name.decode("ascii")}"'
    text = name.decode("utf-8", "surrogateescape")
    return json_text("".join([_quote_character(character) for character in text]))


def unquote_name(text: str) -> bytes:
    """Give the raw name for the (already JSON-decoded) name of a tree node.

    Raises:
        DamagedError: The name is empty, a path, ``.`` or ``..``, or holds an unknown escape.
    """
    if "\\" in text:
        name = b"".join(_unquote_pieces(text))
    else:
        name = text.encode("utf-8", "surrogateescape")
    if not name or b"/" in name or b"\0" in name or name in (b".", b".."):
        raise DamagedError("a tree holds the impossible file name {name!r}", name=text)
    return name


def is_attribute_name(name: bytes) -> bool:
    """Tell whether Linux may have an extended attribute of this name (`XATTR_NAME_MAX`)."""
    return 0 < len(name) <= _LONGEST_ATTRIBUTE_NAME and b"\0" not in name


def replace_invalid(raw: bytes) -> str:
    """Decode UTF-8 for JSON, each invalid byte becoming one escaped U+FFFD, as Go does."""
    return json_text(raw.decode("utf-8", "surrogateescape"))


def _quote_character(character: str) -> str:
    code = ord(character)
    if code in _SHORT:
        return _SHORT[code]
    if _FIRST_INVALID <= code <= _LAST_INVALID:
        return f"\\x{code - 0xDC00:02x}"
    if _is_printable(character, code):
        return character
    if code < ord(" ") or code == 0x7F:  # noqa: PLR2004 -- DEL
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < _FIRST_BEYOND_BMP else f"\\U{code:08x}"


def _is_printable(character: str, code: int) -> bool:
    if character.isprintable():
        return not _within(code, _ADDED_IN_15_1)
    return _within(code, _ADDED_IN_15_0)


def _within(code: int, ranges: tuple[tuple[int, int], ...]) -> bool:
    at = bisect_right(ranges, (code, 0x110000)) - 1
    return at >= 0 and ranges[at][0] <= code <= ranges[at][1]


def _encode_code_point(code: int) -> bytes:
    try:
        return chr(code).encode()
    except (ValueError, OverflowError):  # surrogates, or beyond Unicode
        raise DamagedError(
            "a tree holds a name with the unknown escape {it}", it=hex(code)
        ) from None


def _unquote_pieces(text: str) -> list[bytes]:
    pieces = []
    at = 0
    for match in _ESCAPE.finditer(text):
        pieces.append(text[at : match.start()].encode("utf-8", "surrogateescape"))
        at = match.end()
        byte, short_code, long_code, octal, letter = match.groups()
        if byte or octal:
            pieces.append(bytes([int(byte, 16) if byte else int(octal, 8) & 0xFF]))
        elif letter:
            if letter not in _UNSHORT and letter != "'":
                raise DamagedError("a tree holds a name with the unknown escape {it}", it=letter)
            pieces.append(_UNSHORT.get(letter, letter).encode())
        else:
            pieces.append(_encode_code_point(int(short_code or long_code, 16)))
    tail = text[at:]
    if tail.endswith("\\"):
        raise DamagedError("a tree holds a name that ends in a lone backslash")
    pieces.append(tail.encode("utf-8", "surrogateescape"))
    return pieces
