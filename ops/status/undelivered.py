"""Which notices have not reached anybody, as far as somebody still has to know."""

import json
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from ops.catalog.records import JournalRow, Notice

TOLD_FOR = timedelta(days=10)
"""How long a notice that was given up is shown: seven days, after three days of tries."""


def read_undelivered(session: Session, now: datetime) -> tuple[int, int]:
    """Give how many notices are still tried after a failure, and how many were given up lately.

    One that was given up counts no more once a younger message reached the same target: a notice,
    or a test message (`service.notify-test`).
    """
    rows = session.execute(select(Notice.state, Notice.error)).all()
    tried = sum(state in {"waiting", "sending"} and bool(error) for state, error in rows)
    given_up = session.execute(
        select(Notice.target, Notice.created_at).where(
            Notice.state == "failed", Notice.created_at >= now - TOLD_FOR
        )
    ).all()
    if not given_up:
        return tried, 0
    reached = _read_reached(session, since=min(at for _target, at in given_up))
    return tried, count_unreached(((target, at) for target, at in given_up), reached)


def count_unreached(
    given_up: Iterable[tuple[str, datetime]], reached: Mapping[str, datetime]
) -> int:
    """Count the notices whose target nothing younger has reached; pure.

    Args:
        given_up: Target and moment of each notice.
        reached: For each target, the moment of the youngest message that got through.
    """
    return sum(target not in reached or reached[target] <= at for target, at in given_up)


def _read_reached(session: Session, since: datetime) -> dict[str, datetime]:
    sent = session.execute(
        select(Notice.target, func.max(Notice.created_at).label("at"))
        .where(Notice.state == "sent")
        .group_by(Notice.target)
    )
    reached: dict[str, datetime] = {target: at for target, at in sent}  # noqa: C416 - dict() loses the types
    tests = session.execute(
        select(JournalRow.at, JournalRow.details).where(
            JournalRow.action == "notices.test", JournalRow.at >= since
        )
    )
    for at, details in tests:
        for target, error in json.loads(details)["answers"].items():
            if not error:
                reached[target] = max(at, reached.get(target, at))
    return reached
