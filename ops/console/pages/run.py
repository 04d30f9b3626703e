"""One run: how it goes or ended, why, its figures, and what the journal says of it."""

import json
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from ops.catalog.columns import columns_of
from ops.catalog.tables.core import JournalRow, Occurrence, Run
from ops.console.office.desk import Desk
from ops.console.page import Arguments, Page
from ops.console.pages.runs import tell, tell_live
from ops.console.words import tell_act
from ops.errors import WrongUseError
from ops.language.formats import format_duration, format_number, format_size
from ops.language.text import N_, _
from ops.terminal.view import Column, Row, View, as_table, moment

_MOST_ROWS = 100
_LONGEST_FIGURE = 400
_FIGURES = {
    "files": N_("files"), "new_files": N_("new files"), "changed_files": N_("changed files"),
    "processed_bytes": N_("read"), "added_bytes": N_("new"),
    "added_packed_bytes": N_("new, packed"), "seconds": N_("took"),
    "snapshot": N_("snapshot"), "snapshots": N_("snapshots"), "packs": N_("packs"),
    "packs_read": N_("packs read back"), "bytes_read": N_("read back"), "store": N_("store"),
    "method": N_("method"), "missing": N_("missing"), "bytes": N_("size"), "new": N_("new"),
    "changed": N_("changed"), "unchanged": N_("unchanged"), "drill": N_("drill"),
    "parts": N_("parts"), "rows": N_("rows"), "seen": N_("seen"), "objects": N_("objects"),
    "size_bytes": N_("size"), "withdrawn": N_("gone from the portal"),
    "refused_count": N_("refused"), "looks": N_("looked at"), "not_ok": N_("without result"),
    "opened": N_("found newly"), "fixed": N_("mended"), "open": N_("open in all"),
    "damaged": N_("damaged"), "removed": N_("removed"), "added": N_("added"),
}  # fmt: skip


def _who(row: Row) -> str:
    return f"{row['person'] or row['login'] or _('the service')} ({row['via_told']})"


_ACTS = View(
    N_("Nothing yet."),
    Column("sequence", "№", link="/journal?sequence={sequence}"),
    Column("at", N_("Moment"), moment),
    Column("person", N_("Who"), of=_who),
    Column("title", N_("Act")),
    Column("subject", N_("About")),
)


def read(desk: Desk, arguments: Arguments) -> Mapping[str, object]:
    """Give the run that `id` names; nothing without one.

    Raises:
        WrongUseError: There is no such run.
    """
    if not arguments.get("id"):
        return {"run": None}
    with desk.catalog.reading() as session:
        row = _find(session, arguments["id"])
        asked = session.get(Occurrence, row["occurrence_id"]) if row["occurrence_id"] else None
        trigger = (
            {}
            if asked is None
            else {
                it: getattr(asked, it)
                for it in ("trigger", "requested_by", "due_at", "attempts", "not_before", "state")
            }
        )
        acts = _read_journal(session, row)
    live = tell_live(row, desk.estate.service.state)
    first = row["params"].get("first", ())
    return {
        "run": tell(row),
        "asked": trigger or None,
        "live": live,
        "figures": list(_tell_figures(row["summary"])),
        "first": [_shorten(it) for it in first[:_MOST_ROWS]] if isinstance(first, list) else [],
        "acts": acts,
        "list": as_table(_ACTS, acts, links=desk.may("service.journal-verify")),
    }


def _find(session: Session, text: str) -> dict[str, Any]:
    try:
        wanted = UUID(text)
    except ValueError:
        wanted = None
    row = session.get(Run, wanted) if wanted else None
    if row is None:
        raise WrongUseError(
            'there is no run "{run}"',
            next_step="look among the last runs",
            run=text[:80],
        )
    return columns_of(row)


def _read_journal(session: Session, row: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Give the journal's rows of the run; they are about its job or its site."""
    names = ("sequence", "at", "person", "login", "via", "action", "subject", "reason")
    query = select(*(getattr(JournalRow, name) for name in names)).where(
        JournalRow.subject.in_((row["job"], row["site"], str(row["id"]))),
        JournalRow.run == str(row["id"]),
    )
    rows = session.execute(query.order_by(JournalRow.sequence).limit(_MOST_ROWS))
    return [tell_act(dict(it)) for it in rows.mappings()]


def _tell_figures(summary: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Give the figures of a result that have a name; the rest is for programs."""
    for name, title in _FIGURES.items():
        if (value := summary.get(name)) not in ({}, [], "", None):
            yield _(title), _tell_value(name, value)


def _tell_value(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, int | float):
        if name.endswith("seconds"):
            return format_duration(timedelta(seconds=value))
        return format_size(int(value)) if "bytes" in name else format_number(value)
    if isinstance(value, dict):
        return "; ".join(f"{key}: {_tell_value(name, it)}" for key, it in [*value.items()][:20])
    return _shorten(value)


def _shorten(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST_FIGURE else f"{text[:_LONGEST_FIGURE]}…"


PAGE = Page(name="run", title=N_("Run"), task="service.jobs", read=read, reads=("id",))
