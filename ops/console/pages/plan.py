"""The plan of a year as people read it, and each step from its draft to its report."""

from collections.abc import Mapping, Sequence
from typing import Any

from ops.console.office.desk import Desk
from ops.console.page import Arguments, Page, number_of, open_to
from ops.console.subjects import page_of_row
from ops.language.text import N_, _
from ops.planning.cli_show import GRANTED, ITEMS, REJECTED, note_values
from ops.planning.item import CHOICES, EVIDENCE, GROUPS
from ops.planning.records import (
    AT_WORK,
    OPEN_STATES,
    STATES,
    find_in_force,
    get_plan,
    list_plans,
    read_notes,
)
from ops.terminal.view import as_table


def read(desk: Desk, arguments: Arguments) -> Mapping[str, object]:
    """Give the plan of `year`, the newest unless given; with `item` one item and its notes."""
    with desk.catalog.reading() as session:
        years = sorted({it.year for it in list_plans(session)}, reverse=True)
    next_year = desk.now.astimezone(desk.estate.zone).year + 1
    year = number_of(arguments, "year", years[0] if years else next_year, least=1000, most=9999)
    shared = {"years": years, "year": year, "next_year": next_year}
    if year not in years:
        return {**shared, "items": [], "is_there": False}
    found = desk.look("plan.show", year=year)
    lines = found["items"]
    for line in lines:
        line["year"] = year
        line["evidence"] = [
            {
                **it,
                "title": _(EVIDENCE.get(it["kind"], it["kind"])),
                "page": open_to(desk, page_of_row(it["kind"], it["id"])),
            }
            for it in line["evidence"]
        ]
    chosen = [it for it in lines if not it["rejected_for"]]
    return {
        **found,
        **shared,
        "is_there": True,
        "stands": _(STATES[found["state"]]),
        "groups": _group(chosen),
        "granted_items": as_table(GRANTED, chosen) if found["decision"] else None,
        "rejected": as_table(REJECTED, [it for it in lines if it["rejected_for"]]),
        "item": next((it for it in lines if str(it["number"]) == arguments.get("item")), None),
        "tables": {name: list(table.items()) for name, table in CHOICES.items()},
        **_read_standing(desk, year, found["state"], arguments.get("item", "")),
    }


def _read_standing(desk: Desk, year: int, state: str, item: str) -> Mapping[str, Any]:
    """Give what may be done in this state, the notes on an item, and documents to choose from."""
    with desk.catalog.reading() as session:
        in_force = find_in_force(session, year)
        notes = [
            note_values(it)
            for it in read_notes(session, get_plan(session, year))
            if str(it.item) == item
        ]
    can = {
        "change": state in OPEN_STATES,
        "review": state == "draft",
        "submit": state == "reviewed",
        "decide": state == "submitted",
        "work": in_force is not None and in_force.row.state in AT_WORK,
        "revise": state in AT_WORK,
        "report": in_force is not None and in_force.row.state == "accepted",
    }
    is_read = state in {*OPEN_STATES, "submitted"}
    kept = [
        (it["about"], [it["id"], f"{it['number']} {it['title']}"])
        for it in (desk.look("document.list")["items"] if is_read else [])
    ]
    return {
        "can": can,
        "notes": notes,
        "in_force": in_force.called if in_force else "",
        "quotations": [choice for _about, choice in kept],
        "scans": [choice for about, choice in kept if about == f"plan:{year}"],
    }


def _group(lines: Sequence[Mapping[str, Any]]) -> list[Mapping[str, object]]:
    """Give the lines that are in the plan by group, with each group's money."""
    grouped = {title: [it for it in lines if it["group"] == name] for name, title in GROUPS.items()}
    return [
        {"title": title, "list": as_table(ITEMS, own), "asked": sum(it["asked"] for it in own)}
        for title, own in grouped.items()
        if own
    ]


PAGE = Page(
    name="plan",
    title=N_("Plan"),
    task="plan.show",
    read=read,
    group="duty",
    reads=("year", "item"),
    acts=(
        "plan.draft",
        "plan.edit",
        "plan.submit",
        "plan.record-decision",
        "plan.revise",
        "plan.progress",
        "plan.complete",
        "plan.show",
    ),
)
