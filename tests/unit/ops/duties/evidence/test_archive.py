"""What the catalog proves of the archive: read back, and kept twice."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from ops.catalog.open import Catalog, open_catalog
from ops.catalog.tables.archives import ArchivePlace
from ops.duties.evidence.due import Period
from ops.duties.evidence.queries import QUERIES, Ask, Setting
from ops.duties.table.load import SHIPPED_DUTIES, SHIPPED_HOLIDAYS, read_calendar, read_duties

NOW = datetime(2026, 11, 20, 5, tzinfo=UTC)
TODAY = NOW.date()


@pytest.fixture
def catalog(tmp_path: Path) -> Iterator[Catalog]:
    opened = open_catalog(f"sqlite:///{tmp_path / 'giucong.db'}")
    yield opened
    opened.close()


def outcomes(catalog: Catalog, query: str, duty: str) -> list[str]:
    setting = Setting(ZoneInfo("Asia/Ho_Chi_Minh"), TODAY, {}, read_calendar((SHIPPED_HOLIDAYS,)))
    (row,) = read_duties((SHIPPED_DUTIES,)).named(duty)
    period = Period(date(2026, 11, 1), date(2026, 11, 30))
    ask = Ask(row, period, {}, setting, period.end)
    with catalog.reading() as session:
        return [it.outcome for it in QUERIES[query](session, ask)]


def note(catalog: Catalog, name: str, objects: int, lacks: int = 0) -> None:
    with catalog.writing() as session:
        session.merge(
            ArchivePlace(
                name=name, since=NOW, scrub={}, oldest_at=NOW, objects=objects, damaged=[],
                lacks=lacks, checked_at=NOW - timedelta(days=1),
            )
        )  # fmt: skip


@pytest.mark.parametrize(
    ("private", "copy", "expected"),
    [(0, 0, ["ok"]), (0, 2, ["failed"]), (3, 0, ["failed"]), (0, None, ["failed"])],
    ids=["whole", "lacks some", "nobody keeps what is private", "no copy"],
)
def test_a_reserve_copy_has_everything(
    catalog: Catalog, private: int, copy: int | None, expected: list[str]
) -> None:
    note(catalog, "public", 16)
    note(catalog, "private", private)
    if copy is not None:
        note(catalog, "second", 16, copy)

    assert outcomes(catalog, "reserve", "archive-reserve-copy") == expected


def test_nothing_archived_proves_nothing(catalog: Catalog) -> None:
    assert outcomes(catalog, "reserve", "archive-reserve-copy") == []
    assert outcomes(catalog, "fixity", "archive-fixity") == []
