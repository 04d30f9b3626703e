"""The register, and one entry of it."""

from collections.abc import Mapping
from typing import Any

from ops.console.office.desk import Desk
from ops.console.page import Arguments, Page, cut
from ops.console.subjects import describe_subject, page_of_row
from ops.language.text import N_, _
from ops.outcomes import explain
from ops.register.cli_show import HAPPENED, REGISTER, TIMELINE
from ops.register.entry import KINDS, LINK_WORDS
from ops.terminal.view import as_cells, as_table

_ROWS = 100
_BEGUN = ("from_alert", "from_drill", "from_finding")


def read(desk: Desk, arguments: Arguments) -> Mapping[str, object]:
    """Give entries, received last first.

    Args:
        desk: Where.
        arguments: `kind`, `site`, `unit`: only those; `all`: closed ones too; `from`: how many
            come before; `alert`, `drill`, `finding`: what a new entry begins with.
    """
    chosen = {name: arguments.get(name, "") for name in ("kind", "site", "unit")}
    closed_too = bool(arguments.get("all"))
    found, is_cut = _list(desk, chosen, closed_too=closed_too)
    page = cut(found, arguments, _ROWS)
    units = {it.name: it.title for it in desk.estate.units}
    own_units = {it.unit for it in desk.sites("register.list")}
    return {
        **page,
        "list": as_table(
            REGISTER, page["items"], links=desk.may("register.show"),
            beside={"unit": lambda row: units.get(row["unit"], row["unit"])},
        ),
        "is_cut": is_cut,
        "kinds": [(name, _(title)) for name, title in KINDS.items()],
        "units": [(name, title) for name, title in units.items()
                  if desk.may("register.list") or name in own_units],
        "sites": [(it.name, it.title) for it in desk.estate.sites
                  if desk.may("register.list", site=it.name)],
        "sites_to_add": [(it.name, it.title) for it in desk.estate.sites
                         if desk.may("register.add", site=it.name)],
        "may_add": desk.may("register.add"),
        "may_show": desk.may("register.show"),
        "begun": {name: arguments[key] for name in _BEGUN
                  if arguments.get(key := name.removeprefix("from_"))},
        "all": closed_too,
        **chosen,
    }  # fmt: skip


def _list(
    desk: Desk, chosen: Mapping[str, str], *, closed_too: bool
) -> tuple[list[dict[str, Any]], bool]:
    """Give the entries that the person may see, and whether there are more."""
    if chosen["site"] or desk.may("register.list"):
        found = desk.look("register.list", **chosen, all=closed_too)
        return found["items"], found["is_cut"]
    own = [it.name for it in desk.estate.sites if desk.may("register.list", site=it.name)]
    looks = [desk.look("register.list", **{**chosen, "site": it}, all=closed_too) for it in own]
    items = [it for look in looks for it in look["items"]]
    items.sort(key=lambda it: it["received_at"], reverse=True)
    return items, any(it["is_cut"] for it in looks)


PAGE = Page(
    name="register",
    title=N_("Register"),
    task="register.list",
    read=read,
    acts=("register.add",),
    reads=("kind", "site", "unit", "all", "from", "alert", "drill", "finding"),
    group="duty",
    is_by_site=True,
)


_MOST = 200
_FOR_PROGRAMS = {"journal", "watch"}
"""What came to pass in words of programs; alerts, runs and drills tell the same in sentences."""


def read_entry(desk: Desk, arguments: Arguments) -> Mapping[str, object]:
    """Give the entry that `id` among the arguments names."""
    wanted = arguments.get("id", "")[:80]
    if not wanted:
        return {"entry": None}
    (entry,) = desk.look("register.show", id=wanted)["items"]
    units = {it.name: it.title for it in desk.estate.units}
    return {
        "entry": entry,
        "shown": as_cells(REGISTER, entry),
        "unit_title": units.get(entry["unit"], entry["unit"]),
        "links": [
            {**it, "title": _(LINK_WORDS[it["kind"]]), "page": page_of_row(it["kind"], it["ref"])}
            for it in entry["links"]
        ],
        "list": as_table(
            TIMELINE,
            [_tell(it) for it in entry["timeline"][:_MOST] if it["source"] not in _FOR_PROGRAMS],
        ),
        "is_cut": entry["timeline_is_cut"] or len(entry["timeline"]) > _MOST,
    }


def _tell(it: Mapping[str, Any]) -> Mapping[str, Any]:
    """Name an alert and its subject in sentences."""
    if it["source"] != "alert":
        return it
    told = {**it, "subject": describe_subject(it["subject"])["name"]}
    is_known = it["what"] in HAPPENED
    return told if is_known else {**told, "what": explain(it["what"], it["params"]).what}


ENTRY_PAGE = Page(
    name="entry",
    title=N_("Entry of the register"),
    task="register.show",
    read=read_entry,
    reads=("id",),
    acts=("register.update", "register.close"),
)
