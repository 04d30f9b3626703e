"""What `drill.run --dry-run` says: the copy, the store, the room, the isolation, the steps."""

from collections.abc import Mapping, Sequence
from typing import Any

from ops.access.session import Bench
from ops.drills.job import DrillWish
from ops.drills.phases import FILE_PHASES, PHASES, TITLES
from ops.drills.phases.prepare import describe, find_copy, judge_room, look_at_room
from ops.drills.phases.work import store_of
from ops.estate.model.archive_site import ARCHIVE_SITE
from ops.language.formats import format_moment, format_size
from ops.language.text import _
from ops.outcomes.explain import explain
from ops.terminal.output import write_json, write_line


def write_plan(bench: Bench, wishes: Sequence[DrillWish], *, as_json: bool) -> None:
    """Write what would be drilled; nothing is fetched and nothing written."""
    plans = [plan_drill(bench, wish) for wish in wishes]
    if as_json:
        write_json(plans)
        return
    for plan in plans:
        _write(plan, bench.estate.organisation.timezone)


def plan_drill(bench: Bench, wish: DrillWish) -> dict[str, Any]:
    """Give the plan of one drill as JSON values."""
    estate = bench.estate
    store = store_of(estate, wish.source, wish.store)
    site = ARCHIVE_SITE if wish.kind == "archive" else wish.site
    with bench.catalog.reading() as session:
        copy = find_copy(session, site, store.name, wish.snapshot, until=wish.incident_at)
    room = look_at_room(estate, copy)
    reason, params = judge_room(room)
    return {
        "site": wish.site,
        "scope": wish.scope,
        "source": wish.source,
        "store": store.name,
        "location": store.location,
        "snapshot": None if copy is None else copy.id,
        "taken_at": None if copy is None else copy.taken_at,
        "engine": wish.engine,
        "from_paper": wish.from_paper,
        "phases": list(PHASES if wish.kind == "site" else FILE_PHASES),
        **describe(estate, room, copy),
        "problem": {"reason": reason, "params": params} if reason else None,
    }


def _write(plan: Mapping[str, Any], zone: str) -> None:
    taken = format_moment(plan["taken_at"], zone) if plan["taken_at"] else _("the newest there is")
    snapshot = plan["snapshot"][:8] if plan["snapshot"] else "–"
    write_line(f"{plan['site']} · {plan['store']} ({plan['location']}) · {snapshot} · {taken}")
    write_line("  " + _("restored with {engine}, keys from {keys}").format(
        engine=_("our own engine") if plan["engine"] == "ours" else "restic",
        keys=_("paper") if plan["from_paper"] else _("the folder of keys"),
    ))  # fmt: skip
    size = _("unknown") if plan["size_bytes"] is None else format_size(plan["size_bytes"])
    text = _("size {size}; in {workdir}: {free} free")
    write_line("  " + text.format(
        size=size, workdir=plan["workdir"], free=format_size(plan["free_bytes"])))  # fmt: skip
    if "rehearse" in plan["phases"]:
        way = plan["isolation"]["way"]
        write_line("  " + (
            _("isolated by namespaces ({way})").format(way=way)
            if way
            else _("NOT isolated here, so it cannot be passed: {why}").format(
                why=plan["isolation"]["why"])))  # fmt: skip
    for number, phase in enumerate(plan["phases"], start=1):
        write_line(f"  {number}. {_(TITLES[phase])}")
    if plan["problem"]:
        found = explain(plan["problem"]["reason"], plan["problem"]["params"], site=plan["site"])
        write_line(f"  ! {found.what}")
