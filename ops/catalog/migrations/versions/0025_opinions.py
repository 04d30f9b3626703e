"""Whose an opinion on a plan is."""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; of earlier opinions nobody wrote it down."""
    op.add_column("plan_notes", sa.Column("body", sa.Text(), nullable=False, server_default=""))
