"""The register of assets."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

_KINDS = (
    "kind IN ('server', 'storage', 'network', 'ups', 'line', 'software', 'licence', 'domain',"
    " 'certificate', 'contract', 'medium')"
)
_TEXTS = (
    "title", "host", "address", "serial", "place", "purpose", "state", "owner", "unit", "system",
    "version", "licence", "scope", "supplier",
)  # fmt: skip


def upgrade() -> None:
    """Add the table; it fills by an import."""
    op.create_table(
        "assets",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("name", sa.Text(), nullable=False, unique=True),
        sa.Column("kind", sa.Text(), nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in _TEXTS),
        sa.Column("price", sa.BigInteger(), nullable=True),
        *(
            sa.Column(name, sa.Date(), nullable=True)
            for name in ("bought_on", "warranty_until", "supported_until")
        ),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("contract", "documents", "note")),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(_KINDS, name="asset_kind"),
        sa.CheckConstraint("price IS NULL OR price >= 0", name="asset_price"),
    )
