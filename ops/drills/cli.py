"""Drill sites for a person at a terminal, and say what came of it."""

import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from typing import Any

from backup.errors import BackupError
from backup.progress import Progress
from ops.access.session import Bench, at_bench
from ops.drills.job import Silent, read_wish, refuse_nonsense, run_drill
from ops.drills.kind import drill_job
from ops.drills.minutes.cli import write_drill, write_file_drills
from ops.drills.phases.run import carry_out_phase
from ops.drills.phases.work import Paper
from ops.drills.plan_output import write_plan
from ops.drills.records import KeptDrill, find_drill, kind_of
from ops.drills.wording import tell_phase
from ops.errors import OpsError, WrongUseError
from ops.estate.choose import choose_sites, read_moment
from ops.estate.load.load import load_estate
from ops.estate.model.estate import Estate
from ops.estate.model.sites import Site
from ops.jobs.run_now import run_by_hand
from ops.jobs.site_lock import hold_site_lock
from ops.language.text import N_, _, fill
from ops.runbooks.asker import TerminalAsker
from ops.schedule.ledger.job import lock_name
from ops.terminal.exit_codes import EXIT_CODES, INCOMPLETE, gravest, report
from ops.terminal.output import write_json, write_line

_EXIT_CODES = {**EXIT_CODES, "not_checked": INCOMPLETE}
_WAIT_FOR_LOCK = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class DrillFlags:
    """The flags of `drill.run`."""

    site: str = ""
    source: str = "backup"
    engine: str = "ours"
    store: str = ""
    snapshot: str = ""
    file: bool = False
    from_paper: bool = False
    shares: tuple[str, ...] = ()
    key_files: tuple[str, ...] = ()
    incident_at: str = ""
    reason: str = ""
    document: str = ""

    @property
    def paper(self) -> Paper:
        """What comes from paper."""
        return Paper(self.shares, self.key_files)

    def arguments(self, estate: Estate) -> dict[str, Any]:
        """Give them as a job's arguments; what was not asked for is left out.

        Raises:
            WrongUseError: The moment cannot be read.
        """
        asked: dict[str, Any] = {
            "scope": "file" if self.file else "",
            "source": "" if self.source == "backup" else self.source,
            "engine": "" if self.engine == "ours" else self.engine,
            "store": self.store,
            "snapshot": self.snapshot,
            "from_paper": self.from_paper,
        }
        if self.incident_at:
            asked["incident_at"] = read_moment(self.incident_at, estate).isoformat()
        return {name: value for name, value in asked.items() if value}


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
        sys.stdout.flush()


def drill_sites(wish: DrillFlags, progress: Progress, *, dry_run: bool, as_json: bool) -> int:
    """Drill one site, or one file of each; gives the gravest exit code.

    Raises:
        WrongUseError: The flags make no sense.
        DrillElsewhereError: Drills are run on another machine.
    """
    estate = load_estate()
    if not wish.site and not wish.file and wish.source != "archive":
        raise WrongUseError(
            "the flag --{flag} must be given",
            next_step="`{program} {task} --help` lists all flags",
            flag="site",
            task="drill.run",
        )
    sites = [it.name for it in _choose(estate, wish)]
    arguments = wish.arguments(estate)
    for site in sites:
        asked = replace(read_wish(site, arguments), paper=wish.paper)
        refuse_nonsense(estate, asked)
    with at_bench(estate, dry_run=dry_run) as bench:
        if dry_run:
            wishes = [read_wish(site, arguments) for site in sites]
            write_plan(bench, wishes, as_json=as_json)
            return 0
        origin = replace(bench.origin, reason=wish.reason, document=wish.document)
        return _drill_all(replace(bench, origin=origin), wish, sites, arguments, progress, as_json)


def _choose(estate: Estate, wish: DrillFlags) -> Sequence[Site]:
    """Give the site that is named; else all, from the archive those that are archived."""
    if wish.site:
        return choose_sites(estate, wish.site)
    return [it for it in estate.named_sites if it.archive or wish.source != "archive"]


def _drill_all(
    bench: Bench,
    wish: DrillFlags,
    sites: Sequence[str],
    arguments: dict[str, Any],
    progress: Progress,
    as_json: bool,
) -> int:
    codes, drills = [], list[KeptDrill]()
    for site in sites:
        try:
            drill = _drill(bench, wish, site, arguments, progress, quiet=as_json or wish.file)
        except (BackupError, OpsError) as error:
            codes.append(report(error))
            continue
        drills.append(drill)
        codes.append(_EXIT_CODES.get(drill.outcome or "incomplete", 1))
    zone = bench.estate.organisation.timezone
    if as_json:
        write_json(drills)
    elif wish.file:
        write_file_drills(drills, zone)
    else:
        for drill in drills:
            write_drill(drill, zone)
    return gravest(codes)


def _drill(
    bench: Bench,
    wish: DrillFlags,
    site: str,
    arguments: dict[str, Any],
    progress: Progress,
    *,
    quiet: bool,
) -> KeptDrill:
    asks = wish.from_paper and not wish.shares
    asker = AtTerminal(asks=asks) if quiet else Lines(asks=asks)
    work = partial(run_drill, progress=progress, asker=asker, paper=wish.paper)
    job = drill_job(site, kind_of("file" if wish.file else "site", wish.source))
    result = run_by_hand(bench, work, job=job, kind="drill", site=site, arguments=arguments)
    with bench.catalog.reading() as session:
        drill = find_drill(session, str(result.summary["drill"]))
    if drill.ended_at is None and not quiet:
        text = N_("Go on with: `{program} runbook.resume --run {run}`")
        write_line(fill(text, {"run": drill.run}))
    return drill


def carry_out_by_hand(
    drill_id: str,
    phase: str,
    papers: tuple[tuple[str, ...], tuple[str, ...]],
    progress: Progress,
    *,
    dry_run: bool,
) -> int:
    """Carry one phase out and write what it found; gives the exit code.

    What a phase has found is no failure of this command: the drill's own verdict tells it.

    Raises:
        WrongUseError: There is no such drill or phase.
        SiteBusyError: Somebody drills the site.
    """
    estate = load_estate()
    with at_bench(estate, dry_run=dry_run) as bench:
        with bench.catalog.reading() as session:
            drill = find_drill(session, drill_id)
        if dry_run:
            write_line(_("would carry out the phase {phase} of the drill of {site}").format(
                phase=phase, site=drill.site))  # fmt: skip
            return 0
        told = replace(bench.origin, reason=drill.reason, document=drill.document, run=drill.run)
        lock = lock_name(drill.site, drill_job(drill.site))
        with hold_site_lock(estate.service.state, lock, holder=drill_id, wait=_WAIT_FOR_LOCK):
            kept = carry_out_phase(
                replace(bench, origin=told), drill_id, phase, progress, paper=Paper(*papers)
            )
    write_line(tell_phase(kept, drill.site))
    with suppress(BrokenPipeError):
        sys.stdout.flush()
    return 0
