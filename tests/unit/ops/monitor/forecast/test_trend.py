"""When something is full: right on long courses, silent about what comes and goes."""

import random
from collections.abc import Callable
from datetime import date, timedelta

import pytest

from ops.monitor.forecast_wording import EXPLANATIONS
from ops.monitor.trend import Forecast, find_slope, forecast_limit
from ops.outcomes import explain

TODAY = date(2026, 11, 29)
ONE = timedelta(days=1)


def days_before(count: int, value: Callable[[int], float]) -> dict[date, float]:
    """Give values of the days before today; the argument counts days, the last one is count - 1."""
    return {TODAY - (count - it) * ONE: value(it) for it in range(count)}


def test_less_than_three_weeks_say_nothing() -> None:
    forecast = forecast_limit(days_before(20, lambda it: 50.0 + it), 100, TODAY)

    assert (forecast.verdict, forecast.on, forecast.days) == ("too_little_data", None, 20)


def test_a_straight_line_is_met_to_the_day() -> None:
    forecast = forecast_limit(days_before(30, lambda it: 40.0 + it), 100, TODAY)

    assert forecast.verdict == "fills"
    assert forecast.on == forecast.first == forecast.last == TODAY + 30 * ONE
    assert forecast.days_left(TODAY) == 30


@pytest.mark.parametrize(
    "value",
    [lambda _day: 95.0, lambda day: 99.0 - day, lambda day: 50 + 0.001 * day,
     lambda day: 60.0 + 20 * (day % 2)],
    ids=["level", "falls", "creeps", "swings"],
)  # fmt: skip
def test_what_does_not_grow_is_not_filling(value: Callable[[int], float]) -> None:
    assert forecast_limit(days_before(30, value), 100, TODAY).verdict == "not_filling"


def test_what_is_full_is_full_even_on_its_first_day() -> None:
    assert forecast_limit({TODAY: 100.0}, 100, TODAY).verdict == "full"


def test_what_was_not_measured_of_late_says_nothing() -> None:
    old = {day - 10 * ONE: value for day, value in days_before(40, float).items()}

    assert forecast_limit(old, 100, TODAY).verdict == "too_little_data"
    assert forecast_limit({}, 100, TODAY) == Forecast("too_little_data")


def test_what_is_no_number_and_what_lies_ahead_is_left_out() -> None:
    values = days_before(30, lambda it: 40.0 + it)
    odd = {**values, TODAY - 3 * ONE: float("nan"), TODAY + 40 * ONE: 100.0}

    assert forecast_limit(odd, 100, TODAY).on == TODAY + 30 * ONE


def test_one_odd_night_turns_nothing_and_a_cleared_disk_is_believed_soon() -> None:
    steady = days_before(40, lambda it: 50 + 0.25 * it)
    odd = {**steady, TODAY - 2 * ONE: 99.0}
    cleared = {day: it - (20 if day > TODAY - 11 * ONE else 0) for day, it in steady.items()}

    assert forecast_limit(odd, 100, TODAY).on == forecast_limit(steady, 100, TODAY).on
    left = forecast_limit(cleared, 100, TODAY).days_left(TODAY)
    assert left is None or left > 200


def test_slopes_do_not_mind_days_that_are_missing() -> None:
    values = days_before(60, lambda it: 2.0 * it)
    for day in list(values)[10:25]:
        del values[day]

    assert find_slope(values) == (2.0, 2.0, 2.0)


@pytest.mark.parametrize("seed", range(6))
def test_four_weeks_with_a_nightly_dump_are_without_a_false_alarm(seed: int) -> None:
    """0.25 points a day from 40 on, a dump of 12 points each night: full at 100 on day 192."""
    chance = random.Random(seed)
    start, maxima = TODAY, dict[date, float]()
    full_on = start + 192 * ONE
    dumps = [12 * chance.uniform(0.98, 1.02) for _day in range(60)]
    alarms, errors = 0, []
    for hour in range(56 * 24):
        day, of_day = divmod(hour, 24)
        value = 40 + 0.25 * hour / 24 + chance.gauss(0, 0.1) + (dumps[day] if of_day < 2 else 0)
        today = start + day * ONE
        maxima[today] = max(value, maxima.get(today, 0.0))
        if day >= 28:
            forecast = forecast_limit(maxima, 100, today)
            left = forecast.days_left(today)
            alarms += left is not None and left <= 30
        if day >= 42 and of_day == 23:
            assert forecast.on is not None
            errors.append(abs((forecast.on - full_on).days))

    assert alarms == 0
    assert max(errors) <= 5


@pytest.mark.parametrize("code", sorted(EXPLANATIONS))
@pytest.mark.parametrize("language", ["vi", "en"])
def test_an_alert_says_what_is_full_and_when(
    code: str, language: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIUCONG_LANG", language)
    params = {"name": "web1", "of": "/var", "days": 24, "limit": 30, "on": "2026-12-23",
              "first": "2026-12-21", "last": ""}  # fmt: skip
    told = explain(code, params)

    assert "web1" in told.what
    assert "23/12/2026" in told.what
    assert all((told.why, told.data, told.next_step))
