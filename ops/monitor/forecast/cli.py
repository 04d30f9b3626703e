"""Show what is full soon."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime

from ops.catalog.open import open_catalog
from ops.estate.load.load import load_estate
from ops.estate.model.references import reveal
from ops.language.text import _
from ops.monitor.forecast.look import Outlook, judge_outlooks, list_outlooks
from ops.monitor.forecast.wording import KINDS, name_thing, tell_growth, tell_outlook
from ops.monitor.series.place import series_url
from ops.monitor.series.store import open_series
from ops.monitor.tasks import Forecast
from ops.terminal.output import Cell, Tone, write_json, write_line, write_table


def show_forecasts(wish: Forecast) -> int:
    """Write when everything is at its end; gives 1 where something is within its limit, else 0.

    Raises:
        SeriesError: The series cannot be used.
    """
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
    if wish.json:
        write_json(({**asdict(it), "told": tell_outlook(it)} for it in outlooks), ok=not any(soon))
        return int(any(soon))
    if not outlooks:
        write_line(_("Nothing that fills has been measured yet."))
        return 0
    rows = [_row(it, judged) for it in outlooks]
    write_table([_("Where"), _("What fills"), _("When it is full"), _("Growth")], rows)
    return int(any(soon))


def _row(it: Outlook, judged: Mapping[str, str]) -> tuple[Cell, ...]:
    state = judged.get(f"forecast:{it.subject}/{it.kind}:{it.of}", "good")
    tone: Tone = "bad" if state == "bad" else "faint" if state == "not_checked" else "plain"
    what = f"{_(KINDS[it.kind])} {it.of}".strip()
    name = name_thing(it.subject.partition(":")[2])
    return Cell(name), Cell(what), Cell(tell_outlook(it), tone), Cell(tell_growth(it), "faint")
