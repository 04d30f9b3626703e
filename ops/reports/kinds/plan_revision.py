"""What a revision changes of the decided plan, in words for its papers; pure."""

from collections.abc import Mapping

from ops.planning.document import PlanDocument
from ops.planning.item import PlanLine
from ops.planning.money import format_amount, sum_up
from ops.reports.kinds.kind import Frame
from ops.reports.kinds.plan_tables import join_numbers

_MOST_CHANGES = 12


def tell_revision(document: PlanDocument, frame: Frame) -> tuple[str, str]:
    """Say what a revision changes of the decided plan, and why: what is asked, and its answer."""
    say = frame.texts.say
    [question] = frame.texts.list("question_replaced", replaces=document.replaces)
    before = {it.number: it for it in document.before}
    sums, done = sum_up(document.before), [it for it in document.chosen if it.accepted_on]
    numbers = {it.number for it in document.chosen}
    parts = {
        "done": join_numbers(it.number for it in done),
        "added": join_numbers(numbers - before.keys()),
        "changed": _tell_changes(document, before, frame),
        "left_out": join_numbers(
            it.number for it in document.before if it.is_alive and it.number not in numbers
        ),
    }
    told = (say(f"revision_{name}", told=text) for name, text in parts.items() if text)
    answer = say(
        "revision",
        reason=document.reason.rstrip(" ."),
        granted=format_amount(sums.granted),
        amount=format_amount(document.sums.amount),
        contracted=format_amount(sums.contracted),
        paid=format_amount(sums.paid),
        parts="".join(told),
    )
    return question, answer


def _tell_changes(document: PlanDocument, before: Mapping[int, PlanLine], frame: Frame) -> str:
    """Name the lines that say or cost something else, with what they were granted and cost now."""
    say, told = frame.texts.say, list[str]()
    for line in document.chosen:
        was = before.get(line.number)
        if was is not None and was.granted != line.amount:
            money = {"granted": format_amount(was.granted), "amount": format_amount(line.amount)}
            told.append(say("revision_money", number=line.number, **money))
        elif was is not None and was.item != line.item:
            told.append(say("revision_words", number=line.number))
    more = len(told) - _MOST_CHANGES
    return "; ".join(told[:_MOST_CHANGES]) + (say("and_more", count=more) if more > 0 else "")
