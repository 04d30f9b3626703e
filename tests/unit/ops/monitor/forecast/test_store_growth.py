"""A store fills as its snapshots come and go."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from backup.retention.policy import KeepPolicy
from ops.monitor.trend import KeptBytes, Taken, forecast_store

NOW = datetime(2026, 11, 29, 12, tzinfo=ZoneInfo("Asia/Ho_Chi_Minh"))
GB = 1e9


def kept(
    policy: KeepPolicy, days: int = 28, *, growth: float = 0.0, minimum_days: int = 0
) -> KeptBytes:
    taken = tuple(Taken(NOW - timedelta(days=it, hours=9), GB) for it in range(days))
    return KeptBytes(policy=policy, minimum_days=minimum_days, taken=taken, growth=growth)


def test_two_weeks_are_needed() -> None:
    told = forecast_store([kept(KeepPolicy(last=3), days=13)], 100 * GB, NOW)

    assert told.forecast.verdict == "too_little_data"


def test_without_retention_it_is_a_straight_line() -> None:
    told = forecast_store([kept(KeepPolicy())], 100 * GB, NOW)

    assert told.forecast.on == NOW.date() + timedelta(days=100)
    assert told.let_go == 0


def test_a_store_whose_old_snapshots_go_is_not_filling() -> None:
    told = forecast_store([kept(KeepPolicy(last=28))], 8 * GB, NOW)

    assert told.forecast.verdict == "not_filling"
    assert told.let_go > 300 * GB


def test_a_young_store_is_not_judged_by_its_first_weeks() -> None:
    """Two weeks old, 60 daily ones are kept: it grows for 46 days more, then it stands still."""
    group = kept(KeepPolicy(daily=60), days=14)

    assert forecast_store([group], 40 * GB, NOW).forecast.on == NOW.date() + timedelta(days=40)
    assert forecast_store([group], 60 * GB, NOW).forecast.verdict == "not_filling"


def test_what_the_sites_grow_by_never_goes() -> None:
    group = kept(KeepPolicy(last=28), growth=GB / 4)
    on = forecast_store([group], 100 * GB, NOW).forecast.on

    assert on is not None
    assert abs((on - NOW.date()).days - 400) <= 7


def test_the_minimum_keeps_what_the_rules_would_let_go() -> None:
    rules = KeepPolicy(last=1)
    held = forecast_store([kept(rules, minimum_days=90)], 50 * GB, NOW)

    assert held.forecast.on == NOW.date() + timedelta(days=50)
    assert forecast_store([kept(rules)], 50 * GB, NOW).forecast.verdict == "not_filling"


def test_no_room_is_full() -> None:
    assert forecast_store([], 0, NOW).forecast.verdict == "full"
