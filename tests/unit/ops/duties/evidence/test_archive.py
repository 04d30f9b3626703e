"""What the catalog proves of the archive: read back, and kept twice."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from ops.catalog.columns import new_id
from ops.catalog.open import Catalog, open_catalog
from ops.catalog.tables.copies import ArchivePlace
from ops.catalog.tables.core import Run
from ops.duties.evidence.due import Period
from ops.duties.evidence.queries import QUERIES, Ask, Setting
from ops.duties.evidence.verdicts import Piece
from ops.duties.table.load import SHIPPED_DUTIES, SHIPPED_HOLIDAYS, read_calendar, read_duties

NOW = datetime(2026, 11, 20, 5, tzinfo=UTC)
TODAY = NOW.date()


@pytest.fixture
def catalog(tmp_path: Path) -> Iterator[Catalog]:
    opened = open_catalog(f"sqlite:///{tmp_path / 'giucong.db'}")
    yield opened
    opened.close()


def outcomes(catalog: Catalog, query: str, duty: str) -> list[str]:
    return [it.outcome for it in pieces(catalog, query, duty)]


def pieces(catalog: Catalog, query: str, duty: str) -> list[Piece]:
    setting = Setting(ZoneInfo("Asia/Ho_Chi_Minh"), TODAY, {}, read_calendar((SHIPPED_HOLIDAYS,)))
    (row,) = read_duties((SHIPPED_DUTIES,)).named(duty)
    period = Period(date(2026, 11, 1), date(2026, 11, 30))
    ask = Ask(row, period, {}, setting, period.end)
    with catalog.reading() as session:
        return list(QUERIES[query].find(session, ask))


def run(catalog: Catalog, kind: str, site: str, day: int, summary: dict[str, Any]) -> None:
    moment = datetime(2026, 11, day, 5, tzinfo=UTC)
    with catalog.writing() as session:
        session.add(
            Run(
                id=new_id(), job=f"{kind}/{site}", kind=kind, site=site, host="may", pid=1,
                started_at=moment, ended_at=moment, outcome="ok", reason="", summary=summary,
            )
        )  # fmt: skip


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


def test_what_was_kept_without_required_metadata_is_added_up_for_each_site(
    catalog: Catalog,
) -> None:
    for day, lacks in ((3, {"description": 2}), (10, {"description": 1, "creator": 1}), (17, {})):
        summary = {"new": 4, "changed": 1, "lacking": sum(lacks.values()), "lacks": lacks}
        run(catalog, "archive", "cong-tinh", day, summary)
    run(catalog, "archive", "cong-xa", 5, {"new": 1, "changed": 0, "lacking": 0, "lacks": {}})
    run(catalog, "archive", "cu", 5, {"new": 1, "changed": 0})  # of a version that did not look
    found = {it.site: it for it in pieces(catalog, "metadata", "content-metadata")}

    assert {site: it.outcome for site, it in found.items()} == {
        "cong-tinh": "incomplete", "cong-xa": "ok"
    }  # fmt: skip
    assert found["cong-tinh"].details == {
        "items": 15, "lacking": 4, "lacks": {"description": 3, "creator": 1}
    }  # fmt: skip


def test_the_newest_whole_count_of_the_copies_is_the_years_statistics(catalog: Catalog) -> None:
    assert outcomes(catalog, "reserve-statistics", "reserve-copy-statistics") == []
    places = [{"place": it, "items": 16, "damaged": 0} for it in ("public", "private", "second")]
    run(catalog, "archive-check", "luu-tru", 3, {"places": places})
    run(catalog, "archive-check", "luu-tru", 4, {"places": places[:1]})  # of one place alone
    (found,) = pieces(catalog, "reserve-statistics", "reserve-copy-statistics")

    assert (found.outcome, found.at.day) == ("ok", 3)
    assert found.details["places"]["second"] == {"items": 16, "damaged": 0}
