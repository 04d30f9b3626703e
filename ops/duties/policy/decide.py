"""Record that the backup policy was approved by a decision, or take a wrong record back."""

from dataclasses import replace
from datetime import UTC, date, datetime

from ops.access.session import at_bench
from ops.duties.policy.approved import Decision, approve, review_day, withdraw
from ops.duties.policy.cli import current_policy, show_policy, today_of
from ops.duties.policy.policy import document_of
from ops.duties.table.calendar import read_day
from ops.duties.table.load import load_calendar, load_duties
from ops.duties.tasks import Policy
from ops.errors import WrongUseError
from ops.estate.load.load import load_estate
from ops.language.formats import format_date
from ops.language.text import _
from ops.terminal.output import write_line


def show_or_decide(wish: Policy) -> None:
    """Show the policy, record it as approved, or take such a record back."""
    if wish.withdraw:
        withdraw_policy(wish)
    elif wish.approve:
        approve_policy(wish)
    else:
        show_policy(wish)


def approve_policy(wish: Policy) -> None:
    """Record the policy as it is now as approved by a decision.

    Raises:
        WrongUseError: Number or date is missing, cannot be read, or lies in the future.
        PolicyNumberError: The decision is recorded with another table.
    """
    number, decided_on = _read_decision(wish)
    estate = load_estate()
    if decided_on > today_of(estate):
        raise WrongUseError(
            "the decision {number} of {day} lies in the future",
            next_step="correct the date; a decision is recorded when it has been made",
            number=number,
            day=format_date(decided_on),
        )
    duties = load_duties(estate)
    review_on = review_day(duties, decided_on, load_calendar(estate))
    document = document_of(current_policy(estate, duties))
    told = {"number": number, "day": format_date(decided_on), "review": format_date(review_on)}
    if wish.dry_run:
        text = _("would record: approved by {number} of {day}, review by {review}")
        write_line(text.format(**told))
        return
    with at_bench(estate) as bench, bench.catalog.writing() as session:
        origin = replace(bench.origin, document=number)
        decision = Decision(number, decided_on, review_on)
        is_new = approve(session, origin, document, decision, now=datetime.now(UTC))
    text = (
        _("recorded: approved by {number} of {day}, review by {review}")
        if is_new
        else _("recorded already: approved by {number} of {day}")
    )
    write_line(text.format(**told))


def withdraw_policy(wish: Policy) -> None:
    """Take the record of a decision back that was written by mistake; the journal keeps both.

    Raises:
        WrongUseError: Number, date or reason is missing, or no such decision is recorded.
    """
    number, decided_on = _read_decision(wish)
    if not wish.reason.strip():
        raise WrongUseError(
            "taking a record back needs a reason",
            next_step="add `--reason TEXT`",
        )
    with (
        at_bench(load_estate(), dry_run=wish.dry_run) as bench,
        bench.catalog.writing() as session,
    ):
        withdraw(session, replace(bench.origin, reason=wish.reason), number, decided_on)
    text = (
        _("would take back: approved by {number} of {day}")
        if wish.dry_run
        else _("taken back: approved by {number} of {day}")
    )
    write_line(text.format(number=number, day=format_date(decided_on)))


def _read_decision(wish: Policy) -> tuple[str, date]:
    if not wish.number or not wish.date:
        raise WrongUseError(
            "an approval needs the decision's number and date",
            next_step="`{program} duty.policy --approve --number NUMBER --date 24/11/2026`",
        )
    return wish.number, read_day(wish.date)
