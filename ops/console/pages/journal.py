"""The journal: who did what, the newest first, a page at a time."""

from collections.abc import Mapping

from sqlalchemy import select

from ops.catalog.tables.core import JournalRow
from ops.console.office.desk import Desk
from ops.console.page import Arguments, Page
from ops.language.text import N_

_ROWS = 50
_DIGITS = 15
_SHOWN = ("sequence", "at", "person", "login", "via", "address", "reason", "document", "action",
          "subject", "details")  # fmt: skip


def read(desk: Desk, arguments: Arguments) -> Mapping[str, object]:
    """Give a page of rows.

    Args:
        desk: Where.
        arguments: `before`: rows below this number; `action`, `subject`: only those.
    """
    before = arguments.get("before", "")
    query = select(*(getattr(JournalRow, name) for name in _SHOWN))
    if before.isascii() and before.isdigit() and len(before) <= _DIGITS:
        query = query.where(JournalRow.sequence < int(before))
    for name in ("action", "subject"):
        if value := arguments.get(name, ""):
            query = query.where(getattr(JournalRow, name) == value)
    with desk.catalog.reading() as session:
        rows = session.execute(query.order_by(JournalRow.sequence.desc()).limit(_ROWS + 1))
        found = [dict(row) for row in rows.mappings()]
    shown = found[:_ROWS]
    older = shown[-1]["sequence"] if len(found) > _ROWS else None
    return {"items": shown, "older": older, **{it: arguments.get(it, "") for it in
            ("action", "subject")}}  # fmt: skip


PAGE = Page(
    name="journal", title=N_("Journal"), task="service.journal-verify", read=read, group="people"
)
