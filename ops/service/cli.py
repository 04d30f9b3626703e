"""Say for a person at a terminal what the service does, did and will do; ask it for a run."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import select

from ops.access.session import at_bench, reading
from ops.alerts.courier import NotDeliveredError, find_address, send
from ops.alerts.notice_wording import Message
from ops.alerts.outbox import RELAY
from ops.alerts.routing import is_mail
from ops.catalog.open import Catalog, open_catalog
from ops.catalog.tables.core import Notice, Run
from ops.errors import OpsError, WrongUseError, unknown
from ops.estate.load.load import load_estate
from ops.estate.model.estate import Estate
from ops.estate.model.own_site import results_folder
from ops.estate.model.references import reveal
from ops.jobs.definitions import list_jobs
from ops.jobs.live import LastRun, is_service_running, last_runs
from ops.journal import journal
from ops.journal.journal import Entry
from ops.language.formats import format_duration, format_moment, format_number
from ops.language.text import N_, _, fill, ngettext, speaking
from ops.monitor.beat import read_beat, tell_watch
from ops.outcomes import explain
from ops.schedule.kinds import tell_kind
from ops.schedule.ledger import overview
from ops.schedule.ledger.overview import JobStatus, Shown
from ops.service.tasks import Jobs, Missed, NotifyTest, ShowService, Trigger
from ops.service.typed_acts import TypedAct, list_typed
from ops.status.heartbeat import read_heartbeat, tell_heartbeat
from ops.terminal.output import Cell, outcome_cell, write_json, write_line, write_table
from ops.terminal.view import NONE, Column, Row, View, moment, write_list

_STATES = {"due": N_("waits"), "claimed": N_("is being started"), "running": N_("runs")}


def _last(row: Row) -> Cell:
    return outcome_cell(row["last"]["outcome"]) if row["last"] else Cell(NONE, "faint")


def _open(row: Row) -> str:
    return ", ".join(_(_STATES[it["state"]]) for it in row["open"])


JOBS = View(
    N_("None."),
    Column("job", N_("Job"), of=lambda row: row["job"]["name"]),
    Column("last", N_("Last"), of=_last),
    Column("ended_at", N_("Ended"), moment, of=lambda row: row["last"] and row["last"]["ended_at"]),
    Column("open", N_("Now"), of=_open),
    Column("next_due", N_("Next"), of=lambda row: row["next_due"]["explanation"]),
)
MISSED = View(
    "",
    Column("job", N_("Job")),
    Column("due_at", N_("Was due"), moment),
    Column("told", N_("Why it was missed")),
)


def show_service(wish: ShowService) -> int:
    """Write whether the service runs and what runs now; gives 0, or 1 when it does not run."""
    estate = load_estate()
    is_running = is_service_running(estate.service.state)
    with open_catalog(reveal(estate.catalog.url)) as catalog:
        runs, notices = _open_runs(catalog), _notice_counts(catalog)
    typed = list_typed(results_folder(estate))
    if wish.json:
        heartbeat = read_heartbeat(estate.service.state)
        beat = read_beat(estate.service.state)
        watch = dict(beat.parts) if beat else None
        write_json(
            runs, running=is_running, typed=typed, notices=notices, heartbeat=heartbeat, watch=watch
        )
        return 0 if is_running else 1
    write_line(
        _("The service runs on this machine.")
        if is_running
        else fill(N_("The service does not run here; start it: `{program} service.run`"), {})
    )
    now = datetime.now(UTC)
    for run in runs:
        age = format_duration(now - run["started_at"])
        write_line("  " + _("{job} runs, since {age}").format(job=run["job"], age=age))
    _tell_typed(typed, now)
    if not runs and not typed:
        write_line("  " + _("nothing runs just now"))
    shown = {
        "waiting": _("notices that wait: {count}"),
        "failed": _("notices that were given up: {count}"),
    }
    for state, text in shown.items():
        if notices.get(state):
            write_line("  " + text.format(count=notices[state]))
    for line in (
        *tell_heartbeat(read_heartbeat(estate.service.state), now),
        *tell_watch(estate, now),
    ):
        write_line(f"  {line}")
    return 0 if is_running else 1


def _tell_typed(typed: Sequence[TypedAct], now: datetime) -> None:
    for it in typed:
        age = format_duration(now - it.started_at)
        line = _("{task} runs, typed by {person}, since {age}")
        if it.line_is_cut:
            line = _("{task} runs, typed by {person}, since {age}; the terminal has gone")
        write_line("  " + line.format(task=it.task, person=it.person, age=age))


def _open_runs(catalog: Catalog) -> list[dict[str, Any]]:
    query = select(Run.job, Run.host, Run.pid, Run.started_at).where(Run.outcome.is_(None))
    with catalog.reading() as session:
        return [dict(row) for row in session.execute(query.order_by(Run.started_at)).mappings()]


def _notice_counts(catalog: Catalog) -> dict[str, int]:
    with catalog.reading() as session:
        states = list(session.execute(select(Notice.state)).scalars())
    return {state: states.count(state) for state in sorted(set(states))}


def show_jobs(wish: Jobs) -> None:
    """Write jobs: how each ended last, and when and why it is due next; unfiltered, by kind."""
    estate = load_estate()
    with reading(estate) as session:
        statuses = overview.list_jobs(session, list_jobs(estate), datetime.now(UTC))
        last = last_runs(session)
    if wish.site:
        estate.site(wish.site)  # which says whether there is one
    kinds = sorted({it.job.kind for it in statuses})
    if wish.kind and wish.kind not in kinds:
        raise unknown(N_('no job is of the kind "{name}"'), wish.kind, kinds)
    statuses = [
        it
        for it in statuses
        if wish.site in {"", it.job.site}
        and wish.kind in {"", it.job.kind}
        and not (wish.failed and _ended_well(last.get(it.job.name)))
    ]
    zone = estate.organisation.timezone
    if wish.json or wish.site or wish.kind or wish.failed:
        items = ({**asdict(it), "last": last.get(it.job.name)} for it in statuses)
        write_list(JOBS, items, as_json=wish.json, zone=zone)
        return
    _write_kinds(statuses, last, zone)


def _ended_well(last: LastRun | None) -> bool:
    return last is None or last.outcome in {"ok", "skipped"}


def _write_kinds(statuses: Sequence[JobStatus], last: Mapping[str, LastRun], zone: str) -> None:
    """Write one line for each kind of job, whatever the number of sites."""
    kinds: dict[str, list[JobStatus]] = {}
    for status in statuses:
        kinds.setdefault(status.job.kind, []).append(status)
    heads = [_("Kind"), _("What it is"), _("Jobs"), _("Last"), _("Now"), _("Next")]
    write_table(heads, [_kind_row(*it, last, zone) for it in kinds.items()], right=(2,))
    told = N_(
        "One by one: `{program} service.jobs --kind KIND`, `--site NAME`; what did not end well:"
        " `--failed`"
    )
    write_line(fill(told, {}))


def _kind_row(
    kind: str, statuses: Sequence[JobStatus], last: Mapping[str, LastRun], zone: str
) -> Sequence[str | Cell]:
    runs = [run for it in statuses if (run := last.get(it.job.name))]
    cells = [outcome_cell(run.outcome) for run in runs]
    gravest = next((it for it in cells if it.tone == "bad"), cells[0] if cells else None)
    tally = Counter(it.text for it in cells)
    told = ", ".join(f"{text} {format_number(count)}" for text, count in tally.most_common())
    running = sum(bool(it.open) for it in statuses)
    due = min((it.next_due.due_at for it in statuses if it.next_due.due_at), default=None)
    return (
        kind,
        tell_kind(kind),
        format_number(len(statuses)),
        Cell(told, gravest.tone) if gravest else Cell("–", "faint"),
        format_number(running) if running else "–",
        format_moment(due, zone) if due else _("when people ask"),
    )


def trigger_job(wish: Trigger) -> None:
    """Ask for a run of a job now.

    Raises:
        WrongUseError: There is no such job.
    """
    estate = load_estate()
    job = next((job for job in list_jobs(estate) if job.name == wish.job), None)
    if job is None:
        raise WrongUseError(
            'there is no job "{name}"',
            next_step="`{program} service.jobs` lists all jobs",
            name=wish.job,
        )
    is_running = is_service_running(estate.service.state)
    if wish.dry_run:
        write_line(_("would ask the service to run {job} now").format(job=wish.job))
        return
    with at_bench(estate) as bench, bench.catalog.writing() as session:
        overview.trigger(session, job, now=datetime.now(UTC), origin=bench.origin)
    write_line(_("{job} is asked for").format(job=wish.job))
    if not is_running:
        write_line(fill(N_("  it waits for the service: `{program} service.run`"), {}))


def show_missed(wish: Missed) -> int:
    """Write what was missed in the last days, or note that it was looked at; gives 0.

    Raises:
        WrongUseError: The note says nothing.
    """
    if wish.seen:
        return _note_seen(wish.note.strip(), dry_run=wish.dry_run)
    estate = load_estate()
    since = datetime.now(UTC) - timedelta(days=wish.days)
    with reading(estate) as session:
        views = overview.list_missed(session, since)
    if not views and not wish.json:
        text = ngettext(
            "Nothing was missed in the last {count} day.",
            "Nothing was missed in the last {count} days.",
            wish.days,
        )
        write_line(text.format(count=wish.days))
        return 0
    items = ({**it, "told": _tell_missed(it)} for it in views)
    if write_list(MISSED, items, as_json=wish.json, zone=estate.organisation.timezone):
        write_line(fill(N_("Run one now: `{program} service.trigger --job NAME`"), {}))
        write_line(fill(N_("Looked at: `{program} service.missed --seen --note TEXT`"), {}))
    return 0


def _note_seen(note: str, *, dry_run: bool) -> int:
    if not note:
        raise WrongUseError(
            "the note says nothing",
            next_step='say what you found: `--note "the machine was moved"`',
        )
    with at_bench(load_estate(), dry_run=dry_run) as bench, bench.catalog.writing() as session:
        overview.note_missed_seen(session, bench.origin, note)
    write_line(
        _("nothing was recorded")
        if dry_run
        else _("noted; what was missed until now is no longer shown as a problem")
    )
    return 0


def _tell_missed(view: Shown) -> str:
    return explain(view["reason"], view["params"], job=view["job"], site=view["site"]).what


def try_targets(wish: NotifyTest) -> int:
    """Send the test; gives 0 when every message was handed over, else 1.

    Raises:
        WrongUseError: The estate names no relay, or nobody of that name.
        SecretError: The relay's address cannot be read.
    """
    estate = load_estate()
    targets = find_test_targets(estate, wish.person)
    if wish.dry_run:
        write_table([_("To"), _("Mail")], [(it, _mail_of(estate, it)) for it in targets])
        write_line(_("nothing was sent"))
        return 0
    with at_bench(estate) as bench:
        message = _word(estate, bench.origin.person or bench.origin.login)
        answers = {target: _try_one(estate, target, message) for target in targets}
        with bench.catalog.writing() as session:
            told = {target: str(error or "") for target, error in answers.items()}
            entry = Entry("notices.test", wish.person or "*", {"answers": told})
            journal.append(session, bench.origin, [entry])
    write_table(
        [_("To"), _("Mail"), _("Result")],
        [
            (
                target,
                _mail_of(estate, target),
                Cell(fill(error.what, error.params), "bad")
                if error
                else Cell(_("handed over"), "good"),
            )
            for target, error in answers.items()
        ],
    )
    if any(answers.values()):
        text = N_("Correct the relay or the address, then `{program} service.notify-test`")
        write_line(fill(text, {}))
        return 1
    write_line(_("Handed over is not yet read: ask each of them whether it arrived."))
    return 0


def find_test_targets(estate: Estate, person: str = "") -> Sequence[str]:
    """Give everybody a route or the roster names, in the order of the estate; or who was asked."""
    relay = estate.notices.relay
    if relay is None:
        raise WrongUseError(
            "the estate names no relay: nobody can be told",
            data="nothing was sent",
            next_step="set `[notices] relay`, then run `{program} estate.check`",
        )
    names = [it.name for it in estate.people]
    if person and person not in names:
        raise WrongUseError(
            'no person is called "{name}"',
            data="nothing was sent",
            next_step="`{program} estate.show` lists what the estate holds",
            name=person,
        )
    if not is_mail(relay):
        return [RELAY]
    told = {name for route in estate.notices.routes for name in route.people}
    told |= {turn.person for turn in estate.notices.roster}
    return [person] if person else [name for name in names if name in told] or [RELAY]


def _try_one(estate: Estate, target: str, message: Message) -> NotDeliveredError | OpsError | None:
    """Send to one; gives what went wrong, without secrets."""
    try:
        send(find_address(estate, target), message)
    except (NotDeliveredError, OpsError) as error:
        return error
    return None


def _mail_of(estate: Estate, target: str) -> str:
    return next((it.mail for it in estate.people if it.name == target and it.mail), "–")


def _word(estate: Estate, asked_by: str) -> Message:
    now = datetime.now(UTC)
    moment = format_moment(now, estate.organisation.timezone)
    with speaking(estate.organisation.language):
        title = _("TEST, nothing is wrong")
        body = _(
            "This is a test of how you are told when something is wrong. {person} asked for it."
            " Nothing needs to be done, but do say that it arrived."
        ).format(person=asked_by)
        closing = _("Written {moment} by {organisation}.").format(
            moment=moment, organisation=estate.name_at(now)
        )
    return Message(f"[Giữ Cổng] {title}", f"{body}\n\n{closing}\n")
