"""Bandwidth of stores, hosts and lines, by part of the day: each shared by all processes here."""

from collections.abc import Mapping
from pathlib import Path

from backup.stores.bandwidth import Allowance
from backup.stores.bandwidth_plan import RatePlan, RateWindow, SharedBucket
from ops.estate.models import Estate

_BYTES_A_MEGABIT = 125_000
_FOLDER = "limits"


def plan_rates(limits: Mapping[str, int], zone: str) -> RatePlan:
    """Give a bandwidth by part of the day.

    Args:
        limits: Megabits a second by part of the day, `default` for the rest of it.
        zone: The organisation's time zone.
    """
    rates = {part: mbps * _BYTES_A_MEGABIT for part, mbps in limits.items()}
    windows = []
    for part, rate in rates.items():
        if part != "default":
            start, _, end = part.partition("-")
            windows.append(RateWindow(_minute(start), _minute(end), rate))
    return RatePlan(rates.get("default"), tuple(windows), zone)


def share_bandwidth(estate: Estate, name: str, plan: RatePlan) -> Allowance:
    """Give what may pass, together with every process of this estate that asks by that name."""
    folder = estate.service.state / _FOLDER
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return Allowance(plan, bucket=SharedBucket(str(Path(folder, name))))


def _minute(clock: str) -> int:
    hours, minutes = clock.strip().split(":")
    return (int(hours) * 60 + int(minutes)) % 1440
