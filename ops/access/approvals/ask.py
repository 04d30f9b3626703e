"""The one frame of every act of two people; and the proof of who asks for it.

`ask_second_person` refuses, asks, uses the approval up, has the act look again, and journals. No
module outside this folder calls a part of it alone, but for two (`tests/test_acts_of_two.py`):
`ops.runbooks.asker` calls `use_approval`, because a step is journaled by its run, and
`ops.access.enroll` calls `would_begin`, which uses nothing up.
"""

import os
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from sqlalchemy.orm import Session

from ops.access.approvals.requests import Wish
from ops.access.approvals.require import (
    ApprovalAwaitedError,
    Need,
    Permit,
    find_need,
    is_granted,
    refuse_alone,
    require_approval,
)
from ops.access.credentials import has_good_credentials, no_credentials, prove
from ops.access.factors import load_credentials_key
from ops.access.identity import kernel_login, look_again
from ops.access.prompts import ask_proof
from ops.access.roles import NEVER_ALONE
from ops.access.session import Bench, follow_decision, look_at_past
from ops.canonical import digest_of
from ops.errors import OpsError
from ops.estate.load.load import load_estate
from ops.journal import journal
from ops.journal.journal import Entry
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

    The kernel keeps with whom a session began (audit login id), also behind `sudo`; where the
    system's login sets it, that is proof enough. Elsewhere the login comes from the environment,
    which anybody can set: one person could ask as somebody else and then approve as oneself. So
    password and code are asked for; the journal row of the request says by which of the two it was
    made.

    What it gives back raises `ProofError`, or `WrongUseError` of who can prove nothing.
    """

    def ask() -> str:
        if kernel_login():
            return KERNEL_LOGIN
        person = bench.origin.person
        with bench.catalog.reading() as session:
            if not has_good_credentials(session, person):
                raise no_credentials(person)
        key = load_credentials_key(bench.estate)
        if not _PROOF_FILE.get():
            write_line("  " + _("this machine does not keep who logged in: prove who you are"))
        proof = ask_proof(person, _PROOF_FILE.get(), flag="proof-file")
        prove(bench.catalog, key, person, proof, origin=bench.origin, now=datetime.now(UTC))
        return PASSWORD_AND_CODE

    return ask


@dataclass(frozen=True, slots=True)
class Agreed:
    """Who carries an act out, on whose approval.

    Attributes:
        bench: Its origin says who asked, why and on what ground; the journal has it from there.
        permit: The second person's, or why none was needed.
    """

    bench: Bench
    permit: Permit

    def note(self, action: str, subject: str, details: Mapping[str, object]) -> None:
        """Journal an act past the catalog, in a transaction of its own, with its approval."""
        self.bench.note(action, subject, {**details, "approval": self.permit.as_details()})


Record = Callable[[Session, Agreed], Iterable[Entry]]
"""An act within the catalog: looks again, writes, and gives what the journal says of it.

Each entry is journaled as it comes, with the approval.
"""


def ask_second_person(
    bench: Bench,
    wish: Wish,
    record: Record | None = None,
    *,
    confirm: Callable[[], None] | None = None,
    hint: str = "",
) -> Agreed | None:
    """Carry out an act of two people, or stop with exit code 4 and the id of a request.

    Order:
    1. What nobody does alone is refused where nobody else has credentials, in a rehearsal too; a
       rehearsal says whether somebody would be asked, and ends here.
    2. The person confirms.
    3. An approval of exactly this is used up; without one, the person proves who it is, a request
       is written, and nothing is done.
    4. In the same transaction the act looks again, writes, and is journaled: under the wish's
       reason and document, who asked, and the approval. An act past the catalog begins when the
       approval is used up for good, and its caller journals it with `Agreed.note`.

    Args:
        bench: Who wants to act.
        wish: What is wanted, and why.
        record: The act, where it is within the catalog.
        confirm: Has the person say that it is meant. Where nobody may be asked to approve, as on a
            machine without a catalog (`ops.recovery`), the caller has it said before.
        hint: What to mind when the command is typed again, in the reader's language.

    Returns:
        What was agreed to; None for a rehearsal.

    Raises:
        ApprovalAwaitedError: A request waits.
        OpsError: Nobody does this alone, and nobody else has credentials.
    """
    said = replace(bench.origin, reason=wish.reason, document=wish.document)
    asking = replace(bench, origin=said)
    if bench.is_rehearsal or wish.action in NEVER_ALONE:
        need = _look_for_another(asking, wish)
        if bench.is_rehearsal:
            if need == "needed":
                write_line("  " + _("another person has to approve it first"))
            return None
    if confirm is not None:
        confirm()
    _look_again(bench)
    try:
        permit = use_approval(asking, wish, datetime.now(UTC), partial(_record, asking, record))
    except ApprovalAwaitedError:
        if hint:
            write_line("  " + hint)
        raise
    _tell(permit)
    if permit.need == "needed" or wish.action == "role-change":
        follow_decision(bench)
    return _agreed(asking, permit)


def _look_again(bench: Bench) -> None:
    """Refuse what its estate or its person's roles allow no more, after whatever was asked."""
    look_again()
    estate = load_estate(bench.estate.path)
    if bench.origin.estate and digest_of(estate.document()) != bench.origin.estate:
        raise OpsError(
            "the estate has been changed while this was asked",
            why="what would be done was decided by the one before",
            data="nothing was changed",
            next_step="type the same command again",
        )


def _look_for_another(bench: Bench, wish: Wish) -> Need:
    look_at_past(bench)
    with bench.catalog.reading() as session:
        need = find_need(session, wish.action, bench.origin.person)
    refuse_alone(wish.action, need)
    return need


def _record(bench: Bench, record: Record | None, session: Session, permit: Permit) -> None:
    agreed, told = _agreed(bench, permit), permit.as_details()
    for entry in record(session, agreed) if record is not None else ():
        noted = replace(entry, details={**told, **entry.details})
        journal.append(session, agreed.bench.origin, [noted])


def _agreed(bench: Bench, permit: Permit) -> Agreed:
    origin = replace(bench.origin, requested_by=permit.requested_by)
    return Agreed(replace(bench, origin=origin), permit)


def _tell(permit: Permit) -> None:
    if permit.need == "alone":
        text = N_(
            "  no second person was asked: fewer than two have credentials (`{program} user.add`)"
        )
        write_line(fill(text, {}))
    elif permit.need == "needed":
        write_line("  " + _("approved by {person}").format(person=permit.approved_by))


def use_approval(
    bench: Bench, wish: Wish, now: datetime, act: Callable[[Session, Permit], None]
) -> Permit:
    """Use an approval up with what is done in its transaction, or write a request and stop."""
    look_at_past(bench)
    prove = proof_of_requester(bench)
    return require_approval(bench.catalog, bench.origin, wish, now=now, act=act, prove=prove)


def would_begin(bench: Bench, wish: Wish) -> bool:
    """Tell whether an act may begin now; uses nothing up.

    For acts that ask a person for more first: a slip there must not use the approval up.
    """
    look_at_past(bench)
    with bench.catalog.reading() as session:
        return is_granted(session, bench.origin, wish, datetime.now(UTC))
