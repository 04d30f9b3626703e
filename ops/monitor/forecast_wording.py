"""Say in words when something is full."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, date, datetime
from typing import Any

from ops.catalog.open import open_catalog
from ops.estate.load.load import load_estate
from ops.estate.model.references import reveal
from ops.language.formats import format_date, format_number, format_size
from ops.language.text import N_, _, fill
from ops.monitor.forecast import Outlook, judge_outlooks, list_outlooks
from ops.monitor.samples.sample import THIS_MACHINE
from ops.monitor.series.store import open_series, series_url
from ops.monitor.tasks import Forecast
from ops.outcomes import Explainer, Explanation
from ops.terminal.output import Cell, Tone
from ops.terminal.view import Column, Row, View, write_list

KINDS = {
    "disk": N_("disk"),
    "inodes": N_("inodes"),
    "store": N_("store"),
    "certificate": N_("certificate"),
}
_ENDS = N_("full on {on}, between {first} and {last}")
_OPEN_END = N_("full on {on}, not before {first}")
_NOTHING_LOST = N_("nothing is lost; a full disk stops what writes there")

_TEXTS: Mapping[str, Explanation] = {
    "disk_fills": Explanation(
        N_("the disk {of} of {title} is full in {days} days: {ends}"),
        N_("the limit is {limit} days; by the maxima of the last weeks"),
        _NOTHING_LOST,
        N_("see what grows: `{program} monitor.chart --host {name} --metric 'disk_percent[{of}]'`"),
    ),
    "inodes_fills": Explanation(
        N_("{of} of {title} has no room for more files in {days} days: {ends}"),
        N_("the limit is {limit} days; by the maxima of the last weeks"),
        _NOTHING_LOST,
        N_(
            "see what grows: `{program} monitor.chart --host {name} --metric 'inode_percent[{of}]'`"
        ),
    ),
    "store_fills": Explanation(
        N_("the store {title} is full in {days} days: {ends}"),
        N_("the limit is {limit} days; what retention lets go until then is counted"),
        N_("backups in it are not affected; new ones fail when it is full"),
        N_("give it room, or keep less: `[defaults.retention]` in the estate"),
    ),
}


def _explainer(text: Explanation) -> Explainer:
    def explain(params: Mapping[str, Any]) -> Explanation:
        ends = ("on", "first", "last")
        days = {it: date.fromisoformat(params[it]) if params.get(it) else None for it in ends}
        named = {
            **params,
            "title": name_thing(params["name"]),
            "ends": _tell_ends(days["on"], days["first"], days["last"]),
        }
        parts = (text.what, text.why, text.data, text.next_step)
        return Explanation(*(fill(_(it), named) for it in parts))

    return explain


EXPLANATIONS: Mapping[str, Explainer] = {code: _explainer(it) for code, it in _TEXTS.items()}


def name_thing(name: str) -> str:
    """Give what people call a host, a site or a store."""
    return _("this machine") if name == THIS_MACHINE else name


def _tell_ends(on: date | None, first: date | None, last: date | None) -> str:
    days = {"on": on, "first": first, "last": last}
    told = {name: format_date(day) for name, day in days.items() if day is not None}
    return _(_ENDS if last is not None else _OPEN_END).format(**told)


def tell_outlook(it: Outlook) -> str:
    """Say when it is at its end."""
    forecast = it.forecast
    if forecast is None:
        return _("nobody knows how much room there is")
    if it.kind == "certificate":
        return _("ends on {day}").format(day=format_date(forecast.on)) if forecast.on else ""
    if forecast.verdict == "fills":
        return _tell_ends(forecast.on, forecast.first, forecast.last)
    if forecast.verdict == "full":
        return _("full already")
    if forecast.verdict == "not_filling":
        return _("not filling")
    text = _("too little data: {days} days, of several weeks that are needed")
    return text.format(days=forecast.days)


def tell_growth(it: Outlook) -> str:
    """Say how much it grows a day; empty where nobody knows."""
    if (
        it.forecast is None
        or it.kind == "certificate"
        or it.forecast.verdict in {"full", "too_little_data"}
    ):
        return ""
    if it.kind == "store":
        return _("{size} a day").format(size=format_size(round(it.forecast.a_day)))
    return _("{points} points a day").format(points=format_number(it.forecast.a_day, 1))


def show_forecasts(wish: Forecast) -> int:
    """Write when everything is at its end; gives 1 where something is within its limit, else 0."""
    estate, now = load_estate(), datetime.now(UTC)
    catalog, store = open_catalog(reveal(estate.catalog.url)), None
    try:
        store = open_series(series_url(estate))
        with catalog.reading() as session:
            outlooks = list_outlooks(store, session, estate, now)
    finally:
        if store is not None:
            store.close()
        catalog.close()
    judged = {it.subject: it.state for it in judge_outlooks(outlooks, estate, now)}
    soon = [state == "bad" for state in judged.values()]
    rows = [{**asdict(it), "told": tell_outlook(it)} for it in outlooks]
    growths = {(it.subject, it.kind, it.of): tell_growth(it) for it in outlooks}
    beside = {
        "told": lambda row: Cell(row["told"], _TONES.get(judged.get(_condition(row), ""), "plain")),
        "growth": lambda row: growths[row["subject"], row["kind"], row["of"]],
    }
    write_list(FORECASTS, rows, as_json=wish.json, beside=beside, ok=not any(soon))
    return int(any(soon))


def _condition(row: Row) -> str:
    return f"forecast:{row['subject']}/{row['kind']}:{row['of']}"


_TONES: Mapping[str, Tone] = {"bad": "bad", "not_checked": "faint"}
FORECASTS = View(
    N_("Nothing that fills has been measured yet."),
    Column("subject", N_("Where"), of=lambda row: name_thing(row["subject"].partition(":")[2])),
    Column("kind", N_("What fills"), of=lambda row: f"{_(KINDS[row['kind']])} {row['of']}".strip()),
    Column("told", N_("When it is full")),
    Column("growth", N_("Growth")),
)
