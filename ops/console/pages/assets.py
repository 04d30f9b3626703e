"""The register of assets: what, where, until when; and where it differs from the estate."""

from collections.abc import Mapping

from ops.assets.asset import KINDS
from ops.assets.cli import ASSETS, DIFFERENCES
from ops.assets.compare import find_differences
from ops.assets.records import list_assets
from ops.console.office.desk import Desk
from ops.console.page import Arguments, Page
from ops.console.pages.rows import cut
from ops.language.text import N_, _
from ops.terminal.view import as_table

_ROWS = 100


def read(desk: Desk, arguments: Arguments) -> Mapping[str, object]:
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


PAGE = Page(
    name="assets",
    title=N_("Assets"),
    task="asset.list",
    read=read,
    group="duty",
    reads=("kind", "part", "all", "from", "asset"),
    acts=("asset.import", "asset.export"),
)
