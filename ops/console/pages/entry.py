"""One entry of the register: how it stands, its clocks, what belongs to it, what happened."""

from collections.abc import Mapping
from typing import Any

from ops.console.office.desk import Desk
from ops.console.page import Arguments, Page
from ops.console.subjects import describe_subject, page_of_row
from ops.language.text import N_, _
from ops.outcomes import explain
from ops.register.cli_show import HAPPENED, REGISTER, TIMELINE
from ops.register.entry import LINK_WORDS
from ops.terminal.view import as_cells, as_table

_MOST = 200
_FOR_PROGRAMS = {"journal", "watch"}
"""What came to pass in words of programs; alerts, runs and drills tell the same in sentences."""


def read(desk: Desk, arguments: Arguments) -> Mapping[str, object]:
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


PAGE = Page(
    name="entry",
    title=N_("Entry of the register"),
    task="register.show",
    read=read,
    reads=("id",),
    acts=("register.update", "register.close"),
)
