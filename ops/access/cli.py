"""Show people with their roles, and requests that wait; let the second person decide."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select

from ops.access import tasks_approval, tasks_user
from ops.access.approvals.decide import Ruling, Verdict, decide_request, look_for_obstacle
from ops.access.approvals.plan_wording import choose_about, word_plan
from ops.access.approvals.requests import find_request, list_requests, standing_of
from ops.access.credentials import count_codes_left, prove
from ops.access.identity import check_person
from ops.access.prompts import ask_proof
from ops.access.rights import ACTIONS, ROLES
from ops.access.roles import roles_by_person
from ops.access.seal import load_credentials_key
from ops.access.session import Bench, at_bench, follow_decision, reading
from ops.access.tasks_approval import Approve, Refuse
from ops.catalog.tables.access import ApprovalRequest, Credential
from ops.errors import WrongUseError
from ops.estate.load.load import load_estate
from ops.estate.model.people import Person
from ops.language.formats import format_id, format_moment
from ops.language.text import N_, _
from ops.terminal.output import Cell, Tone, write_json, write_line, write_table

_STANDINGS: dict[str, tuple[str, Tone]] = {
    "waiting": (N_("waits"), "warning"),
    "approved": (N_("approved"), "good"),
    "refused": (N_("refused"), "bad"),
    "used": (N_("used"), "faint"),
    "expired": (N_("expired"), "faint"),
}


def show_people(wish: tasks_user.List) -> None:
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
    if wish.json:
        write_json(people)
        return
    heads = [_("Name"), _("Person"), _("Roles"), _("Credentials"), _("Recovery codes")]
    write_table(heads, [_person_row(person) for person in people], right=[4])


def show_requests(wish: tasks_approval.List) -> None:
    """Write the requests that wait or may be used; all of them where asked for."""
    now = datetime.now(UTC)
    estate = load_estate()
    with reading(estate) as session:
        requests = list_requests(session)
    shown = [it for it in requests if wish.all or standing_of(it, now) in {"waiting", "approved"}]
    if wish.json:
        write_json([_describe_request(request, now) for request in shown])
        return
    if not shown:
        write_line(_("No request waits."))
        return
    zone = estate.organisation.timezone
    heads = [_("Request"), _("Action"), _("About"), _("Asked by"), _("Good until"), _("State")]
    write_table([*heads, _("Decided by")], [_request_row(it, now, zone) for it in shown])
    for request in shown:
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


def _person_row(person: dict[str, Any]) -> Sequence[str | Cell]:
    states = {
        "none": Cell(_("none"), "faint"),
        "disabled": Cell(_("taken away"), "warning"),
        "good": Cell(_("good"), "good"),
    }
    roles = ", ".join(_(ROLES[role]) for role in person["roles"])
    title = person["title"] or Cell(_("not in the estate"), "warning")
    codes = str(person["recovery_codes_left"]) if person["credentials"] != "none" else "–"
    return person["name"], title, roles or "–", states[person["credentials"]], codes


def _describe_request(request: ApprovalRequest, now: datetime) -> dict[str, Any]:
    return {
        "id": str(request.id),
        "action": request.action,
        "subject": request.subject,
        "state": standing_of(request, now),
        "plan": json.loads(request.plan),
        "plan_digest": request.plan_digest,
        "requested_by": request.requested_by,
        "reason": request.reason,
        "document": request.document,
        "requested_at": request.requested_at,
        "expires_at": request.expires_at,
        "decided_by": request.decided_by,
        "decided_at": request.decided_at,
        "decision_reason": request.decision_reason,
        "used_at": request.used_at,
        "used_by": request.used_by,
    }


def _request_row(request: ApprovalRequest, now: datetime, zone: str) -> Sequence[str | Cell]:
    text, tone = _STANDINGS[standing_of(request, now)]
    return (
        format_id(request.id),
        _(ACTIONS[request.action]),
        request.subject,
        request.requested_by,
        format_moment(request.expires_at, zone),
        Cell(_(text), tone),
        request.decided_by or "–",
    )


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
    write_line("  " + _("reason: {reason}").format(reason=request.reason))
    if request.document:
        write_line("  " + _("document: {document}").format(document=request.document))
    for line in word_plan(json.loads(request.plan)):
        write_line(f"  {line}")
