"""Tasks around people: credentials and roles. Who they are stands in the estate file."""

from invoke.context import Context

from ops.language.text import N_
from ops.terminal import flags
from ops.terminal.task import operator_task

AREA = "user"
TITLE = N_("people: how they prove who they are, and what they may do")

_PERSON = N_("Name of the person, as in the estate file.")


@operator_task(
    help={
        "person": _PERSON,
        "password_file": flags.PASSWORD_FILE,
        "reason": flags.REASON_FOR_APPROVER,
        "document": flags.DOCUMENT,
        "dry_run": flags.DRY_RUN,
    },
    two_people=True,
)
def add(
    _context: Context,
    person: str,
    password_file: str = "",
    reason: str = "",
    document: str = "",
    dry_run: bool = False,
) -> None:
    """Give a person a password, a second factor and recovery codes.

    The person sits at the terminal: the second factor and the recovery codes are shown once. Where
    two people can change roles, another person has to approve it.
    """
    from ops.access.enroll import AddWish, add_person

    add_person(
        AddWish(
            person=person,
            password_file=password_file,
            reason=reason,
            document=document,
            dry_run=dry_run,
        )
    )


@operator_task(
    help={"person": _PERSON, "reason": flags.REASON_FOR_JOURNAL, "dry_run": flags.DRY_RUN}
)
def disable(_context: Context, person: str, reason: str = "", dry_run: bool = False) -> None:
    """Take a person's credentials away at once; the roles count no more.

    No second person is asked, since an account that was stolen must end now; what it approved and
    nobody has used yet ends with it.
    """
    from ops.access.enroll import disable_person

    disable_person(person, reason=reason, dry_run=dry_run)


@operator_task(
    help={
        "person": _PERSON,
        "role": N_(
            "viewer, operator, backup_admin, security_officer, head, approver, auditor, archivist"
            " or unit_contact."
        ),
        "take": N_("Take the role away instead of giving it."),
        "reason": flags.REASON_FOR_APPROVER,
        "document": flags.DOCUMENT,
        "dry_run": flags.DRY_RUN,
    },
    two_people=True,
)
def role(
    _context: Context,
    person: str,
    role: str,
    take: bool = False,
    reason: str = "",
    document: str = "",
    dry_run: bool = False,
) -> None:
    """Give a person a role, or take one away; another person has to approve it.

    The first role is given by root or the owner of the catalog and is that of a security officer.
    """
    from ops.access.role_changes import RoleWish, change_role

    change_role(
        RoleWish(
            person=person, role=role, take=take, reason=reason, document=document, dry_run=dry_run
        )
    )


@operator_task(
    help={
        "person": _PERSON,
        "new_password": N_("Ask for a new password as well."),
        "keep_app": N_("The authenticator app stays: new recovery codes alone; your own only."),
        "password_file": N_(
            "Your own factor: file with your password and code. Another's: file with the new"
            " password. Left out: asks."
        ),
        "reason": flags.REASON_FOR_APPROVER,
        "document": flags.DOCUMENT,
        "dry_run": flags.DRY_RUN,
    },
    two_people=True,
)
def reset_totp(  # noqa: PLR0913, PLR0917 - one flag each
    _context: Context,
    person: str,
    new_password: bool = False,
    keep_app: bool = False,
    password_file: str = "",
    reason: str = "",
    document: str = "",
    dry_run: bool = False,
) -> None:
    """Renew a second factor and its recovery codes.

    One's own with password and a code; another's by a security officer, when a second person has
    approved it. Credentials that were taken away come back with it.
    """
    from ops.access.enroll import RenewWish, renew_person

    renew_person(
        RenewWish(
            person=person,
            new_password=new_password,
            keep_app=keep_app,
            password_file=password_file,
            reason=reason,
            document=document,
            dry_run=dry_run,
        )
    )


@operator_task(name="list", help={"json": flags.JSON})
def list_(_context: Context, json: bool = False) -> None:
    """List people, their roles, and whether they can prove who they are."""
    from ops.access.cli import show_people

    show_people(as_json=json)
