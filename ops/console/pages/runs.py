"""The runs: what runs now and how far it is, what waits for its turn, and the last ones."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from ops.catalog.tables.core import Occurrence, Run
from ops.console.office.desk import Desk
from ops.console.page import Arguments, Page
from ops.console.pages.rows import cut_key, older
from ops.jobs.live import Live, read_live
from ops.language.text import N_, _
from ops.outcomes import explain
from ops.schedule.kinds import JOB_KINDS, tell_kind
from ops.schedule.ledger.job import lock_name
from ops.terminal.output import OUTCOMES
from ops.terminal.view import Column, View, as_table, duration, moment, outcome

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
    session: Session,
    chosen: Sequence[ColumnElement[bool]],
    *,
    before: str,
    rows: int,
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
