"""Who may do what: credentials, roles, requests that wait for a second person."""

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
