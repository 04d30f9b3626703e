"""Restore drills, their phases, and findings until a drill shows them fixed."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_VERDICTS = "IN ('ok', 'incomplete', 'failed', 'not_checked', 'skipped')"


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "drills",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("engine", sa.Text(), nullable=False),
        sa.Column("from_paper", sa.Boolean(), nullable=False),
        sa.Column("wanted", sa.Text(), nullable=False),
        sa.Column("store", sa.Text(), nullable=False),
        sa.Column("snapshot", sa.Text(), nullable=False),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("run", sa.Text(), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("via", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("incident_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("reason_code", sa.Text(), nullable=False),
        sa.Column("params", sa.JSON(), nullable=False),
        sa.Column("isolated", sa.Boolean(), nullable=True),
        sa.Column("minutes", sa.JSON(), nullable=True),
        sa.Column("minutes_sha256", sa.Text(), nullable=False),
        sa.CheckConstraint("scope IN ('site', 'file')", name="drill_scope"),
        sa.CheckConstraint("source IN ('backup', 'archive')", name="drill_source"),
        sa.CheckConstraint("engine IN ('ours', 'restic')", name="drill_engine"),
        sa.CheckConstraint(f"outcome {_VERDICTS}", name="drill_outcome"),
        sa.CheckConstraint("(ended_at IS NULL) = (outcome IS NULL)", name="drill_concluded"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("drills_site", "drills", ["site", "started_at"])
    op.create_table(
        "drill_phases",
        sa.Column("drill", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("attempt", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("params", sa.JSON(), nullable=False),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.CheckConstraint(f"outcome {_VERDICTS}", name="drill_phase_outcome"),
        sa.CheckConstraint("(ended_at IS NULL) = (outcome IS NULL)", name="drill_phase_ended"),
        sa.ForeignKeyConstraint(["drill"], ["drills.id"]),
        sa.PrimaryKeyConstraint("drill", "name", "attempt"),
    )
    op.create_table(
        "drill_findings",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("drill", sa.Uuid(), nullable=False),
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("params", sa.JSON(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("due", sa.Date(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("fixed_by", sa.Uuid(), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("scope IN ('site', 'file')", name="drill_finding_scope"),
        sa.CheckConstraint("(closed_at IS NULL) = (fixed_by IS NULL)", name="drill_finding_fixed"),
        sa.ForeignKeyConstraint(["drill"], ["drills.id"]),
        sa.ForeignKeyConstraint(["fixed_by"], ["drills.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("drill_findings_open", "drill_findings", ["site", "closed_at"])
