"""V. Kinh phí: what became of the year's plan, by use, by source and line by line; pure.

Uses are those of Điều 10(2) of the Regulation. What was granted and not spent is explained by what
was noted about the line; where nothing was, dots stand for somebody to fill in.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence

from ops.planning.item import USES, PlanLine, call_use
from ops.planning.money import format_amount, group_by, sum_up
from ops.reports.figures.figure import report_year
from ops.reports.figures.gather import YearFacts
from ops.reports.figures.plans import PlanResult, PlanYear
from ops.reports.kinds.kind import UNKNOWN, Frame, count, day, share
from ops.reports.papers.paper import Block


def write_spending(facts: YearFacts, frame: Frame) -> Iterator[Block]:
    """Yield what was granted, contracted, accepted and paid, and each line's result."""
    for plan in facts.plans.value or ():
        if not plan.results:
            yield frame.text("no_plan", year=plan.year)
            continue
        yield from write_sums(plan, frame, _taken(facts, frame))
        yield frame.table(
            "results",
            "0.6c 2.4l 1.2r 1.2r 1.5l 1.7l",
            [_result(frame, plan, it) for it in plan.results],
            year=plan.year,
        )
        yield frame.source(facts.plans)


def _taken(facts: YearFacts, frame: Frame) -> str:
    """Say of when the money is told, as `read_plans` has it."""
    window = facts.window
    if window == report_year(window.year, window.zone) or frame.taken_at < window.until:
        return frame.moment(frame.taken_at)
    return frame.texts.say("end_of", day=day(window.last))


def write_sums(plan: PlanYear, frame: Frame, taken: str) -> Iterator[Block]:
    """Yield what became of a plan's money by a moment: in all, by use, by source."""
    lines = [it.line for it in plan.results]
    sums = sum_up(lines)
    percent = 100 * sums.paid / sums.granted if sums.granted else None
    yield frame.text(
        "money",
        year=plan.year,
        decision=plan.decision or frame.texts.say("blank"),
        decided=day(plan.decided_on) if plan.decided_on else frame.texts.say("blank"),
        taken=taken,
        granted=format_amount(sums.granted),
        contracted=format_amount(sums.contracted),
        accepted=format_amount(sums.accepted),
        paid=format_amount(sums.paid),
        percent=share(percent),
    )
    uses = {use: call_use(use) for use in USES}
    yield from _sums(frame, "by_use", lines, uses, lambda it: it.item.use)
    sources = {it.item.source: it.item.source or frame.texts.say("no_source") for it in lines}
    yield from _sums(frame, "by_source", lines, sources, lambda it: it.item.source)


def _sums(
    frame: Frame,
    name: str,
    lines: list[PlanLine],
    titles: Mapping[str, str],
    key: Callable[[PlanLine], str],
) -> Iterator[Block]:
    rows = [
        (titles[word], *tell_amounts(own)) for word, own in group_by(lines, titles, key).items()
    ]
    totals = [(frame.texts.say("total"), *tell_amounts(lines))]
    yield frame.table(name, "2l 1.2r 1.2r 1.2r 1.2r", rows, totals=totals)


def tell_amounts(lines: Sequence[PlanLine]) -> tuple[str, ...]:
    """Give what was granted, contracted, accepted and paid of some lines, in đồng."""
    sums = sum_up(lines)
    return tuple(map(format_amount, (sums.granted, sums.contracted, sums.accepted, sums.paid)))


def _result(frame: Frame, plan: PlanYear, it: PlanResult) -> tuple[str, ...]:
    line = it.line
    amounts = (format_amount(line.granted), format_amount(line.paid))
    return (count(line.number), line.item.title, *amounts, *tell_result(frame, plan, it))


def tell_result(frame: Frame, plan: PlanYear, it: PlanResult) -> tuple[str, str]:
    """Give what became of a line, and what explains that something of its money is left."""
    line, result = it.line, frame.texts.say(it.result, table="results")
    if line.accepted_on is not None:
        result = f"{result} {day(line.accepted_on)}"
    is_spent = it.result == "accepted" and not it.left
    is_decided = it.result in {"deferred", "not_granted"} and plan.decision
    told = it.told or (plan.decision if is_decided else frame.texts.say("unexplained"))
    return result, UNKNOWN if is_spent else told
