"""All sites: how each stands, how old its newest backup is, and the rule 3-2-1-1-0 over them."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from ops.backups.copies.rule_32110 import RulePart
from ops.console.office.desk import Desk
from ops.console.page import Arguments, Page
from ops.language.text import N_
from ops.status.cli import describe_sites
from ops.status.facts import gather_facts
from ops.status.output_copies import tell_verdict
from ops.status.problems import find_problems

_ROWS = 200
PARTS = ("copies", "media", "places", "locked", "errors")


def read(desk: Desk, arguments: Arguments) -> Mapping[str, object]:
    """Give the sites that the person may see; `state` and `unit` among the arguments filter."""
    items, _problems = read_sites(desk)
    units = {it.name: it.title for it in desk.estate.units}
    wanted = {name: arguments.get(name, "") for name in ("state", "unit")}
    shown = [
        it for it in items if all(not value or it[name] == value for name, value in wanted.items())
    ]
    return {
        "items": shown[:_ROWS],
        "is_cut": len(shown) > _ROWS,
        "all": len(items),
        "rule": sum_up(items),
        "units": [
            [name, title]
            for name, title in units.items()
            if any(it["unit"] == name for it in items)
        ],
        "now": desk.now,
        **wanted,
    }


def read_sites(desk: Desk) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Give the sites that the person may see, each with its unit and its rule in words.

    Beside them the problems of those sites: what concerns others or the whole is left out.
    """
    facts = desk.share("facts", lambda: gather_facts(desk.estate, desk.catalog, desk.now))
    if desk.may("backup.list"):
        told = desk.share("sites", lambda: describe_sites(facts, find_problems(facts)))
    else:
        own = {it.name for it in desk.sites("backup.list")}
        facts = replace(facts, sites=tuple(it for it in facts.sites if it.name in own), own=None)
        told = describe_sites(facts, find_problems(facts))
    items, problems = [dict(it) for it in told[0]], told[1]
    units = {it.name: it.unit for it in desk.estate.sites}
    seen = {it["name"] for it in items}
    for it in items:
        it["unit"] = units.get(it["name"], "")
        it["rule"] = [{**part, "told": tell_verdict(RulePart(**part))} for part in it["rule"]]
        it["title"] = it["title"] or it["name"]
        it["rpo_share"] = _share(it, desk)
    return items, [it for it in problems if seen & {it["site"], *it["alike"]}]


def _share(item: Mapping[str, Any], desk: Desk) -> float | None:
    """Give the age of the newest backup as a share of what it may be; None without one."""
    newest = item["newest_at"]
    return None if newest is None else max((desk.now - newest) / item["rpo"], 0.0)


def sum_up(items: Sequence[Mapping[str, Any]]) -> list[dict[str, object]]:
    """Give how each part of the rule stands over all sites; the worst of them decides; pure."""
    found = list[dict[str, object]]()
    for part in PARTS:
        outcomes = [it["outcome"] for site in items for it in site["rule"] if it["part"] == part]
        worst = next((it for it in ("failed", "not_checked") if it in outcomes), "ok")
        found.append(
            {
                "part": part,
                "outcome": worst if outcomes else "not_checked",
                "met": outcomes.count("ok"),
                "of": len(outcomes),
            }
        )
    return found


PAGE = Page(
    name="sites",
    title=N_("Sites"),
    task="backup.list",
    read=read,
    reads=("state", "unit"),
    group="copies",
    is_by_site=True,
)
