"""What a page is: whose it is, how it is read, and which acts it offers."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache

from ops.console.office.desk import Desk
from ops.language.text import N_
from ops.parts import find

Arguments = Mapping[str, str]
Reader = Callable[[Desk, Arguments], Mapping[str, object]]

GROUPS: Mapping[str, str] = {
    "now": N_("Now"),
    "copies": N_("Copies"),
    "infrastructure": N_("Infrastructure"),
    "duty": N_("Duty"),
    "people": N_("People and journal"),
}
"""Heads of the navigation, in order; a page of none of them is not in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A page.

    Attributes:
        name: In its address; its template is called so as well.
        title: In the navigation and above it.
        task: Whose roles may open it.
        read: Gives what the template shows, as JSON values.
        reads: Names of the arguments that its address may hold; no other reaches `read`.
        acts: Tasks whose forms it offers, to who may run them.
        group: Where it stands in the navigation; empty: it is reached from others.
        is_by_site: Who may run the task for some site may open it; it shows those sites alone.
    """

    name: str
    title: str
    task: str
    read: Reader
    reads: tuple[str, ...] = ()
    acts: tuple[str, ...] = ()
    group: str = ""
    is_by_site: bool = False


_PAGES = (
    "today", "alerts", "approvals", "runs", "run",
    "sites", "site", "restore", "drills", "drill", "archive", "item", "captured",
    "servers", "server", "findings", "compliance", "register", "entry",
    "runbooks", "duties", "duty", "plan", "reports", "unit", "assets", "documents",
    "people", "journal", "account",
)  # fmt: skip
"""In the order of the navigation; each is `ops.console.pages.NAME:PAGE`."""

PAGES: tuple[str, ...] = tuple(f"ops.console.pages.{name}:PAGE" for name in _PAGES)


def open_to(desk: Desk, path: str) -> str:
    """Give the path of a page where the person may open it; empty where not, and for none."""
    name = path.strip("/").partition("?")[0]
    return path if name and desk.may(all_pages()[name].task) else ""


@cache
def all_pages() -> Mapping[str, Page]:
    """Give all pages by name, in the order of the navigation."""
    pages = [find(it) for it in PAGES]
    return {page.name: page for page in pages}
