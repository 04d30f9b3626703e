"""Bear a finding until a day: asked for by one person, agreed to by another, never for ever.

Order: find it, and refuse what may not be borne (`--dry-run` ends here); have another person agree
to this finding, as grave as it is, until this day; in the transaction that uses the approval up,
write it into the finding and journal it. Past that day it is open again by itself; so it is where
it was fixed and comes back, or becomes graver.
"""

from datetime import UTC, date, datetime, time, timedelta

from sqlalchemy.orm import Session

from ops.access.approvals.ask import Agreed, ask_second_person
from ops.access.approvals.requests import Wish
from ops.access.session import Bench, at_bench
from ops.catalog.columns import find_by_id
from ops.catalog.tables.security import SecurityFinding
from ops.errors import OpsError, WrongUseError
from ops.estate.choose import read_day
from ops.estate.load.load import load_estate
from ops.journal.journal import Entry
from ops.language.formats import format_date, format_id
from ops.language.text import N_, _
from ops.security.controls import load_controls
from ops.security.subjects import tell_finding
from ops.security.tasks import Accept
from ops.terminal.output import write_line

ACCEPTANCE = "finding-acceptance"
"""Action of the approval."""

ACCEPTED = "security.accepted"
"""What the journal tells of it; its subject is the finding's."""


def accept_finding(wish: Accept) -> int:
    """Have a finding accepted until a day; gives the exit code."""
    until, estate = read_day(wish.until), load_estate()
    longest = load_controls(estate).acceptance_days
    today = datetime.now(UTC).astimezone(estate.zone).date()
    with at_bench(estate, dry_run=wish.dry_run) as bench:
        with bench.catalog.reading() as session:
            finding = find_finding(session, wish.id)
        refuse(finding, until, today, longest)
        text = _("{subject} · {finding}: accept until {day}")
        write_line(
            text.format(
                subject=finding.subject, finding=tell_finding(finding), day=format_date(until)
            )
        )
        if _agree(bench, finding, wish, until):
            write_line(
                "  "
                + _("accepted; on {day} it is open again").format(
                    day=format_date(until + timedelta(days=1))
                )
            )
    return 0


def find_finding(session: Session, wanted: str) -> SecurityFinding:
    """Give the finding of that id, or of its beginning or end."""
    found = find_by_id(session, SecurityFinding, wanted)
    if found is None:
        raise WrongUseError(
            'there is no finding "{id}"',
            next_step="`{program} security.findings` shows their ids",
            id=wanted,
        )
    return found


def refuse(finding: SecurityFinding, until: date, today: date, longest: int) -> None:
    """Refuse what may not be accepted so; pure."""
    why = ""
    if finding.state != "open":
        why = N_("it is fixed already")
    elif until < today:
        why = N_("that day is past")
    elif until > today + timedelta(days=longest):
        why = N_("nothing is accepted for ever: at most {longest} days, until {latest}")
    if why:
        raise OpsError(
            "the finding cannot be accepted until {until}",
            why=why,
            data="nothing was changed",
            next_step="fix it, or give another day with `--until`",
            until=format_date(until),
            longest=longest,
            latest=format_date(today + timedelta(days=longest)),
        )


def _agree(bench: Bench, finding: SecurityFinding, wish: Accept, until: date) -> Agreed | None:
    details: dict[str, object] = {
        "finding": str(finding.id),
        "tool": finding.tool,
        "check": finding.check,
        "severity": finding.severity,
        "until": until.isoformat(),
    }

    def record(session: Session, agreed: Agreed) -> list[Entry]:
        row, permit = find_finding(session, str(finding.id)), agreed.permit
        refuse_finder(row, permit.approved_by)
        if (row.state, row.severity) != ("open", finding.severity):
            raise _changed(row)
        end = datetime.combine(until + timedelta(days=1), time.min, bench.estate.zone)
        row.accepted_until = end.astimezone(UTC)
        row.accepted_by, row.asked_by = permit.approved_by, permit.requested_by
        row.accept_reason, row.accept_document = wish.reason, wish.document
        return [Entry(ACCEPTED, row.subject, details)]

    plan = {"act": "accept-finding", **details}
    asked = Wish(ACCEPTANCE, finding.subject, plan, wish.reason, wish.document)
    return ask_second_person(bench, asked, record)


def _changed(row: SecurityFinding) -> OpsError:
    return OpsError(
        "the finding {id} has changed meanwhile",
        why="what was agreed to is not what is there now",
        data="nothing was changed; the approval is not used up",
        next_step="look at it again: `{program} security.findings`",
        id=format_id(row.id),
    )


def refuse_finder(finding: SecurityFinding, approver: str) -> None:
    """Refuse the agreement of who found it."""
    if finding.found_by and finding.found_by == approver:
        raise OpsError(
            "{person} found this, and so cannot be the one who accepts it",
            why="who looks for faults does not excuse them",
            data="nothing was changed; the approval is not used up",
            next_step="have a third person approve, or fix it",
            person=approver,
        )
