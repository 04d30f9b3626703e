"""Write the backup policy and how it stands to the approved one; record a decision on paper."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy.orm import Session

from ops.access.session import at_bench, reading
from ops.catalog.tables.plans import PolicyVersion
from ops.catalog.tables.register import Document
from ops.documents.records import get_whole
from ops.duties.policy import (
    PolicyRow,
    document_of,
    find_missing,
    make_policy,
    read_kept,
    tell_copies,
    tell_missing,
)
from ops.duties.policy_approved import (
    Decision,
    Standing,
    approve,
    find_standing,
    newest_approved,
    review_day,
    withdraw,
)
from ops.duties.table.load import DutySet, load_calendar, load_duties
from ops.duties.table.models import name_in_full
from ops.duties.tasks import Policy
from ops.duties.wording import CODES, tell_changes, tell_count, tell_medium
from ops.errors import WrongUseError
from ops.estate.choose import read_day
from ops.estate.load.load import load_estate
from ops.estate.model.estate import Estate
from ops.language.formats import format_date, format_id
from ops.language.text import N_, _, fill
from ops.schedule.occurrences import tell_schedule
from ops.terminal.output import write_json, write_line, write_wrapped

_MOST_SHOWN = 5


def show_policy(wish: Policy) -> None:
    """Write the policy as the estate has it, and how it stands to the approved version."""
    estate = load_estate()
    rows = current_policy(estate, load_duties(estate))
    with reading(estate) as session:
        approved = newest_approved(session)
        missing = find_missing(rows, read_kept(session))
    standing = find_standing(approved, document_of(rows), today_of(estate))
    if wish.json:
        items = document_of(rows)["rows"]
        write_json(items, standing=_standing_values(standing), missing_copies=missing)
        return
    for row in rows:
        _write_row(row, estate, missing)
    for line in tell_missing(missing, estate.primary_store.name):
        write_line(f"! {line}")
    for finding in tell_standing(standing):
        write_line(f"! {finding}")
    for line in tell_changes(standing.changes):
        write_wrapped(line)
    if approved is not None and not standing.is_finding:
        write_line(_tell_approved(approved))
    else:
        how = N_("Approved on paper? `{program} duty.policy --approve --number NUMBER --date DAY`")
        write_line(fill(how, {}))


def current_policy(estate: Estate, duties: DutySet) -> tuple[PolicyRow, ...]:
    """Give the table by the duties that are valid today."""
    today = today_of(estate)
    return make_policy(estate, [it for it in duties.duties if it.is_valid_on(today)])


def tell_standing(standing: Standing) -> list[str]:
    """Give what is to be corrected about the policy, one sentence each; empty when nothing is."""
    approved = standing.approved
    if approved is None:
        return [_("no version of the backup policy is approved yet")]
    findings = []
    if standing.changes:
        text = _("the estate differs from the policy approved by {number} in {count} places")
        count = len(list(tell_changes(standing.changes)))
        findings.append(text.format(number=approved.number, count=count))
    if standing.is_review_due:
        text = _("the backup policy was to be reviewed by {day}")
        findings.append(text.format(day=format_date(approved.review_on)))
    return findings


def _tell_approved(approved: PolicyVersion) -> str:
    text = _("As approved by {number} of {day}; review by {review}.")
    return text.format(
        number=approved.number,
        day=format_date(approved.decided_on),
        review=format_date(approved.review_on),
    )


def _standing_values(standing: Standing) -> Mapping[str, Any]:
    approved = standing.approved
    return {
        **{it: getattr(approved, it, None) for it in ("number", "decided_on", "review_on")},
        "is_review_due": standing.is_review_due,
        "changes": standing.changes,
        "is_finding": standing.is_finding,
    }


def _write_row(row: PolicyRow, estate: Estate, missing: Mapping[str, Sequence[str]]) -> None:
    title = row.title or _("without a class")
    personal = " · " + _("personal data") if row.personal_data else ""
    write_line(f"{title}{personal} · {_sites(row.sites)}")
    for label, text in row_parts(row, estate, tell_copies(row, missing)):
        if text:
            write_wrapped(f"{label}: {text}")


def row_parts(
    row: PolicyRow, estate: Estate, copies: str, *, on_paper: bool = False
) -> Sequence[tuple[str, str]]:
    """Give a row as labels and values, in the reader's language; a value may be empty.

    On paper a store is where it stands and what it is, not its name.
    """
    places = [
        f"{it.location} ({tell_medium(it.medium)}{'' if on_paper else f', {it.store}'})"
        for it in row.places
    ]
    people = {it.name: it.title for it in estate.people}
    return (
        (_("parts"), ", ".join(_(CODES[it]) for it in row.parts)),
        (_("frequency"), _tell_frequency(row.frequency)),
        (_("method"), ", ".join(_(CODES[it]) for it in row.method)),
        (_("copies"), copies),
        (_("places"), "; ".join(places)),
        (_("retention"), _tell_retention(row.places[0].retention)),
        (_("targets, the Center's own"), _tell_targets(row)),
        (_("restore test"), ", ".join(_tell_test(it.every) for it in row.restore_tests)),
        (_("person"), ", ".join(people.get(it, it) for it in row.persons) or "–"),
        (_("basis"), "; ".join(map(name_in_full, row.basis))),
    )


def _sites(names: Sequence[str]) -> str:
    shown = ", ".join(names[:_MOST_SHOWN])
    rest = len(names) - _MOST_SHOWN
    return shown + (" " + _("and {count} more").format(count=rest) if rest > 0 else "")


def _tell_frequency(frequency: Mapping[str, Any]) -> str:
    names = {
        "backup": _("backup {when}"),
        "full_read": _("full read {when}"),
        "check": _("check {when}"),
        "databases": _("databases alone {when}"),
    }
    parts = []
    for key, value in frequency.items():
        schedules = value if isinstance(value, list) else [value]
        if told := ", ".join(tell_schedule(it) for it in schedules if it):
            parts.append(names[key].format(when=told))
    return "; ".join(parts)


def _tell_retention(retention: Mapping[str, Any]) -> str:
    names = {
        "keep_last": _("the newest"),
        "keep_hourly": _("hourly"),
        "keep_daily": _("daily"),
        "keep_weekly": _("weekly"),
        "keep_monthly": _("monthly"),
        "keep_yearly": _("yearly"),
    }
    kept = [f"{names[key]} {retention[key]}" for key in names if retention.get(key)]
    if retention.get("minimum_days") is not None:
        kept.append(_("at least {days} days").format(days=retention["minimum_days"]))
    alone = [
        _("{name} alone: {rules}").format(name=name, rules=_tell_retention(rules))
        for name, rules in retention.get("databases", {}).items()
    ]
    return "; ".join([", ".join(kept), *alone])


def _tell_targets(row: PolicyRow) -> str:
    return f"RPO {tell_count(row.rpo_hours, 'hours')}, RTO {tell_count(row.rto_hours, 'hours')}"


def _tell_test(every: str) -> str:
    count, _gap, unit = every.partition(" ")
    return _("every {length}").format(length=tell_count(int(count), unit)) if unit else "–"


def today_of(estate: Estate) -> date:
    """Give the organisation's date."""
    return datetime.now(UTC).astimezone(estate.zone).date()


def show_or_decide(wish: Policy) -> None:
    """Show the policy, record it as approved, or take such a record back."""
    if wish.withdraw:
        withdraw_policy(wish)
    elif wish.approve:
        approve_policy(wish)
    else:
        show_policy(wish)


def approve_policy(wish: Policy) -> None:
    """Record the policy as it is now as approved by a decision."""
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
    with reading(estate) as session:
        kept = _find_decision(session, estate, wish.document, number, decided_on)
    if wish.dry_run:
        text = _("would record: approved by {number} of {day}, review by {review}")
        write_line(text.format(**told))
        return
    with at_bench(estate) as bench, bench.catalog.writing() as session:
        origin = replace(bench.origin, document=number)
        decision = Decision(number, decided_on, review_on)
        is_new = approve(session, origin, document, decision, now=datetime.now(UTC), kept=kept)
    text = (
        _("recorded: approved by {number} of {day}, review by {review}")
        if is_new
        else _("recorded already: approved by {number} of {day}")
    )
    write_line(text.format(**told))


def _find_decision(
    session: Session, estate: Estate, wanted: str, number: str, decided_on: date
) -> Document | None:
    """Give the decision that is kept; refuses one of another number or day."""
    if not wanted:
        return None
    kept = get_whole(session, estate.service.state, wanted)
    if kept.number != number or kept.dated not in {None, decided_on}:
        raise WrongUseError(
            "the document {id} is not the decision {number} of {day}",
            next_step="keep the decision with `{program} document.add --number`, and give that one",
            id=format_id(kept.id),
            number=number,
            day=format_date(decided_on),
        )
    return kept


def withdraw_policy(wish: Policy) -> None:
    """Take the record of a decision back that was written by mistake; the journal keeps both."""
    number, decided_on = _read_decision(wish)
    if not wish.reason.strip():
        raise WrongUseError("taking a record back needs a reason", next_step="add `--reason TEXT`")
    with at_bench(load_estate(), dry_run=wish.dry_run) as bench, bench.catalog.writing() as session:
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
