"""A missed full read is caught up, on SQLite and on PostgreSQL."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from ops.backups.run.follow_up import (
    ask_for_full_reads,
    follow_with_full_reads,
    read_methods,
    read_newest_full,
)
from ops.catalog.columns import new_id
from ops.catalog.open import Catalog
from ops.catalog.tables.core import JournalRow, Occurrence, Run
from ops.estate.load.load import load_estate
from ops.schedule.ledger.job import LedgerEvent
from tests.integration.jobs.small_estate import build_estate

NOW = datetime.now(UTC)
NIGHTLY = LedgerEvent(
    occasion="ended", job="backup/cong-xa", kind="backup", site="cong-xa", due_at=NOW, outcome="ok"
)


@pytest.fixture
def monthly_estate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = build_estate(tmp_path / "estate")
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace('full_read = ""', 'full_read = "0 1 1 * *"'), encoding="utf-8")
    monkeypatch.setenv("GIUCONG_ESTATE", str(path))
    return path


def ran(catalog: Catalog, job: str, days_ago: int, outcome: str = "ok", **summary: Any) -> None:
    with catalog.writing() as session:
        session.add(Run(
            id=new_id(), job=job, kind="backup", site="cong-xa", host="h", pid=1, outcome=outcome,
            started_at=NOW - timedelta(days=days_ago), ended_at=NOW, summary=summary,
        ))  # fmt: skip


def asked(catalog: Catalog) -> list[str]:
    with catalog.reading() as session:
        return list(session.execute(select(Occurrence.job)).scalars())


@pytest.mark.usefixtures("monthly_estate")
def test_after_a_failed_full_read_the_nightly_backup_asks_for_it_once(catalog: Catalog) -> None:
    ran(catalog, "full-read/cong-xa", 60)
    ran(catalog, "full-read/cong-xa", 0, "failed")
    for _ in range(2):
        with catalog.writing() as session:
            follow_with_full_reads(session, [NIGHTLY])
    assert asked(catalog) == ["full-read/cong-xa"]
    with catalog.reading() as session:
        row = session.execute(select(JournalRow)).scalars().one()
    assert (row.action, row.subject) == ("job.triggered", "full-read/cong-xa")
    assert row.reason.startswith("full read owed since ")


@pytest.mark.usefixtures("monthly_estate")
def test_a_full_read_that_ended_owes_nothing(catalog: Catalog) -> None:
    ran(catalog, "backup/cong-xa", 0, method="full", snapshot="a" * 64)
    with catalog.writing() as session:
        assert ask_for_full_reads(session, load_estate(), {"cong-xa"}, NOW) == []


@pytest.mark.usefixtures("monthly_estate")
@pytest.mark.parametrize(
    "event",
    [
        replace(NIGHTLY, outcome="failed"),
        replace(NIGHTLY, job="full-read/cong-xa"),
        replace(NIGHTLY, job="backup-database/cong-xa/db"),
    ],
)
def test_only_a_nightly_backup_that_ended_well_asks(catalog: Catalog, event: LedgerEvent) -> None:
    with catalog.writing() as session:
        follow_with_full_reads(session, [event])
    assert asked(catalog) == []


def test_a_database_alone_is_never_the_sites_full_read(catalog: Catalog) -> None:
    ran(catalog, "backup-database/cong-xa/db", 1, method="full", snapshot="b" * 64)
    ran(catalog, "backup/cong-xa", 2, method="incremental", snapshot="a" * 64)
    ran(catalog, "full-read/cong-xa", 9, snapshot="c" * 64)
    with catalog.reading() as session:
        assert read_newest_full(session) == {"cong-xa": NOW - timedelta(days=9)}
        assert read_methods(session, "cong-xa") == {"a" * 64: "incremental", "b" * 64: "full"}
