"""An entry of the register: which changes of it make sense, and the figures of many."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from ops.errors import WrongUseError
from ops.register.entry import (
    MOST_TEXT,
    Change,
    Entry,
    NewEntry,
    check_change,
    check_new,
)
from ops.register.summary import sum_up
from ops.register.timeline import MOST_ROWS, Moment, cut_timeline

NOON = datetime(2026, 11, 24, 5, tzinfo=UTC)
HOUR = timedelta(hours=1)
NEW = NewEntry(kind="incident", title="Trang không mở", occurred_at=NOON - HOUR, received_at=NOON)
ENTRY = Entry(
    id="0" * 32, called="2026-001", kind="incident", title="Trang không mở", unit="xa",
    site="cong-xa", reporter="", document="", is_serious=False, has_personal_data=False,
    occurred_at=NOON - HOUR, received_at=NOON, acknowledged_at=None, restored_at=None,
    closed_at=None, cause="", result="", opened_by="nva", closed_by="",
)  # fmt: skip


@pytest.mark.parametrize(
    "new",
    [
        replace(NEW, title=" "),
        replace(NEW, title="x" * 201),
        replace(NEW, kind="remark", is_serious=True),
        replace(NEW, kind="support", has_personal_data=True),
        replace(NEW, received_at=NOON + 2 * HOUR),
        replace(NEW, occurred_at=NOON + HOUR / 2, received_at=NOON),
    ],
)
def test_what_cannot_be_so_is_refused(new: NewEntry) -> None:
    check_new(NEW, NOON)

    with pytest.raises(WrongUseError):
        check_new(new, NOON + HOUR)


@pytest.mark.parametrize(
    ("entry", "change"),
    [
        (ENTRY, Change()),
        (replace(ENTRY, closed_at=NOON), Change(note="còn nữa")),
        (replace(ENTRY, acknowledged_at=NOON), Change(acknowledged_at=NOON + HOUR)),
        (ENTRY, Change(acknowledged_at=NOON - HOUR)),
        (ENTRY, Change(restored_at=NOON - 2 * HOUR)),
        (ENTRY, Change(restored_at=NOON + 9 * HOUR)),
        (replace(ENTRY, acknowledged_at=NOON + 2 * HOUR), Change(closed_at=NOON + HOUR)),
        (replace(ENTRY, kind="remark"), Change(is_serious=True)),
        (ENTRY, Change(cause="x" * (MOST_TEXT + 1))),
    ],
)
def test_a_change_follows_from_how_the_entry_stands(entry: Entry, change: Change) -> None:
    with pytest.raises(WrongUseError):
        check_change(entry, change, NOON + 3 * HOUR)


def test_a_site_may_work_again_before_anybody_answered() -> None:
    change = Change(restored_at=NOON - HOUR / 2, acknowledged_at=NOON + HOUR)

    check_change(ENTRY, change, NOON + 2 * HOUR)


def test_the_state_is_the_furthest_moment() -> None:
    assert ENTRY.state == "received"
    assert replace(ENTRY, acknowledged_at=NOON).state == "acknowledged"
    assert replace(ENTRY, restored_at=NOON).state == "restored"
    assert replace(ENTRY, restored_at=NOON, closed_at=NOON).state == "closed"


def test_figures_count_each_entry_once_in_its_kind_and_its_unit() -> None:
    entries = [
        replace(ENTRY, is_serious=True, restored_at=NOON + HOUR, closed_at=NOON + 2 * HOUR),
        replace(ENTRY, called="2026-002", kind="difficulty", unit="", title="Thiếu người"),
        replace(ENTRY, called="2026-003", acknowledged_at=NOON + 2 * HOUR),
    ]
    summary = sum_up(entries, NOON - HOUR, NOON + HOUR)

    assert (summary.total.count, summary.total.still_open, summary.total.serious) == (3, 2, 1)
    assert sum(it.count for it in summary.by_kind.values()) == 3
    assert {unit: it.count for unit, it in summary.by_unit.items()} == {"": 1, "xa": 2}
    assert summary.total.answered == 2 * HOUR
    assert summary.total.restored == summary.total.longest == 2 * HOUR
    assert [it.title for it in summary.difficulties] == ["Thiếu người"]
    assert sum_up([], NOON, NOON).total.restored is None

    earlier = [replace(entries[1], called="2025-009", received_at=NOON - 900 * HOUR)]
    summary = sum_up(entries, NOON - HOUR, NOON + HOUR, earlier)
    assert [it.called for it in summary.difficulties] == ["2025-009", "2026-002"]
    assert (summary.total.count, summary.left_open) == (3, 1)


def test_a_long_timeline_keeps_what_people_wrote() -> None:
    acts = [
        Moment(at=NOON + timedelta(seconds=n), source="journal", what="job.ended")
        for n in range(2 * MOST_ROWS)
    ]
    note = Moment(at=NOON + 9 * HOUR, source="note", what="noted", text="đã khởi động lại")
    timeline = cut_timeline([*acts, note])

    assert timeline.is_cut
    assert len(timeline.moments) == MOST_ROWS
    assert timeline.moments[-1] == note
