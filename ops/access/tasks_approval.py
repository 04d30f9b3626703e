"""Tasks around requests that wait for a second person."""

from typing import Annotated

from ops.access.rights import OFFICE
from ops.language.text import N_
from ops.terminal.flags import DryRun, Json, ReasonForJournal
from ops.terminal.task import Flag, Form, task

TITLE = N_("approvals: what two people have to agree on")

_Id = Annotated[str, Flag("Id of the request, as it was printed.", shape="request")]
_Person = Annotated[
    str, Flag("Who decides; left out: the person your login belongs to.", shape="person")
]
_PasswordFile = Annotated[
    str,
    Flag(
        "File with the password and, on the second line, the code; left out: asks; - reads standard"
        " input.",
        shape="proof",
    ),
]


@task("approval.list", "ops.access.cli:show_requests", roles=OFFICE)
class ListRequests:
    """List the requests that wait for a second person."""

    all: Annotated[bool, Flag("Also those that were refused, used, or have expired.")] = False
    json: Json = False


@task(
    "approval.approve",
    "ops.access.cli:decide",
    roles=None,  # the person proves who it is inside, and that person's roles count
    forms=(Form("Approve", fields="id reason", names_person=True),),
)
class Approve:
    """Approve somebody else's request, with password and code."""

    id: _Id
    person: _Person = ""
    password_file: _PasswordFile = ""
    reason: ReasonForJournal = ""
    dry_run: DryRun = False


@task(
    "approval.refuse",
    "ops.access.cli:decide",
    roles=None,  # as above
    forms=(Form("Refuse", fields="id reason", names_person=True),),
)
class Refuse:
    """Refuse somebody else's request, with password and code; or take one back.

    Who asked, and who approved, may take a request back as long as nobody has used it.
    """

    id: _Id
    reason: Annotated[str, Flag("Why; the one who asked reads it.", shape="long")]
    person: _Person = ""
    password_file: _PasswordFile = ""
    dry_run: DryRun = False
