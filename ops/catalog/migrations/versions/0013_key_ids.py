"""Which key files open each repository, as it was last seen."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; what is in it is read from the stores."""
    ids = sa.Column("key_ids", sa.JSON(), nullable=False, server_default=sa.text("'[]'"))
    op.add_column("stores_seen", ids)
