"""People: what each may do, and whether each can prove who it is."""

from collections.abc import Mapping

from ops.access.cli import PEOPLE
from ops.access.rights import ROLES
from ops.console.office.desk import Desk
from ops.console.page import Arguments, Page
from ops.language.text import N_, _
from ops.terminal.view import as_table


def read(desk: Desk, _arguments: Arguments) -> Mapping[str, object]:
    """Give everybody in the estate, and whoever else holds a role or credentials."""
    found = desk.look("user.list")
    roles = [[name, _(title)] for name, title in ROLES.items()]
    names = [[it["name"], it["title"] or it["name"]] for it in found["items"]]
    return {**found, "list": as_table(PEOPLE, found["items"]), "roles": roles, "names": names}


PAGE = Page(
    name="people",
    title=N_("People and roles"),
    task="user.list",
    read=read,
    group="people",
    acts=("user.role", "user.disable", "service.notify-test"),
)
