"""When nobody is told: silences that people have made, and planned stops that run."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from ops.alerts.subjects import WHOLE
from ops.catalog.columns import new_id
from ops.catalog.tables.alerts import Silence
from ops.errors import WrongUseError, unknown
from ops.estate.model.estate import Estate
from ops.language.formats import format_id, format_moment
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
            subject=it.subject, begins=it.begins, until=it.until, is_critical_too=it.is_critical_too
        )
        for it in silences
    )
    planned = (it for give in QUIET_TIMES.parts() for it in give(session))
    return find_running([*made, *planned], now)


_LONGEST_SUBJECT = 200


SilenceView = Mapping[str, Any]
"""A silence by its columns; `id` is the short one, as people type it, `full_id` the whole."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SilenceWish:
    """What a person asks for; `until` is aware."""

    subject: str
    reason: str
    until: datetime
    is_critical_too: bool = False


def check_wish(wish: SilenceWish, estate: Estate, now: datetime) -> None:
    """Decide whether a silence may be made; pure.

    Raises:
        WrongUseError: It is about nothing that is watched, says no reason, or its end has passed
            or is too far away.
    """
    _check_subject(wish.subject, estate)
    if not wish.reason.strip():
        raise WrongUseError(
            "the silence says no reason", next_step="say why nobody is to be told: `--reason TEXT`"
        )
    longest = LONGEST_CRITICAL if wish.is_critical_too else LONGEST
    if not now < wish.until <= now + longest:
        zone = estate.organisation.timezone
        raise WrongUseError(
            "a silence ends in the future, at {latest} at the latest",
            why="{until} was given; with --critical it lasts 24 hours at most, else 30 days",
            next_step="give another `--until`",
            latest=format_moment(now + longest, zone),
            until=format_moment(wish.until, zone),
        )


def _check_subject(subject: str, estate: Estate) -> None:
    kind, colon, rest = subject.removeprefix(FORECAST).partition(":")
    name = rest.partition("/")[0]
    named = {
        "host": {it.name for it in estate.hosts},
        "device": {it.name for it in estate.devices},
        "site": {it.name for it in estate.sites},
        "line": {it.name for it in estate.lines},
        "store": {it.name for it in estate.stores},
        "watch": set[str](),
    }
    is_whole = f"{kind}:{name}" in WHOLE
    is_readable = bool(colon) and kind in named and subject.isprintable()
    if not is_readable or len(subject) > _LONGEST_SUBJECT:
        raise WrongUseError(
            '"{subject}" is nothing that is watched',
            next_step="name it like host:web1, site:NAME or host:web1/disk:/var",
            subject=subject[:_LONGEST_SUBJECT],
        )
    if name and name not in named[kind] and not is_whole:
        raise unknown('the estate has no {kind} "{name}"', name, sorted(named[kind]), kind=kind)


def make_silence(session: Session, wish: SilenceWish, owner: str, now: datetime) -> SilenceView:
    """Write a silence that was checked."""
    row = Silence(
        id=new_id(),
        subject=wish.subject,
        is_critical_too=wish.is_critical_too,
        owner=owner,
        reason=wish.reason,
        begins=now,
        until=wish.until,
        ended_by="",
    )
    session.add(row)
    session.flush()
    return _view(row)


def end_silence(session: Session, silence: SilenceView, person: str, now: datetime) -> bool:
    """End a silence now; gives False where it is over already."""
    changed = session.execute(
        update(Silence)
        .where(Silence.id == UUID(silence["full_id"]), Silence.until > now)
        .values(until=now, ended_by=person)
        .returning(Silence.id),
        execution_options={"synchronize_session": False},
    )
    return changed.first() is not None


def list_silences(session: Session, *, since: datetime) -> list[SilenceView]:
    """Give the silences that ran since a moment, those that end last first."""
    query = select(Silence).where(Silence.until > since).order_by(Silence.until.desc(), Silence.id)
    return [_view(row) for row in session.execute(query).scalars()]


def _view(row: Silence) -> SilenceView:
    names = ("subject", "is_critical_too", "owner", "reason", "begins", "until", "ended_by")
    values = {name: getattr(row, name) for name in names}
    return {"id": format_id(row.id), "full_id": row.id.hex, **values}
