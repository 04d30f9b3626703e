"""Removable media that hold backups."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "media",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("started_on", sa.Date(), nullable=False),
        sa.Column("renew_on", sa.Date(), nullable=True),
        sa.Column("kept_at", sa.Text(), nullable=False),
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("written_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("verified_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("verified", sa.Text(), nullable=False),
        sa.Column("contents", sa.JSON(), nullable=False),
        sa.CheckConstraint("(verified_at IS NULL) = (verified = '')", name="medium_verified"),
        sa.CheckConstraint("verified IN ('', 'ok', 'failed')", name="medium_verdict"),
        sa.PrimaryKeyConstraint("code"),
    )
