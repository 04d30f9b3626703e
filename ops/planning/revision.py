"""What binds a revision: the decided plan in force, whose money moves on meanwhile; pure."""

from collections.abc import Iterable
from dataclasses import replace

from ops.language.text import N_
from ops.planning.item import PlanLine, refuse
from ops.planning.money import format_amount
from ops.planning.records import KeptPlan

_NAMED = ("title", "group", "asset", "site")
_MOVED = ("granted", "contracted", "accepted", "paid", "accepted_on")


def ask_anew(lines: Iterable[PlanLine], before: KeptPlan | None) -> tuple[PlanLine, ...]:
    """Give the lines of a plan that nobody has decided on, with their money as it stands now; pure.

    Args:
        lines: Of the plan.
        before: The decided plan that it revises, whose money moves on; None for the first.
    """
    money = {it.number: it for it in before.lines if it.decision} if before else {}
    return tuple(
        replace(it, decision="", **{name: getattr(money[it.number], name) for name in _MOVED})
        if it.number in money
        else it
        for it in lines
    )


def check_bound(lines: Iterable[PlanLine], before: KeptPlan | None) -> None:
    """Refuse lines that leave out, rename or ask less than what the plan in force is bound to.

    What was signed or accepted was about that thing: another title would tell the Committee that
    something else was bought, another asset would be retired.
    """
    bound = {it.number: it.item for it in before.lines if it.is_begun} if before else {}
    for line in ask_anew(lines, before):
        was = bound.get(line.number, line.item)
        moved = [it for it in _NAMED if getattr(was, it) != getattr(line.item, it)]
        if moved:
            raise refuse(
                N_("item {number} is under contract or accepted: {fields} stay as they were"),
                N_("for something else add an item: `{program} plan.edit --add --set title=…`"),
                number=line.number,
                fields=", ".join(moved),
            )
        if line.is_begun and not line.is_in:
            raise refuse(
                N_("item {number} is under contract or accepted, and stays"),
                N_("cut what is not under contract: `--set quantity=…`"),
                number=line.number,
            )
        if line.item.asked < line.contracted:
            raise refuse(
                N_("item {number} asks for {asked} đồng, and {contracted} are under contract"),
                N_("ask for no less than that: `{program} plan.edit --item {number} --set …`"),
                number=line.number,
                asked=format_amount(line.item.asked),
                contracted=format_amount(line.contracted),
            )
