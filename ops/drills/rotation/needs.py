"""What the rotation is decided from: what duties ask, each with its periods, tries, open findings.

A duty asks for drills where its evidence is a trial restore or a drill and it comes with a period.
A period asks for its drill on a day of its own in its first half, so that the drills of many sites
are spread and nobody can foretell the day; the other half is left for trying again. Stock restic
comes later, since the turn may have brought it by then.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from itertools import takewhile

from ops.drills.records import Kind
from ops.duties.evidence.due import Period, WorkCalendar, due_of, list_periods, longest_days
from ops.duties.table.models import Duty, Every, Span
from ops.duties.table.versions import Document, Subject, list_subjects
from ops.schedule.windows import spread_place

ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which drills meet a need; fields as in `ops.catalog.tables.drills.Drill`.

    Attributes:
        engine: Empty for any.
        from_paper: Whether it must be one without the folder of keys.
    """

    scope: Kind = "site"
    engine: str = ""
    from_paper: bool = False


@dataclass(frozen=True, slots=True)
class Term:
    """One period in which a drill is owed.

    Attributes:
        since: From which day on a drill counts.
        due_on: By the end of which day.
    """

    since: date
    due_on: date


@dataclass(frozen=True, slots=True)
class DutyLine:
    """One duty for one whom it concerns, through time.

    Attributes:
        duty: Name of the duty.
        subject: System or site; empty for the organisation.
        sites: Names of the sites of which one is to be drilled, in the order of the estate.
        wanted: What kind of drill.
        known: Since when the service knows the first of the sites.
        last: The newest period that is over; None where there is none.
        current, following: The period that holds today, and the one after it, where it is known.
    """

    duty: str
    subject: str
    sites: tuple[str, ...]
    wanted: Wanted
    known: date
    last: Term | None
    current: Term
    following: Term | None

    def day_of(self, term: Term) -> date:
        """Give the day in a period from which on its drill is asked for."""
        base = max(term.since, self.known)
        days = max((term.due_on - base).days, 0)
        first, width = (days // 2, days // 4) if self.wanted.engine else (0, days // 2)
        key = f"{self.duty}/{self.subject}/{term.due_on.isoformat()}"
        return base + timedelta(days=first + int((width + 1) * spread_place(key)))


def list_lines(
    duties: Sequence[Duty],
    estate: Document,
    calendar: WorkCalendar,
    since: Mapping[str, date],
    today: date,
) -> list[DutyLine]:
    """Give what the duties in force today ask of drills, in the order of the tables.

    Args:
        duties: All rows; rows of one name in the order of time.
        estate: The document of the estate in force.
        calendar: Working days.
        since: Since when each site is known; one that is missing is new today.
        today: The organisation's day.
    """
    rows: dict[str, list[Duty]] = {}
    for duty in duties:
        if duty.every is not None and duty.evidence.query in {"restores", "drills"}:
            rows.setdefault(duty.name, []).append(duty)
    lines: list[DutyLine] = []
    for named in rows.values():
        terms = _find_terms(named, calendar, today)
        row = next((it for it in named if it.is_valid_on(today)), None)
        if row is not None and terms is not None:
            lines += _lines_of(row, estate, terms, since, today)
    return lines


Terms = tuple[Term | None, Term, Term | None]


def _lines_of(
    row: Duty, estate: Document, terms: Terms, since: Mapping[str, date], today: date
) -> Iterator[DutyLine]:
    proof = row.evidence
    wanted = Wanted()
    if proof.query == "drills":
        wanted = Wanted(proof.scope, proof.engine, proof.from_paper)
    archived = {it["name"] for it in estate.get("sites", ()) if it.get("archive")}
    subjects = list_subjects(row, estate)
    if wanted.scope == "archive":
        kept = [tuple(name for name in it.sites if name in archived) for it in subjects]
        subjects = [replace(it, sites=sites) for it, sites in zip(subjects, kept, strict=True)]
    for subject in subjects:
        for sites in _groups(subject, proof.coverage):
            known = min(since.get(it, today) for it in sites)
            name = subject.name if proof.coverage == "any" else sites[0]
            yield DutyLine(row.name, name, sites, wanted, known, *terms)


def _groups(subject: Subject, coverage: str) -> Iterator[tuple[str, ...]]:
    """Yield the sites of which one is enough: all together, or each alone."""
    if coverage == "any":
        if subject.sites:
            yield subject.sites
        return
    yield from ((it,) for it in subject.sites)


def _find_terms(rows: Sequence[Duty], calendar: WorkCalendar, today: date) -> Terms | None:
    """Give the last, the current and the following period of rows of one name."""
    current = next((it for it in _terms(rows, calendar, today, today) if it.since <= today), None)
    if current is None:
        return None
    over = [it for it in _terms(rows, calendar, None, today) if it.due_on < current.since]
    after = current.due_on + ONE_DAY
    later = [it for it in _terms(rows, calendar, after, after) if it.since > current.since]
    return (over[-1] if over else None, current, later[0] if later else None)


def _terms(
    rows: Sequence[Duty], calendar: WorkCalendar, first: date | None, last: date
) -> list[Term]:
    """Give the periods that touch some days, in order; without a first day the newest ones."""
    found = []
    for row in rows:
        start = first or max(row.valid_from, last - _reach(row.every))
        if start <= last:
            found += [_term(row, it, calendar) for it in list_periods(row, start, last)]
    return sorted(found, key=lambda it: (it.due_on, it.since))


def _reach(every: Every | None) -> timedelta:
    if every is None or every.count is None or every.unit is None:
        return timedelta(days=36_600)  # single dates: all there are
    return timedelta(days=2 * longest_days(Span(count=every.count, unit=every.unit)))


def _term(row: Duty, period: Period, calendar: WorkCalendar) -> Term:
    """Give the days of a period; what is done after its end proves the next one."""
    day = due_of(row, period, calendar).day
    return Term(period.start, max(period.start, min(day or period.end, period.end)))


LONG_AGO = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class PastDrill:
    """One try at a drill.

    Attributes:
        site, scope, engine, from_paper, store: As in `ops.catalog.tables.drills.Drill`.
        outcome: Empty where it was begun and not concluded.
        at: When it ended, else when it began; in the organisation's zone.
        path: The file that was restored; empty for a whole site.
    """

    site: str
    scope: Kind
    engine: str
    at: datetime
    outcome: str
    from_paper: bool = False
    store: str = ""
    path: str = ""

    @property
    def day(self) -> date:
        """On which day."""
        return self.at.date()

    @property
    def is_good(self) -> bool:
        """Whether it counts."""
        return self.outcome == "ok"

    def meets(self, wanted: Wanted) -> bool:
        """Say whether it is of the kind that is wanted."""
        return (
            self.scope == wanted.scope
            and wanted.engine in {"", self.engine}
            and self.from_paper >= wanted.from_paper
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenFinding:
    """What a drill has shown and none has shown fixed; as in `ops.drills.findings.Finding`.

    Attributes:
        opened_on, due_on: Days.
        path: The file it is about; empty for a whole site.
    """

    id: str
    site: str
    scope: Kind
    engine: str
    from_paper: bool
    store: str
    opened_on: date
    due_on: date
    path: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RotationFacts:
    """What the rotation is decided from.

    Attributes:
        today: The organisation's day.
        lines: What duties ask, as of `ops.drills.rotation.needs.list_lines`.
        drills: Every try there was, in any order.
        findings: The open ones of sites that the estate names, oldest first.
        stores: For each site the stores that hold a backup of the whole of it, in the estate's
            order; a site that is missing has no backup.
        stock_every: One in so many drills of whole sites is done with stock restic.
    """

    today: date
    lines: Sequence[DutyLine]
    drills: Sequence[PastDrill]
    findings: Sequence[OpenFinding] = ()
    stores: Mapping[str, Sequence[str]]
    stock_every: int = 3


@dataclass(slots=True)
class Tries:
    """The tries of one kind at one site.

    Attributes:
        like: One of them; the others have its scope, its engine and its `from_paper`.
        newest_good: When the newest good one ended; long ago where there is none.
        good_copies: The same for each store that one of them was restored from.
        in_vain: Those that did not go well, in the order of time.
    """

    like: PastDrill
    newest_good: datetime = LONG_AGO
    good_copies: dict[str, datetime] = field(default_factory=dict)
    in_vain: list[PastDrill] = field(default_factory=list)

    def add(self, drill: PastDrill) -> None:
        """Add one that is younger than all before."""
        if drill.is_good:
            self.newest_good = self.good_copies[drill.store] = drill.at
        else:
            self.in_vain.append(drill)

    def in_vain_since(self, day: date) -> Iterator[PastDrill]:
        """Yield those that did not go well on a day or later, the youngest first."""
        return takewhile(lambda it: it.day >= day, reversed(self.in_vain))


@dataclass(frozen=True, slots=True)
class Past:
    """What was, sorted once.

    Attributes:
        facts: All facts.
        of_site: The tries by site, each kind for itself.
        whole: Those of whole sites, in the order of time.
    """

    facts: RotationFacts
    of_site: Mapping[str, Sequence[Tries]]
    whole: Sequence[PastDrill]

    @property
    def today(self) -> date:
        """The organisation's day."""
        return self.facts.today

    def of(self, line: DutyLine) -> list[Tries]:
        """Give the tries that are of the kind a line wants."""
        kinds = (it for site in line.sites for it in self.of_site.get(site, ()))
        return [it for it in kinds if it.like.meets(line.wanted)]

    def newest_good(self, site: str, scope: Kind) -> datetime:
        """Give when a site's newest good drill ended; long ago where there is none."""
        kinds = self.of_site.get(site, ())
        return max((it.newest_good for it in kinds if it.like.scope == scope), default=LONG_AGO)


def sort_past(facts: RotationFacts) -> Past:
    """Sort what was."""
    tries: dict[tuple[str, str, str, bool], Tries] = {}
    drills = sorted(facts.drills, key=lambda it: it.at)
    for it in drills:
        key = (it.site, it.scope, it.engine, it.from_paper)
        if key not in tries:
            tries[key] = Tries(it)
        tries[key].add(it)
    of_site: dict[str, list[Tries]] = {}
    for (site, *_kind), found in tries.items():
        of_site.setdefault(site, []).append(found)
    return Past(facts, of_site, [it for it in drills if it.scope == "site"])
