"""Note how a decided plan goes on, for a person at a terminal: money, windows, acceptance."""

from dataclasses import replace
from datetime import UTC, date, datetime

from ops.access.session import Bench, at_bench
from ops.assets.cli import tell_change
from ops.assets.succession import Successor
from ops.duties.plan_stop import code_of, plan_planned_stop
from ops.duties.tasks import Stop
from ops.estate.choose import read_day, read_moment
from ops.estate.load.load import load_estate
from ops.language.text import N_, _
from ops.planning.cli import read_amount, read_past, tell_kept, tell_state
from ops.planning.cli_show import show_progress
from ops.planning.item import PlanLine, refuse
from ops.planning.money import format_amount
from ops.planning.on_assets import AssetNews
from ops.planning.records import STATES
from ops.planning.tasks import Complete, Progress
from ops.planning.typed import read_text
from ops.planning.work import Acceptance, Step, accept_item, note_step, plan_step, report_plan
from ops.terminal.output import write_line


def show_or_note(wish: Progress) -> int:
    """Show how far a plan has come, or note how an item goes on; gives the exit code."""
    noted = (
        wish.contracted,
        wish.paid,
        wish.done,
        wish.result,
        wish.begins,
        wish.until,
        wish.stops,
        wish.document,
    )
    return progress(wish) if any(noted) else show_progress(wish)


def progress(wish: Progress) -> int:
    """Note how an item goes on: its money, a window, what was done."""
    if not wish.item:
        raise refuse(N_("say which item goes on"), N_("give `--item`"))
    estate, now = load_estate(), datetime.now(UTC)
    begins, until = (read_moment(it, estate) if it else None for it in (wish.begins, wish.until))
    if (begins is None) != (until is None) or (begins and until and until <= begins):
        raise refuse(
            N_("a time has a beginning and a later end"), N_("give `--begins` and `--until`")
        )
    if not (wish.contracted or wish.paid or wish.done or begins):
        raise refuse(
            N_("say how the item goes on"),
            N_("give `--contracted`, `--paid`, `--done` or `--begins` and `--until`"),
        )
    if wish.stops and not begins:
        raise refuse(N_("a stop has a time"), N_("give `--begins` and `--until`"))
    step = Step(
        number=wish.item,
        contracted=read_amount(wish.contracted, "contracted") if wish.contracted else None,
        paid=read_amount(wish.paid, "paid") if wish.paid else None,
        done=read_text(wish.done),
        result=read_text(wish.result),
        begins=begins,
        until=until,
        code=code_of(wish.stops, begins.astimezone(estate.zone)) if wish.stops and begins else "",
        document=read_text(wish.document),
    )
    with at_bench(estate, dry_run=wish.dry_run) as bench:
        if wish.stops:
            _stop(wish, step, bench)
        line = note_step(bench, wish.year, step, now)
    _tell_money(line)
    return tell_kept(wish.dry_run)


def _stop(wish: Progress, step: Step, bench: Bench) -> None:
    """Plan the stop first: without time for its notice there is no window.

    What would keep the window from being noted afterwards is looked at before.
    """
    with bench.catalog.reading() as session:
        title = plan_step(session, wish.year, step)[1].item.title
    plan_planned_stop(
        Stop(
            site=wish.stops,
            from_=wish.begins,
            until=wish.until,
            reason=title,
            document=wish.document,
            dry_run=wish.dry_run,
        )
    )


def _tell_money(line: PlanLine) -> None:
    text = _(
        "item {number}: granted {granted}, under contract {contracted}, accepted {accepted},"
        " paid {paid} đồng"
    )
    amounts = {
        name: format_amount(getattr(line, name))
        for name in ("granted", "contracted", "accepted", "paid")
    }
    write_line(text.format(number=line.number, **amounts))


def complete(wish: Complete) -> int:
    """Accept the work on an item, or note the report on the whole plan.

    Raises:
        WrongUseError: As of `ops.planning.work`.
    """
    estate, now = load_estate(), datetime.now(UTC)
    if bool(wish.item) == bool(wish.report):
        raise refuse(N_("say what is completed"), N_("give `--item N`, or `--report NUMBER`"))
    with at_bench(estate, dry_run=wish.dry_run) as bench:
        if wish.report:
            tell_state(report_plan(bench, wish.year, read_text(wish.report)))
            return tell_kept(wish.dry_run)
        today = now.astimezone(estate.zone).date()
        day = read_past(wish.date, today) if wish.date else today
        given = Acceptance(
            number=wish.item,
            amount=read_amount(wish.amount, "amount") if wish.amount else None,
            document=read_text(wish.document),
            trial=read_text(wish.trial),
            day=day,
            news=_read_news(wish, day),
        )
        line, state, assets = accept_item(bench, wish.year, given, now)
    _tell_money(line)
    for change in assets:
        write_line("  " + tell_change(change))
    write_line(_("plan {plan}: {state}").format(plan=wish.year, state=_(STATES[state])))
    return tell_kept(wish.dry_run)


def _read_news(wish: Complete, day: date) -> AssetNews:
    """Read what was typed about the assets of an item that is accepted on a day.

    Raises:
        WrongUseError: A device is replaced, and something of the new one is lacking.
    """
    ends = {}
    for text in wish.ends_on:
        name, equals, until = text.rpartition("=")
        ends[name.strip() if equals else ""] = read_day(until)
    new = (wish.serial, wish.bought_on, wish.warranty_until, wish.supported_until, wish.price,
           wish.asset_name)  # fmt: skip
    return AssetNews(
        successors=_read_successors(wish, day) if any(new) else {},
        ends=ends,
        unchanged=read_text(wish.asset_unchanged),
    )


def _read_successors(wish: Complete, day: date) -> dict[str, Successor]:
    needed = ("serial", "warranty_until", "supported_until")
    lacking = [f"`--{it.replace('_', '-')}`" for it in needed if not getattr(wish, it)]
    if lacking:
        raise refuse(
            N_("a device that takes another's place has a serial, a warranty and support"),
            N_("give {flags}"),
            flags=", ".join(lacking),
        )
    shared = Successor(
        name=read_text(wish.asset_name),
        serial="",
        bought_on=read_past(wish.bought_on, day) if wish.bought_on else day,
        warranty_until=read_day(wish.warranty_until),
        supported_until=read_day(wish.supported_until),
        price=read_amount(wish.price, "price") if wish.price else None,
    )
    serials = (read_text(it).rpartition("=") for it in wish.serial)
    return {name.strip(): replace(shared, serial=serial) for name, _equals, serial in serials}
