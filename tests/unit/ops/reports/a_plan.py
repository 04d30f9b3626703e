"""A plan drafted from some assets, and a disk that fills, for papers about it."""

from datetime import UTC, date, datetime, timedelta

from sqlalchemy import insert, select, update

from ops.catalog.columns import new_id
from ops.catalog.open import Catalog
from ops.catalog.tables.plans import Plan, PlanItem, PlanNote
from ops.catalog.tables.register import Asset
from ops.estate.model.estate import Estate
from ops.journal.journal import Origin
from ops.monitor.series.read import Point
from ops.monitor.series.store import hours, open_series, series, series_url
from ops.monitor.series.write import write_points
from ops.planning.item import Item
from ops.planning.read import decide_changes, read_plan_facts
from ops.planning.records import save_draft
from tests.a_year import NOW

YEAR = 2027
DONE_YEAR = 2025
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


def write_decided(catalog: Catalog, *, title: str = "Gia hạn tên miền") -> None:
    """Write a decided plan of `DONE_YEAR`: a line accepted and paid, one under contract, one not.

    The title is that of the first line.
    """
    plan = Plan(
        id=new_id(), year=DONE_YEAR, state="running", authors=["nva"], made_at=NOW, made_by="nva",
        decision="118/QĐ-UBND", decided_on=date(DONE_YEAR, 1, 20), decided_at=NOW,
    )  # fmt: skip
    items = (
        (title, "a", "granted", (5_000_000, 4_500_000, 4_500_000, 4_500_000)),
        ("Thay pin bộ lưu điện", "c", "granted", (12_000_000, 11_000_000, 0, 0)),
        ("Rà soát an ninh mạng", "đ", "deferred", (0, 0, 0, 0)),
    )
    with catalog.writing() as session:
        session.add(plan)
        session.flush()
        for number, (named, use, decision, money) in enumerate(items, start=1):
            names = ("granted", "contracted", "accepted", "paid")
            session.add(PlanItem(
                id=new_id(), plan_id=plan.id, number=number, decision=decision,
                body=Item(group="duy-tri", title=named, use=use, source="Ngân sách").as_values(),
                accepted_on=date(DONE_YEAR, 6, 3) if number == 1 else None,
                **dict(zip(names, money, strict=True)),
            ))  # fmt: skip
        at = datetime(DONE_YEAR, 6, 2, 2, tzinfo=UTC)
        session.add(PlanNote(
            plan_id=plan.id, item=1, kind="work", at=at, begins=at, person="nva",
            text="Đã gia hạn", result="Tên miền có hiệu lực đến năm 2030", document="31/BB-TTCNTT",
        ))  # fmt: skip
        session.add(PlanNote(plan_id=plan.id, item=1, kind="acceptance", at=NOW, person="nva",
                             text="32/BB-TTCNTT"))  # fmt: skip


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
