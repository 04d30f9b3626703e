"""Record tables: duties in force, the approved policy, the year's plan, what was done about it."""

import uuid
from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    Date,
    ForeignKey,
    Index,
    Text,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column

from ops.catalog.columns import Base, UTCDateTime, new_id, one_of, table_info

STATES = (
    "draft",
    "reviewed",
    "submitted",
    "returned",
    "decided",
    "running",
    "accepted",
    "reported",
    "replaced",
)
DECISIONS = ("", "granted", "cut", "deferred")
NOTES = ("opinion", "window", "work", "money", "acceptance")


class Plan(Base):
    """A record: the plan of a year, or a revision of it.

    Attributes:
        year, revision: Which; revision 0 is the first, each later one starts from a decided plan.
        state: One of `STATES`; `replaced` where a later revision was decided.
        reason: Why it is revised; empty for the first.
        authors: Names of all who drafted or edited it, sorted; none of them approves it.
        made_at, made_by: When it was drafted first, and by whom: person, else login.
        reviewed_at, reviewed_by: Likewise its review within the Center.
        submitted_at, submitted_by, submission: Likewise when it was handed in, and the number of
            the Tờ trình.
        frozen, frozen_sha256: What was handed in, as `ops.planning.document` gives it, and the
            digest of its canonical JSON; NULL and empty until then.
        returned_for: Why it came back; empty where it did not.
        decision, decided_on, signer, scan: Number, date and signer of the decision on paper, and
            the id of the document that holds it.
        decided_at, recorded_by, approved_by: When that was recorded, by whom, who agreed.
        report: Number of the report on it; empty until it is reported.
    """

    __tablename__ = "plans"
    __table_args__ = (
        UniqueConstraint("year", "revision", name="plan_once"),
        CheckConstraint(one_of("state", STATES), name="plan_state"),
        CheckConstraint("(frozen IS NULL) = (frozen_sha256 = '')", name="plan_frozen"),
        table_info("record"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    year: Mapped[int]
    revision: Mapped[int] = mapped_column(default=0)
    state: Mapped[str] = mapped_column(Text, default="draft")
    reason: Mapped[str] = mapped_column(Text, default="")
    authors: Mapped[list[str]] = mapped_column(JSON, default=list)
    made_at: Mapped[datetime] = mapped_column(UTCDateTime)
    made_by: Mapped[str] = mapped_column(Text)
    reviewed_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    reviewed_by: Mapped[str] = mapped_column(Text, default="")
    submitted_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    submitted_by: Mapped[str] = mapped_column(Text, default="")
    submission: Mapped[str] = mapped_column(Text, default="")
    frozen: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    frozen_sha256: Mapped[str] = mapped_column(Text, default="")
    returned_for: Mapped[str] = mapped_column(Text, default="")
    decision: Mapped[str] = mapped_column(Text, default="")
    decided_on: Mapped[date | None] = mapped_column(Date)
    signer: Mapped[str] = mapped_column(Text, default="")
    scan: Mapped[str] = mapped_column(Text, default="")
    decided_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    recorded_by: Mapped[str] = mapped_column(Text, default="")
    approved_by: Mapped[str] = mapped_column(Text, default="")
    report: Mapped[str] = mapped_column(Text, default="")


class PlanItem(Base):
    """A record: one item of a plan.

    Attributes:
        plan_id, number: Which; numbers go through the groups, and stay for the year from its first
            review on.
        key: What proposed it, such as `asset:may-chu-1:support`, the first where several did; empty
            where a person added it.
        body: What it says, as `ops.planning.item.Item` gives it.
        is_edited: Whether a person has changed it, so that a new draft leaves it alone.
        rejected_for: Why it is not in the plan; empty for those that are.
        decision: One of `DECISIONS`.
        granted, contracted, accepted, paid: Đồng, each at most the one before; 0 until then.
        accepted_on: When the work was accepted; NULL until then.
    """

    __tablename__ = "plan_items"
    __table_args__ = (
        UniqueConstraint("plan_id", "number", name="plan_item_once"),
        CheckConstraint(one_of("decision", DECISIONS), name="plan_item_decision"),
        CheckConstraint(
            "0 <= paid AND paid <= accepted AND accepted <= contracted AND contracted <= granted",
            name="plan_item_money",
        ),
        Index("plan_items_key", "key"),
        table_info("record"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    plan_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("plans.id"))
    number: Mapped[int]
    key: Mapped[str] = mapped_column(Text, default="")
    body: Mapped[dict[str, Any]] = mapped_column(JSON)
    is_edited: Mapped[bool] = mapped_column(default=False)
    rejected_for: Mapped[str] = mapped_column(Text, default="")
    decision: Mapped[str] = mapped_column(Text, default="")
    granted: Mapped[int] = mapped_column(BigInteger, default=0)
    contracted: Mapped[int] = mapped_column(BigInteger, default=0)
    accepted: Mapped[int] = mapped_column(BigInteger, default=0)
    paid: Mapped[int] = mapped_column(BigInteger, default=0)
    accepted_on: Mapped[date | None] = mapped_column(Date)


class PlanNote(Base):
    """A record: what was said or done about a plan or one of its items.

    Nobody changes it; the number of its item follows that item.

    Attributes:
        plan_id, item: Which plan, and the number of the item; 0 for the plan as a whole.
        kind: One of `NOTES`.
        at, person: When it was written, and by whom: person, else login.
        begins, until: Of a window or work: from when to when; NULL where that is not said.
        text, result, document: What, what came of it, and the paper behind it; may be empty.
        code: Of a window that stops a site: the code of the planned stop; of money: `contract`
            where the document is one; of an opinion on an item: the number it had then.
        body: Of an opinion: whose it is; its `result` is how it was taken up. May be empty.
    """

    __tablename__ = "plan_notes"
    __table_args__ = (
        CheckConstraint(one_of("kind", NOTES), name="plan_note_kind"),
        Index("plan_notes_plan", "plan_id", "at"),
        table_info("record"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    plan_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("plans.id"))
    item: Mapped[int] = mapped_column(default=0)
    kind: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime] = mapped_column(UTCDateTime)
    person: Mapped[str] = mapped_column(Text)
    begins: Mapped[datetime | None] = mapped_column(UTCDateTime)
    until: Mapped[datetime | None] = mapped_column(UTCDateTime)
    text: Mapped[str] = mapped_column(Text, default="")
    result: Mapped[str] = mapped_column(Text, default="")
    document: Mapped[str] = mapped_column(Text, default="")
    code: Mapped[str] = mapped_column(Text, default="")
    body: Mapped[str] = mapped_column(Text, default="")


class DutyVersion(Base):
    """A record: one set of duties that was in force, as `ops.duties` read it.

    Attributes:
        digest: SHA-256 of `document`, in hexadecimal.
        first_seen_at: When this set was first in force.
        document: Every row and note as canonical JSON.
    """

    __tablename__ = "duty_versions"
    __table_args__ = (table_info("record"),)

    digest: Mapped[str] = mapped_column(Text, primary_key=True)
    first_seen_at: Mapped[datetime] = mapped_column(UTCDateTime)
    document: Mapped[str] = mapped_column(Text)


class PolicyVersion(Base):
    """A record: one version of the backup policy, as it was approved.

    Attributes:
        number: Number of the decision.
        decided_on: Its date.
        review_on: By when it must be looked at again.
        digest: SHA-256 of `document`, in hexadecimal.
        document: The table as canonical JSON.
        approved_at: When it was recorded.
        recorded_by: Person or login that recorded it.
    """

    __tablename__ = "policy_versions"
    __table_args__ = (table_info("record"),)

    number: Mapped[str] = mapped_column(Text, primary_key=True)
    decided_on: Mapped[date] = mapped_column(Date, primary_key=True)
    review_on: Mapped[date] = mapped_column(Date)
    digest: Mapped[str] = mapped_column(Text)
    document: Mapped[str] = mapped_column(Text)
    approved_at: Mapped[datetime] = mapped_column(UTCDateTime)
    recorded_by: Mapped[str] = mapped_column(Text)
