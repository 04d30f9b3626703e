"""Show hosts, devices, sites and stores as they were last seen, what is red first."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Literal

from ops.alerts.looks import RED, Held
from ops.alerts.quiet import is_below
from ops.alerts.watch import read_states
from ops.catalog.open import Catalog, open_catalog
from ops.charts.lines import draw_sparkline
from ops.estate.load.load import load_estate
from ops.estate.model.estate import Estate
from ops.estate.model.references import reveal
from ops.language.text import N_, _, render_error
from ops.monitor.metrics import writer_of
from ops.monitor.series.points import split_metric
from ops.monitor.series.read import Bucket, Latest, read_latest, read_series
from ops.monitor.series.store import SeriesError, open_series, series_url
from ops.monitor.tasks import Status
from ops.monitor.watch.beat import tell_watch
from ops.terminal.output import Cell, Tone, write_indented, write_json, write_line, write_table

Health = Literal["bad", "passing", "not_checked", "good"]
_HEALTH: Mapping[Health, tuple[str, Tone]] = {
    "bad": (N_("red"), "bad"),
    "passing": (N_("look at it"), "warning"),
    "not_checked": (N_("not checked"), "warning"),
    "good": (N_("well"), "good"),
}
_KINDS = ("host", "device", "site", "store")
_FRESH = timedelta(minutes=15)
_DRAWN = timedelta(hours=24)
_HOUR = timedelta(hours=1)
_LINES = {"host": "cpu_percent", "device": "ping_seconds", "site": "probe_first_byte_seconds",
          "store": "store_used_bytes"}  # fmt: skip
"""What the line of the last day is of."""

HEADS = {
    "host": N_("Machine"), "device": N_("Device"), "site": N_("Site"), "store": N_("Store"),
}  # fmt: skip
COLUMNS: Mapping[str, tuple[tuple[str, str], ...]] = {
    "host": ((N_("Processors"), "cpu_percent"), (N_("Memory"), "memory_percent"),
             (N_("Fullest disk"), "disk_percent"), (N_("Load"), "load5")),
    "device": ((N_("Round trip"), "ping_seconds"),),
    "site": ((N_("First byte"), "probe_first_byte_seconds"),
             (N_("Certificate, days"), "certificate_days"),
             (N_("Newest backup"), "backup_age_seconds")),
    "store": ((N_("In use"), "store_used_bytes"), (N_("Free"), "store_free_bytes")),
}  # fmt: skip
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


def show_overview(wish: Status) -> int:
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
        _write_kind(kind, [it for it in found if it.subject.startswith(f"{kind}:")])
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
    return sorted(found, key=lambda it: list(_HEALTH).index(it.health))


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


def _write_kind(kind: str, found: Sequence[Seen]) -> None:
    if not found:
        return
    columns = COLUMNS[kind]
    rows = [
        (
            Cell(_name_of(it)),
            Cell(_(_HEALTH[it.health][0]), _HEALTH[it.health][1]),
            *(Cell(largest_of(it, metric)) for _head, metric in columns),
            Cell(draw_sparkline(it.line, low=0.0) if any(it.line) else "–", "faint"),
        )
        for it in found
    ]
    heads = [_(HEADS[kind]), _("State"), *(_(head) for head, _metric in columns), _("24 hours")]
    write_table(heads, rows, right=tuple(range(2, 2 + len(columns))))
    write_line()


def _name_of(it: Seen) -> str:
    name = it.subject.partition(":")[2]
    return _("this machine") if name == "this-machine" else name


def largest_of(it: Seen, metric: str) -> str:
    """Give the largest of a metric's values, and which of several it is; the youngest of ages."""
    values = list(_values_of(it, metric))
    if not values:
        return "–"
    value, of = min(values) if metric.endswith("_age_seconds") else max(values)
    text = writer_of(metric, value)(value)
    return f"{of} {text}" if of and metric == "disk_percent" else text


def _values_of(it: Seen, metric: str) -> Iterator[tuple[float, str]]:
    for name, value in it.values.items():
        base, of = split_metric(name)
        if base == metric:
            yield value, of
