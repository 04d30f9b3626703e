"""Documents that are kept: decisions, quotations, issued papers."""

from collections.abc import Mapping

from ops.console.office.desk import Desk
from ops.console.page import Arguments, Page
from ops.console.pages.rows import cut
from ops.documents.records import list_documents
from ops.language.text import N_

_ROWS = 100
_LONGEST = 100


def read(desk: Desk, arguments: Arguments) -> Mapping[str, object]:
    """Give a page of documents, kept last first; `about`: what they belong to; `from`: the place.

    Whether bytes are whole is looked at when one is handed out: reading all of them takes long.
    """
    about = arguments.get("about", "")[:_LONGEST]
    with desk.catalog.reading() as session:
        found = list_documents(session, about)
    return {
        **cut(found, arguments, _ROWS),
        "about": about,
    }


PAGE = Page(
    name="documents", title=N_("Documents"), task="document.list", read=read, group="duty",
    acts=("document.add", "document.export"),
)  # fmt: skip
