"""Whether a person waits for what this process does; the service's own work sets nothing here."""

import sys
from dataclasses import dataclass


@dataclass(slots=True)
class Waiting:
    """Who waits.

    Attributes:
        is_task: Whether this process runs a task that somebody typed, or a script typed for them.
        is_person: Whether they look at it, so that a quick answer is worth more than patience.
    """

    is_task: bool = False
    is_person: bool = False


WAITING = Waiting()

_TRIED_BY_HAND = frozenset({"backup.init", "estate.test"})
"""What no clock starts: whoever types it waits, wherever the output goes."""


def note_task(name: str) -> None:
    """Note that this process runs a task for somebody."""
    WAITING.is_task = True
    WAITING.is_person = name in _TRIED_BY_HAND or sys.stderr.isatty()
