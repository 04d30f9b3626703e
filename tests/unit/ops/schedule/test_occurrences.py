"""When a schedule is due: at +07:00, at month and year ends, and where clocks are changed."""

import itertools
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from ops.errors import WrongUseError
from ops.schedule.occurrences import (
    explain_next,
    next_due,
    occurrences_between,
    tell_schedule,
    window_end,
)
from ops.schedule.windows import parse_schedule, spread_place

HANOI = ZoneInfo("Asia/Ho_Chi_Minh")
BERLIN = ZoneInfo("Europe/Berlin")


def due(
    text: str, after: str, until: str, zone: ZoneInfo = HANOI, key: str = "cong-chinh"
) -> list[str]:
    """Give due times between two local times, as local texts with their offset."""
    schedule = parse_schedule(text, zone, spread_key=key)
    start, end = (datetime.fromisoformat(t).replace(tzinfo=zone) for t in (after, until))
    found = occurrences_between(schedule, start, end)
    return [moment.astimezone(zone).isoformat(timespec="minutes") for moment in found]


@pytest.mark.parametrize(
    ("text", "after", "until", "expected"),
    [
        ("0 1 1 1 *", "2025-12-31", "2026-01-02", ["2026-01-01T01:00+07:00"]),
        ("30 0 1 * *", "2026-02-27", "2026-03-02", ["2026-03-01T00:30+07:00"]),
        ("0 6 L * *", "2026-02-01", "2026-03-01", ["2026-02-28T06:00+07:00"]),
        ("0 6 L * *", "2028-02-01", "2028-03-01", ["2028-02-29T06:00+07:00"]),
        ("0 0 29 2 *", "2026-01-01", "2032-12-31",
         ["2028-02-29T00:00+07:00", "2032-02-29T00:00+07:00"]),
        ("0 4 * * 0", "2026-11-23", "2026-11-30", ["2026-11-29T04:00+07:00"]),
        ("0 4 * * 7", "2026-11-23", "2026-11-30", ["2026-11-29T04:00+07:00"]),
        ("0 23 31 * *", "2026-04-01", "2026-06-01", ["2026-05-31T23:00+07:00"]),
    ],
)  # fmt: skip
def test_cron_lines_count_by_the_local_calendar(
    text: str, after: str, until: str, expected: list[str]
) -> None:
    assert due(text, after, until) == expected


def test_a_due_time_belongs_to_the_interval_that_ends_with_it() -> None:
    assert due("0 1 * * *", "2026-03-01T00:59", "2026-03-01T01:00") == ["2026-03-01T01:00+07:00"]
    assert due("0 1 * * *", "2026-03-01T01:00", "2026-03-01T02:00") == []


def test_intervals_put_together_give_each_due_time_once() -> None:
    schedule = parse_schedule("*/7 * * * *", HANOI)
    start = datetime(2026, 12, 31, 16, 0, tzinfo=UTC)
    cuts = [start + timedelta(seconds=397 * n) for n in range(60)]

    pieces = [occurrences_between(schedule, a, b) for a, b in itertools.pairwise(cuts)]

    assert sum(pieces, ()) == occurrences_between(schedule, cuts[0], cuts[-1])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # 02:30 does not come on 29 March 2026 in Berlin, and comes twice on 25 October.
        ("30 2 * * *", ["2026-03-28T02:30+01:00", "2026-03-29T03:00+02:00",
                        "2026-03-30T02:30+02:00"]),
        ("0 * * * *", 71),
    ],
)  # fmt: skip
def test_a_time_left_out_in_spring_runs_after_the_gap(text: str, expected: list[str] | int) -> None:
    found = due(text, "2026-03-27T23:30", "2026-03-30T23:30", BERLIN)

    assert (len(found) if isinstance(expected, int) else found) == expected


def test_a_time_that_comes_twice_in_autumn_runs_once() -> None:
    found = due("30 2 * * *", "2026-10-24T12:00", "2026-10-26T12:00", BERLIN)

    assert found == ["2026-10-25T02:30+02:00", "2026-10-26T02:30+01:00"]


def test_a_time_that_comes_twice_is_not_given_again_after_its_first_coming() -> None:
    schedule = parse_schedule("30 2 * * *", BERLIN)
    first = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)

    for minutes in range(0, 180, 7):
        after = first + timedelta(minutes=minutes)
        assert next_due(schedule, after) == datetime(2026, 10, 26, 1, 30, tzinfo=UTC)


def test_a_window_is_due_once_a_night_at_the_same_local_time() -> None:
    found = due("22:00-05:00", "2026-01-30T12:00", "2026-02-02T12:00")

    assert len(found) == 3
    assert len({text[11:] for text in found}) == 1
    assert found[0][11:16] >= "22:00" or found[0][11:16] < "05:00"


def test_a_window_keeps_its_place_on_nights_that_are_longer_or_shorter() -> None:
    schedule = parse_schedule("22:00-05:00", BERLIN, spread_key="cong-chinh")
    spring = datetime(2026, 3, 26, 12, tzinfo=UTC)
    for start in (spring, datetime(2026, 10, 22, 12, tzinfo=UTC)):
        nights = occurrences_between(schedule, start, start + timedelta(days=6))

        assert len(nights) == 6
        for moment in nights:
            hour = moment.astimezone(BERLIN).hour
            assert hour >= 22 or hour < 5


@pytest.mark.parametrize(
    ("window", "at", "end"),
    [
        ("22:00-05:00", "2026-11-24T23:00", "2026-11-25T05:00"),
        ("22:00-05:00", "2026-11-25T04:59", "2026-11-25T05:00"),
        ("22:00-05:00", "2026-11-25T05:00", "2026-11-26T05:00"),
        ("22:00-05:00", "2026-11-25T09:00", "2026-11-26T05:00"),
        ("01:00-03:00", "2026-11-25T02:00", "2026-11-25T03:00"),
        ("01:00-03:00", "2026-11-25T23:30", "2026-11-26T03:00"),
        ("01:00-03:00", "2026-03-29T00:30", "2026-03-29T03:00"),
    ],
)
def test_the_end_of_a_window_is_the_first_one_after(window: str, at: str, end: str) -> None:
    moment, wanted = (datetime.fromisoformat(it).replace(tzinfo=BERLIN) for it in (at, end))
    assert window_end(parse_schedule(window, BERLIN), moment.astimezone(UTC)) == wanted
    assert window_end(parse_schedule("0 1 * * *", BERLIN), moment) is None


def test_whoever_comes_last_has_half_the_window_left() -> None:
    for number in range(200):
        schedule = parse_schedule("22:00-05:00", BERLIN, spread_key=f"xa-{number}")
        (moment,) = occurrences_between(
            schedule, datetime(2026, 11, 24, 12, tzinfo=UTC), datetime(2026, 11, 25, 12, tzinfo=UTC)
        )
        end = window_end(schedule, moment)
        assert end is not None
        assert end - moment >= timedelta(hours=3.5)


def test_a_window_inside_the_gap_of_spring_is_still_due() -> None:
    found = due("02:00-03:00", "2026-03-28T12:00", "2026-03-29T12:00", BERLIN)

    assert found == ["2026-03-29T03:00+02:00"]


def test_places_fill_the_window_evenly_and_depend_on_the_name_alone() -> None:
    places = sorted(spread_place(f"xa-{n}") for n in range(400))
    counts = [sum(n / 8 <= place < (n + 1) / 8 for place in places) for n in range(8)]

    assert min(counts) >= 30
    assert max(counts) <= 75
    assert spread_place("xa-1") == spread_place("xa-1")
    assert places[0] >= 0.0
    assert places[-1] < 1.0


def test_only_the_newest_are_given_when_so_asked() -> None:
    schedule = parse_schedule("* * * * *", HANOI)
    until = datetime(2026, 3, 1, tzinfo=UTC)

    found = occurrences_between(schedule, until - timedelta(days=2000), until, limit=3)

    assert found == tuple(until - timedelta(minutes=n) for n in (2, 1, 0))


def test_a_limit_does_not_lose_rare_due_times() -> None:
    schedule = parse_schedule("0 0 29 2 *", HANOI)
    after, until = datetime(2015, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC)

    found = occurrences_between(schedule, after, until, limit=500)

    assert [moment.astimezone(HANOI).year for moment in found] == [2016, 2020, 2024]


@pytest.mark.parametrize(
    "text", ["every day", "0 1 * *", "0 0 1 * * *", "61 * * * *", "0 0 30 2 *", "22:00-22:00",
             "25:00-26:00"]
)  # fmt: skip
def test_what_cannot_be_read_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(WrongUseError) as caught:
        parse_schedule(text, HANOI)

    assert text in str(caught.value)
    assert caught.value.why
    assert "22:00-05:00" in caught.value.next_step


def test_no_schedule_is_never_due(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIUCONG_LANG", "en")
    schedule = parse_schedule("  ", HANOI)

    assert next_due(schedule, datetime.now(UTC)) is None
    assert explain_next(schedule, datetime.now(UTC)).explanation == (
        "no schedule: only people start it"
    )


def test_the_explanation_names_local_time_and_offset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIUCONG_LANG", "en")
    now = datetime(2026, 11, 24, 12, tzinfo=UTC)

    explained = explain_next(parse_schedule("0 1 * * *", HANOI), now)

    assert explained.due_at == datetime(2026, 11, 24, 18, tzinfo=UTC)
    assert explained.explanation == "25/11/2026 01:00 +07:00: at 01:00 every day"


@pytest.mark.parametrize(
    ("schedule", "words"),
    [
        ("22:00-05:00", "từ 22:00 đến 05:00"),
        ("0 1 * * *", "lúc 01:00 hằng ngày"),
        ("5 1 1 * *", "lúc 01:05 ngày 01 hằng tháng"),
        ("0 6 * * 0", "lúc 06:00 Chủ nhật hằng tuần"),
        ("0 6 * * 7", "lúc 06:00 Chủ nhật hằng tuần"),
        ("30 4 * * 2", "lúc 04:30 thứ Ba hằng tuần"),
        ("0 * * * *", "mỗi giờ, vào phút 00"),
        ("*/15 * * * *", "cứ 15 phút một lần"),
        ("0 8-18 * * 1-5", "theo dòng cron “0 8-18 * * 1-5”"),
        ("0 1 1 1 *", "theo dòng cron “0 1 1 1 *”"),
        ("0 1 1 * 1", "theo dòng cron “0 1 1 * 1”"),
    ],
)
def test_a_schedule_is_told_in_words(
    monkeypatch: pytest.MonkeyPatch, schedule: str, words: str
) -> None:
    monkeypatch.setenv("GIUCONG_LANG", "vi")
    assert tell_schedule(schedule) == words
