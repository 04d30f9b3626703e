"""The year's plan."""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

_STATES = (
    "state IN ('draft', 'reviewed', 'submitted', 'returned', 'decided', 'running', 'accepted',"
    " 'reported', 'replaced')"
)
_MONEY = "0 <= paid AND paid <= accepted AND accepted <= contracted AND contracted <= granted"
_MOMENT = sa.DateTime(timezone=True)


def _texts(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text(), nullable=False) for name in names]


def upgrade() -> None:
    """Add the tables; they fill by `plan.draft`."""
    op.create_table(
        "plans",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        *_texts("state", "reason"),
        sa.Column("authors", sa.JSON(), nullable=False),
        sa.Column("made_at", _MOMENT, nullable=False),
        *_texts("made_by"),
        *(
            sa.Column(name, _MOMENT, nullable=True)
            for name in ("reviewed_at", "submitted_at", "decided_at")
        ),
        *_texts("reviewed_by", "submitted_by", "submission"),
        sa.Column("frozen", sa.JSON(), nullable=True),
        sa.Column("decided_on", sa.Date(), nullable=True),
        *_texts(
            "frozen_sha256",
            "returned_for",
            "decision",
            "signer",
            "scan",
            "recorded_by",
            "approved_by",
            "report",
        ),
        sa.UniqueConstraint("year", "revision", name="plan_once"),
        sa.CheckConstraint(_STATES, name="plan_state"),
        sa.CheckConstraint("(frozen IS NULL) = (frozen_sha256 = '')", name="plan_frozen"),
    )
    op.create_table(
        "plan_items",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("plan_id", sa.Uuid(), sa.ForeignKey("plans.id"), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        *_texts("key"),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.Column("is_edited", sa.Boolean(), nullable=False),
        *_texts("rejected_for", "decision"),
        *(
            sa.Column(name, sa.BigInteger(), nullable=False)
            for name in ("granted", "contracted", "accepted", "paid")
        ),
        sa.Column("accepted_on", sa.Date(), nullable=True),
        sa.UniqueConstraint("plan_id", "number", name="plan_item_once"),
        sa.CheckConstraint(
            "decision IN ('', 'granted', 'cut', 'deferred')", name="plan_item_decision"
        ),
        sa.CheckConstraint(_MONEY, name="plan_item_money"),
    )
    op.create_index("plan_items_key", "plan_items", ["key"])
    op.create_table(
        "plan_notes",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("plan_id", sa.Uuid(), sa.ForeignKey("plans.id"), nullable=False),
        sa.Column("item", sa.Integer(), nullable=False),
        *_texts("kind"),
        sa.Column("at", _MOMENT, nullable=False),
        *_texts("person"),
        *(sa.Column(name, _MOMENT, nullable=True) for name in ("begins", "until")),
        *_texts("text", "result", "document", "code"),
        sa.CheckConstraint(
            "kind IN ('opinion', 'window', 'work', 'money', 'acceptance')", name="plan_note_kind"
        ),
    )
    op.create_index("plan_notes_plan", "plan_notes", ["plan_id", "at"])
