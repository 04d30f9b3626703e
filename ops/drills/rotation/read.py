"""How the drills of an estate stand, read from the catalog: what is overdue, what is open."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from ops.alerts.drafts import DRILL_OVERDUE, FINDING_OVERDUE
from ops.catalog.tables.core import Occurrence, Run
from ops.catalog.tables.drills import Drill
from ops.catalog.tables.index import Snapshot, is_of_whole_site
from ops.catalog.tables.sites import KnownSite
from ops.drills.findings import Finding, file_of, list_findings
from ops.drills.kind import drill_job
from ops.drills.records import Kind, kind_of
from ops.drills.rotation.needs import OpenFinding, PastDrill, RotationFacts, list_lines
from ops.drills.rotation.rotation import Choice, Need, plan_rotation
from ops.duties.evidence.queries import Setting
from ops.duties.reminders import make_setting
from ops.duties.table.load import DutiesError, load_duties
from ops.duties.table.models import Duty
from ops.estate.model.estate import Estate

DRILL = "drill"
"""Kind of the jobs that are drills."""


def read_plan(session: Session, estate: Estate, now: datetime) -> list[Need]:
    """Give each need and how it stands: overdue, due, ahead.

    Raises:
        DutiesError: A table of duties or holidays has mistakes.
    """
    setting = make_setting(estate, now)
    return plan_rotation(read_facts(session, estate, load_duties(estate).duties, setting))


def read_facts(
    session: Session, estate: Estate, duties: Iterable[Duty], setting: Setting
) -> RotationFacts:
    """Read what the rotation is decided from.

    Args:
        session: Reading is enough.
        estate: As it is now.
        duties: All rows.
        setting: The organisation's day, zone and working days.
    """
    known = session.execute(select(KnownSite.name, KnownSite.since))
    since = {name: at.astimezone(setting.zone).date() for name, at in known}
    lines = list_lines(tuple(duties), setting.estate, setting.calendar, since, setting.today)
    return RotationFacts(
        today=setting.today,
        lines=lines,
        drills=[*_read_drills(session, setting.zone), *_read_failed_runs(session, setting.zone)],
        findings=[_as_open(it, setting.zone) for it in list_open_findings(session, estate)],
        stores=_read_stores(session, estate),
        stock_every=estate.drill.stock_restic_every,
    )


def scope_of_job(job: str) -> Kind:
    """Give what a job drills: `drill-file/SITE` one file, `drill/SITE` the whole site."""
    kinds: tuple[Kind, ...] = ("site", "file", "archive")
    return next((it for it in kinds if job == drill_job(job.partition("/")[2], it)), "site")


def _read_drills(session: Session, zone: ZoneInfo) -> Iterator[PastDrill]:
    query = select(
        Drill.site,
        Drill.scope,
        Drill.engine,
        Drill.from_paper,
        Drill.store,
        Drill.outcome,
        Drill.started_at,
        Drill.ended_at,
        Drill.params,
        Drill.source,
    )
    for row in session.execute(query):
        moment = row.ended_at or row.started_at
        yield PastDrill(
            site=row.site,
            scope=kind_of(row.scope, row.source),
            engine=row.engine,
            from_paper=row.from_paper,
            store=row.store,
            outcome=row.outcome or "",
            at=moment.astimezone(zone),
            path=file_of(row.params),
        )


def _read_failed_runs(session: Session, zone: ZoneInfo) -> Iterator[PastDrill]:
    """Yield runs that failed before they had written down any drill."""
    query = (
        select(Run.site, Run.job, Run.ended_at, Run.outcome, Run.summary, Occurrence.arguments)
        .outerjoin(Occurrence, Occurrence.id == Run.occurrence_id)
        .where(Run.kind == DRILL, Run.outcome.is_not(None), Run.outcome != "ok")
    )
    for site, job, ended_at, outcome, summary, arguments in session.execute(query):
        if ended_at is None or "drill" in summary:
            continue
        asked = arguments or {}
        yield PastDrill(
            site=site,
            scope=scope_of_job(job),
            engine=asked.get("engine", "ours"),
            store=asked.get("store", ""),
            outcome=outcome or "",
            at=ended_at.astimezone(zone),
        )


def list_open_findings(session: Session, estate: Estate, site: str = "") -> list[Finding]:
    """Give the open findings, oldest first, that still matter: of sites and stores there are.

    Args:
        session: Reading is enough.
        estate: As it is now.
        site: Only those of this site; empty for all.
    """
    names = {it.name for it in estate.sites}
    copies = estate.archive.copies if estate.archive else ()
    stores = {"", *(it.name for it in estate.stores), *(it.name for it in copies)}
    found = list_findings(session, site=site)
    return [it for it in found if it.site in names and it.store in stores]


def _as_open(finding: Finding, zone: ZoneInfo) -> OpenFinding:
    return OpenFinding(
        id=finding.id,
        site=finding.site,
        scope=finding.scope,
        engine=finding.engine,
        from_paper=finding.from_paper,
        store=finding.store,
        opened_on=finding.opened_at.astimezone(zone).date(),
        due_on=finding.due,
        path=file_of(finding.params) if finding.scope == "file" else "",
    )


def _read_stores(session: Session, estate: Estate) -> dict[str, list[str]]:
    """Give the stores that hold a backup of each whole site, in the estate's order."""
    query = select(Snapshot.site, Snapshot.store).where(is_of_whole_site()).distinct()
    held = {(site, store) for site, store in session.execute(query)}
    found = {
        site.name: [it.name for it in estate.stores if (site.name, it.name) in held]
        for site in estate.sites
    }
    return {site: stores for site, stores in found.items() if stores}


_NO_TITLE = {"vi": "", "en": ""}


@dataclass(frozen=True, slots=True)
class Overdue:
    """What one duty has asked for in vain.

    Attributes:
        duty, title: Which, in both languages.
        due_on: The earliest day that has passed.
        subjects: Systems and sites concerned; one empty name for the organisation.
        choice: What is to be run first; None where nothing can be.
        hindrance: As in `ops.drills.rotation.rotation.Need`.
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


def find_overdue(entries: Iterable[Need], duties: Iterable[Duty]) -> list[Overdue]:
    """Give what is overdue, one for each duty; findings stand for themselves; pure."""
    titles = {it.name: {"vi": it.title.vi, "en": it.title.en} for it in duties}
    of_duty: dict[str, list[Need]] = {}
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
