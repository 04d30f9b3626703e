"""What a page is, and what those with lists share: a page at a time, and where it goes on."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, tuple_

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
    "alerts:TODAY_PAGE", "alerts:PAGE", "people:APPROVALS_PAGE", "runs:PAGE", "runs:RUN_PAGE",
    "sites:PAGE", "sites:SITE_PAGE", "restore:PAGE", "drills:PAGE", "drills:DRILL_PAGE",
    "archive:PAGE", "archive:ITEM_PAGE", "archive:CAPTURED_PAGE",
    "servers:PAGE", "servers:SERVER_PAGE", "security:PAGE", "security:COMPLIANCE_PAGE",
    "register:PAGE", "register:ENTRY_PAGE", "runbooks:PAGE", "duties:PAGE", "duties:DUTY_PAGE",
    "plan:PAGE", "reports:PAGE", "reports:UNIT_PAGE", "documents:ASSETS_PAGE", "documents:PAGE",
    "people:PAGE", "journal:PAGE", "people:ACCOUNT_PAGE",
)  # fmt: skip
"""In the order of the navigation."""

PAGES: tuple[str, ...] = tuple(f"ops.console.pages.{it}" for it in _PAGES)


def open_to(desk: Desk, path: str) -> str:
    """Give the path of a page where the person may open it; empty where not, and for none."""
    name = path.strip("/").partition("?")[0]
    return path if name and desk.may(all_pages()[name].task) else ""


@cache
def all_pages() -> Mapping[str, Page]:
    """Give all pages by name, in the order of the navigation."""
    pages = [find(it) for it in PAGES]
    return {page.name: page for page in pages}


_LONGEST = 120
_DIGITS = 15


def number_of(
    arguments: Arguments, name: str, usual: int = 0, *, least: int = 0, most: int = 9_999_999
) -> int:
    """Give a number within bounds; the usual one in place of anything else."""
    text = arguments.get(name, "")
    is_number = text.isascii() and text.isdigit() and len(text) <= _DIGITS
    return int(text) if is_number and least <= int(text) <= most else usual


def cut(found: Sequence[Any], arguments: Arguments, rows: int) -> Mapping[str, Any]:
    """Give a page of a list: its `items`, the `count` of all, `next` for those after it, if any.

    Args:
        found: All of them.
        arguments: `from`: how many come before.
        rows: So many are on a page.
    """
    begin = number_of(arguments, "from")
    more = begin + rows if begin + rows < len(found) else None
    return {"items": found[begin : begin + rows], "count": len(found), "next": more}


def cut_key(found: Sequence[Any], moment: str, rows: int) -> tuple[Sequence[Any], str]:
    """Give a page of rows, newest first, and the argument that asks for older ones; empty for none.

    Args:
        found: Rows with `id`, one more than a page has where there are older ones.
        moment: The column they are ordered by.
        rows: So many are on a page.
    """
    shown = found[:rows]
    last = shown[-1] if len(found) > rows else None
    return shown, f"{last[moment].astimezone(UTC).isoformat()} {last['id']}" if last else ""


def older(text: str, moment: Any, row_id: Any) -> list[ColumnElement[bool]]:
    """Give the condition for rows older than the one an argument names; none where it names none.

    Args:
        text: As a browser sent it.
        moment: The column of the moment; rows are ordered by it and the id, newest first.
        row_id: The column of the id.
    """
    at, _blank, key = text[:_LONGEST].partition(" ")
    try:
        parsed = datetime.fromisoformat(at)
        wanted = row_id.type.python_type(key)
        if parsed.tzinfo is None:
            return []
    except ValueError:
        return []
    return [tuple_(moment, row_id) < tuple_(parsed, wanted)]
