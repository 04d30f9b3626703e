"""Record tables: who may do what: credentials, roles, requests that wait for a second person."""

import uuid
from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, Index, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from ops.catalog.columns import Base, UTCDateTime, new_id, table_info

REQUEST_STATES = ("waiting", "approved", "refused", "used")
_STATES_LISTED = ", ".join(f"'{state}'" for state in REQUEST_STATES)


class Credential(Base):
    """A record: what one person of the estate proves with (`ops.access.credentials`).

    Nothing here opens anything by itself: the password is hashed with argon2id, the TOTP secret is
    sealed under a key that is kept elsewhere.

    Attributes:
        person: Name of the person in the estate.
        password_hash: argon2id in the PHC string format.
        totp_sealed: The sealed TOTP secret, in base64.
        totp_last_step: The newest time step (30 s since 1970) a code was accepted for; that step
            and those before it are refused. 0 before the first.
        failures: Failed proofs since the last good one.
        paused_until: No proof is looked at before; NULL while there is no pause.
        created_at, changed_at: When they were first made, and last.
        disabled_at: When they were taken away; NULL while they hold.
    """

    __tablename__ = "credentials"
    __table_args__ = (table_info("record"),)

    person: Mapped[str] = mapped_column(Text, primary_key=True)
    password_hash: Mapped[str] = mapped_column(Text)
    totp_sealed: Mapped[str] = mapped_column(Text)
    totp_last_step: Mapped[int] = mapped_column(BigInteger, default=0)
    failures: Mapped[int] = mapped_column(default=0)
    paused_until: Mapped[datetime | None] = mapped_column(UTCDateTime)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)
    changed_at: Mapped[datetime] = mapped_column(UTCDateTime)
    disabled_at: Mapped[datetime | None] = mapped_column(UTCDateTime)


class RecoveryCode(Base):
    """A record: one recovery code of a person, usable once in place of a TOTP code.

    Attributes:
        person: Name of the person.
        digest: HMAC-SHA-256 of the code under the credentials key, in hexadecimal.
        issued_at: When it was given.
        used_at: When it was used, or replaced by newer ones; NULL while it is good.
    """

    __tablename__ = "recovery_codes"
    __table_args__ = (table_info("record"),)

    person: Mapped[str] = mapped_column(Text, primary_key=True)
    digest: Mapped[str] = mapped_column(Text, primary_key=True)
    issued_at: Mapped[datetime] = mapped_column(UTCDateTime)
    used_at: Mapped[datetime | None] = mapped_column(UTCDateTime)


class RoleGrant(Base):
    """A record: a role that a person holds or held (`ops.access.roles`).

    Attributes:
        person: Name of the person.
        role: One of `ops.access.rights.ROLES`.
        given_at, given_by: When, and by whom (person, else login).
        request_id: The approved request it was given under; NULL where none was needed.
        taken_at, taken_by: When it was taken away, and by whom; NULL and empty while it is held.
    """

    __tablename__ = "role_grants"
    __table_args__ = (
        Index(
            "role_grants_held",
            "person",
            "role",
            unique=True,
            sqlite_where=text("taken_at IS NULL"),
            postgresql_where=text("taken_at IS NULL"),
        ),
        table_info("record"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    person: Mapped[str] = mapped_column(Text)
    role: Mapped[str] = mapped_column(Text)
    given_at: Mapped[datetime] = mapped_column(UTCDateTime)
    given_by: Mapped[str] = mapped_column(Text)
    request_id: Mapped[uuid.UUID | None]
    taken_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    taken_by: Mapped[str] = mapped_column(Text, default="")


class ApprovalRequest(Base):
    """A record: one request that waits, or waited, for a second person.

    See `ops.access.approvals.require`.

    The database itself refuses that the one who asked decides.

    Attributes:
        action: One of `ops.access.rights.ACTIONS`.
        subject: What it is about: a site, a person, a plan.
        plan_digest: SHA-256 of the plan it was made from, in hexadecimal.
        plan: That plan as canonical JSON, for the person who decides; no secrets.
        requested_by, login, via: Who asked, and by which way.
        reason, document: Why, and on what ground.
        requested_at, expires_at: It can be approved and used in between.
        state: One of `REQUEST_STATES`; that it has expired shows in `expires_at`.
        decided_by, decided_at, decision_reason: Who approved or refused; empty and NULL before.
        used_at, used_by: When the approved act began, and by whom.
    """

    __tablename__ = "approval_requests"
    __table_args__ = (
        CheckConstraint(f"state IN ({_STATES_LISTED})", name="approval_state"),
        CheckConstraint("requested_by <> ''", name="approval_requested"),
        CheckConstraint("decided_by <> requested_by", name="approval_two_people"),
        CheckConstraint(
            "state NOT IN ('approved', 'refused', 'used') OR decided_by <> ''",
            name="approval_decided",
        ),
        Index("approval_requests_subject", "action", "subject", "state"),
        table_info("record"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    action: Mapped[str] = mapped_column(Text)
    subject: Mapped[str] = mapped_column(Text)
    plan_digest: Mapped[str] = mapped_column(Text)
    plan: Mapped[str] = mapped_column(Text)
    requested_by: Mapped[str] = mapped_column(Text)
    login: Mapped[str] = mapped_column(Text)
    via: Mapped[str] = mapped_column(Text)
    reason: Mapped[str] = mapped_column(Text)
    document: Mapped[str] = mapped_column(Text)
    requested_at: Mapped[datetime] = mapped_column(UTCDateTime)
    expires_at: Mapped[datetime] = mapped_column(UTCDateTime)
    state: Mapped[str] = mapped_column(Text, default="waiting")
    decided_by: Mapped[str] = mapped_column(Text, default="")
    decided_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    decision_reason: Mapped[str] = mapped_column(Text, default="")
    used_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    used_by: Mapped[str] = mapped_column(Text, default="")
