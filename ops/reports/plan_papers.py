"""What a plan's papers take from here: its annexes, and all papers of it as files.

The annexes tell its devices, backups and drills, with charts of the year before. They are given to
`ops.planning`, which freezes them with the plan: the charts of a plan that was handed in stay as
they were drawn. The papers are Kế hoạch, Tờ trình, draft of the Quyết định.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta

from sqlalchemy.orm import Session

from ops.assets.asset import KINDS, STATES
from ops.charts.lines import draw_lines
from ops.charts.svg import ON_PAPER
from ops.duties.evidence.due import list_due
from ops.duties.policy import PolicyRow, make_policy
from ops.duties.policy_cli import row_parts
from ops.duties.reminders import make_setting
from ops.duties.table.load import DutiesError, load_duties
from ops.duties.table.models import Duty
from ops.duties.table.versions import list_subjects
from ops.estate.model.estate import Estate
from ops.language.formats import format_date
from ops.language.text import _, speaking
from ops.monitor import tasks
from ops.monitor.chart import make_chart, read_buckets
from ops.monitor.forecast import Outlook
from ops.monitor.forecast_wording import KINDS as OUTLOOKS
from ops.monitor.forecast_wording import tell_growth, tell_outlook
from ops.monitor.series.store import SeriesStore
from ops.monitor.trend import MOST_DAYS
from ops.planning.document import Annexes, Drawing, PlanDocument
from ops.planning.facts import PlanFacts
from ops.planning.money import format_amount
from ops.reports.figures.checked import list_concluded, list_stops, measure_sites
from ops.reports.figures.figure import Timespan, report_year
from ops.reports.figures.owed import count_duties
from ops.reports.kinds.charts import chart_days, chart_owed, chart_uptimes
from ops.reports.kinds.table import find_kind
from ops.reports.make import PAPER_LANGUAGE, Wish, make_frame, reading_series, write_files
from ops.reports.papers.paper import Chart, Paper
from ops.reports.texts import Texts, load_texts

UNKNOWN = "–"
_BACKUPS = frozenset({"runs", "copies", "catalogue", "restores", "drills"})
_METRICS = {"disk": "disk_percent", "inodes": "inode_percent"}
_MOST_DRAWN, _MOST_LISTED = 2, 40
_ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class _Owed:
    """A duty about backups or drills, and on which days of a year it is due."""

    duty: Duty
    days: tuple[date, ...]

    @property
    def months(self) -> str:
        """The months of these days, such as `1 4 7 10`."""
        return " ".join(map(str, sorted({it.month for it in self.days})))


def read_annexes(session: Session, estate: Estate, facts: PlanFacts) -> Annexes:
    """Read them; what cannot be read stays empty, and the plan says so."""
    texts = load_texts(("plan",), estate.reports.texts)
    whole = report_year(facts.year - 1, estate.zone)
    window = Timespan(whole.first, min(whole.last, facts.today), estate.zone)
    owed, policy = _read_duties(estate, facts)
    with speaking(PAPER_LANGUAGE), reading_series(estate) as series:
        return Annexes(
            assets=tuple(_assets(facts)),
            backups=tuple(_backups(policy, estate, texts)),
            duties=tuple((it.duty.title.vi, it.months) for it in owed),
            outlooks=tuple(_tell(facts, it) for it in facts.outlooks[:_MOST_LISTED]),
            service=_drawings(_service(session, estate, series, texts, window, facts.today)),
            capacity=_drawings(_capacity(estate, series, texts, facts)),
            drills=_drawings(_drills(session, estate, texts, facts)),
        )


def _drawings(charts: Iterator[Chart]) -> tuple[Drawing, ...]:
    return tuple(Drawing(it.svg, it.caption) for it in charts)


def _assets(facts: PlanFacts) -> Iterator[tuple[str, ...]]:
    ranks = {name: rank for rank, name in enumerate(KINDS)}
    for it in sorted(facts.assets, key=lambda it: (ranks.get(it.kind, 99), it.name)):
        days = (it.bought_on, it.warranty_until, it.supported_until)
        yield (
            it.name,
            it.title,
            _(KINDS.get(it.kind, it.kind)),
            it.place or UNKNOWN,
            *(format_date(day) if day else UNKNOWN for day in days),
            _(STATES[it.state]),
            UNKNOWN if it.price is None else format_amount(it.price),
        )


def _read_duties(estate: Estate, facts: PlanFacts) -> tuple[Sequence[_Owed], Sequence[PolicyRow]]:
    try:
        duties = load_duties(estate).duties
    except DutiesError:
        return (), ()  # the plan's gaps say so already
    setting = make_setting(estate)
    first, last = date(facts.year, 1, 1), facts.last_day
    found = [it for it in duties if it.evidence.query in _BACKUPS and it.every is not None]
    owed: dict[str, _Owed] = {}
    for due in list_due(found, setting.calendar, first, last):
        if due.day is None or not list_subjects(due.duty, setting.estate):
            continue
        known = owed.get(due.duty.name)
        owed[due.duty.name] = _Owed(due.duty, (*(known.days if known else ()), due.day))
    order = {it.name: place for place, it in enumerate(duties)}
    return (
        sorted(owed.values(), key=lambda it: order[it.duty.name]),
        make_policy(estate, [it for it in duties if it.is_valid_on(facts.today)]),
    )


def _backups(
    policy: Sequence[PolicyRow], estate: Estate, texts: Texts
) -> Iterator[tuple[str, ...]]:
    """Yield what is backed up, and how; data that is backed up alike stands in one row."""
    titles = {it.name: it.title for it in estate.named_sites}
    found: dict[tuple[str, ...], list[str]] = {}
    for row in policy:
        _parts, often, _method, _copies, places, kept, targets, tests, *_rest = (
            text or UNKNOWN for _label, text in row_parts(row, estate, "", on_paper=True)
        )
        name = row.title or (titles[row.sites[0]] if len(row.sites) == 1 else "")
        data = texts.say("data", name=name or texts.say("no_class"), sites=len(row.sites))
        found.setdefault((often, kept, places, targets, tests), []).append(data)
    for rest, names in found.items():
        yield ("; ".join(names), *rest)


def _tell(facts: PlanFacts, it: Outlook) -> tuple[str, ...]:
    name = facts.call(it.subject, it.of)
    return (
        name[:1].upper() + name[1:],
        _(OUTLOOKS[it.kind]),
        tell_outlook(it),
        tell_growth(it) or UNKNOWN,
    )


def _service(
    session: Session,
    estate: Estate,
    series: SeriesStore | None,
    texts: Texts,
    window: Timespan,
    today: date,
) -> Iterator[Chart]:
    if window.first > window.last:
        return
    months = window.months()
    stops = list_stops(session, window).value or []
    names = [it.name for it in estate.named_sites]
    # Of today nobody knows yet how it was.
    now = datetime.combine(min(today, window.last + _ONE_DAY), time(), estate.zone)
    uptimes = measure_sites(series, names, stops, window, now).value
    if uptimes is not None:
        yield chart_uptimes(texts, uptimes, months)
    duties = count_duties(session, estate, window, now).value
    if duties is not None and duties.backup is not None:
        yield chart_owed(texts, duties.backup.by_month, months)


def _capacity(
    estate: Estate, series: SeriesStore | None, texts: Texts, facts: PlanFacts
) -> Iterator[Chart]:
    """Draw what fills first, as it was and as it will go on."""
    if series is None:
        return
    filling = [it for it in facts.outlooks if it.kind in _METRICS and it.forecast is not None]
    now = datetime.combine(facts.today, time(), estate.zone)
    for it in filling[:_MOST_DRAWN]:
        metric = _METRICS[it.kind] + (f"[{it.of}]" if it.of else "")
        wish = tasks.Chart(subject=it.subject, metric=metric, days=MOST_DAYS)
        buckets = read_buckets(wish, series, metric, now)
        if buckets:
            chart = make_chart(wish, estate, buckets, (), it.forecast, now=now)
            what = facts.call(it.subject, it.of)
            caption = texts.say(
                f"chart_{it.kind}", table="captions", what=what, outlook=tell_outlook(it)
            )
            yield Chart(draw_lines(replace(chart, title="", summary="", width=ON_PAPER)), caption)


def _drills(session: Session, estate: Estate, texts: Texts, facts: PlanFacts) -> Iterator[Chart]:
    year = Timespan(date(facts.year - 1, 1, 1), date(facts.year - 1, 12, 31), estate.zone)
    drills = list_concluded(session, year).value or []
    if drills:
        yield chart_days(texts, drills, year)


NAMES = {"plan": "ke-hoach", "submission": "to-trinh", "decision": "du-thao-quyet-dinh"}
"""Kind of each paper, and how its files are called."""


def write_papers(document: PlanDocument, estate: Estate) -> dict[str, bytes]:
    """Give the papers of a plan as DOCX and PDF: name of the file → its content.

    Of a decided one that is the plan alone: nobody is asked for a decision any more.

    Raises:
        OpsError: A text is broken, or a paper cannot be written as PDF.
    """
    revision = f"-sua-doi-{document.revision}" if document.revision else ""
    papers = make_papers(document, estate)
    return {
        name: content
        for kind, stem in NAMES.items()
        if kind in papers
        for name, content in write_files(papers[kind], f"{stem}-{document.year}{revision}").items()
    }


def make_papers(document: PlanDocument, estate: Estate) -> dict[str, Paper]:
    """Give the papers by kind, with the letterheads that were valid on the plan's day."""
    found: dict[str, Paper] = {}
    taken_at = datetime.combine(document.day, time(), estate.zone)
    with speaking(PAPER_LANGUAGE):
        for name in ("plan",) if document.decision else NAMES:
            wish = Wish(
                kind=find_kind(name),
                window=report_year(document.year, estate.zone),
                day=document.day,
            )
            frame = make_frame(estate, wish, taken_at)
            found[name] = wish.kind.find("write")(document, frame)
    return found
