"""Documents that are kept, and the register of assets; where it differs from the estate."""

from collections.abc import Mapping

from ops.assets.asset import KINDS
from ops.assets.cli import ASSETS, DIFFERENCES
from ops.assets.compare import find_differences
from ops.assets.records import list_assets
from ops.console.office.desk import Desk
from ops.console.page import Arguments, Page, cut
from ops.documents.cli import ON_PAGES
from ops.documents.records import describe_document, find_document, list_documents
from ops.language.text import N_, _
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


def read_assets(desk: Desk, arguments: Arguments) -> Mapping[str, object]:
    """Give a page of assets.

    Args:
        desk: Where.
        arguments: `kind`, `part` (of name or title), `all` (retired ones too), `from`; `asset`:
            the one of that name alone.
    """
    kind = arguments.get("kind", "") if arguments.get("kind", "") in KINDS else ""
    part = arguments.get("part", "").strip().casefold()[:100]
    with desk.catalog.reading() as session:
        everything = list_assets(session, retired_too=True)
    alive = [it for it in everything if it.state != "retired"]
    asset = arguments.get("asset", "")
    found = (
        [it for it in everything if it.name == asset]
        if asset
        else [
            it
            for it in (everything if arguments.get("all") else alive)
            if (not kind or it.kind == kind) and part in f"{it.name} {it.title}".casefold()
        ]
    )
    today = desk.now.astimezone(desk.estate.zone).date()
    differences = find_differences(alive, desk.estate, today)
    page = cut(found, arguments, _ROWS)
    return {
        **page,
        "list": as_table(ASSETS, page["items"]),
        "kinds": [[name, _(title)] for name, title in KINDS.items()],
        "differences": as_table(DIFFERENCES, differences[:50]),
        "difference_count": len(differences),
        "kind": kind,
        "part": arguments.get("part", "")[:100],
        "all": bool(arguments.get("all")),
    }


ASSETS_PAGE = Page(
    name="assets",
    title=N_("Assets"),
    task="asset.list",
    read=read_assets,
    group="duty",
    reads=("kind", "part", "all", "from", "asset"),
    acts=("asset.import", "asset.export"),
)
