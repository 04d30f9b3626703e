"""Requests that wait for a second person, and what became of others."""

from collections.abc import Mapping

from ops.console.office.desk import Desk
from ops.console.page import Arguments, Page
from ops.language.text import N_


def read(desk: Desk, arguments: Arguments) -> Mapping[str, object]:
    """Give the requests; with `all` among the arguments those that are over, too."""
    found = desk.look("approval.list", all=bool(arguments.get("all")))
    return {**found, "all": bool(arguments.get("all"))}


PAGE = Page(
    name="approvals", title=N_("Approvals"), task="approval.list", read=read,
    acts=("approval.approve", "approval.refuse"), group="now",
)  # fmt: skip
