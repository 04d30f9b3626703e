"""Tell of drills that are overdue, and of findings whose day has passed, as of late backups.

They wait for office hours: no data is at risk at three in the morning. So the alert is a warning,
which nobody is woken for; at a glance (`giucong`) and in the daily summary it is red.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy.orm import Session

from ops.alerts.drafts import DRILL_OVERDUE, FINDING_OVERDUE, Draft
from ops.alerts.outbox import find_estate, write_all_clears, write_drafts
from ops.alerts.records import close_others, take_in
from ops.catalog.open import Catalog
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


def draft_all(standing: DrillStanding) -> list[Draft]:
    """Decide what to tell; pure. Each period of a duty and each finding is told once."""
    drafts = [_draft_overdue(it) for it in standing.overdue]
    return drafts + [_draft_finding(it) for it in standing.findings if standing.is_late(it)]


def _draft_overdue(overdue: Overdue) -> Draft:
    subject = overdue_subject(overdue.duty)
    return Draft(
        subject_key=f"{subject}:{overdue.due_on.isoformat()}",
        severity="warning",
        code=DRILL_OVERDUE,
        params={**overdue.as_params(), "subject": subject},
        site=overdue.subjects[0] if len(overdue.subjects) == 1 else "",
    )


def _draft_finding(finding: Finding) -> Draft:
    subject = finding_subject(finding.id)
    return Draft(
        subject_key=subject,
        severity="warning",
        code=FINDING_OVERDUE,
        params={**finding_params(finding, is_late=True), "subject": subject},
        site=finding.site,
    )


def note_overdue_drills(catalog: Catalog, now: datetime) -> int:
    """Write a notice for what is overdue; give how many are new.

    Alerts about what is overdue no more are closed, and whoever was told is told that, too.
    """
    with catalog.reading() as session:
        estate = find_estate(session)
        if estate is None:
            return 0
        drafts = draft_all(read_standing(session, estate, now))
    with catalog.writing() as session:
        return _tell(session, estate, drafts, now)


def _tell(session: Session, estate: Estate, drafts: Sequence[Draft], now: datetime) -> int:
    still = {str(it.params["subject"]) for it in drafts}
    closed = close_others(session, {DRILL_OVERDUE, FINDING_OVERDUE}, still, now)
    taken = take_in(session, (), drafts, now)
    count = write_drafts(session, drafts, estate, taken=taken, now=now)
    return count + write_all_clears(session, closed, now)
