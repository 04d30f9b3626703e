"""Record tables: what looks at hosts and sites found, how each look ended, what is allowed."""

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, Index, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from ops.catalog.columns import Base, UTCDateTime, new_id, one_of, table_info

SEVERITIES = ("low", "medium", "high", "critical")
STATES = ("open", "fixed")
LOOKED = ("ok", "incomplete", "not_checked")


class SecurityFinding(Base):
    """A record: one thing that one tool holds against one host or site (`ops.security`).

    Attributes:
        subject: `host:NAME` or `site:NAME`; never from what was looked at.
        tool: One of `ops.security.subjects.TOOLS`.
        check: The tool's own name of what it holds against it, bounded.
        severity: One of `SEVERITIES`.
        code: Whose sentence tells it (`ops.security.subjects`); empty where `title` does.
        title: The tool's own words, sanitised and bounded.
        params: JSON values for the sentence.
        evidence: SHA-256 of the answer that showed it last.
        first_seen_at, last_seen_at: When.
        state: One of `STATES`; whether an open one is accepted now, `accepted_until` says.
        fixed_at: When a whole look no longer showed it; NULL while it is open.
        found_by: Person whose look showed it first; empty for the clock.
        accepted_until: Until when it is accepted; NULL if it is not. Never for ever.
        accepted_by, asked_by: Who agreed, and who had asked for it.
        accept_reason, accept_document: Why, and the document behind it.
    """

    __tablename__ = "security_findings"
    __table_args__ = (
        UniqueConstraint("subject", "tool", "check", name="security_finding_once"),
        CheckConstraint(one_of("severity", SEVERITIES), name="security_finding_severity"),
        CheckConstraint(one_of("state", STATES), name="security_finding_state"),
        CheckConstraint(
            "accepted_until IS NULL OR (accepted_by <> '' AND accept_reason <> '')",
            name="security_acceptance_explained",
        ),
        Index("security_findings_state", "state", "subject"),
        table_info("record"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    subject: Mapped[str] = mapped_column(Text)
    tool: Mapped[str] = mapped_column(Text)
    check: Mapped[str] = mapped_column(Text)
    severity: Mapped[str] = mapped_column(Text)
    code: Mapped[str] = mapped_column(Text, default="")
    title: Mapped[str] = mapped_column(Text, default="")
    params: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    evidence: Mapped[str] = mapped_column(Text)
    first_seen_at: Mapped[datetime] = mapped_column(UTCDateTime)
    last_seen_at: Mapped[datetime] = mapped_column(UTCDateTime)
    state: Mapped[str] = mapped_column(Text, default="open")
    fixed_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    found_by: Mapped[str] = mapped_column(Text, default="")
    accepted_until: Mapped[datetime | None] = mapped_column(UTCDateTime)
    accepted_by: Mapped[str] = mapped_column(Text, default="")
    asked_by: Mapped[str] = mapped_column(Text, default="")
    accept_reason: Mapped[str] = mapped_column(Text, default="")
    accept_document: Mapped[str] = mapped_column(Text, default="")


class SecurityLook(Base):
    """A record: one look of one tool at one host or site, and how it ended.

    Attributes:
        subject, tool: As in `SecurityFinding`.
        at: When it ended.
        outcome: One of `LOOKED`: `incomplete` where it shows something but not all.
        reason, params: Why it is not `ok`; empty where it is.
        version: Of the tool; empty where it did not say.
        score: Its own figure, such as Lynis's hardening index; NULL where it gives none.
        opened, fixed, open: Findings that it opened and fixed, and all that are open after it.
        items: What it lists for a list of what is allowed; NULL where it lists nothing.
        evidence: SHA-256 of its answer; empty where it did not run.
        run: Id of the run.
        by: Person or login who asked for it; empty for the clock.
    """

    __tablename__ = "security_looks"
    __table_args__ = (
        CheckConstraint(one_of("outcome", LOOKED), name="security_look_outcome"),
        Index("security_looks_subject", "subject", "tool", "at", "outcome"),
        Index("security_looks_at", "at"),
        table_info("record"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    subject: Mapped[str] = mapped_column(Text)
    tool: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime] = mapped_column(UTCDateTime)
    outcome: Mapped[str] = mapped_column(Text)
    reason: Mapped[str] = mapped_column(Text, default="")
    params: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    version: Mapped[str] = mapped_column(Text, default="")
    score: Mapped[int | None]
    opened: Mapped[int] = mapped_column(default=0)
    fixed: Mapped[int] = mapped_column(default=0)
    open: Mapped[int] = mapped_column(default=0)
    items: Mapped[list[str] | None] = mapped_column(JSON(none_as_null=True))
    evidence: Mapped[str] = mapped_column(Text, default="")
    run: Mapped[str] = mapped_column(Text, default="")
    by: Mapped[str] = mapped_column(Text, default="")


class SecurityBaseline(Base):
    """A record: what two people allow on a host; the newest of a host and tool counts.

    Attributes:
        subject, tool: As in `SecurityFinding`.
        items: What is allowed, in the words of `SecurityLook.items`, sorted.
        approved_at, approved_by, asked_by: When, by whom, and who asked.
        reason, document: Why, and the document behind it.
    """

    __tablename__ = "security_baselines"
    __table_args__ = (
        Index("security_baselines_subject", "subject", "tool", "approved_at"),
        table_info("record"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    subject: Mapped[str] = mapped_column(Text)
    tool: Mapped[str] = mapped_column(Text)
    items: Mapped[list[str]] = mapped_column(JSON)
    approved_at: Mapped[datetime] = mapped_column(UTCDateTime)
    approved_by: Mapped[str] = mapped_column(Text)
    asked_by: Mapped[str] = mapped_column(Text)
    reason: Mapped[str] = mapped_column(Text)
    document: Mapped[str] = mapped_column(Text, default="")
