"""Show people with their roles, and requests that wait; let the second person decide."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select

from ops.access import tasks_approval, tasks_user
from ops.access.approvals.decide import Ruling, Verdict, decide_request, look_for_obstacle
from ops.access.approvals.notify import choose_about, word_plan
from ops.access.approvals.requests import find_request, list_requests, standing_of
from ops.access.credentials import count_codes_left, prove
from ops.access.factors import load_credentials_key
from ops.access.identity import check_person
from ops.access.prompts import ask_proof
from ops.access.rights import ACTIONS, ROLES
from ops.access.roles import roles_by_person
from ops.access.session import Bench, at_bench, follow_decision, reading
from ops.access.tasks_approval import Approve, Refuse
from ops.catalog.tables.access import ApprovalRequest, Credential
from ops.errors import WrongUseError
from ops.estate.load.load import load_estate
from ops.estate.model.people import Person
from ops.language.formats import format_id, format_moment
from ops.language.text import N_, _
from ops.terminal.output import Cell, Tone, write_line
from ops.terminal.view import NONE, Column, Row, View, moment, number, short_id, words, write_list
from ops.told_text import one_line

_STANDINGS = {
    "waiting": N_("waits"),
    "approved": N_("approved"),
    "refused": N_("refused"),
    "used": N_("used"),
    "expired": N_("expired"),
}
_TONES: Mapping[str, Tone] = {
    "waiting": "warning",
    "approved": "good",
    "refused": "bad",
    "used": "faint",
    "expired": "faint",
}
REQUESTS = View(
    N_("No request waits."),
    Column("id", N_("Request"), short_id),
    Column("action", N_("Action"), words(ACTIONS)),
    Column("subject", N_("About")),
    Column("requested_by", N_("Asked by")),
    Column("expires_at", N_("Good until"), moment),
    Column("state", N_("State"), words(_STANDINGS, _TONES)),
    Column("decided_by", N_("Decided by")),
)
_CREDENTIALS = {"none": N_("none"), "disabled": N_("taken away"), "good": N_("good")}
_FEW_CODES = 3


def _title(row: Row) -> str | Cell:
    return row["title"] if row["in_estate"] else Cell(_("not in the estate"), "warning")


def _codes(row: Row) -> Cell | None:
    left = row["recovery_codes_left"]
    if row["credentials"] == "none":
        return None
    return Cell(str(left), "warning" if left < _FEW_CODES else "plain")


def _paused(until: str, zone: str) -> Cell:
    is_over = datetime.fromisoformat(until) <= datetime.now(UTC)
    return Cell(NONE) if is_over else replace(moment(until, zone), tone="bad")


PEOPLE = View(
    NONE,
    Column("name", N_("Name")),
    Column("title", N_("Person"), of=_title),
    Column("roles", N_("Roles"), of=lambda row: ", ".join(_(ROLES[it]) for it in row["roles"])),
    Column(
        "credentials",
        N_("Credentials"),
        words(_CREDENTIALS, {"none": "faint", "disabled": "warning", "good": "good"}),
    ),
    Column("paused_until", N_("Paused until"), _paused),
    Column("recovery_codes_left", N_("Recovery codes left"), number, of=_codes),
)
_SHOWN = ("subject", "state", "plan", "plan_digest", "requested_by", "reason", "document",
          "requested_at", "expires_at", "decided_by", "decided_at", "decision_reason", "used_at",
          "used_by")  # fmt: skip


def show_people(wish: tasks_user.ListPeople) -> None:
    """Write everybody in the estate, and whoever else holds a role or credentials."""
    estate = load_estate()
    with reading(estate) as session:
        roles = roles_by_person(session, with_disabled=True)
        rows = {row.person: row for row in session.execute(select(Credential)).scalars()}
        codes = {name: count_codes_left(session, name) for name in rows}
    known = {person.name: person for person in estate.people}
    names = [*known, *sorted({*roles, *rows} - {*known})]
    people = [
        _describe(name, known.get(name), roles.get(name, ()), rows.get(name), codes.get(name, 0))
        for name in names
    ]
    write_list(PEOPLE, people, as_json=wish.json, zone=estate.organisation.timezone)


def show_requests(wish: tasks_approval.ListRequests) -> None:
    """Write the requests that wait or may be used; all of them where asked for."""
    now = datetime.now(UTC)
    estate = load_estate()
    with reading(estate) as session:
        requests = list_requests(session)
    shown = [it for it in requests if wish.all or standing_of(it, now) in {"waiting", "approved"}]
    rows = [_describe_request(it, now) for it in shown]
    has_table = write_list(REQUESTS, rows, as_json=wish.json, zone=estate.organisation.timezone)
    for request in shown if has_table else ():
        if about := "; ".join(word_plan(choose_about(json.loads(request.plan)))):
            write_line(f"  {format_id(request.id)}: {about}")


def decide(wish: Approve | Refuse) -> None:
    """Show a request, have the second person prove who it is, and write the decision down."""
    estate, now = load_estate(), datetime.now(UTC)
    verdict: Verdict = "approved" if isinstance(wish, Approve) else "refused"
    with at_bench(estate, dry_run=wish.dry_run) as bench:
        person = wish.person or bench.origin.person
        if not person:
            raise WrongUseError(
                'your login "{login}" is nobody in the estate file',
                next_step="say who you are: `--person NAME`; you prove it with password and code",
                login=bench.origin.login,
            )
        check_person(estate.people, person)
        with bench.catalog.reading() as session:
            request = find_request(session, wish.id)
            look_for_obstacle(session, request, person, now, verdict)
        _write_request(request, estate.organisation.timezone)
        if wish.dry_run:
            write_line(_("would ask {person} for password and code").format(person=person))
            return
        ruling = Ruling(str(request.id), verdict, wish.reason)  # the very one that was shown
        _decide(bench, ruling, person, wish.password_file)
    text = (
        _("approved; {person} may type the command again")
        if verdict == "approved"
        else _("refused; {person} is told by `approval.list --all`")
    )
    write_line(text.format(person=request.requested_by))


def _decide(bench: Bench, ruling: Ruling, person: str, password_file: str) -> None:
    origin = replace(bench.origin, person=person)
    key = load_credentials_key(bench.estate)

    def prove_it() -> None:
        proof = ask_proof(person, password_file)
        prove(bench.catalog, key, person, proof, origin=bench.origin, now=datetime.now(UTC))

    decide_request(bench.catalog, origin, ruling, now=datetime.now(UTC), prove=prove_it)
    follow_decision(bench)


def _describe(
    name: str,
    person: Person | None,
    roles: Sequence[str] | frozenset[str],
    row: Credential | None,
    codes: int,
) -> dict[str, Any]:
    return {
        "name": name,
        "title": person.title if person else "",
        "in_estate": person is not None,
        "roles": [role for role in ROLES if role in roles],
        "credentials": "none" if row is None else "disabled" if row.disabled_at else "good",
        "paused_until": row.paused_until if row else None,
        "recovery_codes_left": codes,
    }


def _describe_request(request: ApprovalRequest, now: datetime) -> dict[str, Any]:
    return {
        "id": str(request.id),
        "action": request.action,
        **{name: getattr(request, name) for name in _SHOWN},
        "state": standing_of(request, now),
        "plan": json.loads(request.plan),
    }


def _write_request(request: ApprovalRequest, zone: str) -> None:
    """Write what the second person has to know, the plan included."""
    write_line(f"{_(ACTIONS[request.action])} · {request.subject}")
    asked = _("asked by {person} ({login}) on {moment}")
    write_line(
        "  "
        + asked.format(
            person=request.requested_by,
            login=request.login,
            moment=format_moment(request.requested_at, zone),
        )
    )
    write_line("  " + _("reason: {reason}").format(reason=one_line(request.reason)))
    if request.document:
        write_line("  " + _("document: {document}").format(document=one_line(request.document)))
    for line in word_plan(json.loads(request.plan)):
        write_line(f"  {line}")
