"""Runs that are not over: to say so where another one begins, and to give one up."""

import json
from dataclasses import replace
from datetime import UTC, datetime

from ops.access.approvals.decide import withdraw
from ops.access.approvals.requests import list_requests, standing_of
from ops.catalog.tables.access import ApprovalRequest
from ops.jobs.site_lock import hold_site_lock
from ops.language.formats import format_id
from ops.language.text import N_, _, fill
from ops.runbooks.bare_machine import Desk
from ops.runbooks.states import CatalogStates, list_unfinished
from ops.terminal.output import write_line
from runbooks.state import RunState


def abandon_run(desk: Desk, reason: str, state: RunState) -> int:
    """End a run as it stands: first what was asked for in it and nobody has used, then itself.

    Args:
        desk: Where.
        reason: Why, for the journal.
        state: Of a run that is not over.
    """
    now, ended = datetime.now(UTC), 0
    origin = replace(desk.origin, reason=reason)
    with hold_site_lock(desk.locks, f"runbook-{state.id}", holder=state.id):
        states = CatalogStates(desk.catalog, origin)
        state = states.load(state.id)
        with desk.catalog.writing() as session:
            for request in list_requests(session):
                is_open = standing_of(request, now) in {"waiting", "approved"}
                if is_open and _is_of(request, state):
                    ended += withdraw(session, origin, request, reason, now)
        states.save(replace(state, standing="declined", ended_at=now))
    text = _(
        "The run is given up. What was done stays; requests that nobody used and ended: {count}"
    )
    write_line(text.format(count=ended))
    return 0


def _is_of(request: ApprovalRequest, state: RunState) -> bool:
    """Tell whether a request is of a run's step, or of a command that waits in one."""
    if request.action == "runbook-step":
        return bool(json.loads(request.plan).get("run") == state.id)
    return any(
        it.state == "waiting"
        and it.person == request.requested_by
        and it.started_at <= request.requested_at <= (it.ended_at or request.requested_at)
        for it in state.records
    )


def tell_others(desk: Desk, state: RunState) -> None:
    """Say it where another run of the same runbook for the same site is not over."""
    with desk.catalog.reading() as session:
        unfinished = list_unfinished(session)
    for it in unfinished:
        if it.runbook == state.runbook and it.values.get("site") == state.values.get("site"):
            text = N_(
                "another run of this runbook for it is not over: {run}, begun by {person};"
                " `{program} runbook.resume --run {run}` goes on with it, `--abandon` ends it"
            )
            write_line(fill(text, {"run": format_id(it.id), "person": it.person}))
