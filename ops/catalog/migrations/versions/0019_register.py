"""The register of remarks, requests, incidents and difficulties."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

_KINDS = "kind IN ('remark', 'support', 'restore', 'incident', 'difficulty')"
_LINKS = "kind IN ('run', 'alert', 'finding', 'drill')"


def upgrade() -> None:
    """Add the tables; they fill by hand."""
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "register_entries",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        *(
            sa.Column(name, sa.Text(), nullable=False)
            for name in ("kind", "title", "unit", "site", "reporter", "document")
        ),
        sa.Column("is_serious", sa.Boolean(), nullable=False),
        sa.Column("has_personal_data", sa.Boolean(), nullable=False),
        *(sa.Column(name, moment, nullable=False) for name in ("occurred_at", "received_at")),
        *(
            sa.Column(name, moment, nullable=True)
            for name in ("acknowledged_at", "restored_at", "closed_at")
        ),
        *(
            sa.Column(name, sa.Text(), nullable=False)
            for name in ("cause", "result", "opened_by", "closed_by")
        ),
        sa.CheckConstraint(_KINDS, name="register_kind"),
        sa.UniqueConstraint("year", "number", name="register_number"),
    )
    op.create_index("register_received", "register_entries", ["received_at"])
    op.create_index("register_site", "register_entries", ["site", "occurred_at"])
    op.create_table(
        "register_notes",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("entry_id", sa.Uuid(), sa.ForeignKey("register_entries.id"), nullable=False),
        sa.Column("at", moment, nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
    )
    op.create_index("register_notes_entry", "register_notes", ["entry_id", "at"])
    op.create_table(
        "register_links",
        sa.Column("entry_id", sa.Uuid(), sa.ForeignKey("register_entries.id"), primary_key=True),
        sa.Column("kind", sa.Text(), primary_key=True),
        sa.Column("ref", sa.Text(), primary_key=True),
        sa.Column("linked_at", moment, nullable=False),
        sa.CheckConstraint(_LINKS, name="register_link_kind"),
    )
    op.create_index("register_links_ref", "register_links", ["kind", "ref"])
