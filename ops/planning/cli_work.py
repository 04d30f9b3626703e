"""Note how a decided plan goes on, for a person at a terminal: money, windows, acceptance."""

from dataclasses import dataclass
from datetime import UTC, datetime

from ops.access.session import Bench, at_bench
from ops.duties.stops.plan import code_of, plan_planned_stop
from ops.duties.tasks import Stop
from ops.estate.choose import read_moment
from ops.estate.load.load import load_estate
from ops.language.text import N_, _
from ops.planning.cli import read_amount, read_past, tell_kept, tell_state
from ops.planning.item import Line, read_text, refuse
from ops.planning.money import tell_amount
from ops.planning.records import STATES
from ops.planning.work import Step, accept_item, note_step, plan_step, report_plan
from ops.terminal.output import write_line


@dataclass(frozen=True, slots=True, kw_only=True)
class StepFlags:
    """The flags of `plan.progress` that change something."""

    year: int
    item: int
    contracted: str
    paid: str
    done: str
    result: str
    begins: str
    until: str
    stops: str
    document: str
    dry_run: bool


def progress(flags: StepFlags) -> int:
    """Note how an item goes on: its money, a window, what was done.

    Raises:
        WrongUseError: A value does not fit, or the notice before a stop would be too late.
    """
    if not flags.item:
        raise refuse(N_("say which item goes on"), N_("give `--item`"))
    estate, now = load_estate(), datetime.now(UTC)
    begins, until = (read_moment(it, estate) if it else None for it in (flags.begins, flags.until))
    if (begins is None) != (until is None) or (begins and until and until <= begins):
        raise refuse(
            N_("a time has a beginning and a later end"), N_("give `--begins` and `--until`")
        )
    if not (flags.contracted or flags.paid or flags.done or begins):
        raise refuse(
            N_("say how the item goes on"),
            N_("give `--contracted`, `--paid`, `--done` or `--begins` and `--until`"),
        )
    if flags.stops and not begins:
        raise refuse(N_("a stop has a time"), N_("give `--begins` and `--until`"))
    step = Step(
        number=flags.item,
        contracted=read_amount(flags.contracted, "contracted") if flags.contracted else None,
        paid=read_amount(flags.paid, "paid") if flags.paid else None,
        done=read_text(flags.done),
        result=read_text(flags.result),
        begins=begins,
        until=until,
        code=code_of(flags.stops, begins.astimezone(estate.zone)) if flags.stops and begins else "",
        document=read_text(flags.document),
    )
    with at_bench(estate, dry_run=flags.dry_run) as bench:
        if flags.stops:
            _stop(flags, step, bench)
        line = note_step(bench, flags.year, step, now)
    _tell_money(line)
    return tell_kept(flags.dry_run)


def _stop(flags: StepFlags, step: Step, bench: Bench) -> None:
    """Plan the stop first: without time for its notice there is no window.

    What would keep the window from being noted afterwards is looked at before.
    """
    with bench.catalog.reading() as session:
        title = plan_step(session, flags.year, step)[1].item.title
    plan_planned_stop(
        Stop(
            site=flags.stops, from_=flags.begins, until=flags.until, reason=title,
            document=flags.document, dry_run=flags.dry_run,
        )
    )  # fmt: skip


def _tell_money(line: Line) -> None:
    text = _("item {number}: granted {granted}, under contract {contracted}, accepted {accepted},"
             " paid {paid} đồng")  # fmt: skip
    amounts = {name: tell_amount(getattr(line, name))
               for name in ("granted", "contracted", "accepted", "paid")}  # fmt: skip
    write_line(text.format(number=line.number, **amounts))


@dataclass(frozen=True, slots=True, kw_only=True)
class CompleteFlags:
    """The flags of `plan.complete`."""

    year: int
    item: int
    amount: str
    date: str
    document: str
    trial: str
    report: str
    dry_run: bool


def complete(flags: CompleteFlags) -> int:
    """Accept the work on an item, or note the report on the whole plan.

    Raises:
        WrongUseError: As of `ops.planning.work`.
    """
    estate, now = load_estate(), datetime.now(UTC)
    if bool(flags.item) == bool(flags.report):
        raise refuse(N_("say what is completed"), N_("give `--item N`, or `--report NUMBER`"))
    with at_bench(estate, dry_run=flags.dry_run) as bench:
        if flags.report:
            tell_state(report_plan(bench, flags.year, read_text(flags.report)))
            return tell_kept(flags.dry_run)
        today = now.astimezone(estate.zone).date()
        day = read_past(flags.date, today) if flags.date else today
        amount = read_amount(flags.amount, "amount") if flags.amount else None
        papers = (read_text(flags.document), read_text(flags.trial))
        line, state = accept_item(bench, flags.year, flags.item, amount, papers, day, now)
    _tell_money(line)
    write_line(_("plan {plan}: {state}").format(plan=flags.year, state=_(STATES[state])))
    return tell_kept(flags.dry_run)
