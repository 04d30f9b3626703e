"""When nobody is told: silences that people have made, and planned stops that run."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from ops.catalog.tables.conditions import Silence
from ops.parts import Seam

LONGEST = timedelta(days=30)
"""No silence and no planned stop hushes longer."""
LONGEST_CRITICAL = timedelta(hours=24)
"""No silence hushes longer what is critical."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Quiet:
    """A time in which something is not told.

    Attributes:
        subject: What; with all below it.
        site: A site all of whose conditions are meant; empty for none.
        begins, until: Aware; the end is the first moment that is no longer quiet.
        is_critical_too: Whether what is critical is not told either.
    """

    subject: str
    site: str = ""
    begins: datetime
    until: datetime
    is_critical_too: bool = False

    def hushes(self, subject: str, site: str, severity: str) -> bool:
        """Say whether it is about a condition."""
        is_meant = is_below(subject, self.subject) or bool(site and site == self.site)
        return is_meant and (self.is_critical_too or severity != "critical")


FORECAST = "forecast:"
"""Before the subject of what is to come of something."""

QUIET_TIMES: Seam[Callable[[Session], Iterable[Quiet]]] = Seam("quiet-times")
"""Gives times besides those that people have made here."""


def is_below(subject: str, root: str) -> bool:
    """Say whether a subject is a root, or lies below it.

    `host:web1/disk:/var` lies below `host:web1`, and below `host:`, which means all hosts; a
    forecast lies below what it is about.
    """
    if not root.startswith(FORECAST):
        subject = subject.removeprefix(FORECAST)
    return subject == root or subject.startswith(root if root.endswith(":") else f"{root}/")


def find_running(times: Iterable[Quiet], now: datetime) -> list[Quiet]:
    """Give the times that run now, none beyond the longest that is allowed; pure."""
    return [it for it in times if it.begins <= now < min(it.until, it.begins + LONGEST)]


def read_quiet(session: Session, now: datetime) -> list[Quiet]:
    """Give every time that runs now."""
    silences = session.execute(select(Silence).where(Silence.until > now)).scalars()
    made = (
        Quiet(
            subject=it.subject,
            begins=it.begins,
            until=it.until,
            is_critical_too=it.is_critical_too,
        )
        for it in silences
    )
    planned = (it for give in QUIET_TIMES.parts() for it in give(session))
    return find_running([*made, *planned], now)
