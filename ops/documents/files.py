"""The bytes of documents: looked at, and kept under their own hash.

Order of keeping one:
1. The file is read whole, at most `MOST_BYTES`, and what it is comes from its bytes alone.
2. It is placed as `documents/ab/abcd…` and made durable; one that is there already is the same.
3. The catalog's row and the journal's are written in one transaction (`ops.documents.records`).
A file without a row is what an ended step 2 leaves: harmless, and kept again by the next try.
"""

import hashlib
import io
import re
import zipfile
from dataclasses import dataclass
from pathlib import Path

from ops.durable_files import place_file, read_bounded
from ops.errors import OpsError

FOLDER = "documents"
MOST_BYTES = 20 << 20
_FILE_MODE, _FOLDER_MODE = 0o600, 0o700
_MOST_PARTS = 5_000
_STARTS = ((b"%PDF-", "pdf"), (b"\x89PNG\r\n\x1a\n", "png"), (b"\xff\xd8\xff", "jpeg"))
_OFFICE = (("xl/workbook.xml", "xlsx"), ("word/document.xml", "docx"))
_HASH = re.compile(r"[0-9a-f]{64}")


class DocumentError(OpsError):
    """A file cannot be kept as a document."""

    def __init__(self, path: Path, *, why: str, next_step: str, **params: object) -> None:
        super().__init__(
            "{path} cannot be kept as a document",
            why=why,
            data="nothing was changed",
            next_step=next_step,
            path=path,
            **params,
        )


@dataclass(frozen=True, slots=True)
class Content:
    """A document's bytes, with their hash and what they are."""

    data: bytes
    sha256: str
    type: str


def read_document(path: Path) -> Content:
    """Read a file and look at what it is.

    Raises:
        DocumentError: It cannot be read, is empty, too large, or is none of the known types.
    """
    try:
        data = read_bounded(path, MOST_BYTES)
    except OSError as error:
        raise DocumentError(
            path, why="it cannot be read, or is not there", next_step="check its name and rights"
        ) from error
    if len(data) > MOST_BYTES:
        raise DocumentError(
            path,
            why="it is larger than {most} MiB",
            most=MOST_BYTES >> 20,
            next_step="scan it with fewer dots an inch, or in parts",
        )
    kind = find_type(data)
    if not kind:
        raise DocumentError(
            path,
            why="it is no PDF, PNG, JPEG, XLSX or DOCX, or holds macros",
            next_step="save it as PDF, then type the command again",
        )
    return Content(data, hashlib.sha256(data).hexdigest(), kind)


def find_type(data: bytes) -> str:
    """Say what bytes are, whatever they are called; empty for what is not kept; pure."""
    for start, kind in _STARTS:
        if data.startswith(start):
            return kind
    return _find_office(data) if data.startswith(b"PK\x03\x04") else ""


def _find_office(data: bytes) -> str:
    """Look at the names in a ZIP and unpack nothing of it."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as packed:
            names = set(packed.namelist())
    except (zipfile.BadZipFile, ValueError, NotImplementedError):
        return ""
    has_macros = any(it.lower().endswith("vbaproject.bin") for it in names)
    if has_macros or len(names) > _MOST_PARTS or "[Content_Types].xml" not in names:
        return ""
    return next((kind for part, kind in _OFFICE if part in names), "")


def place_of(state: Path, sha256: str) -> Path:
    """Give the file of a document."""
    return state / FOLDER / sha256[:2] / sha256


def keep(state: Path, content: Content) -> Path:
    """Place a document's bytes, durable on return; the same ones again change nothing.

    Raises:
        OpsError: The folder cannot be written.
    """
    path = place_of(state, content.sha256)
    if is_whole(path):
        return path
    try:
        place_file(path, content.data, mode=_FILE_MODE, replace=True, folder_mode=_FOLDER_MODE)
    except OSError as error:
        raise OpsError(
            "the folder of documents cannot be written",
            why=error.strerror or "",
            data="nothing was changed",
            next_step="look at {path} and its rights",
            path=path.parent,
        ) from error
    return path


def is_whole(path: Path) -> bool:
    """Tell whether a document is there with the bytes that its name promises."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == path.name
    except OSError:
        return False


def list_kept(state: Path) -> list[Path]:
    """List the files of documents, by name; what else lies there is left out."""
    found = (state / FOLDER).glob("[0-9a-f][0-9a-f]/*")
    return sorted(it for it in found if _HASH.fullmatch(it.name) and not it.is_symlink())
