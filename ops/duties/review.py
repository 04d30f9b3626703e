"""Review what the service has gathered for a duty, and have it journaled what was before whom.

Order: what there is to review is read and shown; with a conclusion its digest and what it lacks are
journaled, which proves the review (`ops.duties.evidence.acts.find_reviews`).
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from ops.access.rights import ROLES
from ops.access.roles import roles_by_person
from ops.access.session import at_bench
from ops.canonical import digest_of
from ops.catalog.tables.core import JournalRow
from ops.catalog.tables.security import SecurityLook
from ops.documents.records import MOST_TEXT
from ops.duties.evidence.acts import REVIEWED
from ops.duties.evidence.due import Period
from ops.duties.evidence.queries import Setting
from ops.duties.evidence.record import check_person, check_subject, find_period
from ops.duties.reminders import make_setting
from ops.duties.table.load import load_duties
from ops.duties.table.models import Duty
from ops.duties.table.versions import hosts_of
from ops.duties.tasks import Review
from ops.duties.wording import tell_period
from ops.errors import WrongUseError
from ops.estate.load.load import load_estate
from ops.journal import journal
from ops.journal.journal import Entry
from ops.language.formats import format_number
from ops.language.text import N_, _
from ops.parts import Seam
from ops.terminal.output import Cell, verdict_cell, write_line
from ops.terminal.view import Column, Row, View, write_list

Rows = list[dict[str, Any]]

_TOOLS = ("logs", "accounts")
"""What a review of logs goes over of each host; in the words of `ops.security.subjects`."""

PROCEDURES: Seam[Callable[[], Iterator[tuple[str, str]]]] = Seam("procedures")
"""Gives the runbooks in force, a room above: id, and SHA-256 of the text."""


def _what(row: Row) -> str:
    host, _blank, tool = row["what"].rpartition(" ")
    return f"{host}: {_(tool)}" if tool in _TOOLS else row["what"]


def _told(row: Row) -> str | Cell:
    found = row["found"]
    if row["is_lacking"]:
        return verdict_cell("not_checked")
    if "roles" in found:
        return ", ".join(_(ROLES[it]) for it in found["roles"])
    if "open" in found:
        return _("open findings: {count}").format(count=found["open"])
    return format_number(found["count"]) if "count" in found else found["sha256"]


MATERIAL = View(
    N_("There is nothing to review."),
    Column("what", N_("What"), of=_what),
    Column("found", N_("What it tells"), of=_told),
)


def review(wish: Review) -> None:
    """Show what there is to review, and journal the conclusion where one is given."""
    estate = load_estate()
    setting = make_setting(estate)
    duty, period = find_period(load_duties(estate), wish.duty, setting.today)
    if duty.evidence.query != "reviewed":
        raise WrongUseError(
            'nothing is gathered here to be reviewed for the duty "{name}"',
            next_step="`{program} duty.evidence --duty {name}` shows what proves it",
            name=duty.name,
        )
    check_subject(duty, estate, wish.subject)
    conclusion = wish.conclusion.strip()
    if len(conclusion) > MOST_TEXT:
        raise WrongUseError(
            "a conclusion has at most {most} characters",
            next_step="keep a longer one with `{program} document.add`, and name its number",
            most=MOST_TEXT,
        )
    with at_bench(estate, dry_run=wish.dry_run or not conclusion) as bench:
        with bench.catalog.reading() as session:
            check_person(session, duty, bench.origin.person)
            rows = gather(session, duty, setting, wish.subject, period)
        if write_list(MATERIAL, rows, as_json=wish.json, zone=estate.organisation.timezone):
            write_line(tell_period(period))
        if not conclusion or wish.dry_run:
            return
        details = {
            "subject": wish.subject,
            "period": period.key,
            "rows": len(rows),
            "lacking": [it["what"] for it in rows if it["is_lacking"]],
            "sha256": digest_of({"rows": rows}),
        }
        with bench.catalog.writing() as session:
            origin = replace(bench.origin, reason=conclusion)
            journal.append(session, origin, [Entry(REVIEWED, duty.name, details)])
    write_line(_("recorded as reviewed: {duty}, rows: {count}"), duty=duty.name, count=len(rows))


def gather(session: Session, duty: Duty, setting: Setting, subject: str, period: Period) -> Rows:
    """Give what there is to review: who holds which role, what logs told, the procedures there are.

    Returns:
        Rows with `what`, `found`, and `is_lacking` where what should be there is not; in no
        language, so that their digest is the same in each.
    """
    if duty.evidence.material == "roles":
        held = sorted(roles_by_person(session, with_disabled=True).items())
        return [_row(person, roles=sorted(roles)) for person, roles in held]
    if duty.evidence.material == "procedures":
        found = [it for part in PROCEDURES.parts() for it in part()]
        return [_row(name, sha256=digest) for name, digest in found]
    return [*_looks(session, setting, subject, period), *_acts(session, setting, period)]


def _row(what: str, *, is_lacking: bool = False, **found: object) -> dict[str, Any]:
    return {"what": what, "found": found, "is_lacking": is_lacking}


def _looks(
    session: Session, setting: Setting, system: str, period: Period
) -> Iterator[dict[str, Any]]:
    """Give the newest look of the period at the logs and accounts of each host of a system."""
    first, after = setting.bounds(period)
    sites = [it for it in setting.estate.get("sites", ()) if it.get("system") == system]
    for host in sorted({host for site in sites for host in hosts_of(site)}):
        for tool in _TOOLS:
            query = (
                select(SecurityLook)
                .where(SecurityLook.subject == f"host:{host}", SecurityLook.tool == tool)
                .where(SecurityLook.at >= first, SecurityLook.at < after)
                .where(SecurityLook.outcome != "not_checked")
                .order_by(SecurityLook.at.desc())
            )
            look = session.execute(query.limit(1)).scalar_one_or_none()
            if look is None:
                yield _row(f"{host} {tool}", is_lacking=True)
            else:
                yield _row(f"{host} {tool}", open=look.open, sha256=look.evidence)


def _acts(session: Session, setting: Setting, period: Period) -> Iterator[dict[str, Any]]:
    """Count the acts that the service's own journal tells of, by kind and person."""
    first, after = setting.bounds(period)
    query = (
        select(JournalRow.action, JournalRow.person, func.count())
        .where(JournalRow.at >= first, JournalRow.at < after)
        .group_by(JournalRow.action, JournalRow.person)
        .order_by(JournalRow.action, JournalRow.person)
    )
    for action, person, count in session.execute(query):
        yield _row(f"{action} {person}".strip(), count=count)
