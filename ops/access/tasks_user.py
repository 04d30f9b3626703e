"""Tasks around people: credentials and roles. Who they are stands in the estate file."""

from typing import Annotated

from ops.access.rights import OFFICE, ROLES, SECURITY
from ops.language.text import N_
from ops.terminal.flags import (
    Document,
    DryRun,
    Json,
    PasswordFile,
    ReasonForApprover,
    ReasonForJournal,
)
from ops.terminal.task import Flag, Form, task

TITLE = N_("people: how they prove who they are, and what they may do")

_Person = Annotated[str, Flag("Name of the person, as in the estate file.", shape="person")]


@task("user.add", "ops.access.enroll:add_person", roles=SECURITY, second=("role-change",))
class AddPerson:
    """Give a person a password, a second factor and recovery codes.

    The person sits at the terminal: the second factor and the recovery codes are shown once. Where
    two people can change roles, another person has to approve it.
    """

    person: _Person
    password_file: PasswordFile = ""
    reason: ReasonForApprover = ""
    document: Document = ""
    dry_run: DryRun = False


@task(
    "user.disable",
    "ops.access.enroll:disable_person",
    roles=SECURITY,
    forms=(Form("Take the credentials away"),),
)
class Disable:
    """Take a person's credentials away at once; the roles count no more.

    No second person is asked, since an account that was stolen must end now; what it approved and
    nobody has used yet ends with it.
    """

    person: _Person
    reason: ReasonForJournal = ""
    dry_run: DryRun = False


@task(
    "user.role",
    "ops.access.role_changes:change_role",
    roles=SECURITY,
    second=("role-change",),
    forms=(Form("Give or take a role", fields="person role take reason document"),),
)
class Role:
    """Give a person a role, or take one away; another person has to approve it.

    The first role is given by root or the owner of the catalog and is that of a security officer.
    """

    person: _Person
    role: Annotated[str, Flag("Which role.", "Role", one_of=ROLES)]
    take: Annotated[bool, Flag("Take the role away instead of giving it.")] = False
    reason: ReasonForApprover = ""
    document: Document = ""
    dry_run: DryRun = False

    @property
    def change(self) -> str:
        """Give `take` or `give`."""
        return "take" if self.take else "give"


@task(
    "user.reset-totp",
    "ops.access.enroll:renew_person",
    # Everybody renews the own second factor; that of another takes a security officer's role.
    roles=frozenset(ROLES),
    second=("role-change",),
    forms=(
        Form("Use the new app", fields="", names_person=True, renews=True),
        Form(
            "Renew",
            fields="",
            name="user.reset-totp.keep",
            names_person=True,
            renews=True,
            always={"keep_app": True},
        ),
    ),
)
class ResetTotp:
    """Renew a second factor and its recovery codes.

    One's own with password and a code; another's by a security officer, when a second person has
    approved it. Credentials that were taken away come back with it.
    """

    person: _Person
    new_password: Annotated[bool, Flag("Ask for a new password as well.")] = False
    keep_app: Annotated[
        bool, Flag("The authenticator app stays: new recovery codes alone; your own only.")
    ] = False
    password_file: Annotated[
        str,
        Flag(
            "Your own factor: file with your password and code. Another's: file with the new"
            " password. Left out: asks.",
            shape="proof",
        ),
    ] = ""
    reason: ReasonForApprover = ""
    document: Document = ""
    dry_run: DryRun = False


@task("user.list", "ops.access.cli:show_people", roles=OFFICE - {"viewer", "archivist"})
class ListPeople:
    """List people, their roles, and whether they can prove who they are."""

    json: Json = False
