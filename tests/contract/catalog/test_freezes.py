"""What a suspicious backup freezes, on SQLite and on PostgreSQL."""

from dataclasses import asdict
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError

from backup.format.snapshot import Snapshot
from ops.alerts.drafts import FROZEN
from ops.backups.keys.rotate import decide_needed
from ops.backups.ransomware.freeze import (
    accept_findings,
    find_freeze,
    find_freeze_brake,
    note_finding,
    read_freezes,
)
from ops.backups.ransomware.verdict import ChangeFigures, judge_change
from ops.backups.ransomware.watch import learn, read_judged
from ops.backups.retention.look_before_deleting import look_before_deleting
from ops.catalog.columns import new_id
from ops.catalog.open import Catalog
from ops.catalog.tables.copies import WatchFinding
from ops.catalog.tables.core import JournalRow, Run
from ops.estate.model.policies import Watch
from tests.people import origin_of

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
FIGURES = ChangeFigures(files=100, changed=90, samples=32, sealed=32)
SIGNALS = [asdict(it) for it in judge_change(FIGURES, [], Watch())]


def freeze(catalog: Catalog, site: str = "a", *, days: int = 0) -> None:
    with catalog.writing() as session:
        finding = WatchFinding(
            site=site,
            before="b" * 64,
            snapshot=f"{days:064x}",
            signals=SIGNALS,
            figures=asdict(FIGURES),
        )
        note_finding(session, origin_of("nva"), finding, now=NOW + timedelta(days=days))


def test_a_finding_stops_every_deletion_of_its_site_and_of_no_other(catalog: Catalog) -> None:
    freeze(catalog)
    for site, reason in (("a", FROZEN), ("b", None)):
        for store in ("near", "offsite"):
            taken = [Snapshot(time=NOW, tree=b"", paths=("/a",), hostname="a", id="1" * 64)]
            brake = look_before_deleting(catalog, origin_of("nva"), site, store, taken, now=NOW)
            assert (brake and brake.reason) == reason


def test_the_figures_come_back_as_they_were_written(catalog: Catalog) -> None:
    freeze(catalog)
    with catalog.reading() as session:
        found = find_freeze(session, "a")
        brake = find_freeze_brake(session, "a")
    assert found is not None
    assert ChangeFigures.from_values(found.figures) == FIGURES
    assert [it["measure"] for it in found.signals] == ["encrypted"]
    assert brake is not None
    assert brake.params["snapshot"] == "0" * 8


def test_several_findings_are_one_freeze_that_one_look_ends(catalog: Catalog) -> None:
    for days in (2, 0, 1):
        freeze(catalog, days=days)
    freeze(catalog, "b")
    with catalog.reading() as session:
        both = read_freezes(session)
    assert [(it.site, it.found_at, it.more) for it in both] == [("a", NOW, 2), ("b", NOW, 0)]

    with catalog.writing() as session:
        assert accept_findings(session, origin_of("nva"), "a", "Nâng cấp", now=NOW) == 3
    with catalog.writing() as session:
        assert accept_findings(session, origin_of("nva"), "a", "Nâng cấp", now=NOW) == 0
        assert [it.site for it in read_freezes(session)] == ["b"]
        rows = session.execute(select(JournalRow.action, JournalRow.reason)).all()
        kept = session.execute(select(WatchFinding.accept_reason)).scalars().all()
    assert [tuple(it) for it in rows] == [("backup.freeze", "")] * 4 + [
        ("backup.accept", "Nâng cấp")
    ]
    assert sorted(kept) == ["", "Nâng cấp", "Nâng cấp", "Nâng cấp"]


def test_hourly_runs_of_a_database_leave_enough_to_learn_from(catalog: Catalog) -> None:
    judged = {"watch": {"before": "b" * 64, "figures": asdict(FIGURES), "signals": []}}
    with catalog.writing() as session:
        for hour in range(24 * 20):
            is_whole = hour % 24 == 0
            job = "backup/a" if is_whole else "backup-database/a/db"
            session.add(Run(
                id=new_id(), job=job, kind="backup", site="a", host="h", pid=1, outcome="ok",
                started_at=NOW - timedelta(hours=hour), ended_at=NOW,
                summary=judged if is_whole else {},
            ))  # fmt: skip
    with catalog.reading() as session:
        assert len(learn(read_judged(session, "a"))) == 20


def test_the_catalog_itself_refuses_an_acceptance_without_a_reason(catalog: Catalog) -> None:
    freeze(catalog)
    with pytest.raises(IntegrityError), catalog.writing() as session:
        session.execute(
            text("UPDATE watch_findings SET accepted_at = :now"), {"now": "2026-11-24 00:00:00"}
        )


@pytest.mark.parametrize(("is_frozen", "why"), [(True, "frozen"), (False, "")])
def test_an_old_repository_stays_while_its_site_is_frozen(is_frozen: bool, why: str) -> None:
    old = Snapshot(time=NOW - timedelta(days=400), tree=b"", paths=("/a",), hostname="a", id="1")
    assert decide_needed((old,), (), minimum_days=30, now=NOW, is_frozen=is_frozen) == why
