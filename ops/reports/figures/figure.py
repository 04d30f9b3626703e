"""What a figure is: a value, where it comes from, and what it lacks."""

from dataclasses import dataclass
from typing import Generic, Literal, TypeVar

Source = Literal[
    "runs",
    "occurrences",
    "snapshots",
    "drills",
    "minutes",
    "samples",
    "visits",
    "archive",
    "findings",
    "register",
    "stops",
    "estate",
    "journal",
    "outlooks",
    "sections",
]
"""Where figures come from; papers name it in words (`sources` in `wordings/every_paper.toml`)."""

T_co = TypeVar("T_co", covariant=True)


@dataclass(frozen=True, slots=True)
class Figure(Generic[T_co]):
    """What one query gave.

    Attributes:
        value: None where nobody knows: never a zero in its place.
        source: Where it comes from.
    """

    value: T_co | None
    source: Source
