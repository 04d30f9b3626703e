"""One thing that happened around an entry of the register."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

MOST_ROWS = 300
"""So many a timeline shows, and each of its sources gives at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """One thing that happened.

    Attributes:
        at: When.
        source: `entry`, `note`, `alert`, `run`, `drill`, `finding`, `watch` or `journal`.
        what: A word for it: a state, an alert's code, an act of the journal.
        subject: What it was done to, or is about; may be empty.
        person: Who; empty where nobody did it.
        text: In a person's words; may be empty.
        params: What sentences about it are made from.
    """

    at: datetime
    source: str
    what: str
    subject: str = ""
    person: str = ""
    text: str = ""
    params: dict[str, Any] = field(default_factory=dict)
