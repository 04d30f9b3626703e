"""What was approved of the backup policy, and what is told ahead of a duty."""

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
