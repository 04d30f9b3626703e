"""Read what the plan is drafted from: few questions to the catalog, however many rows it has.

What could not be read becomes a gap, and stands as such in the plan.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from ops.alerts.subjects import name_subject
from ops.assets.asset import AssetRow
from ops.assets.records import list_assets
from ops.backups.media.records import read_media
from ops.catalog.tables.alerts import Alert
from ops.catalog.tables.copies import Medium
from ops.catalog.tables.security import SecurityFinding
from ops.drills.findings import Finding
from ops.drills.rotation.read import Overdue, read_standing
from ops.duties.evidence.due import RENEWAL
from ops.duties.evidence.judge import list_agenda
from ops.duties.reminders import make_setting
from ops.duties.table.load import DutiesError, load_duties
from ops.errors import OpsError
from ops.estate.model.estate import Estate
from ops.hosts.connect import THIS_MACHINE as AUDITED
from ops.monitor.forecast import Outlook, list_outlooks
from ops.monitor.samples.sample import THIS_MACHINE as WATCHED
from ops.monitor.series.store import open_series, series_url
from ops.planning.item import Accepted, PlanLine
from ops.planning.prices import NO_PRICES, PriceTable
from ops.planning.records import KeptPlan
from ops.register.entry import Entry
from ops.register.records import Wanted, list_entries
from ops.security.records import find_findings

LOOKED_BACK = timedelta(days=365)
"""How far back alerts and the register are read: the year that the plan follows."""

REPEATED = 3
"""From so many alerts about one thing in that time on it is repeated; the Center's own choice."""


@dataclass(frozen=True, slots=True)
class Repeat:
    """One thing about which alerts came again and again.

    Attributes:
        subject, site: As in `ops.catalog.tables.alerts.Alert`.
        count: How many alerts.
        newest: Id of the newest, in hexadecimal.
        last_on: The organisation's day on which that was noticed.
        newer: How many of them came after work about it was accepted; 0 where none was.
    """

    subject: str
    site: str
    count: int
    newest: str
    last_on: date
    newer: int = 0


@dataclass(frozen=True, slots=True)
class OpenDuty:
    """A duty whose newest period has passed without evidence.

    Attributes:
        name, title, basis: Which, in Vietnamese, and what asks for it.
        period: Key of the period.
        due_on: By when it should have been done.
        is_law: Whether the law asks for it, or the Center itself.
    """

    name: str
    title: str
    basis: str
    period: str
    due_on: date | None
    is_law: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanFacts:
    """Everything that proposers look at.

    Attributes:
        year, today: Of the plan, and the organisation's day.
        lead, source: Who makes the plan, and where the money comes from.
        titles: Titles of sites, by name.
        names: What papers call a host or a store, by its subject such as `host:web1`.
        prices: What things cost.
        assets: Those that are not retired.
        outlooks: What fills or runs out.
        drill_findings, overdue_drills: As `ops.drills` gives them.
        duties: Those without evidence, drills and media left out.
        media: All that are in use.
        repeats: The most frequent first.
        difficulties, incidents: Of the register: difficulties that are open, incidents of a year.
        weaknesses: Open findings of audits that nobody has accepted for now.
        last_year: Lines of the plan in force before.
        last_planned: The year of that plan; 0 stands for the year before.
        accepted: Cause → what plans before have had accepted; the newest of each.
        gaps: What could not be read, in Vietnamese.
    """

    year: int
    today: date
    lead: str = ""
    source: str = ""
    titles: Mapping[str, str] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)
    prices: PriceTable = NO_PRICES
    assets: Sequence[AssetRow] = ()
    outlooks: Sequence[Outlook] = ()
    drill_findings: Sequence[Finding] = ()
    overdue_drills: Sequence[Overdue] = ()
    duties: Sequence[OpenDuty] = ()
    media: Sequence[Medium] = ()
    repeats: Sequence[Repeat] = ()
    difficulties: Sequence[Entry] = ()
    incidents: Sequence[Entry] = ()
    weaknesses: Sequence[SecurityFinding] = ()
    last_year: Sequence[PlanLine] = ()
    last_planned: int = 0
    accepted: Mapping[str, Accepted] = field(default_factory=dict)
    gaps: Sequence[str] = ()

    @property
    def last_day(self) -> date:
        """The last day of the plan's year."""
        return date(self.year, 12, 31)

    @property
    def year_before(self) -> int:
        """The year of the plan before."""
        return self.last_planned or self.year - 1

    def call(self, subject: str, of: str = "") -> str:
        """Call what something is about, by its title where it has one; of a machine: which disk."""
        base = subject.partition("/")[0]
        kind, _colon, name = base.partition(":")
        title = self.titles.get(name) if kind == "site" else self.names.get(base)
        told = name_subject(subject)
        told = told.replace(name_subject(base), title, 1) if title else told
        return f"{told}, phân vùng {of}" if of else told

    def find_accepted(self, asset: str, work: str) -> Accepted | None:
        """Give the accepted work on an asset, of this kind or of none that was said."""
        return self.accepted.get(f"asset:{asset}:{work}") or self.accepted.get(f"asset:{asset}:")

    def quarter_of(self, day: date) -> int:
        """Give the quarter of the plan's year in which something that ends on a day is due."""
        if day.year < self.year:
            return 1
        return (day.month - 1) // 3 + 1 if day.year == self.year else 4


def read_facts(  # noqa: PLR0913 - what it is read from, and what read before
    session: Session,
    estate: Estate,
    *,
    year: int,
    now: datetime,
    prices: PriceTable,
    before: KeptPlan | None,
    accepted: Mapping[str, Accepted],
) -> PlanFacts:
    """Read all facts of a plan."""
    today, gaps = now.astimezone(estate.zone).date(), list[str]()
    standing = read_standing(session, estate, now)
    entries = list_entries(session, Wanted(since=now - LOOKED_BACK), limit=None)
    open_ones = list_entries(session, Wanted(kind="difficulty", only_open=True), limit=None)
    late = {it.duty for it in standing.overdue}
    assets = list_assets(session)
    return PlanFacts(
        year=year,
        today=today,
        lead=estate.name_at(now),
        source=estate.planning.source,
        titles={it.name: it.title for it in estate.sites},
        names=_name(estate, assets),
        prices=prices,
        assets=assets,
        outlooks=_read_outlooks(session, estate, now, gaps),
        drill_findings=standing.findings,
        overdue_drills=standing.overdue,
        duties=_read_duties(session, estate, late, gaps),
        media=list(read_media(session)),
        repeats=_read_repeats(session, estate, now, accepted),
        difficulties=open_ones,
        incidents=[it for it in entries if it.kind == "incident"],
        weaknesses=[
            it
            for it in find_findings(session)
            if it.accepted_until is None or it.accepted_until <= now
        ],
        last_year=before.lines if before else (),
        last_planned=before.row.year if before else 0,
        accepted=accepted,
        gaps=tuple(gaps),
    )


def _name(estate: Estate, assets: Sequence[AssetRow]) -> dict[str, str]:
    own = dict.fromkeys(_THIS_MACHINE, "máy chủ của hệ thống sao lưu")
    stores = {f"store:{it.name}": f"nơi lưu bản sao lưu tại {it.location}" for it in estate.stores}
    hosts = {f"host:{it.host}": it.title for it in assets if it.host and it.kind == "server"}
    return {**own, **stores, **hosts}


_THIS_MACHINE = (f"host:{WATCHED}", f"host:{AUDITED}")


def _read_outlooks(
    session: Session, estate: Estate, now: datetime, gaps: list[str]
) -> list[Outlook]:
    try:
        store = open_series(series_url(estate))
    except OpsError:
        gaps.append("Chưa đọc được chuỗi số đo: chưa xét dự báo dung lượng và hạn chứng chỉ TLS.")
        return []
    try:
        found = list_outlooks(store, session, estate, now)
    except OpsError:
        gaps.append("Chưa đọc được chuỗi số đo: chưa xét dự báo dung lượng và hạn chứng chỉ TLS.")
        return []
    finally:
        store.close()
    blind = sum(it.forecast is None or it.forecast.verdict == "too_little_data" for it in found)
    if not found:
        gaps.append("Chưa có số đo dung lượng: chưa xét dự báo đầy đĩa.")
    elif blind:
        gaps.append(f"{blind} đĩa, nơi lưu hoặc chứng chỉ TLS chưa đủ số đo để dự báo.")
    return found


def _read_duties(
    session: Session, estate: Estate, late: set[str], gaps: list[str]
) -> list[OpenDuty]:
    try:
        duties = load_duties(estate)
        agenda = list_agenda(session, duties, make_setting(estate), 0)
    except DutiesError:
        gaps.append("Bảng nghĩa vụ có lỗi: chưa xét các nghĩa vụ thiếu minh chứng.")
        return []
    found: dict[str, OpenDuty] = {}
    for it in agenda:
        duty = it.due.duty
        if it.when != "overdue" or duty.name == RENEWAL or duty.name in late:
            continue
        found[duty.name] = OpenDuty(
            name=duty.name,
            title=duty.title.vi,
            basis="; ".join(map(str, duty.basis)),
            period=it.due.period.key,
            due_on=it.due.day,
            is_law=duty.nature == "law",
        )
    return list(found.values())


def _read_repeats(
    session: Session, estate: Estate, now: datetime, accepted: Mapping[str, Accepted]
) -> list[Repeat]:
    rows = session.execute(
        select(Alert.subject, Alert.site, Alert.id, Alert.opened_at)
        .where(Alert.opened_at >= now - LOOKED_BACK)
        .order_by(Alert.opened_at)
    )
    found: defaultdict[str, list[tuple[str, str, date]]] = defaultdict(list)
    for subject, site, id_, opened_at in rows:
        found[subject].append((site, id_.hex, opened_at.astimezone(estate.zone).date()))
    done = {subject: accepted.get(f"alert:{subject}") for subject in found}
    repeats = [
        Repeat(
            subject, told[-1][0], len(told), told[-1][1], told[-1][2],
            newer=sum(day > work.on for _site, _id, day in told) if (work := done[subject]) else 0,
        )
        for subject, told in found.items()
        if len(told) >= REPEATED
    ]  # fmt: skip
    return sorted(repeats, key=lambda it: (-it.count, it.subject))
