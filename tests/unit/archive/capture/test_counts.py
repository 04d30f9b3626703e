"""Counting for the yearly report: classes, columns, what came late, what was answered in time."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from archive.capture.counts import Period, count, judge, read_limits
from archive.errors import ArchiveError
from archive.metadata.item import Agent, Item, Source, make_id

_PERIOD = Period(date(2026, 1, 1), date(2026, 12, 31), datetime(2026, 12, 31, tzinfo=UTC))


def _due(day: date, days: int) -> date | None:
    """Count working days without holidays; nothing is known of 2027."""
    while days:
        day += timedelta(days=1)
        days -= day.isoweekday() < 6
    return None if day.year > 2026 else day


def _item(content_class: str, key: int = 1, **more: Any) -> Item:
    values: dict[str, Any] = {
        "published": datetime(2026, 9, 1, tzinfo=UTC), "source": Source(name="Cổng"),
    }  # fmt: skip
    return Item(
        id=make_id("cong", f"{content_class}/{key}"), site="cong", source_key=str(key),
        content_class=content_class, shape="other", title="x", creators=(Agent(name="A"),),
        **(values | more),
    )  # fmt: skip


def _document(issued: str, published: datetime, *, own: bool = True) -> Item:
    source = Source(name="Bộ", basis="own" if own else "exchange", permission="x")
    return _item("legal-document", fields={"issued": issued}, published=published, source=source)


def _question(day: int, status: str = "", moment: datetime | None = None) -> Item:
    """Give a question that came in on so many days after the last of August."""
    received = datetime(2026, 8, 31, 2, tzinfo=UTC) + timedelta(days=day)
    steps = [(received, "received", "")] + ([(moment, status, "")] if moment else [])
    return _item("feedback", trail=tuple(steps))


def _statement(asked: datetime) -> Item:
    return _item("spokesperson", trail=((asked, "asked", ""),))


@pytest.mark.parametrize(
    ("item", "verdict"),
    [
        # Issued on a Friday: the second working day is Tuesday, to its end in Việt Nam.
        (_document("2026-09-18", datetime(2026, 9, 22, 16, 59, tzinfo=UTC)), "in-time"),
        (_document("2026-09-18", datetime(2026, 9, 22, 17, 0, tzinfo=UTC)), "late"),
        (_document("2026-09-18", datetime(2026, 10, 2, 1, tzinfo=UTC), own=False), "in-time"),
        (_document("2026-09-18", datetime(2026, 10, 5, 1, tzinfo=UTC), own=False), "late"),
        (_document("", datetime(2026, 9, 22, tzinfo=UTC)), "undecided"),
        (_document("không rõ", datetime(2026, 9, 22, tzinfo=UTC)), "undecided"),
        (_document("2026-12-31", datetime(2026, 12, 31, tzinfo=UTC)), "undecided"),
        (_document("2005-01-03", datetime(2026, 9, 22, tzinfo=UTC)), "undecided"),
        (_question(1, "answered", datetime(2026, 9, 22, 2, tzinfo=UTC)), "in-time"),
        (_question(1, "answered", datetime(2026, 9, 22, 17, tzinfo=UTC)), "late"),
        (_question(1, "progress", datetime(2026, 9, 8, 2, tzinfo=UTC)), "in-time"),
        (_question(1), "late"),
        (_question(101), "waiting"),
        (_statement(datetime(2026, 8, 31, 1, tzinfo=UTC)), "in-time"),
        (_statement(datetime(2026, 8, 30, 1, tzinfo=UTC)), "late"),
    ],
)  # fmt: skip
def test_an_item_is_held_against_the_limit_in_force(item: Item, verdict: str) -> None:
    judged = judge(item, read_limits(), _PERIOD, _due)

    assert judged is not None
    assert judged.verdict == verdict
    assert (judged.due is None) == (verdict == "undecided")


def test_a_period_is_counted_by_class_and_column() -> None:
    late = _document("2026-09-01", datetime(2026, 9, 22, tzinfo=UTC))
    items = [
        _item("news", 1, fields={"column": "Thời sự"}),
        _item("news", 2, fields={"column": "Thời sự"}, withdrawn=datetime(2026, 10, 1, tzinfo=UTC)),
        _item("news", 3, published=datetime(2025, 12, 31, 17, tzinfo=UTC)),  # New Year in Việt Nam
        _item("news", 4, published=datetime(2025, 12, 31, 16, 59, tzinfo=UTC)),
        _item("news", 5, published=None),
        late,
        _item("news", 6, related={"public": "urn:uuid:1"}),  # parts of others are not counted
        _item("news", 7, related={"about": "urn:uuid:1"}),
    ]
    found = count(items, read_limits(), _PERIOD, _due)

    assert found.classes == {"news": 3, "legal-document": 1}
    assert found.columns == {
        ("news", "Thời sự"): 2, ("news", ""): 1, ("legal-document", ""): 1
    }  # fmt: skip
    assert found.withdrawn["news"] == 1
    assert found.verdicts == {("legal-document", "late"): 1}
    assert [it.item for it in found.late] == [late]
    assert "43/2011" in found.late[0].limit.basis


@pytest.mark.parametrize(
    "text",
    [
        "limits = 1",
        "",
        "[[limits]]\nclass = 'x'",
        "[[limits]]\nclass='x'\nbegins='issued'\nfrom=2020-01-01\nbasis='x'\ncertainty='S'",
        "\udcff",
    ],
)
def test_a_table_that_is_not_right_is_refused(text: str) -> None:
    with pytest.raises(ArchiveError):
        read_limits(text.encode(errors="surrogateescape"))
