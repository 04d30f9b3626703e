"""What was done to an item: PREMIS 3 events, one JSON line each, in the version they belong to.

What did not run says so (`not run`) and is never read as passed. Events after ingest (scrubs,
access) stand in the service's journal, not here: a version never changes.
"""

from datetime import datetime
from typing import Literal

import msgspec

EventType = Literal[
    "ingestion", "message digest calculation", "virus check", "format identification",
    "policy assignment", "validation", "digital signature validation", "metadata check",
    "normal form check", "normalization", "metadata modification", "withdrawal", "redaction",
    "replication", "fixity check", "repair",
]  # fmt: skip
"""Names of the PREMIS event vocabulary where it has one."""

Result = Literal["passed", "failed", "warning", "not run"]


class Event(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One event.

    Attributes:
        type: What was done.
        result: How it ended.
        at: When; UTC.
        agent: Program with its version, or a person.
        note: In a few words; why it was not run.
        parts: Paths of the files it is about; empty: the whole item.
    """

    type: EventType
    result: Result
    at: datetime
    agent: str
    note: str = ""
    parts: tuple[str, ...] = ()


def write_events(events: tuple[Event, ...]) -> bytes:
    """Give the file: one event a line, in order."""
    return b"".join(msgspec.json.encode(it) + b"\n" for it in events)


def read_events(data: bytes) -> tuple[Event, ...]:
    """Read such a file.

    Raises:
        ValueError: It is none.
    """
    decode = msgspec.json.Decoder(Event).decode
    return tuple(decode(line) for line in data.splitlines() if line)
