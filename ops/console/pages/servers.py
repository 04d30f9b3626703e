"""Hosts, devices and stores as last seen; one with its charts, when it is full, what is found."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from ops.alerts.silences import is_below
from ops.alerts.watch import read_states
from ops.charts.lines import draw_lines, list_line_values, thin
from ops.console.office.desk import Desk
from ops.console.page import Arguments, Page
from ops.console.subjects import describe_subject
from ops.errors import WrongUseError
from ops.estate.model.estate import Estate
from ops.language.text import N_, _
from ops.monitor import tasks
from ops.monitor.chart import Drawn, draw_metric
from ops.monitor.forecast import Kind, Outlook, look_at_store
from ops.monitor.forecast_wording import EXPLANATIONS, tell_growth, tell_outlook
from ops.monitor.metrics import tell_metric, writer_of
from ops.monitor.overview import HEADS, HEALTH_TONES, HEALTHS, VIEWS, list_subjects, look_around
from ops.monitor.samples.sample import THIS_MACHINE
from ops.monitor.series.read import Latest, read_latest, split_metric
from ops.monitor.series.store import SeriesError, SeriesStore, open_series, series_url
from ops.terminal.view import as_table

_KINDS = ("host", "device", "store")


def read(desk: Desk, arguments: Arguments) -> Mapping[str, object]:
    """Give each thing with its newest figures; `health` among the arguments: only those."""
    wanted = arguments.get("health", "")
    found, trouble = look_around(desk.estate, desk.catalog, desk.now, _KINDS)
    shown = [it for it in found if not wanted or it.health == wanted]
    with desk.catalog.reading() as session:
        states = read_states(session).values()
    return {
        "kinds": [
            (_(HEADS[kind]), as_table(VIEWS[kind], seen))
            for kind in _KINDS
            if (seen := [it for it in shown if it.subject.startswith(f"{kind}:")])
        ],
        "counts": [
            (it, HEALTH_TONES[it], f"{_(text)}: {count}")
            for it, text in HEALTHS.items()
            if (count := sum(one.health == it for one in found))
        ],
        "full_soon": [
            {**describe_subject(it.subject), "told": EXPLANATIONS[it.code](it.params).what}
            for it in states
            if it.code in EXPLANATIONS and it.state == "bad"
        ],
        "trouble": trouble,
    }


PAGE = Page(
    name="servers",
    title=N_("Servers"),
    task="monitor.status",
    read=read,
    reads=("health",),
    acts=("monitor.check",),
    group="infrastructure",
)


_STEPS: Mapping[int, timedelta] = {
    1: timedelta(minutes=5),
    7: timedelta(hours=1),
    90: timedelta(hours=6),
    365: timedelta(days=1),
}
"""Days that a chart may show, and how fine: some 300 places each, as much as a page can carry."""

_FIRST = ("cpu_percent", "load5", "memory_percent", "swap_percent", "disk_percent",
          "store_used_bytes", "store_free_bytes", "ping_seconds")  # fmt: skip
_MOST_CHARTS, _MOST_ROWS, _MOST_FIGURES, _MOST_LISTED = 8, 48, 200, 50
_SEEN = timedelta(days=7)
_FORECASTS: Mapping[str, Kind] = {"disk_percent": "disk", "inode_percent": "inodes"}


def read_server(desk: Desk, arguments: Arguments) -> Mapping[str, object]:
    """Give everything about one of them.

    Args:
        desk: Where.
        arguments: `host`, `device` or `store`: its name; `days`: 1, 7, 90 or 365; `metric`: that
            chart alone.
    """
    subject = _choose(desk.estate, arguments)
    days = next((it for it in _STEPS if str(it) == arguments.get("days", "")), 1)
    kind, _colon, name = subject.partition(":")
    charts, figures, trouble = list[dict[str, Any]](), list[dict[str, Any]](), False
    try:
        store = open_series(series_url(desk.estate))
        try:
            latest = _latest(store, subject, desk.now)
            asked = arguments.get("metric", "")
            drawn = [it.metric for it in latest if it.metric == asked] or _choose_metrics(latest)
            charts = list(_draw(desk, store, subject, drawn, days))
        finally:
            store.close()
        figures = [_figure(it) for it in latest[:_MOST_FIGURES]]
        capacity = _capacity(desk, subject, latest)
    except SeriesError:
        capacity, trouble = [], True
    return {
        **describe_subject(subject),
        "kind": kind,
        "thing": name,
        "days": days,
        "steps": list(_STEPS),
        "metric": arguments.get("metric", ""),
        "charts": charts,
        "figures": figures,
        "capacity": [it["outlook"] for it in charts if it["outlook"]] + capacity,
        "trouble": trouble,
        "alerts": _alerts(desk, subject),
        "findings": _findings(desk, kind, name),
        "sites": _sites(desk.estate, kind, name),
    }


def _choose(estate: Estate, arguments: Arguments) -> str:
    named = [
        f"{kind}:{name}"
        for kind in ("host", "device", "store")
        if (name := arguments.get(kind, ""))
    ]
    subject = named[0] if named else f"host:{THIS_MACHINE}"
    if subject not in list_subjects(estate):
        raise WrongUseError(
            "the estate has no {subject}",
            next_step="the page of servers lists what is watched",
            subject=subject[:80],
        )
    return subject


def _latest(store: SeriesStore, subject: str, now: datetime) -> list[Latest]:
    found = [it for it in read_latest(store, now - _SEEN) if it.subject == subject]
    return sorted(found, key=lambda it: (_rank(it.metric), it.metric))


def _rank(metric: str) -> int:
    name = split_metric(metric)[0]
    return _FIRST.index(name) if name in _FIRST else len(_FIRST)


def _choose_metrics(latest: Sequence[Latest]) -> list[str]:
    return [it.metric for it in latest if _rank(it.metric) < len(_FIRST)][:_MOST_CHARTS]


def _draw(
    desk: Desk, store: SeriesStore, subject: str, metrics: Sequence[str], days: int
) -> Iterator[dict[str, Any]]:
    for metric in metrics:
        wish = tasks.Chart(subject=subject, metric=metric, days=days)
        drawn = draw_metric(wish, store, desk.estate, desk.now, _STEPS[days])
        if drawn is None:
            continue
        lines = tuple(
            replace(it, dots=tuple(thin(it.dots, _MOST_ROWS))) for it in drawn.chart.lines
        )
        heads, rows = list_line_values(replace(drawn.chart, lines=lines))
        yield {
            "metric": metric,
            "title": tell_metric(metric),
            "svg": draw_lines(drawn.chart),
            "heads": heads,
            "rows": rows,
            "outlook": _outlook(subject, metric, drawn),
        }


def _outlook(subject: str, metric: str, drawn: Drawn) -> dict[str, str] | None:
    name, of = split_metric(metric)
    if name not in _FORECASTS or drawn.forecast is None:
        return None
    return _tell(Outlook(subject, _FORECASTS[name], of, drawn.forecast), tell_metric(metric))


def _capacity(desk: Desk, subject: str, latest: Sequence[Latest]) -> list[dict[str, str]]:
    """Give when a store is full, by what lies in it and what retention lets go."""
    stores = [it for it in desk.estate.stores if subject == f"store:{it.name}"]
    with desk.catalog.reading() as session:
        return [
            _tell(look_at_store(latest, session, desk.estate, it, desk.now), "") for it in stores
        ]


def _tell(it: Outlook, title: str) -> dict[str, str]:
    return {
        "title": title,
        "told": tell_outlook(it),
        "growth": tell_growth(it),
        "verdict": it.forecast.verdict if it.forecast else "",
    }


def _figure(it: Latest) -> dict[str, str]:
    written = writer_of(it.metric, it.value)(it.value)
    return {
        "metric": it.metric,
        "title": tell_metric(it.metric),
        "value": written,
        "at": it.at.isoformat(),
    }


def _alerts(desk: Desk, subject: str) -> list[dict[str, Any]]:
    if not desk.may("monitor.alerts"):
        return []
    found = desk.look("monitor.alerts")["items"]
    return [it for it in found if is_below(it["subject"], subject)][:_MOST_LISTED]


def _findings(desk: Desk, kind: str, name: str) -> list[dict[str, Any]] | None:
    """Give the open ones; None for who may not see them, and for what is not audited."""
    if kind != "host" or not desk.may("security.findings"):
        return None
    host = "localhost" if name == THIS_MACHINE else name
    found: list[dict[str, Any]] = desk.look("security.findings", host=host)["items"]
    return found[:_MOST_LISTED]


def _sites(estate: Estate, kind: str, name: str) -> list[dict[str, str]]:
    """Give the sites whose files or databases lie on a host."""
    if kind != "host":
        return []
    host = None if name == THIS_MACHINE else name
    return [
        {"name": it.name, "title": it.title}
        for it in estate.sites
        if host in {*(part.host for part in it.files), *(part.host for part in it.databases)}
    ]


SERVER_PAGE = Page(
    name="server",
    title=N_("Server"),
    task="monitor.chart",
    read=read_server,
    reads=("host", "device", "store", "days", "metric"),
    acts=("monitor.check",),
)
