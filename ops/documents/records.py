"""Documents: bytes kept under their own hash, their rows, who signed them.

Order of keeping one:
1. The file is read whole, at most `MOST_BYTES`, and what it is comes from its bytes alone.
2. It is placed as `documents/ab/abcd…` and made durable; one that is there already is the same.
3. The catalog's row and the journal's are written in one transaction (`ops.documents.records`).
A file without a row is what an ended step 2 leaves: harmless, and kept again by the next try.
"""

import hashlib
import io
import re
import unicodedata
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from ops.catalog.columns import find_by_id, new_id
from ops.catalog.tables.register import Document
from ops.durable_files import place_file, read_bounded
from ops.errors import OpsError, WrongUseError
from ops.journal import journal
from ops.journal.journal import Entry, Origin
from ops.language.text import _

FOLDER = "documents"
MOST_BYTES = 20 << 20
_FILE_MODE, _FOLDER_MODE = 0o600, 0o700
_MOST_PARTS = 5_000
_STARTS = ((b"%PDF-", "pdf"), (b"\x89PNG\r\n\x1a\n", "png"), (b"\xff\xd8\xff", "jpeg"))
_OFFICE = (("xl/workbook.xml", "xlsx"), ("word/document.xml", "docx"))
_HASH = re.compile(r"[0-9a-f]{64}")
_LIKE_ID = re.compile(r"[0-9a-f]{8,32}")


@dataclass(frozen=True, slots=True)
class DocumentFile:
    """A document's bytes, with their hash and what they are."""

    data: bytes
    sha256: str
    type: str


def read_document(path: Path) -> DocumentFile:
    """Read a file and look at what it is.

    Raises:
        OpsError: It cannot be read, is empty, too large, or is none of the known types.
    """
    try:
        data = read_bounded(path, MOST_BYTES)
    except OSError as error:
        raise _refuse(
            path, why="it cannot be read, or is not there", next_step="check its name and rights"
        ) from error
    if len(data) > MOST_BYTES:
        raise _refuse(
            path,
            why="it is larger than {most} MiB",
            most=MOST_BYTES >> 20,
            next_step="scan it with fewer dots an inch, or in parts",
        )
    kind = find_type(data)
    if not kind:
        raise _refuse(
            path,
            why="it is no PDF, PNG, JPEG, XLSX or DOCX, or holds macros",
            next_step="save it as PDF, then type the command again",
        )
    return DocumentFile(data, hashlib.sha256(data).hexdigest(), kind)


def _refuse(path: Path, *, why: str, next_step: str, **params: object) -> OpsError:
    return OpsError(
        "{path} cannot be kept as a document",
        why=why,
        data="nothing was changed",
        next_step=next_step,
        path=path,
        **params,
    )


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


def keep(state: Path, content: DocumentFile) -> Path:
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


ADDED = "document.added"
EXPORTED = "document.exported"
MOST_TEXT = 300
_MOST_NAMED = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Caption:
    """What a person says of a document; fields as in `ops.catalog.tables.register.Document`."""

    title: str
    name: str
    number: str = ""
    dated: date | None = None
    about: str = ""
    signatures: Sequence[Mapping[str, Any]] = field(default_factory=tuple)


def add_document(
    session: Session, origin: Origin, content: DocumentFile, told: Caption, *, now: datetime
) -> tuple[Document, bool]:
    """Write a document's row, and journal it; give it, and whether it is new.

    One with the same bytes is kept already: it stays as it is, and nothing is journaled.

    Raises:
        WrongUseError: A text is empty or too long, or the number is how another's id begins.
    """
    check_told(told)
    found = session.execute(
        select(Document).where(Document.sha256 == content.sha256)
    ).scalar_one_or_none()
    if found is not None:
        return found, False
    _refuse_like_an_id(session, told.number)
    row = Document(
        id=new_id(),
        sha256=content.sha256,
        type=content.type,
        size_bytes=len(content.data),
        name=clean(told.name),
        title=clean(told.title),
        number=clean(told.number),
        dated=told.dated,
        about=clean(told.about),
        signatures=[dict(it) for it in told.signatures],
        added_at=now,
        added_by=origin.person or origin.login,
    )
    session.add(row)
    details = {
        "sha256": content.sha256,
        "type": content.type,
        "bytes": len(content.data),
        "title": row.title,
        "number": row.number,
        "about": row.about,
        "dated": told.dated.isoformat() if told.dated else "",
        "signatures": row.signatures,
    }
    journal.append(session, origin, [Entry(ADDED, row.id.hex, details)])
    return row, True


def _refuse_like_an_id(session: Session, number: str) -> None:
    """Refuse a number by which whoever names another document by its id would get this one."""
    digits = clean(number).lower().replace("-", "")
    if _LIKE_ID.fullmatch(digits) and find_by_id(session, Document, digits) is not None:
        raise WrongUseError(
            'another document has the id "{number}"',
            why="who names that one would be given this one",
            next_step="give `--number` as it stands on the paper, or leave it out",
            number=number[:60],
        )


def check_told(told: Caption) -> None:
    """Refuse what cannot stand in the list."""
    if not clean(told.title) or any(
        len(it) > MOST_TEXT for it in (told.title, told.name, told.number, told.about)
    ):
        raise WrongUseError(
            "a document needs a title, and no text of it may be longer than {most} characters",
            next_step="give it a short `--title`",
            most=MOST_TEXT,
        )


def clean(text: str) -> str:
    """Give a text as it is kept: composed, without what does not print; pure."""
    plain = unicodedata.normalize("NFC", text)
    return "".join(it for it in plain if it.isprintable()).strip()


def get_whole(session: Session, state: Path, wanted: str) -> Document:
    """Give the document that a paper cites: by its id or enough of that, or by its own number.

    Args:
        session: Any.
        state: Folder of the service, below which the bytes lie.
        wanted: As typed.

    Raises:
        WrongUseError: There is none, several fit, or its bytes are gone or changed.
    """
    query = select(Document).where(Document.number == wanted.strip(), Document.number != "")
    numbered = list(session.execute(query).scalars())
    row = find_by_id(session, Document, wanted)
    if row is None or row.id.hex != wanted.strip().lower().replace("-", ""):
        # A number is whatever somebody typed: where it is also how another's id begins, who gave
        # it may mean either.
        fit = [*numbered, *([row] if row is not None and row not in numbered else ())]
        if len(fit) > 1:
            raise WrongUseError(
                'several documents have the number or id "{number}": {ids}',
                next_step="give the whole id of the one that is meant",
                number=wanted[:60],
                ids=", ".join(it.id.hex for it in fit[:_MOST_NAMED]),
            )
        row = fit[0] if fit else None
    if row is None or not is_whole(place_of(state, row.sha256)):
        raise WrongUseError(
            'no document "{id}" is kept whole',
            next_step="keep the paper with `{program} document.add`, and give the id that it tells",
            id=wanted[:60],
        )
    return row


def list_documents(session: Session, about: str = "") -> list[Document]:
    """Give documents, kept last first; those about something where it is named."""
    query = select(Document).order_by(Document.added_at.desc(), Document.id.desc())
    query = query.where(Document.about.startswith(about, autoescape=True)) if about else query
    return list(session.execute(query).scalars())


def find_document(session: Session, wanted: str) -> Document:
    """Give a document by its id, as people see it or in full.

    Raises:
        WrongUseError: There is none.
    """
    row = find_by_id(session, Document, wanted)
    if row is None:
        raise WrongUseError(
            'there is no document "{id}"',
            next_step="`{program} document.list` lists them",
            id=wanted[:80],
        )
    return row


def note_export(session: Session, origin: Origin, kept: Document) -> None:
    """Journal that somebody took a copy of a document."""
    details = {"title": kept.title, "sha256": kept.sha256}
    journal.append(session, origin, [Entry(EXPORTED, kept.id.hex, details)])


def are_checked(signatures: Sequence[Mapping[str, Any]]) -> bool:
    """Tell whether there are any, each of which leads to a root that was trusted; pure."""
    return bool(signatures) and all(it.get("root") for it in signatures)


def tell_signers(signatures: Sequence[Mapping[str, Any]]) -> str:
    """Name who has signed, as `ops.catalog.tables.register.Document` keeps it."""
    if not signatures:
        return _("not checked")
    names = ", ".join(str(it["signer"]) for it in signatures)
    if are_checked(signatures):
        return names
    return _("{names}; who that is was not checked").format(names=names)


_SHOWN = ("sha256", "type", "size_bytes", "name", "title", "number", "dated", "about", "signatures",
          "added_at", "added_by")  # fmt: skip


def describe_document(row: Document) -> dict[str, Any]:
    """Give a document as a row of lists."""
    return {"id": row.id.hex, **{name: getattr(row, name) for name in _SHOWN}}
