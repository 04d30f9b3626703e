"""Ask for a second person's agreement from a task, and tell the one at the terminal about it."""

from collections.abc import Callable
from datetime import UTC, datetime

from sqlalchemy.orm import Session

from ops.access.approvals.requests import Wish
from ops.access.approvals.require import (
    ApprovalAwaitedError,
    Permit,
    find_need,
    need_two,
    require_approval,
)
from ops.access.requester import proof_of_requester
from ops.access.session import Bench, follow_decision, look_at_past
from ops.language.text import N_, _, fill
from ops.terminal.output import write_line


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
