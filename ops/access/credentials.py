"""Credentials of persons: issue, renew, take away, and prove with them.

Order of a proof:
1. Lock the person's row, so that two guesses are never judged by the same count. A row that is not
   as the journal tells counts for nothing (`ops.journal.record_proofs`).
2. Judge: is there a pause, is the password right, is the code right and not yet used.
3. Write the step or the recovery code as used (or the failure and its pause), journal, commit.
4. Only then say yes or no. A process killed before 4 has used a code up; it never works twice.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import CursorResult, func, select, update
from sqlalchemy.orm import Session

from ops.access.factors import (
    CredentialsKey,
    digest_code,
    find_step,
    hash_password,
    is_password_right,
    looks_like_totp,
    make_recovery_codes,
    make_totp_secret,
    open_secret,
    pause_after,
    seal_secret,
)
from ops.catalog.open import Catalog
from ops.catalog.tables.access import Credential, RecoveryCode
from ops.errors import OpsError, WrongUseError
from ops.journal import journal
from ops.journal.journal import Entry, Origin
from ops.journal.record_proofs import is_credential_proven, journaled_accounts, tell_credential


class ProofError(OpsError):
    """Password or code is not the person's; which of the two is not said."""


class PausedError(OpsError):
    """Too many failed proofs: nobody may try as this person for a while."""


class CredentialsChangedError(OpsError):
    """What the person proves with was changed past this program."""


def no_credentials(person: str) -> WrongUseError:
    """Give the refusal of who was never given credentials, or whose were taken away."""
    return WrongUseError(
        '"{person}" has no credentials',
        next_step="give them: `{program} user.add --person {person}`; those that were taken"
        " away come back with `{program} user.reset-totp --person {person}`",
        person=person,
    )


@dataclass(frozen=True, slots=True)
class Proof:
    """What a person proves with: the password, and a time-based or a recovery code."""

    password: str = field(repr=False)
    code: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Issued:
    """A new second factor, shown once.

    Attributes:
        secret: For TOTP, in base32; empty where the one before stays.
        codes: Recovery codes.
        step: The time step of the code that proved it; 0 where none did.
    """

    secret: str = field(repr=False)
    codes: tuple[str, ...] = field(repr=False)
    step: int = 0


def people_with_credentials(session: Session) -> set[str]:
    """Give everybody who was given credentials, disabled ones included.

    Disabling a colleague must not bring back the days when one person was enough.
    """
    return {*session.execute(select(Credential.person)).scalars(), *journaled_accounts(session)}


def has_good_credentials(session: Session, person: str) -> bool:
    """Tell whether a person can prove who it is."""
    query = select(Credential.person).where(
        Credential.person == person, Credential.disabled_at.is_(None)
    )
    is_good = session.execute(query).first() is not None
    return is_good and journaled_accounts(session).get(person, False)


def count_codes_left(session: Session, person: str) -> int:
    """Count a person's unused recovery codes."""
    query = select(func.count()).where(
        RecoveryCode.person == person, RecoveryCode.used_at.is_(None)
    )
    return session.execute(query).scalar_one()


def make_factor(*, keep_app: bool = False) -> Issued:
    """Make a second factor and its recovery codes; stored by who gives them to a person.

    Args:
        keep_app: Make recovery codes alone: the secret before stays.
    """
    return Issued("" if keep_app else make_totp_secret(), tuple(make_recovery_codes()))


def issue_credentials(
    session: Session,
    key: CredentialsKey,
    person: str,
    password: str,
    *,
    now: datetime,
    factor: Issued | None = None,
) -> Issued:
    """Give a person a password and a second factor, in place of any before.

    Args:
        session: From `Catalog.writing`; the caller journals the act in it, with what
            `ops.journal.record_proofs.tell_credential` gives.
        key: Seals the factor.
        person: Name of the person.
        password: Already checked.
        now: The moment.
        factor: As `make_factor` gave it; made here unless given.
    """
    row = session.get(Credential, person)
    if row is None:
        row = Credential(person=person, created_at=now, totp_last_step=0, failures=0)
        session.add(row)
    row.password_hash = hash_password(password)
    return _renew(session, key, row, now, factor)


def renew_factor(
    session: Session,
    key: CredentialsKey,
    person: str,
    *,
    now: datetime,
    factor: Issued | None = None,
) -> Issued:
    """Give a person a new second factor beside the same password; see `issue_credentials`."""
    row = session.get(Credential, person)
    if row is None:
        raise no_credentials(person)
    return _renew(session, key, row, now, factor)


def disable_credentials(session: Session, person: str, *, now: datetime) -> bool:
    """Take a person's credentials away; tells whether there was anything to take."""
    row = session.get(Credential, person)
    if row is None or row.disabled_at is not None:
        return False
    row.disabled_at = row.changed_at = now
    return True


def prove(
    catalog: Catalog,
    key: CredentialsKey,
    person: str,
    proof: Proof,
    *,
    origin: Origin,
    now: datetime,
) -> None:
    """Check that somebody is who they say they are; uses the code up.

    Raises:
        ProofError: Password or code is wrong or was used, or the person has no credentials.
        PausedError: Too many failures came before; nothing was looked at.
        CredentialsChangedError: They are not those that the journal tells of.
    """
    with catalog.writing() as session:
        query = select(Credential).where(Credential.person == person).with_for_update()
        row = session.execute(query).scalar_one_or_none()
        if row is not None and row.disabled_at is not None:
            row = None
        paused = row.paused_until if row is not None else None
        if paused is not None and paused > now:
            raise _paused(person, paused)
        if row is not None and not is_credential_proven(session, person):
            raise _changed(person)
        accepted = row is not None and _accept(session, key, row, proof, now)
        if row is not None and not accepted:
            _note_failure(row, now)
        if not accepted:
            failures = row.failures if row is not None else 0
            entry = Entry("user.proof-failed", person, {"failures": failures})
            journal.append(session, origin, [entry])
        elif not looks_like_totp(proof.code):
            left = count_codes_left(session, person)
            details = {"left": left, **tell_credential(session, person)}
            journal.append(session, origin, [Entry("user.recovery-code", person, details)])
    if not accepted:
        raise ProofError(
            'this does not prove that you are "{person}"',
            why="password or code is wrong, or the code was used before",
            data="nothing was changed",
            next_step="wait for the next code and try again; after several failures there is a"
            " pause that grows",
            person=person,
        )


def _renew(
    session: Session, key: CredentialsKey, row: Credential, now: datetime, factor: Issued | None
) -> Issued:
    issued = factor or make_factor()
    if issued.secret:
        row.totp_sealed = seal_secret(key, row.person, issued.secret)
        row.totp_last_step = issued.step
    row.failures = 0
    row.paused_until = row.disabled_at = None
    row.changed_at = now
    session.execute(
        update(RecoveryCode)
        .where(RecoveryCode.person == row.person, RecoveryCode.used_at.is_(None))
        .values(used_at=now)
    )
    for code in issued.codes:
        digest = digest_code(key, row.person, code)
        session.add(RecoveryCode(person=row.person, digest=digest, issued_at=now))
    return issued


def _accept(
    session: Session, key: CredentialsKey, row: Credential, proof: Proof, now: datetime
) -> bool:
    """Judge both factors; writes what is used up only when both are right."""
    if not is_password_right(row.password_hash, proof.password):
        return False
    if looks_like_totp(proof.code):
        secret = open_secret(key, row.person, row.totp_sealed)
        step = find_step(secret, proof.code, now, row.totp_last_step)
        if step is None:
            return False
        row.totp_last_step = step
    elif not _use_recovery_code(session, key, row.person, proof.code, now):
        return False
    row.failures, row.paused_until = 0, None
    return True


def _use_recovery_code(
    session: Session, key: CredentialsKey, person: str, code: str, now: datetime
) -> bool:
    used = session.execute(
        update(RecoveryCode)
        .where(
            RecoveryCode.person == person,
            RecoveryCode.digest == digest_code(key, person, code),
            RecoveryCode.used_at.is_(None),
        )
        .values(used_at=now),
        execution_options={"synchronize_session": False},
    )
    return isinstance(used, CursorResult) and used.rowcount == 1


def _note_failure(row: Credential, now: datetime) -> None:
    row.failures += 1
    pause = pause_after(row.failures)
    row.paused_until = now + pause if pause > timedelta(0) else None


def _paused(person: str, until: datetime) -> PausedError:
    return PausedError(
        'nobody may try as "{person}" before {until}',
        why="too many proofs have failed",
        data="nothing was changed",
        next_step="try again after that; if it was not you, tell the security officer",
        person=person,
        until=until,
    )


def _changed(person: str) -> CredentialsChangedError:
    return CredentialsChangedError(
        'what "{person}" proves with is not what the journal tells of',
        why="somebody has changed the catalog past this program",
        data="nothing was changed; these credentials count for nothing",
        next_step="`{program} service.journal-verify` shows what else differs; then a security"
        " officer and another person renew them: `{program} user.reset-totp --person {person}"
        " --new-password`, or the catalog comes back from its backup",
        person=person,
    )
