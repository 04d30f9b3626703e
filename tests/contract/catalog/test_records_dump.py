"""Record tables go out as JSON lines and come back row for row, on each database."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import delete, select

from ops.catalog.columns import new_id
from ops.catalog.open import Catalog, open_catalog
from ops.catalog.tables.core import Notice, Run
from ops.errors import OpsError
from ops.journal import journal
from ops.recovery.catalog_copy import dump_records, load_records, record_tables


def fill_catalog(catalog: Catalog) -> None:
    now = datetime(2026, 11, 24, 13, 0, 0, 123456, tzinfo=UTC)
    with catalog.writing() as session:
        origin = journal.Origin(via="cli", person="nva", reason="Thử\ndòng hai")
        entries = [journal.Entry("site.note", f"s-{n}", {"n": n}) for n in range(2_500)]
        journal.append(session, origin, entries)
        session.add(Run(
            id=new_id(), job="backup/cong-xa", kind="backup", site="cong-xa", host="h", pid=1,
            started_at=now, outcome="ok", ended_at=now, summary={"tệp": 3},
        ))  # fmt: skip
        session.add(Notice(
            subject_key="k", severity="info", code="c", params={"a": None}, target="nva",
            state="waiting", created_at=now, next_try_at=None,
        ))  # fmt: skip


def rows(catalog: Catalog) -> dict[str, list[tuple[object, ...]]]:
    with catalog.readers.connect() as connection:
        return {
            table.name: [
                tuple(row)
                for row in connection.execute(select(table).order_by(*table.primary_key.columns))
            ]
            for table in record_tables()
        }


def test_every_row_comes_back_and_the_journal_holds(catalog: Catalog, tmp_path: Path) -> None:
    fill_catalog(catalog)
    counts = dump_records(catalog, tmp_path / "records")
    other = open_catalog(f"sqlite:///{tmp_path / 'other.db'}")
    try:
        loaded = load_records(other, tmp_path / "records")
        assert loaded == counts
        assert counts["journal"] == 2_500
        assert rows(other) == rows(catalog)
        assert journal.verify(other).broken_at is None
    finally:
        other.close()


def test_a_dump_comes_back_into_the_same_kind_of_database(catalog: Catalog, tmp_path: Path) -> None:
    source = open_catalog(f"sqlite:///{tmp_path / 'source.db'}")
    try:
        fill_catalog(source)
        dump_records(source, tmp_path / "records")
        load_records(catalog, tmp_path / "records")
        assert rows(catalog) == rows(source)
        assert journal.verify(catalog).head == journal.verify(source).head
    finally:
        source.close()


def test_a_catalog_with_records_is_left_alone(catalog: Catalog, tmp_path: Path) -> None:
    fill_catalog(catalog)
    dump_records(catalog, tmp_path / "records")
    with catalog.writing() as session:
        session.execute(delete(Run))
    with pytest.raises(OpsError):
        load_records(catalog, tmp_path / "records")
