"""Drill sites for a person at a terminal, and say what came of it."""

import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

from backup.progress import Progress
from ops.access.session import Bench, at_bench
from ops.drills.job import DrillWish, Silent, read_wish, refuse_nonsense, run_drill
from ops.drills.kind import drill_job
from ops.drills.minutes.cli import write_drill, write_file_drills
from ops.drills.phases import FILE_PHASES, PHASES, TITLES
from ops.drills.phases.prepare import describe, find_copy, judge_room, look_at_room
from ops.drills.phases.run import carry_out_phase
from ops.drills.phases.work import Paper, store_of
from ops.drills.records import KeptDrill, find_drill, kind_of
from ops.drills.tasks import Phase, RunDrill
from ops.drills.wording import tell_phase
from ops.errors import WrongUseError
from ops.estate.choose import choose_sites, read_moment
from ops.estate.load.load import load_estate
from ops.estate.model.estate import Estate
from ops.estate.model.own_site import ARCHIVE_SITE
from ops.estate.model.sites import Site
from ops.jobs.run_now import run_by_hand
from ops.jobs.site_lock import hold_site_lock
from ops.language.formats import format_moment, format_size
from ops.language.text import N_, _, fill
from ops.outcomes import explain
from ops.runbooks.asker import TerminalAsker
from ops.schedule.ledger.job import lock_name
from ops.terminal.exit_codes import EXIT_CODES, INCOMPLETE, gravest, noting
from ops.terminal.output import flush, write_json, write_line
from ops.terminal.progress import shown_progress

_EXIT_CODES = {**EXIT_CODES, "not_checked": INCOMPLETE}
_WAIT_FOR_LOCK = timedelta(minutes=1)


class AtTerminal(Silent):
    """Has the shares of a key typed, where somebody sits there.

    Args:
        asks: Whether they are to be typed at all.
    """

    def __init__(self, *, asks: bool) -> None:
        self._asks = asks and sys.stdin.isatty()

    def ask_shares(self, title: str) -> str:
        """Have them typed; what is typed is not shown."""
        return TerminalAsker().ask_shares(title) if self._asks else ""


class Lines(AtTerminal):
    """Writes what each phase came to, as it ends."""

    def show_output(self, output: str) -> None:
        """Write the phase's own sentence."""
        for line in output.splitlines():
            write_line(f"  {line}")
        flush()


def drill_sites(wish: RunDrill) -> int:
    """Drill one site, or one file of each; gives the gravest exit code."""
    estate = load_estate()
    if not wish.site and not wish.file and wish.from_ != "archive":
        raise WrongUseError(
            "the flag --{flag} must be given",
            next_step="`{program} {task} --help` lists all flags",
            flag="site",
            task="drill.run",
        )
    sites = [it.name for it in _choose(estate, wish)]
    arguments = _arguments(wish, estate)
    for site in sites:
        asked = replace(read_wish(site, arguments), paper=_paper(wish))
        refuse_nonsense(estate, asked)
    with at_bench(estate, dry_run=wish.dry_run) as bench:
        if wish.dry_run:
            wishes = [read_wish(site, arguments) for site in sites]
            write_plan(bench, wishes, as_json=wish.json)
            return 0
        origin = replace(bench.origin, reason=wish.reason, document=wish.document)
        with shown_progress() as progress:
            return _drill_all(replace(bench, origin=origin), wish, sites, arguments, progress)


def _paper(wish: RunDrill | Phase) -> Paper:
    return Paper(wish.share, wish.key_file)


def _arguments(wish: RunDrill, estate: Estate) -> dict[str, Any]:
    """Give the flags as a job's arguments; what was not asked for is left out."""
    asked: dict[str, Any] = {
        "scope": "file" if wish.file else "",
        "source": "" if wish.from_ == "backup" else wish.from_,
        "engine": "" if wish.with_ == "ours" else wish.with_,
        "store": wish.store,
        "snapshot": wish.snapshot,
        "from_paper": wish.from_paper,
    }
    if wish.incident_at:
        asked["incident_at"] = read_moment(wish.incident_at, estate).isoformat()
    return {name: value for name, value in asked.items() if value}


def _choose(estate: Estate, wish: RunDrill) -> Sequence[Site]:
    """Give the site that is named; else all, from the archive those that are archived."""
    if wish.site:
        return choose_sites(estate, wish.site)
    return [it for it in estate.named_sites if it.archive or wish.from_ != "archive"]


def _drill_all(
    bench: Bench,
    wish: RunDrill,
    sites: Sequence[str],
    arguments: dict[str, Any],
    progress: Progress,
) -> int:
    codes, drills = list[int](), list[KeptDrill]()
    for site in sites:
        with noting(codes):
            drill = _drill(bench, wish, site, arguments, progress, quiet=wish.json or wish.file)
            drills.append(drill)
            codes.append(_EXIT_CODES.get(drill.outcome or "incomplete", 1))
    zone = bench.estate.organisation.timezone
    if wish.json:
        write_json(drills)
    elif wish.file:
        write_file_drills(drills, zone)
    else:
        for drill in drills:
            write_drill(drill, zone)
    return gravest(codes)


def _drill(
    bench: Bench,
    wish: RunDrill,
    site: str,
    arguments: dict[str, Any],
    progress: Progress,
    *,
    quiet: bool,
) -> KeptDrill:
    asks = wish.from_paper and not wish.share
    asker = AtTerminal(asks=asks) if quiet else Lines(asks=asks)
    work = partial(run_drill, progress=progress, asker=asker, paper=_paper(wish))
    job = drill_job(site, kind_of("file" if wish.file else "site", wish.from_))
    result = run_by_hand(bench, work, job=job, kind="drill", site=site, arguments=arguments)
    with bench.catalog.reading() as session:
        drill = find_drill(session, str(result.summary["drill"]))
    if drill.ended_at is None and not quiet:
        text = N_("Go on with: `{program} runbook.resume --run {run}`")
        write_line(fill(text, {"run": drill.run}))
    return drill


def carry_out_by_hand(wish: Phase) -> int:
    """Carry one phase out and write what it found; gives the exit code.

    What a phase has found is no failure of this command: the drill's own verdict tells it.
    """
    estate = load_estate()
    with at_bench(estate, dry_run=wish.dry_run) as bench:
        with bench.catalog.reading() as session:
            drill = find_drill(session, wish.drill)
        if wish.dry_run:
            write_line(
                _("would carry out the phase {phase} of the drill of {site}").format(
                    phase=wish.phase, site=drill.site
                )
            )
            return 0
        told = replace(bench.origin, reason=drill.reason, document=drill.document, run=drill.run)
        lock = lock_name(drill.site, drill_job(drill.site))
        with (
            shown_progress() as progress,
            hold_site_lock(estate.service.state, lock, holder=wish.drill, wait=_WAIT_FOR_LOCK),
        ):
            acting = replace(bench, origin=told)
            kept = carry_out_phase(acting, wish.drill, wish.phase, progress, paper=_paper(wish))
    write_line(tell_phase(kept, drill.site))
    with suppress(BrokenPipeError):
        flush()
    return 0


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
    write_line(
        "  "
        + _("restored with {engine}, keys from {keys}").format(
            engine=_("our own engine") if plan["engine"] == "ours" else "restic",
            keys=_("paper") if plan["from_paper"] else _("the folder of keys"),
        )
    )
    size = _("unknown") if plan["size_bytes"] is None else format_size(plan["size_bytes"])
    text = _("size {size}; in {workdir}: {free} free")
    write_line(
        "  " + text.format(size=size, workdir=plan["workdir"], free=format_size(plan["free_bytes"]))
    )
    if "rehearse" in plan["phases"]:
        way = plan["isolation"]["way"]
        write_line(
            "  "
            + (
                _("isolated by namespaces ({way})").format(way=way)
                if way
                else _("NOT isolated here, so it cannot be passed: {why}").format(
                    why=plan["isolation"]["why"]
                )
            )
        )
    for number, phase in enumerate(plan["phases"], start=1):
        write_line(f"  {number}. {_(TITLES[phase])}")
    if plan["problem"]:
        found = explain(plan["problem"]["reason"], plan["problem"]["params"], site=plan["site"])
        write_line(f"  ! {found.what}")
