"""Documents that are kept: decisions, quotations, issued papers."""

from collections.abc import Mapping

from ops.console.office.desk import Desk
from ops.console.page import Arguments, Page
from ops.console.pages.rows import cut
from ops.documents.cli import ON_PAGES
from ops.documents.records import describe_document, find_document, list_documents
from ops.language.text import N_
from ops.terminal.view import as_table

_ROWS = 100
_LONGEST = 100


def read(desk: Desk, arguments: Arguments) -> Mapping[str, object]:
    """Give a page of documents, kept last first.

    Whether bytes are whole is looked at when one is handed out: reading all of them takes long.

    Args:
        desk: Where.
        arguments: `about`: what they belong to; `from`: how many come before; `id`: that one alone.
    """
    about = arguments.get("about", "")[:_LONGEST]
    with desk.catalog.reading() as session:
        named = arguments.get("id", "")[:_LONGEST]
        found = [find_document(session, named)] if named else list_documents(session, about)
    page = cut([describe_document(it) for it in found], arguments, _ROWS)
    return {**page, "list": as_table(ON_PAGES, page["items"]), "about": about}


PAGE = Page(
    name="documents",
    title=N_("Documents"),
    task="document.list",
    read=read,
    group="duty",
    reads=("about", "from", "id"),
    acts=("document.add", "document.export"),
)
