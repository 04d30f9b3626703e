"""Times as Go writes them."""

import time
from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from backup.errors import UnsupportedFormatError
from backup.format.times import (
    format_local_time,
    format_nanoseconds,
    parse_nanoseconds,
    parse_time,
)

_NS = 10**9
YEAR_0, YEAR_10000 = -62_167_219_200, 253_402_300_800  # their first seconds
HANOI = timezone(timedelta(hours=7))


@pytest.mark.parametrize(
    ("nanoseconds", "text"),
    [
        (0, "1970-01-01T00:00:00Z"),
        (-1, "1969-12-31T23:59:59.999999999Z"),
        (1, "1970-01-01T00:00:00.000000001Z"),
        (120_000_000, "1970-01-01T00:00:00.12Z"),
        (10 * _NS, "1970-01-01T00:00:10Z"),
        (1_709_164_800 * _NS, "2024-02-29T00:00:00Z"),
        (1_795_000_000_123_456_789, "2026-11-18T11:06:40.123456789Z"),
        (YEAR_0 * _NS, "0000-01-01T00:00:00Z"),
        ((YEAR_10000 - 1) * _NS + 999_999_999, "9999-12-31T23:59:59.999999999Z"),
        # Beyond, restic changes the year and keeps the day.
        ((YEAR_0 - 1) * _NS, "0000-12-31T23:59:59Z"),
        (YEAR_10000 * _NS, "9999-01-01T00:00:00Z"),
        ((YEAR_10000 + 59 * 86_400) * _NS, "9999-03-01T00:00:00Z"),  # of a leap year's 29 February
    ],
)
def test_nanoseconds_are_written_as_go_writes_them(nanoseconds: int, text: str) -> None:
    assert format_nanoseconds(nanoseconds) == text


@given(st.integers(YEAR_0 * _NS, YEAR_10000 * _NS - 1))
def test_every_nanosecond_comes_back(nanoseconds: int) -> None:
    assert parse_nanoseconds(format_nanoseconds(nanoseconds)) == nanoseconds


@given(st.integers(0, 4 * 10**9))
def test_days_are_those_of_the_c_library(seconds: int) -> None:
    expected = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))
    assert format_nanoseconds(seconds * _NS) == expected


@pytest.mark.parametrize(
    ("text", "same_as"),
    [
        ("2026-11-24T08:03:00.25+07:00", "2026-11-24T01:03:00.25Z"),
        ("2026-11-23T20:33:00-04:30", "2026-11-24T01:03:00Z"),
        ("0001-01-01T00:00:00+14:00", "0000-12-31T10:00:00Z"),
        ("9999-12-31T23:59:59-12:00", "9999-01-01T11:59:59Z"),
    ],
)
def test_other_zones_are_the_same_moment(text: str, same_as: str) -> None:
    assert format_nanoseconds(parse_nanoseconds(text)) == same_as


@pytest.mark.parametrize(
    "text",
    [
        "", "2026-11-24", "2026-11-24T01:03:00", "2026-11-24T01:03:00z", "2026-11-24 01:03:00Z",
        "2026-13-01T00:00:00Z", "2026-02-30T00:00:00Z", "2026-11-24T24:00:00Z",
        "2026-11-24T01:03:60Z", "2026-11-24T01:03:00.Z", "2026-11-24T01:03:00.1234567890Z",
        "2026-11-24T01:03:00+24:00", "2026-11-24T01:03:00+0700",
        "２０２６-11-24T01:03:00Z",
    ],
)  # fmt: skip
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(UnsupportedFormatError):
        parse_nanoseconds(text)
    with pytest.raises(UnsupportedFormatError):
        parse_time(text)


@pytest.mark.parametrize(
    ("when", "text"),
    [
        (datetime(2026, 11, 24, 8, 3, tzinfo=HANOI), "2026-11-24T08:03:00+07:00"),
        (datetime(2026, 11, 24, 8, 3, 0, 120_000, tzinfo=HANOI), "2026-11-24T08:03:00.12+07:00"),
        (datetime(2026, 11, 24, 1, 3, 0, 1, tzinfo=UTC), "2026-11-24T01:03:00.000001Z"),
        (
            datetime(1905, 1, 1, tzinfo=timezone(timedelta(seconds=25_590))),
            "1905-01-01T00:00:00+07:06",
        ),
    ],
)
def test_local_times_keep_their_offset(when: datetime, text: str) -> None:
    assert format_local_time(when) == text


@given(st.datetimes(timezones=st.sampled_from([UTC, HANOI, timezone(-timedelta(hours=9.5))])))
def test_local_times_come_back_with_their_offset(when: datetime) -> None:
    assume(when.date() not in {date.min, date.max})  # told in other years, for every zone's sake
    back = parse_time(format_local_time(when))
    assert (back, back.utcoffset()) == (when, when.utcoffset())


def test_nanoseconds_of_a_local_time_are_cut() -> None:
    assert parse_time("2026-11-24T08:03:00.123456789+07:00").microsecond == 123_456


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00+07:00", "9999-12-31T23:59:59-07:00"])
def test_a_time_at_the_calendars_edge_can_be_told_in_every_zone(text: str) -> None:
    assert parse_time(text).astimezone(UTC) == parse_time(text)
    assert (parse_time(text).month, parse_time(text).day) in {(1, 1), (12, 31)}
