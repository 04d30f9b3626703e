"""Draw a metric: a line of blocks in the terminal, SVG and its table in files."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

from ops.charts.lines import Curve, Dot, LineChart, draw_lines, draw_sparkline, list_line_values
from ops.charts.svg import Table
from ops.csv_file import write_csv
from ops.durable_files import put_new
from ops.errors import OpsError, WrongUseError
from ops.estate.load.load import load_estate
from ops.estate.model.estate import Estate
from ops.language.formats import format_date, format_moment
from ops.language.text import _
from ops.monitor.availability import AVAILABILITY, make_calendar
from ops.monitor.forecast import FULL, find_maxima
from ops.monitor.forecast_wording import name_thing
from ops.monitor.metrics import tell_metric, writer_of
from ops.monitor.series.read import Bucket, Gap, read_gaps, read_latest, read_series, split_metric
from ops.monitor.series.store import SeriesStore, open_series, series_url
from ops.monitor.tasks import Chart
from ops.monitor.trend import MOST_DAYS, Forecast, forecast_limit
from ops.terminal.output import write_indented, write_json, write_line, write_table

LONGEST_DAYS = 760
_BLOCKS = 60
_STEPS = (
    (2, timedelta(minutes=1)),
    (31, timedelta(minutes=15)),
    (LONGEST_DAYS, timedelta(hours=1)),
)
_FORECAST = frozenset({"disk_percent", "inode_percent"})
_ONE_DAY = timedelta(days=1)
SERVICE = "service:giucong"


def choose_subject(estate: Estate, *, subject: str, host: str, site: str) -> str:
    """Give the subject that flags mean."""
    given = [it for it in (subject, host and f"host:{host}", site and f"site:{site}") if it]
    if len(given) != 1:
        raise WrongUseError(
            "one of --host, --site and --subject is needed",
            next_step="`{program} monitor.status` lists what is watched",
        )
    if site:
        estate.site(site)
    if host and host != "this-machine":
        estate.host(host)
    return given[0]


def show_chart(wish: Chart) -> int:
    """Draw it; gives 0."""
    estate = load_estate()
    subject = choose_subject(estate, subject=wish.subject, host=wish.host, site=wish.site)
    wish = replace(wish, subject=subject, host="", site="")
    if not 1 <= wish.days <= LONGEST_DAYS:
        raise WrongUseError(
            "--days takes 1 to {most}",
            why="figures are kept for 25 months",
            next_step="give fewer days",
            most=LONGEST_DAYS,
        )
    now = datetime.now(UTC)
    store = open_series(series_url(estate))
    try:
        if wish.metric == AVAILABILITY:
            svg, table = make_calendar(store, estate, wish.subject, wish.days, now)
            _give(wish, svg, table, [])
        elif wish.metric:
            _show_one(wish, store, estate, now)
        else:
            _show_all(wish, store, now)
    finally:
        store.close()
    return 0


def _step_of(days: int) -> timedelta:
    return next(step for most, step in _STEPS if days <= most)


def read_buckets(wish: Chart, store: SeriesStore, metric: str, now: datetime) -> list[Bucket]:
    """Give what was measured of a metric in the days of the wish, as fine as they are drawn."""
    since = now - timedelta(days=wish.days)
    return read_series(store, wish.subject, metric, since, now, _step_of(wish.days))


def _show_all(wish: Chart, store: SeriesStore, now: datetime) -> None:
    """Write every metric of the subject with its newest value and its line."""
    latest = [
        it for it in read_latest(store, now - timedelta(days=7)) if it.subject == wish.subject
    ]
    if not latest:
        raise _nothing(wish, [])
    rows = []
    for it in latest:
        buckets = read_buckets(wish, store, it.metric, now)
        rows.append(
            (
                it.metric,
                tell_metric(it.metric),
                writer_of(it.metric, it.value)(it.value),
                draw_sparkline(spread(buckets, wish.days, now, blocks=24)),
            )
        )
    if wish.json:
        write_json(map(asdict, latest), subject=wish.subject)
        return
    write_table([_("Metric"), _("What it is"), _("Newest"), _("Course")], rows, right=(2,))


def spread(
    buckets: Sequence[Bucket], days: int, now: datetime, *, blocks: int = _BLOCKS
) -> list[float | None]:
    """Give means of so many equal times until now, None where nothing was measured; pure."""
    step, since = timedelta(days=days) / blocks, now - timedelta(days=days)
    sums: list[tuple[float, int]] = [(0.0, 0)] * blocks
    for it in buckets:
        place = min(max(0, int((it.at - since) / step)), blocks - 1)
        total, count = sums[place]
        sums[place] = (total + it.mean * it.count, count + it.count)
    return [total / count if count else None for total, count in sums]


def _nothing(wish: Chart, known: Sequence[str]) -> OpsError:
    return WrongUseError(
        "there are no figures of {subject}: {metric}",
        why="known are: {known}" if known else "nothing of it was measured in the last days",
        next_step="`{program} monitor.chart --subject {subject}` lists its metrics",
        subject=wish.subject,
        metric=wish.metric or _("any"),
        known=", ".join(known[:30]),
    )


def _show_one(wish: Chart, store: SeriesStore, estate: Estate, now: datetime) -> None:
    drawn = draw_metric(wish, store, estate, now)
    if drawn is None:
        latest = read_latest(store, now - timedelta(days=7))
        raise _nothing(wish, [it.metric for it in latest if it.subject == wish.subject])
    if not wish.out and not wish.json:
        write_line(f"{wish.subject} · {tell_metric(wish.metric)}")
        write_line(f"  {draw_sparkline(spread(drawn.buckets, wish.days, now))}")
        write_indented(drawn.chart.summary, "  ")
        return
    items = [asdict(it) for it in drawn.buckets]
    _give(wish, draw_lines(drawn.chart), list_line_values(drawn.chart), items)


@dataclass(frozen=True, slots=True)
class Drawn:
    """A metric's chart.

    Attributes:
        chart: What is drawn.
        buckets: Its figures, at least one.
        forecast: Of what has an end: when it is there; None for all else.
    """

    chart: LineChart
    buckets: Sequence[Bucket]
    forecast: Forecast | None


def draw_metric(
    wish: Chart, store: SeriesStore, estate: Estate, now: datetime, step: timedelta | None = None
) -> Drawn | None:
    """Give the chart of one metric; None where nothing was measured.

    Args:
        wish: What; its `out` does not count.
        store: The series.
        estate: Whose zone counts.
        now: Aware.
        step: How fine; None for as fine as files have it.

    Raises:
        SeriesError: The series cannot be used.
    """
    since = now - timedelta(days=wish.days)
    fine = step or _step_of(wish.days)
    buckets = read_series(store, wish.subject, wish.metric, since, now, fine)
    if not buckets:
        return None
    gaps = read_gaps(store, SERVICE, since, now)
    forecast = None
    if split_metric(wish.metric)[0] in _FORECAST:
        first = now - timedelta(days=MOST_DAYS)
        daily = read_series(store, wish.subject, wish.metric, first, now, timedelta(hours=1))
        today = now.astimezone(estate.zone).date()
        forecast = forecast_limit(find_maxima(daily, estate), FULL, today)
    return Drawn(make_chart(wish, estate, buckets, gaps, forecast, now=now), buckets, forecast)


def _give(wish: Chart, svg: str, table: Table, items: list[dict[str, Any]]) -> None:
    """Write the files where they are asked for, else the table."""
    heads, rows = table
    if wish.out:
        out = Path(wish.out)
        try:
            put_new(out, svg.encode(), 0o644)
            put_new(out.with_suffix(".csv"), write_csv([heads, *rows]), 0o644)
        except OSError as error:
            raise OpsError(
                "the chart cannot be written to {path}",
                why="{reason}",
                data="nothing that was there was changed",
                next_step="give `--out` a new name in a folder that is yours",
                path=wish.out,
                reason=error.strerror or type(error).__name__,
            ) from error
        write_line(_("drawn: {path}, and its figures beside it as CSV").format(path=wish.out))
    if wish.json:
        shown = items or [dict(zip(("day", "words"), row, strict=True)) for row in rows]
        write_json(shown, subject=wish.subject, metric=wish.metric)
    elif not wish.out:
        write_table(heads, rows)


def make_chart(
    wish: Chart,
    estate: Estate,
    buckets: Sequence[Bucket],
    gaps: Sequence[Gap],
    forecast: Forecast | None,
    *,
    now: datetime,
) -> LineChart:
    """Give what is drawn; pure."""
    zone, step = estate.organisation.timezone, _step_of(wish.days).total_seconds()
    largest = max(it.maximum for it in buckets)
    write = writer_of(wish.metric, largest)
    dots = tuple(Dot(it.at.timestamp(), it.mean, it.minimum, it.maximum) for it in buckets)
    lines = [Curve(_("measured"), dots, 2.5 * max(step, _usual_step(dots)))]
    begin, end = now - timedelta(days=wish.days), now
    if forecast is not None and forecast.verdict == "fills" and forecast.level is not None:
        end = now + timedelta(days=max(1, wish.days // 3))
        course = _course(forecast, estate, now, end)
        lines.append(Curve(_("forecast of daily maxima"), course, 1e12, is_forecast=True))
    shares = wish.metric.split("[", 1)[0].endswith("_percent")
    return LineChart(
        title=f"{name_thing(wish.subject.partition(':')[2])}: {tell_metric(wish.metric)}",
        summary=_tell(buckets, forecast, write, zone),
        lines=tuple(lines),
        window=(begin.timestamp(), end.timestamp()),
        ticks=choose_moments(begin, end, estate),
        limits=((FULL, _("full: 100 %")),) if shares and largest > FULL / 2 else (),
        gaps=tuple((it.since.timestamp(), it.until.timestamp()) for it in gaps),
        gap_label=_("nobody looked"),
        write_value=write,
        write_x=lambda it: format_moment(datetime.fromtimestamp(it, UTC), zone),
        heads=(_("Moment"), _("smallest"), _("mean"), _("largest")),
        nothing=_("nothing was measured in this time"),
    )


def _usual_step(dots: Sequence[Dot]) -> float:
    """Give the seconds between most neighbours: what is measured more rarely is joined, too."""
    return median([b.x - a.x for a, b in pairwise(dots)] or [0.0])


def _tell(
    buckets: Sequence[Bucket], forecast: Forecast | None, write: Callable[[float], str], zone: str
) -> str:
    count = sum(it.count for it in buckets)
    mean = sum(it.mean * it.count for it in buckets) / count
    text = _("newest {newest} ({moment}); smallest {low}, mean {mean}, largest {high}").format(
        newest=write(buckets[-1].mean),
        moment=format_moment(buckets[-1].at, zone),
        low=write(min(it.minimum for it in buckets)),
        mean=write(mean),
        high=write(max(it.maximum for it in buckets)),
    )
    if forecast is not None and forecast.on is not None:
        text += "; " + _("full on {on}").format(on=format_date(forecast.on))
    return text


def _course(forecast: Forecast, estate: Estate, now: datetime, end: datetime) -> tuple[Dot, ...]:
    """Give the line of a forecast from now on, with its range."""
    level, today = forecast.level or 0.0, now.astimezone(estate.zone).date()
    slopes = [_slope(level, day, today) for day in (forecast.last, forecast.first)]
    days = (end - now) / _ONE_DAY
    return tuple(
        Dot(
            (now + share * (end - now)).timestamp(),
            *(
                min(FULL, level + slope * share * days)
                for slope in (
                    forecast.a_day,
                    min(slopes[0], forecast.a_day),
                    max(slopes[1], forecast.a_day),
                )
            ),
        )
        for share in (0.0, 0.25, 0.5, 0.75, 1.0)
    )


def _slope(level: float, day: date | None, today: date) -> float:
    return (FULL - level) / max(1, (day - today).days) if day else 0.0


def choose_moments(begin: datetime, end: datetime, estate: Estate) -> tuple[tuple[float, str], ...]:
    """Give the marks of a time axis: hours, days, weeks or months of the organisation; pure."""
    days = (end - begin) / _ONE_DAY
    zone = estate.zone
    first = begin.astimezone(zone).date()
    count = range(int(days) + 2)
    if days <= 3:  # noqa: PLR2004 - hours are wanted
        hours = [(first + n * _ONE_DAY, hour) for n in count for hour in (0, 6, 12, 18)]
        marks = [(datetime.combine(day, time(hour), zone), f"{hour:02d}:00") for day, hour in hours]
        marks = [(at, f"{at:%d/%m}" if at.hour == 0 else label) for at, label in marks]
    elif days <= 100:  # noqa: PLR2004 - days are wanted
        every = max(1, round(days / 8))
        chosen = [first + n * _ONE_DAY for n in count if n % every == 0]
        marks = [(datetime.combine(it, time(), zone), f"{it:%d/%m}") for it in chosen]
    else:
        every = max(1, round(days / 30 / 8))
        firsts = [it for n in count if (it := first + n * _ONE_DAY).day == 1]
        marks = [(datetime.combine(it, time(), zone), f"{it:%m/%Y}") for it in firsts[::every]]
    return tuple((at.timestamp(), label) for at, label in marks if begin <= at <= end)
