"""Which looks are due today: by the level of the system, and by how the last one ended; pure."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from ops.security.controls import Control, rhythm_of
from ops.security.subjects import Subject

_SLACK = timedelta(hours=2)
"""A run that begins a little earlier than the last one did must not put a look off by a day."""


class LastLook(Protocol):
    """When a look was taken; a row of `ops.catalog.tables.security.SecurityLook`."""

    at: datetime


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be looked at.

    Attributes:
        subject: Host or site.
        tools: By which tools, in their order.
    """

    subject: Subject
    tools: tuple[str, ...]


def plan_looks(
    subjects: Iterable[Subject],
    controls: Collection[Control],
    answered: Mapping[tuple[str, str], LastLook],
    now: datetime,
) -> list[Plan]:
    """Give the looks that are due; what could not be looked at is tried again each day.

    Args:
        subjects: All there are.
        controls: Those in force.
        answered: The newest look of each subject and tool that came about.
        now: The moment.
    """
    plans = []
    for subject in subjects:
        due = [it for it in subject.tools if _is_due(subject, it, controls, answered, now)]
        if due:
            plans.append(Plan(subject, tuple(due)))
    return plans


def _is_due(
    subject: Subject,
    tool: str,
    controls: Collection[Control],
    answered: Mapping[tuple[str, str], LastLook],
    now: datetime,
) -> bool:
    days = rhythm_of(tool, subject.levels, controls)
    last = answered.get((subject.key, tool))
    if days is None:
        return False
    return last is None or now - last.at >= timedelta(days=days) - _SLACK


def plan_asked(
    subjects: Iterable[Subject], *, hosts: Collection[str], sites: Collection[str],
    only: Collection[str],
) -> list[Plan]:  # fmt: skip
    """Give the looks that somebody asks for; without names, at everything."""
    wanted = {*(f"host:{it}" for it in hosts), *(f"site:{it}" for it in sites)}
    plans = (
        Plan(it, tuple(name for name in it.tools if not only or name in only))
        for it in subjects
        if not wanted or it.key in wanted
    )
    return [it for it in plans if it.tools]
