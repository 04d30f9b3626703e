"""Findings of security tools, their looks, and what is allowed on hosts."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the tables; they fill with the first audit and the first approval."""
    _add_findings()
    _add_looks()
    _add_baselines()
    op.create_index("runs_ended", "runs", ["ended_at"])  # evidence is asked for by day


def _add_findings() -> None:
    op.create_table(
        "security_findings",
        sa.Column("id", sa.Uuid(), nullable=False),
        *(_text(name) for name in ("subject", "tool", "check", "severity", "code", "title")),
        sa.Column("params", sa.JSON(), nullable=False),
        _text("evidence"),
        *(_moment(name) for name in ("first_seen_at", "last_seen_at")),
        _text("state"),
        _moment("fixed_at", nullable=True),
        _text("found_by"),
        _moment("accepted_until", nullable=True),
        *(_text(name) for name in ("accepted_by", "asked_by", "accept_reason", "accept_document")),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("subject", "tool", "check", name="security_finding_once"),
        sa.CheckConstraint(
            "severity IN ('low', 'medium', 'high', 'critical')", name="security_finding_severity"
        ),
        sa.CheckConstraint("state IN ('open', 'fixed')", name="security_finding_state"),
        sa.CheckConstraint(
            "accepted_until IS NULL OR (accepted_by <> '' AND accept_reason <> '')",
            name="security_acceptance_explained",
        ),
    )
    op.create_index("security_findings_state", "security_findings", ["state", "subject"])


def _add_looks() -> None:
    op.create_table(
        "security_looks",
        sa.Column("id", sa.Uuid(), nullable=False),
        *(_text(name) for name in ("subject", "tool")),
        _moment("at"),
        *(_text(name) for name in ("outcome", "reason")),
        sa.Column("params", sa.JSON(), nullable=False),
        _text("version"),
        sa.Column("score", sa.Integer(), nullable=True),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in ("opened", "fixed", "open")),
        sa.Column("items", sa.JSON(none_as_null=True), nullable=True),
        *(_text(name) for name in ("evidence", "run", "by")),
        sa.PrimaryKeyConstraint("id"),
        sa.CheckConstraint(
            "outcome IN ('ok', 'incomplete', 'not_checked')", name="security_look_outcome"
        ),
    )
    op.create_index(
        "security_looks_subject", "security_looks", ["subject", "tool", "at", "outcome"]
    )
    op.create_index("security_looks_at", "security_looks", ["at"])


def _add_baselines() -> None:
    op.create_table(
        "security_baselines",
        sa.Column("id", sa.Uuid(), nullable=False),
        *(_text(name) for name in ("subject", "tool")),
        sa.Column("items", sa.JSON(), nullable=False),
        _moment("approved_at"),
        *(_text(name) for name in ("approved_by", "asked_by", "reason", "document")),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "security_baselines_subject", "security_baselines", ["subject", "tool", "approved_at"]
    )


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=False)


def _moment(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)
