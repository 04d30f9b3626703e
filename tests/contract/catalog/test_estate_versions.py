"""Every estate that was in force is kept, and what changed stands in the journal."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import func, select

from ops.catalog.open import Catalog
from ops.catalog.tables.core import EstateVersion, JournalRow
from ops.estate.versions import find_changes, remember_estate
from ops.journal.journal import Origin

NOW = datetime(2026, 3, 1, tzinfo=UTC)
FIRST = {"schema": 1, "sites": [{"name": "a", "title": "Cổng"}]}
SECOND = {"schema": 1, "sites": [{"name": "a", "title": "Cổng mới"}, {"name": "b"}]}


def remember(catalog: Catalog, document: dict[str, Any]) -> str:
    with catalog.writing() as session:
        return remember_estate(session, document, now=NOW, origin=Origin(via="clock"))


def test_each_change_is_journaled_and_each_version_kept_once(catalog: Catalog) -> None:
    hashes = [remember(catalog, document) for document in (FIRST, FIRST, SECOND, FIRST)]

    assert hashes[0] == hashes[1] == hashes[3] != hashes[2]
    with catalog.reading() as session:
        kept = session.execute(select(func.count()).select_from(EstateVersion)).scalar_one()
        rows = session.execute(select(JournalRow).order_by(JournalRow.sequence)).scalars().all()
    assert kept == 2
    assert [row.subject for row in rows] == [hashes[0], hashes[2], hashes[0]]
    assert [row.estate for row in rows] == [hashes[0], hashes[2], hashes[0]]
    assert json.loads(rows[1].details)["changes"] == {
        "sites[a].title": ["Cổng", "Cổng mới"],
        "sites[b].name": [None, "b"],
    }


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ({}, {}, {}),
        ({"a": {"b": 1}}, {"a": {"b": 2}}, {"a.b": [1, 2]}),
        ({"a": [1, 2]}, {"a": [2, 1]}, {"a": [[1, 2], [2, 1]]}),
        ({"s": [{"name": "x"}, {"name": "y"}]}, {"s": [{"name": "y"}, {"name": "x"}]}, {}),
    ],
)
def test_changes_are_named_by_dotted_key(
    before: dict[str, Any], after: dict[str, Any], expected: dict[str, Any]
) -> None:
    assert find_changes(before, after) == expected
