"""Give persons their credentials, take them away, renew their second factor."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from sqlalchemy.orm import Session

from ops.access.approvals.ask import ask_second_person
from ops.access.approvals.requests import Wish
from ops.access.approvals.require import require_approval
from ops.access.credentials import (
    Issued,
    NoCredentialsError,
    disable_credentials,
    issue_credentials,
    people_with_credentials,
    prove,
    renew_factor,
)
from ops.access.factors import totp_address
from ops.access.identity import NotAllowedError, check_person
from ops.access.prompts import ask_new_password, ask_proof
from ops.access.requester import proof_of_requester
from ops.access.roles import FOUNDERS_ROLE, is_anybody_appointed, refuse_if_last, roles_of
from ops.access.seal import CredentialsKey, load_credentials_key, make_missing_key
from ops.access.session import Bench, at_bench, follow_decision
from ops.errors import WrongUseError
from ops.estate.load.load import load_estate
from ops.estate.model.estate import Estate
from ops.journal import journal
from ops.journal.journal import Entry
from ops.journal.record_proofs import tell_credential
from ops.language.text import _
from ops.terminal.output import write_line


@dataclass(frozen=True, slots=True, kw_only=True)
class RenewWish:
    """A new second factor; fields as the flags of `user.reset-totp`."""

    person: str
    new_password: bool = False
    password_file: str = ""
    reason: str = ""
    document: str = ""
    dry_run: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class AddWish:
    """Somebody's first credentials; fields as the flags of `user.add`."""

    person: str
    password_file: str = ""
    reason: str = ""
    document: str = ""
    dry_run: bool = False


def add_person(wish: AddWish) -> None:
    """Give a person of the estate a password, a second factor and recovery codes.

    Raises:
        WrongUseError: The person has some, or is nobody in the estate.
        ApprovalAwaitedError: Another person has to agree first.
    """
    estate, name = load_estate(), wish.person
    check_person(estate.people, name)
    with at_bench(estate, dry_run=wish.dry_run) as bench:
        with bench.catalog.reading() as session:
            known = people_with_credentials(session)
        if name in known:
            raise WrongUseError(
                '"{person}" has credentials already',
                data="nothing was changed",
                next_step="renew them: `{program} user.reset-totp --person {person}"
                " --new-password`",
                person=name,
            )
        if wish.dry_run:
            write_line(_("would give {person} a password and a second factor").format(person=name))
        plan = {"person": name, "credentials": "new"}
        permit = ask_second_person(bench, _wish_change(wish, plan), dry_run=wish.dry_run)
        if permit is None:
            return
        password = ask_new_password(name, wish.password_file)
        made = None if known else make_missing_key(estate)
        if made:
            write_line(_("made the key {path}").format(path=made))
        key, now = load_credentials_key(estate), datetime.now(UTC)
        with bench.catalog.writing() as session:
            issued = issue_credentials(session, key, name, password, now=now)
            origin = replace(bench.origin, reason=wish.reason, document=wish.document)
            details = {**permit.as_details(), **tell_credential(session, name)}
            journal.append(session, origin, [Entry("user.add", name, details)])
        follow_decision(bench)
    _write_issued(estate, name, issued)


def disable_person(name: str, *, reason: str, dry_run: bool) -> None:
    """Take a person's credentials away, at once; the roles count no more.

    No second person is asked: an account that was stolen must end now. What it approved and nobody
    has used yet ends with it.

    Raises:
        WrongUseError: Without this person no role could be changed any more.
    """
    with at_bench(load_estate(), dry_run=dry_run) as bench:
        if dry_run:
            with bench.catalog.reading() as session:
                refuse_if_last(session, name)
            write_line(_("would take the credentials of {person} away").format(person=name))
            return
        with bench.catalog.writing() as session:
            refuse_if_last(session, name)
            if not disable_credentials(session, name, now=datetime.now(UTC)):
                raise NoCredentialsError(name)
            origin = replace(bench.origin, reason=reason)
            journal.append(session, origin, [Entry("user.disable", name)])
        follow_decision(bench)
    write_line(_("{person} can prove nothing and approve nothing any more").format(person=name))


def renew_person(wish: RenewWish) -> None:
    """Renew a second factor: one's own with a proof, another's with a second person."""
    estate = load_estate()
    check_person(estate.people, wish.person)
    with at_bench(estate, dry_run=wish.dry_run) as bench:
        is_own = bench.origin.person == wish.person
        with bench.catalog.reading() as session:
            if wish.person not in people_with_credentials(session):
                raise NoCredentialsError(wish.person)
            if not is_own:
                _check_security_officer(session, bench.origin.person)
        if wish.dry_run:
            text = _("would give {person} a new second factor")
            write_line(text.format(person=wish.person))
            return
        key = load_credentials_key(estate)
        details = _prove_own(bench, key, wish) if is_own else _ask_another(bench, wish)
        issued = _renew(bench, key, wish, details)
        follow_decision(bench)
    _write_issued(estate, wish.person, issued)


def _check_security_officer(session: Session, person: str) -> None:
    if is_anybody_appointed(session) and FOUNDERS_ROLE not in roles_of(session, person):
        raise NotAllowedError(
            "only a security officer renews the second factor of somebody else",
            data="nothing was changed",
            next_step="leave it to the person, or ask a security officer",
        )


def _prove_own(bench: Bench, key: CredentialsKey, wish: RenewWish) -> Mapping[str, str]:
    proof = ask_proof(wish.person, wish.password_file)
    now = datetime.now(UTC)
    prove(bench.catalog, key, wish.person, proof, origin=bench.origin, now=now)
    return {"need": "own"}


def _ask_another(bench: Bench, wish: RenewWish) -> Mapping[str, str]:
    plan = {"person": wish.person, "renew": True, "new_password": wish.new_password}
    asked = _wish_change(wish, plan)
    permit = require_approval(
        bench.catalog,
        bench.origin,
        asked,
        now=datetime.now(UTC),
        prove=proof_of_requester(bench),
    )
    return permit.as_details()


def _wish_change(wish: AddWish | RenewWish, plan: Mapping[str, object]) -> Wish:
    return Wish(
        action="role-change",
        subject=wish.person,
        plan=plan,
        reason=wish.reason,
        document=wish.document,
    )


def _renew(
    bench: Bench, key: CredentialsKey, wish: RenewWish, details: Mapping[str, str]
) -> Issued:
    source = "" if details["need"] == "own" else wish.password_file  # then it held the old one
    password = ask_new_password(wish.person, source) if wish.new_password else ""
    now = datetime.now(UTC)
    with bench.catalog.writing() as session:
        if password:
            issued = issue_credentials(session, key, wish.person, password, now=now)
        else:
            issued = renew_factor(session, key, wish.person, now=now)
        told = tell_credential(session, wish.person)
        entry = Entry(
            "user.reset-totp", wish.person, {**details, "password": bool(password), **told}
        )
        origin = replace(bench.origin, reason=wish.reason, document=wish.document)
        journal.append(session, origin, [entry])
    return issued


def _write_issued(estate: Estate, person: str, issued: Issued) -> None:
    """Show a new factor, once."""
    write_line(_("The second factor of {person}; it is shown only now:").format(person=person))
    write_line("  " + totp_address(issued.secret, person, estate.name_at()))
    write_line("  " + _("type it into an authenticator app: {secret}").format(secret=issued.secret))
    write_line(_("Recovery codes for when the app is not at hand; each works once. Keep on paper:"))
    for code in issued.codes:
        write_line(f"  {code}")
