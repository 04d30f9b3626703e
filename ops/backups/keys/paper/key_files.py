"""Key files on paper: as QR codes, and as numbered lines that a person can type.

A line is its number, up to 48 characters of the file, and a check: the first four hexadecimal
digits of the SHA-256 of number, blank and characters. A blank in the file is printed as `␣`. A file
that is not plain ASCII on one line is printed as the same JSON in ASCII, which opens the same.
"""

import hashlib
import json
import re
from collections.abc import Iterator

import segno

from backup.errors import UnsupportedFormatError
from backup.format.key_file import parse_key_file
from ops.errors import OpsError

_LINE_CHARACTERS = 48
_BLANK = "␣"
_PIXELS = 6
_QUIET_MODULES = 4
_LINE = re.compile(r"^\s*(\d{2}) (\S{1,48}) ([0-9a-fA-F]{4})\s*$")


class PrintedKeyError(OpsError):
    """The text of a key file was not read or typed as it stands on the paper."""


def printed_text(key_file: bytes) -> str:
    """Give the text that is printed of a key file: one line of ASCII.

    Raises:
        UnsupportedFormatError: It is no key file.
    """
    parse_key_file(key_file)
    text = key_file.decode("utf-8", "replace")
    if text.isascii() and text.isprintable() and _BLANK not in text:
        return text
    return json.dumps(json.loads(key_file), separators=(",", ":"))


def qr_image(text: str) -> str:
    """Give a QR code as a `data:` URL of a PNG image; empty where the text is too long for one."""
    try:
        code = segno.make_qr(text, error="m", boost_error=False)
    except segno.DataOverflowError:
        return ""
    return code.png_data_uri(scale=_PIXELS, border=_QUIET_MODULES)


def number_lines(text: str) -> list[str]:
    """Cut a text into numbered lines, each with its check."""
    shown = text.replace(" ", _BLANK)
    pieces = [
        shown[start : start + _LINE_CHARACTERS] for start in range(0, len(shown), _LINE_CHARACTERS)
    ]
    return [_line(number, piece) for number, piece in enumerate(pieces, start=1)]


def read_key_files(text: str) -> list[bytes]:
    """Read key files from what was scanned or typed.

    Args:
        text: QR codes as a scanner gives them, one a line, with or without `QR-Code:`; or numbered
            lines; or the text of a whole page. Whatever else stands there is passed over.

    Raises:
        PrintedKeyError: A line's check does not hold, or one is missing.
    """
    scanned = [line.strip().removeprefix("QR-Code:") for line in text.splitlines()]
    found = [line for line in scanned if line.startswith("{")]
    found += [piece.replace(_BLANK, " ") for piece in _join_lines(text)]
    key_files = list(dict.fromkeys(item.encode() for item in found))
    for item in key_files:
        try:
            parse_key_file(item)
        except UnsupportedFormatError as error:
            raise PrintedKeyError(
                "what was read is not a whole key file",
                why="the QR code or the last lines of the text are missing",
                data="nothing was written",
                next_step="scan it again, or type all lines down to the one that ends it",
            ) from error
    return key_files


def _join_lines(text: str) -> Iterator[str]:
    piece, last = "", 0
    for match in filter(None, map(_LINE.match, text.splitlines())):
        number = int(match[1])
        if _line(number, match[2]) != f"{match[1]} {match[2]} {match[3].lower()}":
            raise PrintedKeyError(
                "line {line} of a key file has a mistake: its check does not hold",
                data="nothing was written",
                next_step="compare it with the paper; capitals and small letters are not the same",
                line=number,
            )
        if number == 1 and piece:
            yield piece
        if number not in {1, last + 1}:
            raise PrintedKeyError(
                "line {line} of a key file does not follow the one before it",
                data="nothing was written",
                next_step="type the lines in the order of their numbers, and leave none out",
                line=number,
            )
        piece, last = (match[2] if number == 1 else piece + match[2]), number
    if piece:
        yield piece


def _line(number: int, piece: str) -> str:
    body = f"{number:02} {piece}"
    return f"{body} {hashlib.sha256(body.encode()).hexdigest()[:4]}"
