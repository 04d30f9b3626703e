"""Take in what a look found: states, alerts and notices, in one transaction.

::

    conditions ──decide_look──► states, what opens, what is told anew, what is over ──► apply

Order: the states that are known are read; what follows is decided; alerts are opened, changed and
closed with their notices; the states are written, and when it was looked. The courier delivers
later. All of it is kept or lost together, so the same look taken in twice says nothing twice.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from ops.alerts.conditions import Condition

EVERY = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Taken:
    """What a look has changed.

    Attributes:
        opened, closed: How many alerts.
        notices: How many notices are new in the outbox.
        written: How many states were written or removed.
    """

    opened: int = 0
    closed: int = 0
    notices: int = 0
    written: int = 0


def take_look(
    session: Session,
    conditions: Iterable[Condition],
    now: datetime,
    *,
    looked_at: Collection[str],
    every: timedelta = EVERY,
) -> Taken:
    """Take in what one look found.

    A subject that was looked at, is known and not among the conditions is no more (a disk that was
    taken out): its alert closes. Where what it stands on is red, it was not seen instead, and stays
    as it was.

    Args:
        session: A writing session; the caller commits.
        conditions: Everything that was seen, the good too; of a subject at most one.
        now: Aware.
        looked_at: Roots that this look covers, each with all below it: `host:web1`, or `host:` for
            all hosts, those included that the estate names no more. Other subjects stay as they
            are.
        every: How often these roots are looked at. After five times as long without a look the
            first one only notes how things stand: nobody is told what may have begun meanwhile.
    """
    raise NotImplementedError
