"""Show hosts, devices, sites and stores as they were last seen, what is red first."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Literal
from urllib.parse import quote

from ops.alerts.looks import RED, Held
from ops.alerts.silences import is_below
from ops.alerts.watch import read_states
from ops.catalog.open import Catalog, open_catalog
from ops.charts.lines import draw_sparkline
from ops.estate.load.load import load_estate
from ops.estate.model.estate import Estate
from ops.estate.model.references import reveal
from ops.language.text import N_, _, render_error
from ops.monitor.beat import tell_watch
from ops.monitor.metrics import writer_of
from ops.monitor.series.read import Bucket, Latest, read_latest, read_series, split_metric
from ops.monitor.series.store import SeriesError, open_series, series_url
from ops.monitor.tasks import ShowWatched
from ops.terminal.output import Cell, Tone, write_indented, write_json, write_line
from ops.terminal.view import Column, Row, View, figure, words, write_list

Health = Literal["bad", "passing", "not_checked", "good"]
HEALTHS: Mapping[Health, str] = {
    "bad": N_("red"),
    "passing": N_("look at it"),
    "not_checked": N_("not checked"),
    "good": N_("well"),
}
HEALTH_TONES: Mapping[Health, Tone] = {
    "bad": "bad",
    "passing": "warning",
    "not_checked": "warning",
    "good": "good",
}
_KINDS = ("host", "device", "site", "store")
_FRESH = timedelta(minutes=15)
_DRAWN = timedelta(hours=24)
_HOUR = timedelta(hours=1)
_LINES = {
    "host": "cpu_percent",
    "device": "ping_seconds",
    "site": "probe_first_byte_seconds",
    "store": "store_used_bytes",
}
"""What the line of the last day is of."""

HEADS = {"host": N_("Machine"), "device": N_("Device"), "site": N_("Site"), "store": N_("Store")}
COLUMNS: Mapping[str, tuple[tuple[str, str], ...]] = {
    "host": (
        (N_("Processors"), "cpu_percent"),
        (N_("Memory"), "memory_percent"),
        (N_("Fullest disk"), "disk_percent"),
        (N_("Load"), "load5"),
    ),
    "device": ((N_("Round trip"), "ping_seconds"),),
    "site": (
        (N_("First byte"), "probe_first_byte_seconds"),
        (N_("Certificate, days"), "certificate_days"),
        (N_("Newest backup"), "backup_age_seconds"),
    ),
    "store": ((N_("In use"), "store_used_bytes"), (N_("Free"), "store_free_bytes")),
}
"""What is shown of each kind: heads, and metrics."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One thing as it was last seen.

    Attributes:
        subject: `host:web1`.
        health: How it is; `not_checked` where nothing was measured of it of late.
        values: Its newest figures, by metric.
        line: Of the last 24 hours, one an hour; None where nothing was measured.
    """

    subject: str
    health: Health
    values: Mapping[str, float] = field(default_factory=dict)
    line: tuple[float | None, ...] = ()


def show_overview(wish: ShowWatched) -> int:
    """Write how everything was last seen; gives 1 where something is red, else 0."""
    estate, now = load_estate(), datetime.now(UTC)
    with open_catalog(reveal(estate.catalog.url)) as catalog:
        found, trouble = look_around(estate, catalog, now)
    code = 1 if any(it.health == "bad" for it in found) else 0
    if wish.json:
        told = render_error(trouble) if trouble else ""
        write_json(map(asdict, found), ok=code == 0, series=told)
        return code
    for kind in _KINDS:
        if seen := [it for it in found if it.subject.startswith(f"{kind}:")]:
            write_list(VIEWS[kind], seen, as_json=False)
            write_line()
    if trouble is not None:
        write_indented(render_error(trouble), "", "  ")
    for line in tell_watch(estate, now):
        write_line(line)
    return code


def look_around(
    estate: Estate, catalog: Catalog, now: datetime, kinds: Collection[str] = _KINDS
) -> tuple[list[Seen], SeriesError | None]:
    """Give how everything of these kinds was last seen, and why figures lack where they do."""
    with catalog.reading() as session:
        states = list(read_states(session).values())
    subjects = [it for it in list_subjects(estate) if it.partition(":")[0] in kinds]
    try:
        store = open_series(series_url(estate))
        try:
            latest = read_latest(store, now - _FRESH)
            lines = {
                subject: _line(read_series(store, subject, metric, now - _DRAWN, now, _HOUR), now)
                for subject in subjects
                if (metric := _LINES[subject.partition(":")[0]])
            }
        finally:
            store.close()
    except SeriesError as error:
        return judge_seen(subjects, states, [], {}), error
    return judge_seen(subjects, states, latest, lines), None


def list_subjects(estate: Estate) -> list[str]:
    """Give what the estate has watched, hosts first; this machine leads them."""
    return [
        "host:this-machine",
        *(f"host:{it.name}" for it in estate.hosts),
        *(f"device:{it.name}" for it in estate.devices),
        *(f"site:{it.name}" for it in estate.sites),
        *(f"store:{it.name}" for it in estate.stores),
    ]


def _line(buckets: Iterable[Bucket], now: datetime) -> tuple[float | None, ...]:
    means = {it.at: it.mean for it in buckets}
    newest = now.replace(minute=0, second=0, microsecond=0)
    return tuple(means.get(newest - ago * _HOUR) for ago in range(23, -1, -1))


def judge_seen(
    subjects: Sequence[str],
    states: Iterable[Held],
    latest: Iterable[Latest],
    lines: Mapping[str, tuple[float | None, ...]],
) -> list[Seen]:
    """Put together what is known, what is red first; pure.

    Args:
        subjects: Everything that is to be there.
        states: What is kept of conditions.
        latest: Fresh figures.
        lines: Of the last day, by subject.
    """
    held, values = list(states), defaultdict[str, dict[str, float]](dict)
    for it in latest:
        values[it.subject][it.metric] = it.value
    found = [
        Seen(it, _health_of(it, held, is_seen=it in values), values.get(it, {}), lines.get(it, ()))
        for it in subjects
    ]
    return sorted(found, key=lambda it: list(HEALTHS).index(it.health))


def _health_of(subject: str, states: Iterable[Held], *, is_seen: bool) -> Health:
    """Give the gravest of what is below a subject, forecasts included, as `giucong` calls it.

    Red is what is critical and told, or would be if what it stands on were not.
    """
    own = [
        it
        for it in states
        if is_below(it.subject, subject) and (it.state in RED or it.alert is not None)
    ]
    if any(it.severity == "critical" and it.stage in {"firing", "suppressed"} for it in own):
        return "bad"
    if own:
        return "passing"
    return "good" if is_seen else "not_checked"


def _largest_of(row: Row, metric: str) -> str:
    """Give the largest of a metric's values, and which of several it is; the youngest of ages."""
    named = ((value, *split_metric(name)) for name, value in row["values"].items())
    values = [(value, of) for value, base, of in named if base == metric]
    if not values:
        return ""
    value, of = min(values) if metric.endswith("_age_seconds") else max(values)
    text = writer_of(metric, value)(value)
    return f"{of} {text}" if of and metric == "disk_percent" else text


def _name_of(row: Row) -> Cell:
    kind, _colon, name = row["subject"].partition(":")
    page = "/site?site=" if kind == "site" else f"/server?{kind}="
    return Cell(_("this machine") if name == "this-machine" else name, link=page + quote(name, ""))


def _line_of(row: Row) -> Cell | None:
    return Cell(draw_sparkline(row["line"], low=0.0), "faint") if any(row["line"]) else None


def _view(head: str, columns: Sequence[tuple[str, str]]) -> View:
    return View(
        "",
        Column("subject", head, of=_name_of),
        Column("health", N_("State"), words(HEALTHS, HEALTH_TONES)),
        *(
            Column(metric, head, figure, of=partial(_largest_of, metric=metric))
            for head, metric in columns
        ),
        Column("line", N_("24 hours"), of=_line_of),
    )


VIEWS = {kind: _view(HEADS[kind], columns) for kind, columns in COLUMNS.items()}
