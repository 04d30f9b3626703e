"""How the drills of an estate stand: what is overdue, and which findings are open."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy.orm import Session

from ops.alerts.drafts import DRILL_OVERDUE, FINDING_OVERDUE
from ops.drills.findings import Finding
from ops.drills.rotation.read import list_open_findings, read_plan
from ops.drills.rotation.rotation import Entry
from ops.drills.rotation.turns import Choice
from ops.duties.table.load import DutiesError, load_duties
from ops.duties.table.models import Duty
from ops.estate.model.estate import Estate

_NO_TITLE = {"vi": "", "en": ""}


@dataclass(frozen=True, slots=True)
class Overdue:
    """What one duty has asked for in vain.

    Attributes:
        duty, title: Which, in both languages.
        due_on: The earliest day that has passed.
        subjects: Systems and sites concerned; one empty name for the organisation.
        choice: What is to be run first; None where nothing can be.
        hindrance: As in `ops.drills.rotation.rotation.Entry`.
    """

    duty: str
    title: Mapping[str, str]
    due_on: date
    subjects: tuple[str, ...]
    choice: Choice | None
    hindrance: str

    def as_params(self) -> dict[str, Any]:
        """Give it as JSON values."""
        choice = asdict(self.choice) if self.choice else None
        return {
            "duty": self.duty,
            "title": dict(self.title),
            "due_on": self.due_on.isoformat(),
            "subjects": list(self.subjects),
            "choice": choice,
            "hindrance": self.hindrance,
        }


@dataclass(frozen=True, slots=True)
class DrillStanding:
    """How the drills of an estate stand.

    Attributes:
        overdue: One for each duty, the earliest first.
        findings: The open ones of sites and stores that the estate names, oldest first.
        today: The organisation's day.
    """

    overdue: tuple[Overdue, ...] = ()
    findings: tuple[Finding, ...] = ()
    today: date = date.min

    def is_late(self, finding: Finding) -> bool:
        """Say whether a finding's day has passed."""
        return finding.due < self.today


NO_DRILLS = DrillStanding()
"""Nothing is overdue, and no finding is open."""


def read_standing(session: Session, estate: Estate, now: datetime) -> DrillStanding:
    """Read how the drills stand; nothing where a table of duties has mistakes."""
    try:
        duties = load_duties(estate).duties
        entries = read_plan(session, estate, now)
    except DutiesError:
        return NO_DRILLS  # `estate.check` and a notice of its own tell of the mistakes
    findings = tuple(list_open_findings(session, estate))
    today = now.astimezone(estate.zone).date()
    return DrillStanding(tuple(find_overdue(entries, duties)), findings, today)


def find_overdue(entries: Iterable[Entry], duties: Iterable[Duty]) -> list[Overdue]:
    """Give what is overdue, one for each duty; findings stand for themselves; pure."""
    titles = {it.name: {"vi": it.title.vi, "en": it.title.en} for it in duties}
    of_duty: dict[str, list[Entry]] = {}
    for entry in entries:
        if entry.state == "overdue" and not entry.finding:
            of_duty.setdefault(entry.duty, []).append(entry)
    return [
        Overdue(
            duty=duty,
            title=titles.get(duty, _NO_TITLE),
            due_on=found[0].due_on,
            subjects=tuple(it.subject for it in found),
            choice=found[0].choice,
            hindrance=found[0].hindrance,
        )
        for duty, found in of_duty.items()
    ]


def finding_params(finding: Finding, *, is_late: bool) -> dict[str, Any]:
    """Give a finding as JSON values."""
    return {
        "finding": finding.id,
        "drill": finding.drill,
        "site": finding.site,
        "scope": finding.scope,
        "code": finding.code,
        "params": dict(finding.params),
        "owner": finding.owner,
        "due_on": finding.due.isoformat(),
        "is_late": is_late,
    }


def overdue_subject(duty: str) -> str:
    """Give the subject of the alert about a duty's drills."""
    return f"{DRILL_OVERDUE}:{duty}"


def finding_subject(finding: str) -> str:
    """Give the subject of the alert about a finding."""
    return f"{FINDING_OVERDUE}:{finding}"
