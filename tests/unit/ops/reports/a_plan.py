"""A plan drafted from some assets, and a disk that fills, for papers about it."""

from datetime import date, timedelta

from sqlalchemy import insert, select, update

from ops.catalog.open import Catalog
from ops.catalog.tables.register import Asset
from ops.estate.model.estate import Estate
from ops.journal.journal import Origin
from ops.monitor.series.read import Point
from ops.monitor.series.store import hours, open_series, series, series_url
from ops.monitor.series.write import write_points
from ops.planning.read import decide_changes, read_plan_facts
from ops.planning.records import save_draft
from tests.a_year import NOW

YEAR = 2027
KINDS = ("server", "storage", "ups", "licence", "domain", "certificate", "line", "medium")
_ORIGIN = Origin(via="cli", person="nva")


def write_plan(estate: Estate, catalog: Catalog, *, title: str = "", of_each: int = 2) -> None:
    """Write some assets of each kind, a disk's days, and the draft of next year's plan.

    The title is that of the first asset.
    """
    with catalog.writing() as session:
        for number, kind in enumerate(KINDS * of_each):
            named = title if title and not number else f"Thiết bị {kind} số {number}"
            session.add(Asset(
                name=f"{kind}-{number}", kind=kind, title=named, place="Phòng máy chủ",
                bought_on=date(2020, 1, 1), price=10_000_000, changed_at=NOW,
                supported_until=date(YEAR, 1 + number % 12, 1),
            ))  # fmt: skip
    _write_disk(estate)
    with catalog.reading() as session:
        facts = read_plan_facts(session, estate, YEAR, NOW)
        changes = decide_changes(session, estate, facts, None).changes
    with catalog.writing() as session:
        save_draft(session, _ORIGIN, YEAR, changes, now=NOW)


def _write_disk(estate: Estate) -> None:
    """Write a disk that gets fuller by half a point a day, and its newest number."""
    subject, metric = "host:may-chu-web", "disk_percent[/var]"
    store = open_series(series_url(estate))
    try:
        newest = Point(subject, metric, NOW - timedelta(minutes=5), 88.0)
        assert write_points(store, [newest], NOW) == []
        with store.writing() as connection:
            key = connection.execute(select(series.c.id).where(series.c.metric == metric)).scalar()
            last = int(NOW.timestamp()) // 3600
            rows = [
                {"series": key, "at": last - it, "mean": 88_000 - it * 21, "below": 300,
                 "above": 400, "count": 12}
                for it in range(1, 60 * 24)
            ]  # fmt: skip
            connection.execute(insert(hours), rows)
            rolled = update(series).where(series.c.id == key).values(rolled_until=last * 3600)
            connection.execute(rolled)
    finally:
        store.close()
