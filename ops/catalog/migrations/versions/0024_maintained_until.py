"""Until when the upkeep of a device is paid for."""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; of no device is that known yet."""
    op.add_column("assets", sa.Column("maintained_until", sa.Date(), nullable=True))
