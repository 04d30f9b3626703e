"""Say of what was seen what is red, how grave, and what it hangs on; pure.

::

    line:so-nganh ── host:web1 ──┬── host:web1/disk:/var
                                 ├── host:web1/memory
                                 └── …
                  └─ device:switch-1 ── device:switch-1/port:443

A machine that could not be looked at is red itself, and what stands on it stays as it was. What it
did not show is `not_checked`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from ops.alerts.looks import Condition, State
from ops.estate.model.monitor import Device
from ops.monitor.samples.sample import THIS_MACHINE, Disk, Sample, Unseen, Upkeep
from ops.monitor.samples.take import Reply

Thresholds = Mapping[str, int]
"""By name, as `ops.estate.model.estate.Estate.thresholds_for_host` gives them."""

GRAVE: frozenset[str] = frozenset({"unreachable", "key_changed", "key_revoked"})
"""Causes for which a machine may be gone, or somebody else's."""

_AT_ONCE = timedelta()
_BRIEFLY = timedelta(seconds=90)
_AWHILE = timedelta(minutes=5)
_STALE_LISTS = 7 * 86_400.0
_ALONE = 2  # with fewer on a line, the line is not told from what hangs on it


def host_subject(name: str) -> str:
    """Give what alerts call a host."""
    return f"host:{name}"


def device_subject(name: str) -> str:
    """Give what alerts call a device."""
    return f"device:{name}"


def line_subject(name: str) -> str:
    """Give what alerts call a line."""
    return f"line:{name}"


def parent_of(*, jump: str | None, line: str | None) -> str:
    """Give what a host or device hangs on: its jump host, else its line; empty for nothing."""
    if jump:
        return host_subject(jump)
    return line_subject(line) if line else ""


def judge_machine(
    name: str,
    seen: Sample | Unseen,
    before: Sample | None,
    upkeep: Upkeep | Unseen | None,
    thresholds: Thresholds,
    *,
    parent: str = "",
) -> list[Condition]:
    """Judge a host, or this machine.

    Args:
        name: Its name.
        seen: What the look found.
        before: The sample before it; None for none.
        upkeep: What was last seen of what changes slowly; None where nobody has looked yet.
        thresholds: From what on something of it is red.
        parent: Subject of what it hangs on.
    """
    subject, about = host_subject(name), {"host": "" if name == THIS_MACHINE else name}
    if isinstance(seen, Unseen):
        return [
            Condition(
                subject=subject,
                state="bad",
                severity="critical" if seen.cause in GRAVE else "warning",
                code=f"host_{seen.cause}",
                params={**about, "reason": seen.reason or ""},
                parent=parent,
                holds_for=_BRIEFLY if seen.cause in {"unreachable", "slow"} else _AT_ONCE,
            )
        ]
    judge = _Judge(subject, about, thresholds)
    return [
        Condition(subject=subject, state="good", parent=parent),
        *(it for disk in seen.disks for it in judge.disk(disk)),
        *judge.more_disks(seen),
        *judge.busy(seen, before),
        *judge.system(seen),
        *judge.upkeep(upkeep if isinstance(upkeep, Upkeep) else Upkeep()),
    ]


@dataclass(frozen=True, slots=True)
class _Figure:
    """A figure and its limit.

    Attributes:
        what: What of the machine, as in the subject.
        code: Of what is told when it is over.
        limit: Name of the threshold.
        value: None where it was not seen.
        params: For its sentences.
        is_optional: Whether a machine that has no such figure is well.
    """

    what: str
    code: str
    limit: str
    value: float | None
    params: Mapping[str, Any] = field(default_factory=dict)
    is_optional: bool = False


class _Judge:
    """Judges what stands on one machine."""

    def __init__(self, subject: str, about: Mapping[str, Any], thresholds: Thresholds) -> None:
        self._subject = subject
        self._about = about
        self._limits = thresholds

    def disk(self, disk: Disk) -> Iterator[Condition]:
        """Judge a file system: does it answer, how full is it, and how full of files."""
        what, place = f"disk:{disk.path}", {"path": disk.path}
        if disk.hangs:
            hangs = self._say(what, "bad", "mount_hangs", place, holds_for=_BRIEFLY)
            yield replace(hangs, severity="critical")
            return
        params = {**place, "free": disk.free, "size": disk.size}
        yield self._fill(_Figure(what, "disk_full", "disk_percent", disk.percent, params))
        files = _Figure(
            f"inodes:{disk.path}",
            "inodes_full",
            "inode_percent",
            disk.files_percent,
            place,
            is_optional=disk.files == 0,
        )
        yield replace(self._fill(files), parent=f"{self._subject}/{what}")

    def more_disks(self, seen: Sample) -> Iterator[Condition]:
        """Say so where there are file systems that nobody asked."""
        if seen.more_disks:
            yield self._say("disks", "not_checked", "", {})

    def busy(self, seen: Sample, before: Sample | None) -> Iterator[Condition]:
        """Judge what matters only when it lasts."""
        busy = seen.ticks.percent_since(before.ticks if before else None) if seen.ticks else None
        by_core = seen.load[1] / seen.cores if seen.load and seen.cores else None
        free = {"free": seen.memory_free}
        figures = [
            _Figure("cpu", "cpu_busy", "cpu_percent", busy),
            _Figure("load", "load_high", "load_per_core", by_core),
            _Figure("memory", "memory_full", "memory_percent", seen.memory_percent, free),
            _Figure("swap", "swap_full", "swap_percent", seen.swap_percent, {}, seen.swap == 0),
            *(
                _Figure(
                    f"pressure:{it}",
                    f"pressure_{it}",
                    "pressure_percent",
                    seen.pressure.get(f"{it} full"),
                )
                for it in ("memory", "io")
            ),
        ]
        lasts = timedelta(minutes=self._limits["busy_minutes"])
        yield from (replace(self._over(it), holds_for=lasts) for it in figures)

    def system(self, seen: Sample) -> Iterator[Condition]:
        """Judge its units, its clock, and whether it wants to be restarted."""
        units = seen.failed_units
        named = {"units": list(units or ()), "count": len(units or ())}
        yield self._say(
            "units", _state(units, bool(units)), "units_failed", named, holds_for=_AWHILE
        )
        offset, limit = seen.offset, self._limits["clock_seconds"]
        is_off = offset is not None and abs(offset) - seen.offset_error > limit
        off = {"seconds": round(offset or 0.0, 1), "limit": limit}
        yield self._say("clock", _state(offset, is_off), "clock_off", off, holds_for=_BRIEFLY)
        wants, days = seen.wants_reboot, self._limits["reboot_days"]
        yield self._say(
            "reboot",
            _state(wants, bool(wants)),
            "reboot_wanted",
            {"days": days},
            holds_for=timedelta(days=days),
        )

    def upkeep(self, seen: Upkeep) -> Iterator[Condition]:
        """Judge what changes slowly; a count from old lists says nothing."""
        days, count = self._limits["updates_days"], seen.security_updates
        if seen.lists_age is None or seen.lists_age > _STALE_LISTS:
            count = None
        yield self._say(
            "updates",
            _state(count, bool(count)),
            "updates_wait",
            {"count": count, "days": days},
            holds_for=timedelta(days=days),
        )
        hours, age = self._limits["log_hours"], seen.log_age
        is_silent = age is not None and age > hours * 3600
        silent = {"hours": int((age or 0) // 3600), "limit": hours}
        yield self._say("log", _state(age, is_silent), "log_silent", silent)

    def _fill(self, figure: _Figure) -> Condition:
        grave_at = (self._limits[figure.limit] + 100) / 2
        is_grave = figure.value is not None and figure.value >= grave_at
        return replace(self._over(figure), severity="critical" if is_grave else "warning")

    def _over(self, figure: _Figure) -> Condition:
        value, limit = figure.value, self._limits[figure.limit]
        if value is None and figure.is_optional:
            return self._say(figure.what, "good", "", {})
        state = _state(value, value is not None and value >= limit)
        told = {**figure.params, "value": round(value or 0.0, 1), "limit": limit}
        return self._say(figure.what, state, figure.code, told)

    def _say(
        self,
        what: str,
        state: State,
        code: str,
        params: Mapping[str, Any],
        *,
        holds_for: timedelta = _AT_ONCE,
    ) -> Condition:
        return Condition(
            subject=f"{self._subject}/{what}",
            state=state,
            code=code if state == "bad" else "",
            params={**self._about, **params} if state == "bad" else {},
            parent=self._subject,
            holds_for=holds_for,
        )


def judge_device(device: Device, answer: Reply | None, *, parent: str = "") -> list[Condition]:
    """Judge a device.

    Args:
        device: Which.
        answer: What it answered; None where its turn did not come in time.
        parent: Subject of what it hangs on.
    """
    subject, about = device_subject(device.name), {"device": device.title or device.name}
    if answer is None:
        return [
            Condition(
                subject=subject,
                state="no_data",
                code="device_not_asked",
                params=about,
                parent=parent,
                holds_for=_AWHILE,
            )
        ]
    is_there = answer.is_there
    found = [
        Condition(
            subject=subject,
            state=_state(is_there, is_there is False),
            severity="critical",
            code="device_silent",
            params={**about, "address": device.address},
            parent=parent,
            holds_for=_BRIEFLY,
        )
    ]
    if is_there is False:
        return found
    asked: dict[str, bool | None] = {f"port:{it}": good for it, good in answer.ports.items()}
    if device.ping:
        asked["ping"] = answer.ping_seconds is not None if answer.can_ping else None
    return found + [
        Condition(
            subject=f"{subject}/{what}",
            state=_state(good, not good),
            code="device_no_ping" if what == "ping" else "device_port_closed",
            params={**about, "address": device.address, "port": what.removeprefix("port:")},
            parent=subject,
            holds_for=_BRIEFLY,
        )
        for what, good in asked.items()
    ]


def judge_line(name: str, answers: Mapping[str, bool | None]) -> Condition:
    """Judge what several hang on: red where it is known of all that none answers.

    Args:
        name: The line's name.
        answers: By subject whether each answers; None where nobody knows.
    """
    known = [it for it in answers.values() if it is not None]
    is_down = len(known) >= _ALONE and not any(known)
    return Condition(
        subject=line_subject(name),
        state=_state(known or None, is_down),
        severity="critical",
        code="line_down" if is_down else "",
        params={"line": name, "count": len(known)} if is_down else {},
        holds_for=_BRIEFLY,
    )


def _state(value: object, is_bad: bool) -> State:
    if value is None:
        return "not_checked"
    return "bad" if is_bad else "good"
