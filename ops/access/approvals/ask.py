"""Have the one who asks for an act of two people prove who it is, where the system cannot tell.

The kernel keeps with whom a session began (audit login id), also behind `sudo`; where the system's
login sets it, that is proof enough. Elsewhere the login comes from the environment, which anybody
can set: one person could ask as somebody else and then approve as oneself. So password and code are
asked for; the journal row of the request says by which of the two it was made.
"""

import os
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from contextvars import ContextVar
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy.orm import Session

from ops.access.approvals.requests import Wish
from ops.access.approvals.require import (
    ApprovalAwaitedError,
    Permit,
    find_need,
    need_two,
    require_approval,
)
from ops.access.credentials import NoCredentialsError, has_good_credentials, prove
from ops.access.factors import load_credentials_key
from ops.access.identity import kernel_login
from ops.access.prompts import ask_proof
from ops.access.session import Bench, follow_decision, look_at_past
from ops.language.text import N_, _, fill
from ops.meanwhile import meanwhile
from ops.terminal.output import write_line

KERNEL_LOGIN = "kernel-login"
PASSWORD_AND_CODE = "password-and-code"  # noqa: S105 -- the name of a way to prove, no password

_PROOF_FILE: ContextVar[str] = ContextVar("proof_file", default="")
_HANDED_DOWN = "GIUCONG_PROOF_FILE"


def proving_with(proof_file: str) -> AbstractContextManager[None]:
    """Have the requester prove with a file while a task runs; empty: at the terminal.

    A task that another one runs, as a runbook's step does, takes that one's file.
    """
    return meanwhile(_PROOF_FILE, proof_file or os.environ.get(_HANDED_DOWN, ""))


def hand_proof_down() -> Mapping[str, str]:
    """Give the environment in which the tasks that this one runs prove with the same file.

    A file in memory, as the console's, they have to be given as well (`open_proof`).
    """
    path = Path(_PROOF_FILE.get()) if _PROOF_FILE.get() else None
    return {_HANDED_DOWN: str(path.absolute())} if path and path.is_file() else {}


def open_proof(environment: Mapping[str, str]) -> list[int]:
    """Give what a task has to have open to prove in an environment of `hand_proof_down`."""
    folder, _slash, number = environment.get(_HANDED_DOWN, "").rpartition("/")
    return [int(number)] if folder == "/dev/fd" else []


def proof_of_requester(bench: Bench) -> Callable[[], str]:
    """Give what makes the one at the terminal prove who it is; it gives the way that was used.

    What it gives back raises `ProofError`, or `NoCredentialsError` of who can prove nothing.
    """

    def ask() -> str:
        if kernel_login():
            return KERNEL_LOGIN
        person = bench.origin.person
        with bench.catalog.reading() as session:
            if not has_good_credentials(session, person):
                raise NoCredentialsError(person)
        key = load_credentials_key(bench.estate)
        if not _PROOF_FILE.get():
            write_line("  " + _("this machine does not keep who logged in: prove who you are"))
        proof = ask_proof(person, _PROOF_FILE.get(), flag="proof-file")
        prove(bench.catalog, key, person, proof, origin=bench.origin, now=datetime.now(UTC))
        return PASSWORD_AND_CODE

    return ask


def ask_second_person(
    bench: Bench,
    wish: Wish,
    *,
    dry_run: bool,
    hint: str = "",
    act: Callable[[Session, Permit], None] | None = None,
) -> Permit | None:
    """Go on with a permit, or stop with exit code 4 and the id of a request.

    Args:
        bench: Who wants to act.
        wish: What is wanted.
        dry_run: Only say whether somebody would be asked.
        hint: What to mind when the command is typed again, in the reader's language.
        act: Done in the transaction that uses the request up, for acts within the catalog.

    Returns:
        The permit; None for a dry run.

    Raises:
        ApprovalAwaitedError: A request waits.
    """
    look_at_past(bench)
    if dry_run:
        with bench.catalog.reading() as session:
            need = find_need(session, wish.action, bench.origin.person)
        if need == "needed":
            write_line("  " + _("another person has to approve it first"))
        return None
    try:
        permit = require_approval(
            bench.catalog,
            bench.origin,
            wish,
            now=datetime.now(UTC),
            act=act,
            prove=proof_of_requester(bench),
        )
    except ApprovalAwaitedError:
        if hint:
            write_line("  " + hint)
        raise
    if permit.need == "alone":
        text = N_(
            "  no second person was asked: fewer than two have credentials (`{program} user.add`)"
        )
        write_line(fill(text, {}))
    elif permit.need == "needed":
        write_line("  " + _("approved by {person}").format(person=permit.approved_by))
        follow_decision(bench)
    return permit


def refuse_alone(bench: Bench, action: str) -> None:
    """Refuse at once where no second person could ever approve; a rehearsal, too.

    Raises:
        SecondPersonMissingError: Nobody else has credentials.
    """
    look_at_past(bench)
    with bench.catalog.reading() as session:
        need = find_need(session, action, bench.origin.person)
    if need != "needed":
        need_two(Permit(need))
