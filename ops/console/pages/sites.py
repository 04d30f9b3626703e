"""All sites, how each stands and the rule 3-2-1-1-0 over them; and one site's whole story."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import select

from ops.backups.browse import FIGURES, ID, TAKEN
from ops.backups.copies.rule_32110 import RulePart
from ops.backups.repositories.catalog_index import FIGURE_COLUMNS
from ops.backups.retention.holds import list_holds
from ops.catalog.columns import columns_of
from ops.catalog.tables.core import Run
from ops.catalog.tables.index import Snapshot, is_ahead, is_of_whole_site
from ops.console.office.desk import Desk
from ops.console.page import Arguments, Page, cut_key, older
from ops.console.pages.drills import DRILLS_BEGUN, draw, read_drills
from ops.console.pages.runs import RUNS, list_ended, list_running
from ops.errors import OpsError, WrongUseError
from ops.jobs.definitions import list_jobs
from ops.language.text import N_, _
from ops.monitor.availability import draw_months, measure_months
from ops.monitor.series.store import open_series, series_url
from ops.status.cli import describe_sites
from ops.status.facts import gather_facts
from ops.status.problems import find_problems
from ops.status.problems_copies import COPIES, tell_verdict
from ops.terminal.view import Column, View, as_made, as_table, outcome

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


_SNAPSHOTS, _RUNS, _DRILLS = 20, 10, 20
_TABLE = View(N_("None."), TAKEN, ID, Column("outcome", N_("Outcome"), outcome), *FIGURES)
_BY_HAND = ("backup", "check", "scan", "drill", "archive")


def read_site(desk: Desk, arguments: Arguments) -> Mapping[str, object]:
    """Give the site that `site` names; without one, the names of those there are."""
    items, problems = read_sites(desk)
    name = arguments.get("site", "")
    site = next((it for it in items if it["name"] == name), None)
    if name and site is None:
        raise WrongUseError(
            'the estate has no site "{site}"', site=name[:80], next_step="choose one of the list"
        )
    if site is None:
        return {"site": None, "names": [it["name"] for it in items]}
    return {
        "site": site,
        "may_restore": any(it.name == name for it in desk.sites("backup.find")),
        "problems": [it for it in problems if name == it["site"] or name in it["alike"]],
        "snapshots": _read_snapshots(desk, name, arguments.get("before", "")),
        "copies": as_table(COPIES, site["copies"], zone=desk.estate.organisation.timezone),
        "runs": _read_runs(desk, name) if desk.may("service.jobs") else None,
        "jobs": _list_jobs(desk, name),
        "holds": _read_holds(desk, name) if desk.may("backup.hold") else None,
        "drills": _read_drills(desk, name) if desk.may("drill.list") else None,
        "archived": _count_archived(desk, name),
        "register": _look(desk, "register.list", name),
        "may_show_entries": desk.may("register.show"),
        "months": _draw_months(desk, name),
        "now": desk.now,
    }


def _look(desk: Desk, task: str, site: str) -> list[dict[str, Any]] | None:
    """Give what a task says of the site; None where the person may not ask."""
    if not desk.may(task, site=site):
        return None
    items: list[dict[str, Any]] = desk.look(task, site=site)["items"]
    return items[:_DRILLS]


def _read_snapshots(desk: Desk, site: str, before: str) -> dict[str, Any]:
    """Give a page of the snapshots in the primary store, newest first, as the catalog knows them.

    Args:
        desk: Where.
        site: Name of the site.
        before: As `rows.cut_key` wrote it; empty for the newest.
    """
    query = select(Snapshot).where(
        Snapshot.site == site,
        Snapshot.store == desk.estate.primary_store.name,
        is_of_whole_site(),
        *older(before, Snapshot.taken_at, Snapshot.id),
    )
    query = query.order_by(Snapshot.taken_at.desc(), Snapshot.id.desc()).limit(_SNAPSHOTS + 1)
    with desk.catalog.reading() as session:
        found = [_as_stored(it, desk.now) for it in session.execute(query).scalars()]
    shown, more = cut_key(found, "taken_at", _SNAPSHOTS)
    may = any(it.name == site for it in desk.sites("backup.find"))
    zone = desk.estate.organisation.timezone
    return {"items": shown, "older": more, "list": as_table(_TABLE, shown, zone=zone, links=may)}


def _as_stored(row: Snapshot, now: datetime) -> dict[str, Any]:
    """Give a row of the index as `backup.list` has a snapshot, and with its outcome."""
    figures = {name: getattr(row, column) for column, name in FIGURE_COLUMNS.items()}
    return {
        **{it: getattr(row, it) for it in ("id", "site", "taken_at", "paths", "outcome")},
        "is_ahead": is_ahead(row.taken_at, now),
        "summary": {**row.summary, **figures},
    }


def _read_runs(desk: Desk, site: str) -> dict[str, Any]:
    chosen = [Run.site == site]
    with desk.catalog.reading() as session:
        running = list_running(session, desk.estate.service.state, chosen)
        ended, _more = list_ended(session, chosen, before="", rows=_RUNS)
    view = View(RUNS.empty, *(it for it in RUNS.columns if it.key != "site"))
    return {"running": running, "ended": ended, "list": as_table(view, ended)}


def _list_jobs(desk: Desk, site: str) -> list[dict[str, str]]:
    """Give the jobs of the site that people ask for by hand: name and kind."""
    names = {it.name for it in list_jobs(desk.estate) if it.site == site}
    jobs = {f"{kind}/{site}": kind for kind in _BY_HAND}
    return [{"name": name, "kind": kind} for name, kind in jobs.items() if name in names]


def _read_holds(desk: Desk, site: str) -> list[dict[str, Any]]:
    with desk.catalog.reading() as session:
        return [columns_of(it) for it in list_holds(session, site)]


def _read_drills(desk: Desk, site: str) -> dict[str, Any]:
    year = desk.now.astimezone(desk.estate.zone).year
    found = read_drills(desk, year, site)
    return {"list": as_table(DRILLS_BEGUN, found[:_DRILLS]), "calendar": draw(desk, found, year)}


def _count_archived(desk: Desk, site: str) -> int | None:
    """Give how many items of the site are archived; None where nobody says."""
    if desk.estate.archive is None or not desk.may("archive.list", site=site):
        return None
    if all(it.name != site for it in desk.estate.sites):
        return None
    count: int = desk.look("archive.list", site=site, limit=1)["count"]
    return count


def _draw_months(desk: Desk, site: str) -> dict[str, Any] | None:
    """Draw the last twelve months; None where nothing watches the site, or its series is broken."""
    if all(it.name != site for it in desk.estate.sites):
        return None
    try:
        store = open_series(series_url(desk.estate))
    except OpsError:
        return None
    try:
        with desk.catalog.reading() as session:
            found = measure_months(store, session, desk.estate, site, desk.now)
    except OpsError:
        return None
    finally:
        store.close()
    if not any(it.up + it.down for it in found):
        return None
    title = _("{site}: availability by month").format(site=desk.estate.title_at(site))
    svg, (heads, rows) = draw_months(found, title)
    return {"svg": svg, **as_made(heads, rows, right=range(1, len(heads)))}


SITE_PAGE = Page(
    name="site",
    title=N_("Site"),
    task="backup.list",
    read=read_site,
    is_by_site=True,
    reads=("site", "before"),
    acts=("service.trigger", "backup.run.accept", "backup.accept", "backup.hold", "backup.release"),
)
