"""The runs: what runs now and how far it is, what waits, the last ones; one with its journal."""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from ops.catalog.columns import columns_of
from ops.catalog.tables.core import JournalRow, Occurrence, Run
from ops.console.office.desk import Desk
from ops.console.page import Arguments, Page, cut_key, older
from ops.console.subjects import tell_act
from ops.errors import WrongUseError
from ops.jobs.live import Live, read_live
from ops.language.formats import format_duration, format_number, format_size
from ops.language.text import N_, _
from ops.outcomes import explain
from ops.schedule.kinds import JOB_KINDS, tell_kind
from ops.schedule.ledger.job import lock_name
from ops.terminal.output import OUTCOMES
from ops.terminal.view import Column, Row, View, as_table, duration, moment, outcome

_ROWS = 50
_MOST_OPEN = 100
_COLUMNS = (
    "id", "job", "kind", "site", "attempt", "host", "started_at", "ended_at", "outcome",
    "reason", "params", "summary",
)  # fmt: skip

RUNS = View(
    N_("None."),
    Column("ended_at", N_("Ended"), moment, link="/run?id={id}"),
    Column("title", N_("Job")),
    Column("site", N_("Site"), link="/site?site={site}"),
    Column("outcome", N_("Outcome"), outcome),
    Column("told", N_("Why"), of=lambda row: row["told"] and row["told"]["what"]),
    Column("seconds", N_("Took"), duration),
)


def read(desk: Desk, arguments: Arguments) -> Mapping[str, object]:
    """Give what runs now, and a page of what ended.

    Args:
        desk: Where.
        arguments: `before`: older ones; `kind`, `site`, `outcome`, `job`: only those; `missed`:
            what nobody ran, too.
    """
    wanted = {name: arguments.get(name, "") for name in ("kind", "site", "outcome", "job")}
    chosen = [getattr(Run, name) == value for name, value in wanted.items() if value]
    is_missed = bool(arguments.get("missed"))
    with desk.catalog.reading() as session:
        running = list_running(session, desk.estate.service.state, chosen)
        ended, more = list_ended(session, chosen, before=arguments.get("before", ""), rows=_ROWS)
        waiting = _list_waiting(session, desk)
    return {
        "running": running,
        "waiting": waiting,
        "missed": desk.look("service.missed")["items"][-_MOST_OPEN:] if is_missed else None,
        "items": ended,
        "list": as_table(RUNS, ended),
        "older": more,
        "is_first": "before" not in arguments,
        "kinds": [[it.name, _(it.title)] for it in JOB_KINDS.parts()],
        "sites": [[it.name, it.name] for it in desk.estate.sites],
        "outcomes": [[it, _(words)] for it, (words, _tone) in OUTCOMES.items()],
        **wanted,
    }


def list_running(
    session: Session, state: Path, chosen: Sequence[ColumnElement[bool]] = ()
) -> list[dict[str, Any]]:
    """Give the open runs, oldest first, each with how far it is."""
    query = select(*(getattr(Run, name) for name in _COLUMNS)).where(Run.ended_at.is_(None))
    rows = session.execute(query.where(*chosen).order_by(Run.started_at).limit(_MOST_OPEN))
    return [{**tell(row), "live": tell_live(row, state)} for row in map(dict, rows.mappings())]


def list_ended(
    session: Session, chosen: Sequence[ColumnElement[bool]], *, before: str, rows: int
) -> tuple[list[dict[str, Any]], str]:
    """Give ended runs, newest first, and the argument that asks for older ones; empty for none."""
    query = select(*(getattr(Run, name) for name in _COLUMNS)).where(Run.ended_at.is_not(None))
    query = query.where(*chosen, *older(before, Run.ended_at, Run.id))
    query = query.order_by(Run.ended_at.desc(), Run.id.desc()).limit(rows + 1)
    found = [dict(row) for row in session.execute(query).mappings()]
    shown, more = cut_key(found, "ended_at", rows)
    return [tell(it) for it in shown], more


def tell(row: dict[str, Any]) -> dict[str, Any]:
    """Give a run with its reason in words."""
    told = {
        **row,
        "title": tell_kind(row["kind"]),
        "told": None,
        "seconds": row["summary"].get("seconds"),
    }
    if row["reason"]:
        told["told"] = explain(
            row["reason"], row["params"], job=row["job"], site=row["site"], by_clock=True
        )
    del told["params"], told["summary"]
    return told


def tell_live(row: Mapping[str, Any], state: Path) -> dict[str, Any] | None:
    """Give how far a run is, in the reader's language; None where nothing tells it."""
    live = read_live(state, lock_name(row["site"], row["job"]), str(row["id"]))
    return None if live is None else _shown(live)


def _shown(live: Live) -> dict[str, Any]:
    total = live.total if live.total and live.total >= live.done else None
    lines = [_(it.text) if it.kind == "note" else f"{it.path}: {it.text}" for it in live.lines]
    return {
        "stage": _(live.stage) if live.stage else "",
        "unit": live.unit,
        "done": live.done,
        "total": total,
        "percent": None if total is None else 100 * live.done // total,
        "errors": live.errors,
        "lines": lines,
    }


def _list_waiting(session: Session, desk: Desk) -> list[dict[str, Any]]:
    """Give what is due and not begun, oldest first."""
    query = select(
        Occurrence.job,
        Occurrence.site,
        Occurrence.due_at,
        Occurrence.not_before,
        Occurrence.requested_by,
    ).where(Occurrence.state != "ended", Occurrence.state != "running")
    query = query.where(Occurrence.due_at <= desk.now).order_by(Occurrence.due_at)
    return [dict(row) for row in session.execute(query.limit(_MOST_OPEN)).mappings()]


PAGE = Page(
    name="runs",
    title=N_("Runs"),
    task="service.jobs",
    read=read,
    group="now",
    reads=("kind", "site", "outcome", "job", "missed", "before"),
    acts=("service.missed",),
)


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


def read_run(desk: Desk, arguments: Arguments) -> Mapping[str, object]:
    """Give the run that `id` names; nothing without one."""
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
            'there is no run "{run}"', next_step="look among the last runs", run=text[:80]
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


RUN_PAGE = Page(name="run", title=N_("Run"), task="service.jobs", read=read_run, reads=("id",))
