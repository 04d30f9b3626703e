"""The tables of a plan's papers: money, tasks, targets, risks, what is kept for annexes; pure."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from ops.planning.document import PlanDocument
from ops.planning.item import BASIS, CLAUSES, FORMS, GROUPS, USES, Item, PlanLine, call_use
from ops.planning.money import by_group, format_amount, group_by, sum_up, tenths_of
from ops.reports.kinds.kind import UNKNOWN, Frame
from ops.reports.papers.paper import Table, roman

UPKEEP = ("bao-duong", "sua-chua")
_MONTHS = range(1, 13)
_MOST_NAMED = 6
_SHARE_OF_A_DIGIT = 0.13


def join_numbers(numbers: Iterable[int]) -> str:
    """Give `1–3, 7`."""
    runs = groupby(enumerate(sorted(numbers)), key=lambda it: it[1] - it[0])
    found = [[number for _place, number in run] for _key, run in runs]
    return ", ".join(f"{it[0]}–{it[-1]}" if len(it) > 1 else str(it[0]) for it in found)


def ordered(document: PlanDocument) -> Iterator[tuple[str, PlanLine]]:
    """Yield the lines of the plan with their numbers, through the groups."""
    for own in by_group(document.chosen).values():
        yield from ((str(it.number), it) for it in own)


def money_table(document: PlanDocument, frame: Frame) -> Table:
    """Give the money by group."""
    rows = []
    for place, (group, own) in enumerate(by_group(document.chosen).items(), start=1):
        sums = sum_up(own)
        rows.append(
            (
                roman(place),
                GROUPS[group],
                str(len(own)),
                format_amount(sums.tax),
                format_amount(sums.amount),
                _percent(own, document),
            )
        )
    sums = document.sums
    total = (
        "",
        frame.texts.say("total"),
        str(sums.count),
        format_amount(sums.tax),
        format_amount(sums.amount),
        _whole(document),
    )
    return frame.table("money", "0.6c 2.4l 0.8r 1.3r 1.4r 0.8r", rows, totals=[total])


def detail_table(document: PlanDocument, frame: Frame) -> Table:
    """Give what is bought, for how much, whose money, in which form; each group added up."""
    say = frame.texts.say
    rows: list[tuple[str, ...]] = []
    is_cited = frame.citations.cites(BASIS)
    blank = ("",) * (5 if is_cited else 4)
    dearest = max((it.item.unit_price or 0 for it in document.chosen), default=0)
    for place, (group, own) in enumerate(by_group(document.chosen).items(), start=1):
        sums = sum_up(own)
        rows.append(
            (
                roman(place),
                GROUPS[group],
                "",
                "",
                "",
                format_amount(sums.tax),
                format_amount(sums.amount),
                *blank,
            )
        )
        rows += [_detail_row(it, frame) for it in own]
    sums = document.sums
    total = (
        "",
        say("total"),
        "",
        "",
        "",
        format_amount(sums.tax),
        format_amount(sums.amount),
        *blank,
    )
    return frame.table(
        "detail" if is_cited else "detail_before",
        f"0.65c 2.6l 0.8c 0.5r {_wide(1.4, dearest)} {_wide(1.35, sums.tax)}"
        f" {_wide(1.5, sums.amount)} 1.35l 0.8c {'1.15l ' if is_cited else ''}1.8l 1.5l",
        rows,
        totals=[total],
    )


def _wide(least: float, amount: int) -> str:
    """Give the shape of a column of money that no figure of up to an amount is wider than."""
    return f"{max(least, _SHARE_OF_A_DIGIT * len(format_amount(amount)))}r"


def _detail_row(line: PlanLine, frame: Frame) -> tuple[str, ...]:
    no_price = frame.texts.say("no_price")
    item, is_counted = line.item, line.item.is_priced or bool(line.amount)
    tax, amount = (format_amount(line.tax), format_amount(line.amount)) if is_counted else ("", "")
    return (
        str(line.number),
        item.title,
        item.unit,
        format_amount(item.quantity),
        no_price if item.unit_price is None else format_amount(item.unit_price),
        tax,
        amount,
        item.source or UNKNOWN,
        item.use or UNKNOWN,
        *((CLAUSES[item.clause],) if frame.citations.cites(BASIS) else ()),
        tell_form(item, frame),
        item.price_basis or (frame.texts.say("no_basis") if item.is_priced else no_price),
    )


def tell_form(item: Item, frame: Frame) -> str:
    """Give in which form an item is done; its article where that is valid on the paper's day."""
    form = FORMS[item.form]
    return form if frame.citations.cites(BASIS) else form.partition(" (")[0]


def lowered_table(document: PlanDocument, frame: Frame) -> Table | None:
    """Give the lines that were cut or put off, with what they asked for; None where none was."""
    rows = [
        (
            str(it.number),
            it.item.title,
            format_amount(it.asked),
            format_amount(it.granted),
            frame.texts.say(it.decision),
        )
        for it in document.lowered
    ]
    return frame.table("lowered", "0.6c 3.2l 1.4r 1.4r 1l", rows) if rows else None


def use_table(document: PlanDocument, frame: Frame) -> Table:
    """Give the money by the uses of Điều 10(2)."""
    grouped = group_by(document.chosen, USES, lambda it: it.item.use)
    parts = [(call_use(use), own) for use, own in grouped.items()]
    return _sums_table("uses", parts, document, frame)


def source_table(document: PlanDocument, frame: Frame) -> Table:
    """Give the money by source: recurrent, investment, and what nobody has decided."""
    say = frame.texts.say
    sources = sorted({it.item.source for it in document.chosen})
    parts = [
        (
            f"{source or say('no_source')} – {say(name)}",
            [
                it
                for it in document.chosen
                if it.item.source == source and it.item.is_recurrent is is_recurrent
            ],
        )
        for source in sources
        for is_recurrent, name in ((True, "recurrent"), (False, "invested"), (None, "open"))
    ]
    return _sums_table("sources", [it for it in parts if it[1]], document, frame)


def _sums_table(
    name: str, parts: Sequence[tuple[str, Sequence[PlanLine]]], document: PlanDocument, frame: Frame
) -> Table:
    rows = [
        (title, str(len(own)), format_amount(sum_up(own).amount), _percent(own, document))
        for title, own in parts
    ]
    sums = document.sums
    total = (
        frame.texts.say("total"),
        str(sums.count),
        format_amount(sums.amount),
        _whole(document),
    )
    return frame.table(name, "3l 0.9r 1.4r 0.8r", rows, totals=[total])


def _whole(document: PlanDocument) -> str:
    return "100" if document.sums.amount else UNKNOWN


def _percent(lines: Sequence[PlanLine], document: PlanDocument) -> str:
    whole = document.sums.amount
    return tell_tenths(tenths_of(sum_up(lines).amount, whole)) if whole else UNKNOWN


def tell_tenths(tenths: int) -> str:
    """Give tenths of a percent as `12,3`, whole ones as `12`."""
    return f"{tenths // 10},{tenths % 10}".removesuffix(",0")


def task_table(lines: Sequence[PlanLine], frame: Frame, body: str) -> Table:
    """Give who does what until when, and on what ground; the plan's own body by its short name."""
    say = frame.texts.say
    rows = [
        (
            str(it.number),
            it.item.title,
            it.item.reason,
            say("quarter", roman=roman(it.item.quarter)),
            short_name(frame) if it.item.lead in {body, ""} else it.item.lead,
            it.item.support or UNKNOWN,
            it.item.product or UNKNOWN,
        )
        for it in lines
    ]
    return frame.table("tasks", "0.6c 2.2l 2.6l 0.8c 1.1c 0.9l 1.5l", rows)


def short_name(frame: Frame) -> str:
    """Give the short name of the body that makes the plan."""
    return frame.office.abbreviation or frame.texts.say("short")


def target_table(document: PlanDocument, frame: Frame) -> Table | None:
    """Give each target once, with the items that serve it; None where no item has one.

    Of items that serve one target, where it is counted, base and goal are added up.
    """
    served: dict[tuple[str, ...], list[PlanLine]] = {}
    for _number, line in ordered(document):
        it = line.item
        if it.measure:
            apart = () if _is_counted(it) else (it.base, it.goal)
            key = (it.measure, it.measure_unit, it.measured_by, *apart)
            served.setdefault(key, []).append(line)
    rows = [
        (
            str(place),
            measure,
            unit or UNKNOWN,
            _total([it.item.base for it in own]),
            _total([it.item.goal for it in own]),
            source or UNKNOWN,
            join_numbers(it.number for it in own),
        )
        for place, ((measure, unit, source, *_apart), own) in enumerate(served.items(), start=1)
    ]
    return frame.table("targets", "0.6c 3l 1c 0.8c 0.8c 1.6l 1.2l", rows) if rows else None


def _is_counted(item: Item) -> bool:
    return item.goal.isdecimal() and item.measure_unit != "%"


def _total(texts: Sequence[str]) -> str:
    if all(it.isdecimal() for it in texts):
        return format_amount(sum(map(int, texts)))
    return texts[0] or UNKNOWN


def progress_table(document: PlanDocument, frame: Frame) -> Table:
    """Give items and money by quarter."""
    say = frame.texts.say
    quarters = group_by(document.chosen, ("1", "2", "3", "4"), lambda it: str(it.item.quarter))
    rows = [
        (
            say("quarter", roman=roman(int(name))),
            str(len(own)),
            format_amount(sum_up(own).amount),
            name_some(own, frame),
        )
        for name, own in quarters.items()
    ]
    sums = document.sums
    total = (say("whole_year"), str(sums.count), format_amount(sums.amount), "")
    return frame.table("progress", "0.9c 0.8r 1.3r 4l", rows, totals=[total])


def name_some(lines: Sequence[PlanLine], frame: Frame, most: int = _MOST_NAMED) -> str:
    """Name the first of some lines, and say how many more there are."""
    more = len(lines) - most
    named = "; ".join(it.item.title for it in lines[:most])
    return named + (frame.texts.say("and_more", count=more) if more > 0 else "")


def last_year_table(document: PlanDocument, frame: Frame) -> Table | None:
    """Give per line of the plan before: granted, accepted, paid; None where there was none."""
    alive = [it for it in document.last_year if it.is_in]
    if not alive:
        return None
    rows = [
        (
            str(it.number),
            it.item.title,
            format_amount(it.granted),
            format_amount(it.accepted),
            format_amount(it.paid),
            _standing(it),
        )
        for it in alive
    ]
    sums = sum_up(alive)
    total = (
        "",
        frame.texts.say("total"),
        format_amount(sums.granted),
        format_amount(sums.accepted),
        format_amount(sums.paid),
        "",
    )
    return frame.table("last_year", "0.5c 2.5l 1.15r 1.15r 1.15r 1.65l", rows, totals=[total])


def _standing(line: PlanLine) -> str:
    if line.decision == "deferred":
        return "chuyển sang năm sau"
    if line.accepted_on:
        return f"nghiệm thu ngày {line.accepted_on:%d/%m/%Y}"
    return "chưa xong" if line.is_alive else "chưa quyết định"


def upkeep_table(document: PlanDocument, frame: Frame) -> Table | None:
    """Give in which months devices are maintained and repaired; None where none is."""
    rows = [
        (number, it.item.title, *_mark(range(3 * it.item.quarter - 2, 3 * it.item.quarter + 1)))
        for number, it in ordered(document)
        if it.item.group in UPKEEP
    ]
    return _months(frame, rows, caption="upkeep") if rows else None


def is_monthly(months: str) -> bool:
    """Say whether something is owed in every month of a list such as `1 4 7 10`."""
    return len(months.split()) == len(_MONTHS)


def duty_table(document: PlanDocument, frame: Frame) -> Table | None:
    """Give in which months backups and drills are owed; None where nothing is.

    What is owed in each of them needs no calendar.
    """
    seldom = [it for it in document.annexes.duties if not is_monthly(it[1])]
    rows = [
        (str(place), title, *_mark({int(it) for it in months.split()}))
        for place, (title, months) in enumerate(seldom, start=1)
    ]
    return _months(frame, rows, caption="duties") if rows else None


def _mark(months: range | set[int]) -> Iterator[str]:
    return ("x" if it in months else "" for it in _MONTHS)


def _months(frame: Frame, rows: Sequence[Sequence[str]], caption: str = "") -> Table:
    shape = " ".join(["0.6c", "4.4l", *["0.45c"] * len(_MONTHS)])
    return frame.table("months", shape, rows, caption=caption)


def asset_table(document: PlanDocument, frame: Frame) -> Table | None:
    """Give the register of assets with the items about each; None where it is empty."""
    items: dict[str, list[int]] = {}
    for _number, line in ordered(document):
        for name in line.item.assets:
            items.setdefault(name, []).append(line.number)
    rows = [
        (str(place), *it, join_numbers(items.get(it[0], ())) or UNKNOWN)
        for place, it in enumerate(document.annexes.assets, start=1)
    ]
    shape = "0.5c 1.25l 2.3l 1.3l 1.45l 1.1c 1.1c 1.1c 1.15l 1.15r 0.75c"
    return frame.table("assets", shape, rows) if rows else None
