"""Tasks around documents: scans of decisions, quotations, issued papers."""

from invoke.context import Context

from ops.language.text import N_
from ops.terminal import flags
from ops.terminal.task import operator_task

AREA = "document"
TITLE = N_("documents: decisions, quotations, issued papers")


@operator_task(
    help={
        "file": N_("The file: PDF, PNG, JPEG, XLSX or DOCX, at most 20 MiB."),
        "title": N_("What it is."),
        "number": N_("Its own number, such as 12/QĐ-UBND."),
        "date": N_("Its own day, such as 05/02/2027."),
        "about": N_("What it belongs to, such as plan:2027 or asset:may-chu-1."),
        "dry_run": flags.DRY_RUN,
    }
)
def add(
    _context: Context,
    file: str,
    title: str,
    number: str = "",
    date: str = "",
    about: str = "",
    dry_run: bool = False,
) -> int:
    """Keep a document under the hash of its bytes; it is saved with the service's own backup."""
    from ops.documents.cli import AddWish
    from ops.documents.cli import add as add_document

    return add_document(
        AddWish(file=file, title=title, number=number, date=date, about=about, dry_run=dry_run)
    )


@operator_task(
    name="list",
    help={"about": N_("Only what belongs to this, such as plan:2027."), "json": flags.JSON},
)
def list_(_context: Context, about: str = "", json: bool = False) -> int:
    """List documents, kept last first, and whether their bytes are whole.

    Exit code 1 where the bytes of one are gone or changed.
    """
    from ops.documents.cli import show

    return show(about, as_json=json)


@operator_task(
    help={
        "id": N_("Id of the document, as `document.list` shows it."),
        "out": N_("Folder for the file; it is made where it is not there."),
    }
)
def export(
    _context: Context,
    id: str,  # noqa: A002 - the flag's name
    out: str,
) -> int:
    """Write a copy of a document into a folder, once its bytes are found whole; it is journaled."""
    from ops.documents.cli import export as export_document

    return export_document(id, out)
