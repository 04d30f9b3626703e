"""Draft, edit, hand in, decide and carry out a plan, for a person at a terminal."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime

from ops.access.session import at_bench
from ops.assets.sheet import read_whole
from ops.catalog.tables.plans import PlanNote
from ops.catalog.tables.register import Document
from ops.documents.records import get_whole
from ops.errors import WrongUseError
from ops.estate.choose import read_day
from ops.estate.load.load import load_estate
from ops.estate.model.estate import Estate
from ops.language.formats import format_date
from ops.language.text import N_, _
from ops.planning.carried import with_contracts
from ops.planning.cli_show import (
    DECIDED,
    DRAFTED,
    ITEMS,
    asked_values,
    write_files,
    write_summary,
)
from ops.planning.decide import (
    DecisionWish,
    look_at_decision,
    record_decision,
    review_plan,
    revise_plan,
    submit_plan,
)
from ops.planning.item import (
    MOST_MONEY,
    QUOTATION,
    Evidence,
    Item,
    PlanLine,
    line_values,
    refuse,
)
from ops.planning.money import format_amount
from ops.planning.opinions import (
    list_stale,
    list_unanswered,
    opinions_of,
    read_opinion_notes,
)
from ops.planning.read import decide_changes, make_document, read_plan_facts
from ops.planning.records import (
    STATES,
    KeptPlan,
    add_note,
    edit_line,
    find_in_force,
    find_plan,
    get_plan,
    save_draft,
)
from ops.planning.revision import check_bound
from ops.planning.spending import follow_rules
from ops.planning.tasks import Draft, Edit, RecordDecision, Revise, Submit
from ops.planning.typed import change_item, read_text
from ops.terminal.output import write_line, write_wrapped
from ops.terminal.view import write_list

_FARTHEST = 10


def draft(wish: Draft) -> int:
    """Draft a plan from what the service knows, and write its papers where a folder is named.

    Raises:
        WrongUseError: The year makes no sense, or the plan may not be changed any more.
        LinesError: The table of prices has mistakes.
    """
    estate, now, year = load_estate(), datetime.now(UTC), wish.year
    _check_year(year, now)
    with at_bench(estate, dry_run=wish.dry_run) as bench:
        with bench.catalog.reading() as session:
            facts = read_plan_facts(session, estate, year, now)
        with bench.catalog.writing() as session:
            drafted = decide_changes(session, estate, facts, find_plan(session, year))
            plan = save_draft(session, bench.origin, year, drafted.changes, now=now)
        with bench.catalog.reading() as session:
            document = make_document(
                session, estate, facts, plan, plan.lines, with_annexes=bool(wish.out)
            )
    files = write_files(document, estate, wish.out, dry_run=wish.dry_run) if wish.out else []
    numbers = {it.key: it.number for it in plan.lines if it.key}
    write_list(
        DRAFTED,
        (
            {**line_values(it.line), "change": it.verb, "number": numbers.get(it.line.key)}
            for it in drafted.changes
        ),
        as_json=wish.json,
        plan=plan.called,
        gaps=document.gaps,
        not_proposed=[{"title": title, "why": why} for title, why in drafted.left_out],
        files=files,
        written=not wish.dry_run,
    )
    if wish.json:
        return 0
    for title, why in drafted.left_out:
        text = _("not proposed: {title}: {why}")
        write_wrapped("  " + text.format(title=title, why=why))
    write_summary(document, plan.row.state)
    for name in files:
        write_line(f"  {name}")
    if wish.dry_run:
        write_line(_("nothing was recorded"))
    return 0


def _check_year(year: int, now: datetime) -> None:
    if not now.year - _FARTHEST <= year <= now.year + _FARTHEST:
        raise refuse(
            N_("{year} is no year to plan"),
            N_("give `--year` with four digits, such as {next}"),
            year=year,
            next=now.year + 1,
        )


def edit(wish: Edit) -> int:
    """Change, add, reject or take up an item, or note an opinion on the plan.

    Raises:
        WrongUseError: The flags do not fit together, a value does not fit, or the plan stays.
    """
    _check_flags(wish)
    estate, now = load_estate(), datetime.now(UTC)
    with at_bench(estate, dry_run=wish.dry_run) as bench, bench.catalog.writing() as session:
        plan, line = get_plan(session, wish.year), None
        before = plan.line(wish.item) if wish.item else None
        if wish.opinion or wish.answer:
            note = PlanNote(
                item=wish.item,
                kind="opinion",
                at=now,
                text=read_text(wish.opinion),
                result=read_text(wish.answer),
                document=read_text(wish.document),
                body=read_text(wish.opinion_of),
                code=str(wish.item or ""),
            )
            add_note(session, bench.origin, plan, note)
        if _changes(wish):
            quotation = (
                get_whole(session, estate.service.state, wish.quotation) if wish.quotation else None
            )
            today = now.astimezone(estate.zone).date()
            line = _edited(before or _new_line(plan, estate), wish, quotation, today)
            if line.item.lead == estate.name_at(now):
                line = replace(line, item=replace(line.item, lead=""))
            own = with_contracts(session, plan, [line])
            check_bound(own, find_in_force(session, wish.year))
            edit_line(session, bench.origin, plan, line)
    lines = [line_values(line)] if line else []
    if wish.json or lines:
        write_list(ITEMS, lines, as_json=wish.json, written=not wish.dry_run)
    return 0 if wish.json else tell_kept(wish.dry_run)


def _changes(wish: Edit) -> bool:
    return bool(wish.add or wish.set or wish.quotation or wish.reject or wish.take_up)


def _check_flags(wish: Edit) -> None:
    """Refuse flags of which one would say nothing."""
    stands = bool(wish.reject) + wish.take_up + wish.add
    changes = _changes(wish)
    lacks_item = changes and wish.add == bool(wish.item)
    if lacks_item or not (changes or wish.opinion or wish.answer) or stands > 1:
        raise refuse(
            N_("say which item changes, and how"),
            N_(
                "give `--item N` or `--add`, and `--set name=value`, `--quotation`, `--take-up` or"
                " `--reject WHY`"
            ),
        )
    if (wish.document or wish.opinion_of) and not (wish.opinion or wish.answer):
        raise refuse(
            N_("--document and --opinion-of belong to an opinion"), N_("give `--opinion`, too")
        )
    if wish.answer and not wish.opinion_of:
        raise refuse(N_("an answer is to a body"), N_("say which: `--opinion-of BODY`"))


def _new_line(plan: KeptPlan, estate: Estate) -> PlanLine:
    number = max((it.number for it in plan.lines), default=0) + 1
    item = Item(
        group="duy-tri",
        title="",
        source=estate.planning.source,
        use="",
        clause="",
        form="",
    )
    return PlanLine(number=number, item=item)


def _edited(line: PlanLine, wish: Edit, quotation: Document | None, today: date) -> PlanLine:
    """Give a line as a person wants it; pure.

    Clause, form and kind of spending follow the rules, unless that person says something else.
    """
    item = line.item
    if wish.set or wish.add:
        given = _pairs(wish.set)
        item = change_item(item, given)
        item = follow_rules(line.item, item, given, today)
    if quotation is not None:
        item = cite_quotation(item, quotation)
    rejected = "" if wish.take_up else read_text(wish.reject) or line.rejected_for
    return replace(line, item=item, rejected_for=rejected, is_edited=True)


def cite_quotation(item: Item, quotation: Document) -> Item:
    """Give an item whose price is based on a kept quotation, in place of an earlier one; pure."""
    day = f" ngày {quotation.dated:%d/%m/%Y}" if quotation.dated else ""
    basis = f"Báo giá {quotation.number or quotation.title}{day}"
    kept = tuple(it for it in item.evidence if it.kind != QUOTATION)
    said = Evidence(QUOTATION, quotation.id.hex, basis)
    return replace(item, price_basis=basis, evidence=(*kept, said))


def _pairs(values: Sequence[str]) -> dict[str, str]:
    found = {}
    for text in values:
        name, equals, value = text.partition("=")
        if not equals:
            raise refuse(
                N_('"{text}" names no value'), N_("write it like `--set quarter=2`"), text=text
            )
        found[name.strip().replace("-", "_")] = value
    return found


def submit(wish: Submit) -> int:
    """Review a draft within the Center, or hand a reviewed plan in.

    Raises:
        WrongUseError: The plan is not there yet, or lacks something.
    """
    estate, now = load_estate(), datetime.now(UTC)
    with at_bench(estate, dry_run=wish.dry_run) as bench:
        moved: Mapping[str, int] = {}
        if wish.review:
            plan, moved = review_plan(bench, wish.year, now)
        else:
            plan = submit_plan(bench, wish.year, read_text(wish.document), now)
        with bench.catalog.reading() as session:
            notes = read_opinion_notes(session, plan)
    tell_state(plan)
    _tell_opinions(notes, moved)
    if plan.row.frozen_sha256:
        write_line(
            "  "
            + _("its figures are frozen; digest {digest}").format(digest=plan.row.frozen_sha256)
        )
    return tell_kept(wish.dry_run)


def _tell_opinions(notes: Sequence[PlanNote], moved: Mapping[str, int]) -> None:
    """Say which opinions are about a number that moved just now, and which have no answer."""
    for body, old, new in list_stale(notes, moved):
        text = _("an opinion of {body} is about item {old}, which is item {new} now")
        write_line("  " + text.format(body=body or "–", old=old, new=new))
    unanswered = list_unanswered(opinions_of(notes))
    if unanswered:
        text = _("no answer to the opinion of {bodies}: the paper leaves dots")
        write_line("  " + text.format(bodies=", ".join(unanswered)))


def tell_state(plan: KeptPlan) -> None:
    """Say where a plan stands."""
    text = _("plan {plan}: {state}")
    write_line(text.format(plan=plan.called, state=_(STATES[plan.row.state])))


def tell_kept(dry_run: bool) -> int:
    """Say where nothing was recorded; gives the exit code."""
    if dry_run:
        write_line(_("nothing was recorded"))
    return 0


def decide(wish: RecordDecision) -> int:
    """Record what was decided on paper; a second person agrees to it.

    Raises:
        WrongUseError: A value is missing or does not fit.
        ApprovalAwaitedError: Another person has to agree first.
    """
    given = {
        "number": wish.number,
        "date": wish.date,
        "signer": wish.signer,
        "document": wish.document,
        "amount": wish.amount,
    }
    lacking = [f"`--{flag}`" for flag, value in given.items() if not value.strip()]
    if lacking and not wish.returned:
        raise refuse(
            N_("a decision has number, date, signer, its scan, and an amount in all"),
            N_("give {flags}"),
            flags=", ".join(lacking),
        )
    estate, now = load_estate(), datetime.now(UTC)
    decision = DecisionWish(
        year=wish.year,
        number=read_text(wish.number),
        day=read_past(wish.date, now.astimezone(estate.zone).date()) if wish.date else None,
        signer=read_text(wish.signer),
        scan=wish.document.strip(),
        amount=read_amount(wish.amount, "amount") if wish.amount else 0,
        granted={
            _number(name): read_amount(value, "grant") for name, value in _pairs(wish.grant).items()
        },
        deferred=[_number(it) for it in wish.defer],
        returned_for=read_text(wish.returned),
        reason=wish.reason,
    )
    with at_bench(estate, dry_run=wish.dry_run) as bench:
        _tell_decision(look_at_decision(bench, decision))
        record_decision(bench, decision)
        with bench.catalog.reading() as session:
            plan = get_plan(session, wish.year)
    tell_state(plan)
    return tell_kept(wish.dry_run)


def _tell_decision(lines: Sequence[PlanLine]) -> None:
    """Say which items a decision cuts or puts off, by title and money, and what it comes to.

    Before anything is recorded: a number that hits another item is seen here.
    """
    if not lines:
        return
    named = [it for it in lines if it.decision != "granted"]
    if named:
        write_list(DECIDED, map(asked_values, named), as_json=False)
    text = _("{count} other items get all they ask for; {granted} of {asked} đồng in all")
    write_line(
        text.format(
            count=len(lines) - len(named),
            granted=format_amount(sum(it.granted for it in lines)),
            asked=format_amount(sum(it.asked for it in lines)),
        )
    )


def read_past(text: str, today: date) -> date:
    """Read the day of something that has been, as people type it."""
    day = read_day(text)
    if day > today:
        raise refuse(
            N_("{day} is still to come"),
            N_("look at the paper, and type its day"),
            day=format_date(day),
        )
    return day


def _number(text: str) -> int:
    digits = text.strip()
    if digits.isascii() and digits.isdigit() and len(digits) <= 4:  # noqa: PLR2004 - items of a plan
        return int(digits)
    raise refuse(N_('"{text}" is no number of an item'), N_("use those of `plan.show`"), text=text)


def read_amount(text: str, flag: str) -> int:
    """Read whole đồng, as `ops.assets.sheet.read_whole` does."""
    amount = read_whole(text, MOST_MONEY)
    if amount is not None:
        return amount
    raise WrongUseError(
        '"{text}" is no amount, at --{flag}',
        next_step="write whole đồng, such as 12500000",
        text=text[:40],
        flag=flag,
    )


def revise(wish: Revise) -> int:
    """Begin a revision.

    Raises:
        WrongUseError: As of `ops.planning.decide.revise_plan`.
    """
    with at_bench(load_estate(), dry_run=wish.dry_run) as bench:
        tell_state(revise_plan(bench, wish.year, read_text(wish.reason), datetime.now(UTC)))
    return tell_kept(wish.dry_run)
