"""Documents in the catalog: each is kept in one transaction with its journal row."""

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from ops.catalog.columns import new_id
from ops.catalog.find import find_by_id
from ops.catalog.tables.documents import Document
from ops.documents.files import Content, is_whole, place_of
from ops.errors import WrongUseError
from ops.journal import journal
from ops.journal.journal import Entry, Origin
from ops.language.text import _

ADDED = "document.added"
EXPORTED = "document.exported"
MOST_TEXT = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a person says of a document; fields as in `ops.catalog.tables.documents.Document`."""

    title: str
    name: str
    number: str = ""
    dated: date | None = None
    about: str = ""
    signatures: Sequence[Mapping[str, Any]] = field(default_factory=tuple)


def add_document(
    session: Session, origin: Origin, content: Content, told: Told, *, now: datetime
) -> tuple[Document, bool]:
    """Write a document's row, and journal it; give it, and whether it is new.

    One with the same bytes is kept already: it stays as it is, and nothing is journaled.

    Raises:
        WrongUseError: A text is empty or too long.
    """
    check_told(told)
    found = session.execute(
        select(Document).where(Document.sha256 == content.sha256)
    ).scalar_one_or_none()
    if found is not None:
        return found, False
    row = Document(
        id=new_id(),
        sha256=content.sha256,
        type=content.type,
        size_bytes=len(content.data),
        name=_clean(told.name),
        title=_clean(told.title),
        number=_clean(told.number),
        dated=told.dated,
        about=_clean(told.about),
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


def check_told(told: Told) -> None:
    """Refuse what cannot stand in the list."""
    if not _clean(told.title) or any(
        len(it) > MOST_TEXT for it in (told.title, told.name, told.number, told.about)
    ):
        raise WrongUseError(
            "a document needs a title, and no text of it may be longer than {most} characters",
            next_step="give it a short `--title`",
            most=MOST_TEXT,
        )


def _clean(text: str) -> str:
    plain = unicodedata.normalize("NFC", text)
    return "".join(it for it in plain if it.isprintable()).strip()


def get_whole(session: Session, state: Path, wanted: str) -> Document:
    """Give the document that a paper cites, by its id or as much of it as is enough.

    Args:
        session: Any.
        state: Folder of the service, below which the bytes lie.
        wanted: As typed.

    Raises:
        WrongUseError: There is none, or its bytes are gone or changed.
    """
    row = find_by_id(session, Document, wanted)
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
    """Name who has signed, as `ops.catalog.tables.documents.Document` keeps it."""
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
