"""Run a drill: its record, then its phases, those of a whole site as steps of its runbook.

The runbook is `restore-drill`; `restore-drill-from-paper` also asks for the shares of the key.

1. Refuse what makes no sense here; nothing is written yet.
2. Write the drill's record; from now on every state stands in the catalog.
3. Carry the runbook out; its phases are done in this process, other commands as processes.

Whoever is killed in 3 leaves a run of a runbook that `runbook.resume` takes up at that step, which
then runs the same command as a process of its own.
"""

import socket
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from backup.progress import SILENT, Progress
from ops.access.session import Bench
from ops.archives.places import settings_of
from ops.backups.keys.paper.shares import split_shares
from ops.catalog.columns import new_id
from ops.drills.phases import FILE_PHASES
from ops.drills.phases.conclude import PAPER_RUNBOOK, RUNBOOK
from ops.drills.phases.run import carry_out_phase
from ops.drills.phases.work import Paper, store_of
from ops.drills.records import KeptDrill, Kind, NewDrill, Scope, begin_drill, find_drill, kind_of
from ops.drills.stop import give_up_earlier, stop_at_window_end
from ops.drills.wording import tell_phase
from ops.errors import OpsError, WrongUseError
from ops.estate.known_sites import require_site
from ops.estate.model.estate import Estate
from ops.estate.model.sites import RESERVED_SITE_NAMES
from ops.jobs.run_now import bench_of
from ops.jobs.site_lock import hold_site_lock
from ops.language.text import language, render_error
from ops.runbooks.asker import EstateApprover
from ops.runbooks.commands import ProcessCommands
from ops.runbooks.library import find_runbook
from ops.runbooks.run import MachineClock
from ops.runbooks.states import CatalogStates
from ops.schedule.kinds import RunContext
from ops.schedule.ledger.job import JobResult
from runbooks.errors import RunbookUseError
from runbooks.procedure import Step, Variable
from runbooks.runner import Runner, Seams
from runbooks.seams import Asker, CommandResult, Commands
from runbooks.state import RunState, StepRecord
from runbooks.variables import Command, choose_values


def drill_file(
    bench: Bench, new: NewDrill, path: str = "", progress: Progress = SILENT
) -> KeptDrill:
    """Restore one file or a lot of items, compare, wipe; gives the concluded drill.

    Args:
        bench: Who works with what.
        new: What is asked for.
        path: The file, as the catalog tells it; empty: by lot.
        progress: Told of long work.
    """
    with bench.catalog.writing() as session:
        drill = begin_drill(session, bench.origin, new, now=datetime.now(UTC))
    with stop_at_window_end(bench, drill):
        for phase in FILE_PHASES:
            carry_out_phase(bench, drill, phase, progress, path=path)
    with bench.catalog.reading() as session:
        return find_drill(session, drill)


_PHASE_WORDS = ("giucong", "drill.phase", "--drill", "", "--phase", "")


class Silent:
    """An asker for whom nobody sits there."""

    def begin_step(self, step: Step, sentence: str, commands: object) -> None:
        """Say nothing."""

    def show_output(self, output: str) -> None:
        """Say nothing."""

    def ask_whether_enough(self) -> str:
        """Give no answer: the runbook stops there."""
        return ""

    def end_step(self, record: StepRecord) -> None:
        """Say nothing."""

    def ask(self, question: str, *, yes_or_no: bool) -> str:
        """Give no answer: the runbook stops, and a person takes it up."""
        del question, yes_or_no
        return ""

    def ask_value(self, variable: Variable, question: str, values: object) -> str:
        """Give none."""
        del variable, question, values
        return ""

    def check_known(self, variable: Variable, value: str, values: object) -> None:
        """Believe it: the drill itself has given it."""

    def refuse(self, error: RunbookUseError) -> None:
        """Say nothing."""

    def ask_secret(self, title: str) -> str:
        """Give none."""
        del title
        return ""

    def wants_passphrase(self, key_file: str) -> bool:
        """Have nobody asked for one."""
        del key_file
        return False

    def ask_shares(self, title: str) -> str:
        """Give none: the phase says so, and a person takes the runbook up."""
        return self.ask_secret(title)


@dataclass(frozen=True, slots=True)
class PhaseCommands:
    """Does the phases of one drill in this process; every other command is a process.

    Attributes:
        bench: Who works with what.
        site: Name of the drill's site.
        others: Runs other commands: a Center's own edition of the runbook may have some.
        progress: Told of long work.
        paper: Keys from paper.
    """

    bench: Bench
    site: str
    others: Commands
    progress: Progress
    paper: Paper

    def run(self, command: Command, *, deadline: float, private: bool = False) -> CommandResult:
        """Run one; what a phase has found is no failure of the step."""
        found = read_phase_command(command.words)
        if found is None:
            return self.others.run(command, deadline=deadline, private=private)
        drill, phase = found
        typed = tuple(split_shares(command.secrets.get(len(_PHASE_WORDS) + 1, "")))
        paper = replace(self.paper, typed=typed)
        try:
            kept = carry_out_phase(self.bench, drill, phase, self.progress, paper=paper)
        except OpsError as error:
            return CommandResult(error.exit_code, f"{render_error(error)}\n")
        return CommandResult(0, f"{tell_phase(kept, self.site)}\n")


def read_phase_command(words: tuple[str, ...]) -> tuple[str, str] | None:
    """Give drill and phase of `giucong drill.phase --drill D --phase P`; None of another; pure.

    A `--share` and a secret may follow.
    """
    for form in (_PHASE_WORDS, (*_PHASE_WORDS, "--share", "")):
        if len(words) == len(form) and all(
            given == wanted for given, wanted in zip(words, form, strict=True) if wanted
        ):
            return words[3], words[5]
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class DrillWish:
    """What is asked for; fields as the flags of `drill.run`.

    Attributes:
        scope: All of the site, or one file.
        path: Which file, as a finding names it; empty: by lot.
        paper: Keys from paper, as files.
        incident_at: When the loss is taken to have happened; None for now.
    """

    site: str
    scope: Scope = "site"
    path: str = ""
    source: str = "backup"
    engine: str = "ours"
    from_paper: bool = False
    store: str = ""
    snapshot: str = ""
    paper: Paper = field(default_factory=Paper)
    incident_at: datetime | None = None

    @property
    def kind(self) -> Kind:
        """What it is to prove."""
        return kind_of(self.scope, self.source)


def run_drill(
    context: RunContext,
    progress: Progress = SILENT,
    *,
    asker: Asker | None = None,
    paper: Paper | None = None,
) -> JobResult:
    """Run a drill as a job; the caller holds the lock of the site's drills.

    Other work on the site goes on meanwhile: a drill only reads the repository, under the shared
    lock that lies there, and production not at all. One that meets the end of its window is wiped
    and concluded.

    Arguments in the context: `scope` (`site` or `file`), `path` (of one file), `engine`,
    `from_paper`, `store`, `snapshot`, `source` (`backup` or `archive`), `incident_at` (ISO 8601),
    each as in `DrillWish`; left out: a drill of the whole site from the newest backup in the
    primary store, with our engine, now.
    """
    bench = bench_of(context)
    estate = bench.estate
    require_site(estate, context.catalog, context.site)
    wish = read_wish(context.site, context.arguments)
    refuse_nonsense(estate, wish)
    give_up_earlier(bench, context.site)
    if wish.kind != "site":
        new = new_drill(wish, "", datetime.now(UTC))
        return conclude_job(drill_file(bench, new, wish.path, progress))
    seams = _Seams(asker or Silent(), paper or wish.paper, progress)
    return conclude_job(carry_out_drill(bench, wish, seams))


@dataclass(frozen=True, slots=True)
class _Seams:
    asker: Asker
    paper: Paper
    progress: Progress


def read_wish(site: str, arguments: Mapping[str, Any]) -> DrillWish:
    """Read a job's arguments; pure."""
    moment = arguments.get("incident_at")
    return DrillWish(
        site=site,
        scope="file" if arguments.get("scope") == "file" else "site",
        path=str(arguments.get("path", "")),
        source=str(arguments.get("source", "backup")),
        engine=str(arguments.get("engine", "ours")),
        from_paper=bool(arguments.get("from_paper", False)),
        store=str(arguments.get("store", "")),
        snapshot=str(arguments.get("snapshot", "")),
        incident_at=datetime.fromisoformat(moment) if moment else None,
    )


def refuse_nonsense(estate: Estate, wish: DrillWish) -> None:
    """Refuse what cannot be drilled here."""
    here = socket.gethostname()
    if estate.drill.host not in {"", here}:
        raise OpsError(
            'drills are run on the machine "{host}"; this one is "{here}"',
            why="`[drill] host` names it",
            data="nothing was changed",
            next_step="run the same command there",
            host=estate.drill.host,
            here=here,
        )
    if wish.incident_at is not None and wish.incident_at > datetime.now(UTC):
        raise WrongUseError(
            "the incident cannot lie in the future",
            next_step="leave `--incident-at` out: then it happens now",
        )
    if wish.site in RESERVED_SITE_NAMES:
        raise WrongUseError(
            "the service itself is not drilled like a site",
            next_step="`{program} service.recover --repo STORE/giucong --dry-run`",
        )
    _refuse_words(estate, wish)


def _refuse_words(estate: Estate, wish: DrillWish) -> None:
    for flag, word, known in (
        ("with", wish.engine, ("ours", "restic")),
        ("from", wish.source, ("backup", "archive")),
    ):
        if word not in known:
            raise WrongUseError(
                '--{flag} takes one of {known}, not "{word}"',
                next_step="`{program} drill.run --help` lists all flags",
                flag=flag,
                known=", ".join(known),
                word=word,
            )
    if wish.source == "archive":
        _refuse_of_archive(estate, wish)
        return
    if wish.scope == "file" and (wish.engine == "restic" or wish.from_paper):
        raise WrongUseError(
            "one file is drilled with our engine and the estate's key alone",
            next_step="leave `--file` out: whole sites are drilled with restic and from paper",
        )
    if wish.engine == "restic" and wish.paper.key_files:
        raise WrongUseError(
            "stock restic reads key files in the repository alone, where a drill writes nothing",
            next_step="leave `--with restic` out: our engine opens it with the key file from paper",
        )
    if wish.store:
        estate.store(wish.store)


def _refuse_of_archive(estate: Estate, wish: DrillWish) -> None:
    settings_of(estate)
    if wish.scope == "file" or wish.engine == "restic" or wish.from_paper:
        raise WrongUseError(
            "a drill from the archive takes items by lot, with our engine and the estate's key",
            next_step="leave `--file`, `--with` and `--from-paper` out",
        )
    store_of(estate, wish.source, wish.store)


def carry_out_drill(bench: Bench, wish: DrillWish, seams: _Seams) -> KeptDrill:
    """Write the record and carry the runbook out; gives the drill as it stands then."""
    estate, now, run = bench.estate, datetime.now(UTC), str(new_id())
    runbook = find_runbook(estate.path, PAPER_RUNBOOK if wish.from_paper else RUNBOOK)
    with bench.catalog.writing() as session:
        drill = begin_drill(session, bench.origin, new_drill(wish, run, now), now=now)
    environment = {"GIUCONG_ESTATE": str(estate.path), "GIUCONG_LANG": language()}
    others = ProcessCommands(environment)
    commands = PhaseCommands(bench, wish.site, others, seams.progress, seams.paper)
    clock, person = MachineClock(), bench.origin.person or bench.origin.login
    state = RunState(
        id=run,
        runbook=runbook.id,
        text=runbook.text,
        person=person,
        values=choose_values(runbook, {"drill": drill}),
        started_at=now,
    )
    runner = Runner(
        runbook,
        Seams(
            states=CatalogStates(bench.catalog, bench.origin),
            commands=commands,
            approver=EstateApprover(bench, clock, bench.origin.reason, bench.origin.document),
            asker=seams.asker,
            clock=clock,
        ),
        person,
    )
    with (
        stop_at_window_end(bench, drill),
        hold_site_lock(estate.service.state, f"runbook-{run}", holder=run),
    ):
        runner.go(state)
    with bench.catalog.reading() as session:
        return find_drill(session, drill)


def new_drill(wish: DrillWish, run: str, now: datetime) -> NewDrill:
    """Give what the record begins with; pure."""
    return NewDrill(
        site=wish.site,
        incident_at=wish.incident_at or now,
        scope=wish.scope,
        source=wish.source,
        engine=wish.engine,
        from_paper=wish.from_paper,
        wanted=wish.snapshot,
        store=wish.store,
        run=run,
    )


def conclude_job(drill: KeptDrill) -> JobResult:
    """Give a drill as the result of its job; pure.

    One whose runbook stopped in between is incomplete: it can be taken up again.
    """
    summary = {
        "drill": drill.id,
        "scope": drill.scope,
        "source": drill.source,
        "engine": drill.engine,
        "from_paper": drill.from_paper,
        "store": drill.store,
        "snapshot": drill.snapshot,
        "isolated": drill.isolated,
        "minutes_sha256": drill.minutes_sha256,
    }
    if drill.outcome is None:
        params = {"run": drill.run, "drill": drill.id}
        return JobResult("incomplete", "drill_stopped", params, summary)
    return JobResult(drill.outcome, drill.reason_code, drill.params, summary)
