"""A person's new second factor at the terminal: shown once, and proved by a code before it counts.

Order:
1. The secret is made and shown, as a square to scan and as text; nothing is stored yet.
2. A code from the app proves that it has arrived there; a wrong one is asked for again.
3. The caller stores it; only then are the recovery codes shown.
"""

import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial

from sqlalchemy.orm import Session

from ops.access.approvals.ask import Agreed, ask_second_person, would_begin
from ops.access.approvals.requests import Wish
from ops.access.credentials import (
    Issued,
    disable_credentials,
    issue_credentials,
    make_factor,
    no_credentials,
    people_with_credentials,
    prove,
    renew_factor,
)
from ops.access.factors import (
    check_key_is_named,
    find_step,
    load_credentials_key,
    make_missing_key,
    totp_address,
)
from ops.access.identity import NotAllowedError, check_person
from ops.access.prompts import ask_code, ask_new_password, ask_proof, typed
from ops.access.roles import FOUNDERS_ROLE, is_anybody_appointed, refuse_if_last, roles_of
from ops.access.session import Bench, at_bench, follow_decision
from ops.access.tasks_user import AddPerson, Disable, ResetTotp
from ops.errors import OpsError, WrongUseError
from ops.estate.load.load import load_estate
from ops.estate.model.estate import Estate
from ops.journal import journal
from ops.journal.journal import Entry
from ops.journal.record_proofs import tell_credential
from ops.language.text import _
from ops.terminal.output import write_line, write_square

_TRIES = 3


def enrol(estate: Estate, person: str) -> Issued:
    """Make a factor, show it, and have a code prove it where somebody sits at the terminal.

    A form of the console has shown one already, and taken the code with it.
    """
    issued = make_factor()
    if secret := typed("secret"):
        step = find_step(secret, typed("new_code"), datetime.now(UTC), 0)
        if step is None:
            raise _not_proved()
        return replace(issued, secret=secret, step=step)
    _show(totp_address(issued.secret, person, estate.name_at()), person, issued.secret)
    return replace(issued, step=_prove(issued.secret)) if sys.stdin.isatty() else issued


def write_recovery_codes(issued: Issued) -> None:
    """Show the recovery codes, once."""
    write_line(_("Recovery codes for when the app is not at hand; each works once. Keep on paper:"))
    for code in issued.codes:
        write_line(f"  {code}")


def _show(address: str, person: str, secret: str) -> None:
    write_line(_("The second factor of {person}; it is shown only now:").format(person=person))
    write_square(address)
    write_line("  " + address)
    write_line(
        "  " + _("scan it, or type it into an authenticator app: {secret}").format(secret=secret)
    )


def _prove(secret: str) -> int:
    for _try in range(_TRIES):
        code = ask_code(_("The code that the app shows now: "))
        step = find_step(secret, code, datetime.now(UTC), 0)
        if step is not None:
            return step
        write_line("  " + _("that is not its code; wait for the next one, and look at the clocks"))
    raise _not_proved()


def _not_proved() -> OpsError:
    return OpsError(
        "no code proved the new second factor",
        why="the app holds another one, or its clock and ours differ",
        data="nothing was changed; an approval that was given still holds",
        next_step="compare the clocks, remove the entry from the app, then type the same command"
        " again",
    )


def add_person(wish: AddPerson) -> None:
    """Give a person of the estate a password, a second factor and recovery codes."""
    estate, name = load_estate(), wish.person
    check_person(estate.people, name)
    check_key_is_named(estate)  # before a factor is shown that could not be kept
    with at_bench(estate, dry_run=wish.dry_run) as bench:
        with bench.catalog.reading() as session:
            known = people_with_credentials(session)
        if name in known:
            raise WrongUseError(
                '"{person}" has credentials already',
                next_step="renew them: `{program} user.reset-totp --person {person}"
                " --new-password`",
                person=name,
            )
        asked = _wish_change(wish, {"person": name, "credentials": "new"})
        if wish.dry_run:
            write_line(_("would give {person} a password and a second factor").format(person=name))
        typed = _take_in(bench, asked, wish.password_file, with_password=True)
        made = None if known or typed is None else make_missing_key(estate)
        if made:
            write_line(_("made the key {path}").format(path=made))
        ask_second_person(bench, asked, partial(_store, wish, typed))
    _write_stored(typed)


@dataclass(frozen=True, slots=True)
class _Typed:
    """What a person at the terminal has given, before anything is stored.

    Attributes:
        password: The new one; empty where the old one stays.
        factor: Shown and proved.
    """

    password: str
    factor: Issued


def _take_in(
    bench: Bench, asked: Wish, password_file: str, *, with_password: bool
) -> _Typed | None:
    """Ask for all that is typed; None where a second person has to agree first.

    The approval is used in the transaction that stores what was typed, so a slip leaves it whole.
    """
    if bench.is_rehearsal or not would_begin(bench, asked):
        return None
    return _ask(bench, asked.subject, password_file, with_password=with_password)


def _ask(
    bench: Bench, person: str, password_file: str, *, with_password: bool, keep_app: bool = False
) -> _Typed:
    password = ask_new_password(person, password_file) if with_password else ""
    factor = make_factor(keep_app=True) if keep_app else enrol(bench.estate, person)
    return _Typed(password, factor)


def _store(
    wish: AddPerson | ResetTotp, typed: _Typed | None, session: Session, agreed: Agreed
) -> list[Entry]:
    """Store what was typed, in the transaction that uses the approval up."""
    if typed is None:
        raise OpsError(
            "the approval has come just now",
            data="nothing was changed; the approval still holds",
            next_step="type the same command again",
        )
    return [_write(agreed.bench, session, wish, typed)]


def _write(bench: Bench, session: Session, wish: AddPerson | ResetTotp, typed: _Typed) -> Entry:
    key, now, person = load_credentials_key(bench.estate), datetime.now(UTC), wish.person
    if typed.password:
        issue_credentials(session, key, person, typed.password, now=now, factor=typed.factor)
    else:
        renew_factor(session, key, person, now=now, factor=typed.factor)
    told = {"proved": bool(typed.factor.step), **tell_credential(session, person)}
    action = "user.add" if isinstance(wish, AddPerson) else "user.reset-totp"
    if isinstance(wish, ResetTotp):
        told["password"] = bool(typed.password)
    return Entry(action, person, told)


def _write_stored(typed: _Typed | None) -> None:
    if typed is not None:
        write_recovery_codes(typed.factor)


def disable_person(wish: Disable) -> None:
    """Take a person's credentials away, at once; the roles count no more.

    No second person is asked: an account that was stolen must end now. What it approved and nobody
    has used yet ends with it.
    """
    name = wish.person
    with at_bench(load_estate(), dry_run=wish.dry_run) as bench:
        if wish.dry_run:
            with bench.catalog.reading() as session:
                refuse_if_last(session, name)
            write_line(_("would take the credentials of {person} away").format(person=name))
            return
        with bench.catalog.writing() as session:
            refuse_if_last(session, name)
            if not disable_credentials(session, name, now=datetime.now(UTC)):
                raise no_credentials(name)
            origin = replace(bench.origin, reason=wish.reason)
            journal.append(session, origin, [Entry("user.disable", name)])
        follow_decision(bench)
    write_line(_("{person} can prove nothing and approve nothing any more").format(person=name))


def renew_person(wish: ResetTotp) -> None:
    """Renew a second factor: one's own with a proof, another's with a second person."""
    estate = load_estate()
    check_person(estate.people, wish.person)
    with at_bench(estate, dry_run=wish.dry_run) as bench:
        is_own = bench.origin.person == wish.person
        with bench.catalog.reading() as session:
            if wish.person not in people_with_credentials(session):
                raise no_credentials(wish.person)
            if not is_own:
                _check_security_officer(session, bench.origin.person)
        if wish.keep_app and not is_own:
            raise WrongUseError(
                "only who it belongs to keeps an authenticator app",
                next_step="leave `--keep-app` out: another's second factor is renewed as a whole",
            )
        if wish.dry_run:
            text = (
                _("would give {person} new recovery codes")
                if wish.keep_app
                else _("would give {person} a new second factor")
            )
            write_line(text.format(person=wish.person))
            return
        typed = _renew_own(bench, wish) if is_own else _renew_another(bench, wish)
    _write_stored(typed)


def _check_security_officer(session: Session, person: str) -> None:
    if is_anybody_appointed(session) and FOUNDERS_ROLE not in roles_of(session, person):
        raise NotAllowedError(
            "only a security officer renews the second factor of somebody else",
            data="nothing was changed",
            next_step="leave it to the person, or ask a security officer",
        )


def _renew_own(bench: Bench, wish: ResetTotp) -> _Typed:
    """Renew with password and code; a file that was given held the old ones."""
    key = load_credentials_key(bench.estate)
    proof = ask_proof(wish.person, wish.password_file)
    now = datetime.now(UTC)
    prove(bench.catalog, key, wish.person, proof, origin=bench.origin, now=now)
    typed = _ask(bench, wish.person, "", with_password=wish.new_password, keep_app=wish.keep_app)
    with bench.catalog.writing() as session:
        entry = _write(bench, session, wish, typed)
        origin = replace(bench.origin, reason=wish.reason, document=wish.document)
        told = replace(entry, details={**entry.details, "need": "own"})
        journal.append(session, origin, [told])
    follow_decision(bench)
    return typed


def _renew_another(bench: Bench, wish: ResetTotp) -> _Typed | None:
    plan = {"person": wish.person, "renew": True, "new_password": wish.new_password}
    asked = _wish_change(wish, plan)
    typed = _take_in(bench, asked, wish.password_file, with_password=wish.new_password)
    ask_second_person(bench, asked, partial(_store, wish, typed))
    return typed


def _wish_change(wish: AddPerson | ResetTotp, plan: Mapping[str, object]) -> Wish:
    return Wish("role-change", wish.person, plan, wish.reason, wish.document)
