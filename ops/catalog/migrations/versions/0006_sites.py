"""Sites that were retired, and estates as they were.

Sites of the estate versions that are stored already are known from the start.
"""

import json

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables, and note the sites of the stored estates."""
    known = op.create_table(
        "known_sites",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("estate", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "retired_sites",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("retired_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("retired_by", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("estate", sa.Text(), nullable=False),
        sa.Column("retention", sa.JSON(), nullable=False),
        sa.Column("stores", sa.JSON(), nullable=False),
        sa.Column("minutes", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("retired_sites_name", "retired_sites", ["name", "retired_at"])
    op.bulk_insert(known, _sites_of_stored_estates())


def _sites_of_stored_estates() -> list[dict[str, object]]:
    versions = sa.table(
        "estate_versions",
        sa.column("hash", sa.Text()),
        sa.column("first_seen_at", sa.DateTime(timezone=True)),
        sa.column("document", sa.Text()),
    )
    rows: dict[str, dict[str, object]] = {}
    for row in op.get_bind().execute(sa.select(versions).order_by(versions.c.first_seen_at)):
        for site in json.loads(row.document).get("sites", ()):
            known = rows.setdefault(site["name"], {"name": site["name"], "since": row[1]})
            known["estate"] = row.hash
    return list(rows.values())
