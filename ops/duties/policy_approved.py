"""The approved versions of the backup policy, and whether the estate still is as approved.

Order of an approval, in one transaction: the version is stored, then journaled with its number,
date and yearly review date. The decision itself is made on paper, by who may make it; this records
it. A record written by mistake can be taken back: the version goes, the journal keeps both acts.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from ops.canonical import canonical_json, digest_of
from ops.catalog.tables.plans import PolicyVersion
from ops.catalog.tables.register import Document
from ops.duties.evidence.acts import POLICY_APPROVED as ACTION
from ops.duties.evidence.acts import is_policy_kept as is_kept
from ops.duties.evidence.due import WorkCalendar, add_span
from ops.duties.table.load import DutySet
from ops.duties.table.models import Span
from ops.errors import OpsError, WrongUseError
from ops.estate.versions import find_changes
from ops.journal import journal
from ops.journal.journal import Entry, Origin

WITHDRAWN = "duty.policy-withdrawn"


@dataclass(frozen=True, slots=True)
class Decision:
    """What approves a policy: number, date, and by when it is to be looked at again."""

    number: str
    decided_on: date
    review_on: date


@dataclass(frozen=True, slots=True)
class Standing:
    """How the estate stands to the approved policy.

    Attributes:
        approved: The newest version; None when none was ever approved.
        changes: What differs now, as dotted key to [approved, now].
        is_review_due: Whether its review date has passed.
    """

    approved: PolicyVersion | None
    changes: Mapping[str, list[Any]]
    is_review_due: bool

    @property
    def is_finding(self) -> bool:
        """Whether there is anything to correct."""
        return self.approved is None or bool(self.changes) or self.is_review_due


def review_day(duties: DutySet, decided_on: date, calendar: WorkCalendar) -> date:
    """Give the last day of the term in which a policy is to be looked at again."""
    for duty in duties.duties:
        every = duty.every
        is_review = duty.evidence.query == "policy" and duty.is_valid_on(decided_on)
        if is_review and every is not None and every.count and every.unit:
            return add_span(decided_on, Span(count=every.count, unit=every.unit), calendar)
    raise OpsError(
        "no duty in force says when the policy is to be reviewed",
        why='a duty with `evidence = { query = "policy" }` and a period is needed',
        data="nothing was changed",
        next_step="`{program} duty.diff` shows what was changed in the duties",
    )


def approve(
    session: Session,
    origin: Origin,
    document: Mapping[str, Any],
    decision: Decision,
    *,
    now: datetime,
    kept: Document | None = None,
) -> bool:
    """Record a version as approved; false when just this one is recorded already.

    Where the decision itself is kept, the journal says so: that proves the review.
    """
    digest = digest_of(document)
    known = session.get(PolicyVersion, (decision.number, decision.decided_on))
    details = {
        "decided_on": decision.decided_on.isoformat(),
        "review_on": decision.review_on.isoformat(),
        "digest": digest,
        **({"sha256": kept.sha256} if kept else {}),
    }
    if known is not None:
        if known.digest == digest and (kept is None or is_kept(session, known)):
            return False
        if known.digest == digest:
            journal.append(session, origin, [Entry(ACTION, decision.number, details)])
            return True
        raise OpsError(
            "the decision {number} is recorded already, with another table",
            why="a decision approves one table; a changed table needs a new one",
            data="nothing was changed",
            next_step="`{program} duty.policy` shows what differs",
            number=decision.number,
        )
    session.add(
        PolicyVersion(
            number=decision.number,
            decided_on=decision.decided_on,
            review_on=decision.review_on,
            digest=digest,
            document=canonical_json(document),
            approved_at=now,
            recorded_by=origin.person or origin.login,
        )
    )
    session.flush()
    journal.append(session, origin, [Entry(ACTION, decision.number, details)])
    return True


def withdraw(session: Session, origin: Origin, number: str, decided_on: date) -> None:
    """Take a record back that was written by mistake; what it said stays in the journal."""
    row = session.get(PolicyVersion, (number, decided_on))
    if row is None:
        raise WrongUseError(
            "no decision {number} of {day} is recorded",
            next_step="`{program} duty.policy` names the one in force",
            number=number,
            day=f"{decided_on:%d/%m/%Y}",
        )
    details = {
        "decided_on": row.decided_on.isoformat(),
        "review_on": row.review_on.isoformat(),
        "digest": row.digest,
        "recorded_by": row.recorded_by,
        "approved_at": row.approved_at.isoformat(),
    }
    session.delete(row)
    session.flush()
    journal.append(session, origin, [Entry(WITHDRAWN, number, details)])


def newest_approved(session: Session) -> PolicyVersion | None:
    """Give the version that was decided on last; None when there is none."""
    newest = (
        select(PolicyVersion)
        .order_by(PolicyVersion.decided_on.desc(), PolicyVersion.approved_at.desc())
        .limit(1)
    )
    return session.execute(newest).scalar_one_or_none()


def find_standing(
    approved: PolicyVersion | None, document: Mapping[str, Any], today: date
) -> Standing:
    """Compare the table of the estate with the approved one; pure."""
    if approved is None:
        return Standing(None, {}, is_review_due=False)
    changes = find_changes(json.loads(approved.document), json.loads(canonical_json(document)))
    return Standing(approved, changes, today > approved.review_on)
