"""Keep and list documents for a person at a terminal."""

from datetime import UTC, datetime
from pathlib import Path

from ops.access.session import at_bench, reading
from ops.documents.issued import refuse_issued
from ops.documents.records import (
    Caption,
    add_document,
    are_checked,
    clean,
    describe_document,
    find_document,
    is_whole,
    keep,
    list_documents,
    note_export,
    place_of,
    read_document,
    tell_signers,
)
from ops.documents.tasks import AddDocument, ExportDocument, ListDocuments
from ops.durable_files import FILE_MODE, place_file
from ops.errors import OpsError
from ops.estate.choose import read_day
from ops.estate.load.load import load_estate
from ops.language.formats import format_id, format_size
from ops.language.text import N_, _
from ops.terminal.output import Cell, write_line
from ops.terminal.view import Column, Row, View, day, moment, short_id, size, words, write_list


def _signers(row: Row) -> Cell:
    signatures = row["signatures"]
    return Cell(tell_signers(signatures), "plain" if are_checked(signatures) else "faint")


_KEPT = (
    Column("title", N_("Title")),
    Column("number", N_("Number")),
    Column("dated", N_("Day"), day),
    Column("about", N_("About")),
    Column("type", N_("Type"), of=lambda row: row["type"].upper()),
    Column("size_bytes", N_("Size"), size),
    Column("signatures", N_("Signed by"), of=_signers),
)
DOCUMENTS = View(
    N_("no document yet: `{program} document.add --file FILE`"),
    Column("id", N_("Document"), short_id),
    *_KEPT,
    Column(
        "is_whole",
        N_("Bytes"),
        words({True: N_("whole"), False: N_("GONE OR CHANGED")}, {True: "good", False: "bad"}),
    ),
)
ON_PAGES = View(
    N_("No document is kept."),
    *_KEPT,
    Column("name", N_("File")),
    Column("added_at", N_("Filed at"), moment),
    Column("added_by", N_("Filed by")),
)
"""Where nobody looks at the bytes of all of them."""


def add(wish: AddDocument) -> int:
    """Keep a document; gives 0.

    Raises:
        OpsError: The file cannot be kept.
        WrongUseError: A text or the day makes no sense.
    """
    estate, path = load_estate(), Path(wish.file)
    content = read_document(path)
    dated = read_day(wish.date) if wish.date else None
    about = clean(wish.about)
    refuse_issued(about)
    told = Caption(title=wish.title, name=path.name, number=wish.number, dated=dated, about=about)
    with at_bench(estate, dry_run=wish.dry_run) as bench:
        if not wish.dry_run:
            keep(estate.service.state, content)
        with bench.catalog.writing() as session:
            kept, is_new = add_document(session, bench.origin, content, told, now=datetime.now(UTC))
    if not is_new:
        text = _("kept already, as {id}: {title}")
    else:
        text = _("would keep {id}: {title}") if wish.dry_run else _("kept as {id}: {title}")
    write_line(text.format(id=format_id(kept.id), title=kept.title))
    return 0


def show(wish: ListDocuments) -> int:
    """Write the documents; gives 1 where the bytes of one are gone or changed, else 0."""
    estate = load_estate()
    with reading(estate) as session:
        found = list_documents(session, wish.about)
    state = estate.service.state
    whole = {it.sha256: is_whole(place_of(state, it.sha256)) for it in found}
    rows = [
        {
            **describe_document(it),
            "file": str(place_of(state, it.sha256)),
            "is_whole": whole[it.sha256],
            "is_signer_checked": are_checked(it.signatures),
        }
        for it in found
    ]
    write_list(DOCUMENTS, rows, as_json=wish.json)
    return 0 if all(whole.values()) else 1


def export(wish: ExportDocument) -> int:
    """Write a document's bytes into a folder under its own name, and journal it; gives 0.

    Raises:
        WrongUseError: There is no such document.
        OpsError: Its bytes are gone or changed, or the folder cannot be written.
    """
    estate = load_estate()
    with at_bench(estate) as bench:
        with bench.catalog.reading() as session:
            kept = find_document(session, wish.id)
        place = place_of(estate.service.state, kept.sha256)
        if not is_whole(place):
            raise OpsError(
                "the bytes of {title} are gone or changed",
                data="nothing was written",
                next_step="restore it from the service's own backup: {path}",
                title=kept.title,
                path=place,
            )
        path = Path(wish.out) / f"{format_id(kept.id)}.{kept.type}"
        try:
            place_file(path, place.read_bytes(), mode=FILE_MODE, replace=True)
        except OSError as error:
            raise OpsError(
                "{path} cannot be written",
                why=error.strerror or "",
                data="nothing was written",
                next_step="give `--out` a folder that you may write to",
                path=path,
            ) from error
        with bench.catalog.writing() as session:
            note_export(session, bench.origin, kept)
    write_line(_("written: {path} ({size})").format(path=path, size=format_size(kept.size_bytes)))
    return 0
