"""Whether a file is whole, as far as that is cheap to say: its frame, not its beauty.

| format | what is looked at |
|---|---|
| XML, SVG | well-formed; a document type with entities of its own is not read |
| JSON | well-formed |
| PNG | every chunk with its sum, from header to end |
| JPEG, GIF, WebP | header, and the mark at the end |
| PDF | header, table of contents, end; more by `qpdf --check` (`archive.metadata.findings`) |

A broken file is archived: the portal published it so, and the event says what is wrong. Files are
hostile: each is read in pieces, once; nothing is unpacked or fetched. Pure.
"""

import struct
import zlib
from collections.abc import Callable
from io import BytesIO
from typing import Any, BinaryIO
from xml.parsers import expat

from archive.metadata.findings import Content, Format, Validity

OWN = "giucong"
_PIECE = 1 << 20
_MOST_TEXT = 64 << 20
_MOST_DEPTH = 1000
_TAIL = 2048
_CHUNK = struct.Struct(">I4s")


class _NotWholeError(Exception):
    """What is wrong with a file."""


def validate(content: Content, found: Format) -> Validity | None:
    """Look at a file; None where there is nothing to look at.

    One that is cut off is often no longer known by its format: then its first bytes tell.

    Raises:
        OSError: It cannot be read.
    """
    kind = next((it.strip() for it in found.media_type.split(",") if it.strip() in _CHECKS), "")
    if not kind and found.media_type.endswith("+xml"):
        kind = "application/xml"
    with BytesIO(content) if isinstance(content, bytes) else content.open("rb") as file:
        if not kind:
            begin = file.read(16)
            kind = next((it for it, mark in _MARKS.items() if begin.startswith(mark)), "")
            file.seek(0)
        if not kind:
            return None
        try:
            _CHECKS[kind](file)
        except _NotWholeError as error:
            return Validity("warning", str(error), OWN)
        except _Unread as error:
            return Validity("not run", str(error), OWN)
    return Validity("passed", tool=OWN)


class _Unread(Exception):  # noqa: N818 - no mistake of the file
    """Why a file is not looked at."""


def _check_xml(file: BinaryIO) -> None:
    parser = expat.ParserCreate()
    depth = 0

    def opened(_name: str, _values: Any) -> None:
        nonlocal depth
        depth += 1
        if depth > _MOST_DEPTH:
            raise _Unread("nested too deep")

    def closed(_name: str) -> None:
        nonlocal depth
        depth -= 1

    def declared(*_values: Any) -> None:
        raise _Unread("declares entities of its own")

    parser.StartElementHandler, parser.EndElementHandler = opened, closed
    parser.EntityDeclHandler = declared
    try:
        while data := file.read(_PIECE):
            parser.Parse(data, False)  # noqa: FBT003 - expat's own
        parser.Parse(b"", True)  # noqa: FBT003 - expat's own
    except expat.ExpatError as error:
        raise _NotWholeError(f"not well-formed: {error}") from error


def _check_json(file: BinaryIO) -> None:
    import msgspec

    data = file.read(_MOST_TEXT + 1)
    if len(data) > _MOST_TEXT:
        raise _Unread("too large")
    try:
        for line in data.splitlines() if b"}\n{" in data else [data]:
            msgspec.json.decode(line, type=msgspec.Raw)
    except (msgspec.DecodeError, RecursionError) as error:
        raise _NotWholeError(f"not well-formed: {error}") from error


def _check_png(file: BinaryIO) -> None:
    if file.read(8) != b"\x89PNG\r\n\x1a\n":
        raise _NotWholeError("no header")
    kind = b""
    while kind != b"IEND":
        begin = file.read(_CHUNK.size)
        if len(begin) < _CHUNK.size:
            raise _NotWholeError("cut off")
        size, kind = _CHUNK.unpack(begin)
        total = zlib.crc32(kind)
        while size:
            data = file.read(min(size, _PIECE))
            if not data:
                raise _NotWholeError("cut off")
            total, size = zlib.crc32(data, total), size - len(data)
        if file.read(4) != struct.pack(">I", total):
            raise _NotWholeError(f"the sum of {kind.decode('latin-1')!r} is wrong")


def _framed(begins: tuple[bytes, ...], end: bytes) -> Callable[[BinaryIO], None]:
    def check(file: BinaryIO) -> None:
        if not file.read(8).startswith(begins):
            raise _NotWholeError("no header")
        if end not in _tail_of(file):
            raise _NotWholeError("cut off")

    return check


def _check_webp(file: BinaryIO) -> None:
    begin = file.read(12)
    if begin[:4] != b"RIFF" or begin[8:] != b"WEBP":
        raise _NotWholeError("no header")
    if file.seek(0, 2) < struct.unpack("<I", begin[4:8])[0] + 8:
        raise _NotWholeError("cut off")


def _check_pdf(file: BinaryIO) -> None:
    if b"%PDF-" not in file.read(1024):
        raise _NotWholeError("no header")
    tail = _tail_of(file)
    if b"%%EOF" not in tail or b"startxref" not in tail:
        raise _NotWholeError("cut off")


def _tail_of(file: BinaryIO) -> bytes:
    size = file.seek(0, 2)
    file.seek(max(0, size - _TAIL))
    return file.read(_TAIL)


PDF = "application/pdf"
_MARKS = {
    PDF: b"%PDF-",
    "image/png": b"\x89PNG",
    "image/jpeg": b"\xff\xd8\xff",
    "image/gif": b"GIF8",
}
_CHECKS: dict[str, Callable[[BinaryIO], None]] = {
    "application/xml": _check_xml, "text/xml": _check_xml, "image/svg+xml": _check_xml,
    "application/json": _check_json, "image/png": _check_png, "image/webp": _check_webp,
    "image/jpeg": _framed((b"\xff\xd8\xff",), b"\xff\xd9"),
    "image/gif": _framed((b"GIF87a", b"GIF89a"), b"\x3b"), PDF: _check_pdf,
}  # fmt: skip
