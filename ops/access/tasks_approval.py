"""Tasks around requests that wait for a second person."""

from invoke.context import Context

from ops.language.text import N_
from ops.terminal import flags
from ops.terminal.task import operator_task

AREA = "approval"
TITLE = N_("approvals: what two people have to agree on")

_ID = N_("Id of the request, as it was printed.")
_PERSON = N_("Who decides; left out: the person your login belongs to.")
_PASSWORD_FILE = N_(
    "File with the password and, on the second line, the code; left out: asks; - reads standard"
    " input."
)


@operator_task(
    name="list",
    help={"all": N_("Also those that were refused, used, or have expired."), "json": flags.JSON},
)
def list_(
    _context: Context,
    all: bool = False,  # noqa: A002 - the flag's name
    json: bool = False,
) -> None:
    """List the requests that wait for a second person."""
    from ops.access.cli import show_requests

    show_requests(everything=all, as_json=json)


@operator_task(
    help={
        "id": _ID,
        "person": _PERSON,
        "password_file": _PASSWORD_FILE,
        "reason": flags.REASON_FOR_JOURNAL,
        "dry_run": flags.DRY_RUN,
    }
)
def approve(
    _context: Context,
    id: str,  # noqa: A002 - the flag's name
    person: str = "",
    password_file: str = "",
    reason: str = "",
    dry_run: bool = False,
) -> None:
    """Approve somebody else's request, with password and code."""
    from ops.access.approvals.decide import Ruling
    from ops.access.cli import Decision, decide

    decide(
        Decision(
            ruling=Ruling(id, "approved", reason),
            person=person,
            password_file=password_file,
            dry_run=dry_run,
        )
    )


@operator_task(
    help={
        "id": _ID,
        "reason": N_("Why; the one who asked reads it."),
        "person": _PERSON,
        "password_file": _PASSWORD_FILE,
        "dry_run": flags.DRY_RUN,
    }
)
def refuse(
    _context: Context,
    id: str,  # noqa: A002 - the flag's name
    reason: str,
    person: str = "",
    password_file: str = "",
    dry_run: bool = False,
) -> None:
    """Refuse somebody else's request, with password and code; or take one back.

    Who asked, and who approved, may take a request back as long as nobody has used it.
    """
    from ops.access.approvals.decide import Ruling
    from ops.access.cli import Decision, decide

    decide(
        Decision(
            ruling=Ruling(id, "refused", reason),
            person=person,
            password_file=password_file,
            dry_run=dry_run,
        )
    )
