"""Persons with credentials and roles, for tests about approvals."""

from datetime import datetime

import pyotp
import pytest
from argon2 import PasswordHasher
from sqlalchemy import select
from sqlalchemy.orm import Session

from ops.access import factors
from ops.access.credentials import Issued, Proof, issue_credentials
from ops.access.factors import derive_key
from ops.access.roles import give_role
from ops.catalog.open import Catalog
from ops.catalog.tables.access import Credential
from ops.journal import journal
from ops.journal.journal import Entry, Origin
from ops.journal.record_proofs import tell_credential

KEY_TEXT = "a key of the tests"
KEY = derive_key(KEY_TEXT)
_QUICK = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


def password_of(person: str) -> str:
    return f"lúa vàng trên đồng của {len(person)} {person[::-1]}"


def enrol(catalog: Catalog, person: str, *roles: str, now: datetime) -> Issued:
    """Give a person credentials and roles.

    The password is kept in a hash of the usual kind that costs next to nothing, and so does each
    proof, which takes its strength from it. How strong those of people are has a test of its own.
    """
    with pytest.MonkeyPatch.context() as patch, catalog.writing() as session:
        patch.setattr(factors, "_HASHER", _QUICK)
        issued = issue_credentials(session, KEY, person, password_of(person), now=now)
        note_credentials(session, person)
        for role in roles:
            give_role(session, person, role, by="test", request=None, now=now)
            note_role(session, person, role)
    return issued


def appoint(catalog: Catalog, person: str, *roles: str, now: datetime) -> None:
    """Give a person roles, and credentials that nothing opens: tests of requests prove nothing."""
    with catalog.writing() as session:
        session.add(
            Credential(
                person=person,
                password_hash="",
                totp_sealed="",
                totp_last_step=0,
                failures=0,
                created_at=now,
                changed_at=now,
            )
        )
        note_credentials(session, person)
        for role in roles:
            give_role(session, person, role, by="test", request=None, now=now)
            note_role(session, person, role)


def note_credentials(session: Session, person: str) -> None:
    """Journal that credentials were given, and which: without that they count for nothing."""
    entry = Entry("user.add", person, tell_credential(session, person))
    journal.append(session, origin_of("test"), [entry])


def note_role(session: Session, person: str, role: str, change: str = "give") -> None:
    """Journal that a role was given: without that it counts for nothing."""
    entry = Entry("user.role", person, {"role": role, "change": change})
    journal.append(session, origin_of("test"), [entry])


def proof_of(person: str, issued: Issued, at: datetime) -> Proof:
    return Proof(password_of(person), pyotp.TOTP(issued.secret).at(at))


def origin_of(person: str) -> Origin:
    return Origin(via="cli", person=person, login=person)


def credential_of(catalog: Catalog, person: str) -> Credential:
    with catalog.reading() as session:
        return session.execute(select(Credential).where(Credential.person == person)).scalar_one()
