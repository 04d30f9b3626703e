"""The money of a plan: totals, shares, what falls, amounts in words; pure, whole đồng."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from ops.planning.item import GROUPS, PRIORITIES, SECURITY_USE, PlanLine

_RANKS = {name: rank for rank, name in enumerate(PRIORITIES)}


@dataclass(frozen=True, slots=True)
class Sums:
    """Sums over the items of a plan.

    Attributes:
        asked: What the items ask for, with VAT.
        amount, tax: What papers count (`PlanLine.amount`), and the VAT within it.
        granted, contracted, accepted, paid: What became of it.
        count, unpriced: How many items there are, and how many of them have no price.
    """

    asked: int
    amount: int
    tax: int
    granted: int
    contracted: int
    accepted: int
    paid: int
    count: int
    unpriced: int


def sum_up(lines: Iterable[PlanLine]) -> Sums:
    """Add the lines of a plan up; those that were rejected count for nothing."""
    found = [it for it in lines if it.is_in]
    return Sums(
        asked=sum(it.item.asked for it in found),
        amount=sum(it.amount for it in found),
        tax=sum(it.tax for it in found),
        granted=sum(it.granted for it in found),
        contracted=sum(it.contracted for it in found),
        accepted=sum(it.accepted for it in found),
        paid=sum(it.paid for it in found),
        count=len(found),
        unpriced=sum(not it.item.is_priced for it in found),
    )


def group_by(
    lines: Iterable[PlanLine], names: Iterable[str], key: Callable[[PlanLine], str]
) -> dict[str, list[PlanLine]]:
    """Give the lines of the plan by a word of theirs, in the order of the names; none is empty."""
    found = [it for it in lines if it.is_in]
    grouped = {name: [it for it in found if key(it) == name] for name in names}
    return {name: own for name, own in grouped.items() if own}


def by_group(lines: Iterable[PlanLine]) -> dict[str, list[PlanLine]]:
    """Give the lines by group, in the Regulation's order; groups without lines are left out."""
    return group_by(lines, GROUPS, lambda it: it.item.group)


def tenths_of(amount: int, whole: int) -> int:
    """Give a share in tenths of a percent, rounded down: too little is never enough; 0 of nothing.

    Tables and sentences of the papers round alike by it.
    """
    return amount * 1000 // whole if whole else 0


@dataclass(frozen=True, slots=True)
class SecurityShare:
    """How much of the money is for security.

    The law's least share is of the year's spending on digital transformation (law.md 1.4: Luật
    116/2025 Điều 38(1)); where nobody has said that, the plan's own sum stands in for it.

    Attributes:
        amount, of: Đồng for security, and what it is a share of.
        wanted_percent: The least that is asked for.
        is_of_plan: Whether it is a share of the plan's own sum.
    """

    amount: int
    of: int
    wanted_percent: int
    is_of_plan: bool = True

    @property
    def is_enough(self) -> bool:
        """Whether it is at least what is asked for; of nothing, nothing is enough."""
        return self.amount * 100 >= self.of * self.wanted_percent

    @property
    def is_known(self) -> bool:
        """Whether there is anything to be a share of; without a price there is none to judge."""
        return self.of > 0

    @property
    def lacking(self) -> int:
        """Đồng that would have to be for security besides; 0 where it is enough.

        Of a plan's own sum they become a part too: the least x with (amount + x) / (of + x) at the
        share.
        """
        if self.is_enough:
            return 0
        short = self.of * self.wanted_percent - self.amount * 100
        return -(-short // max(1, 100 - self.wanted_percent * self.is_of_plan))

    @property
    def tenths(self) -> int:
        """The share in tenths of a percent."""
        return tenths_of(self.amount, self.of)


def security_share(
    lines: Iterable[PlanLine], wanted_percent: int, base: int | None = None
) -> SecurityShare:
    """Reckon how much of the money is for security: use đ of Điều 10(2).

    Args:
        lines: Of the plan.
        wanted_percent: The least share.
        base: What it is a share of, in đồng; None for the plan's own sum. The plan is part of it,
            so one below that sum cannot be, and counts as not known.
    """
    found = [it for it in lines if it.is_in]
    amount = sum(it.amount for it in found if it.item.use == SECURITY_USE)
    own = sum(it.amount for it in found)
    is_known = base is not None and base >= own
    return SecurityShare(amount, base if is_known and base else own, wanted_percent, not is_known)


@dataclass(frozen=True, slots=True)
class Shortage:
    """What is done and what falls if only a part of the money is granted.

    Attributes:
        percent: Of what is asked for.
        budget: That many percent of it, rounded down.
        kept, fallen: The lines that fit and those that do not, in the order they are taken.
    """

    percent: int
    budget: int
    kept: tuple[PlanLine, ...]
    fallen: tuple[PlanLine, ...]

    @property
    def kept_amount(self) -> int:
        """Đồng of what fits; at most the budget."""
        return sum(it.asked for it in self.kept)


def plan_shortage(lines: Sequence[PlanLine], percent: int) -> Shortage:
    """Say what falls if so many percent are granted.

    What somebody is bound by already is taken first, then what must be done, what is needed, and
    the rest; within these by quarter and number. A line that does not fit falls as a whole; smaller
    ones that are needed as much may still fit, and nothing that is needed less is done before it.
    """
    found = sorted((it for it in lines if it.is_in), key=_rank)
    left = budget = sum(it.asked for it in found) * percent // 100
    kept, fallen = list[PlanLine](), list[PlanLine]()
    for line in found:
        is_next = not fallen or fallen[0].item.priority == line.item.priority
        if is_next and line.asked <= left:
            left -= line.asked
            kept.append(line)
        else:
            fallen.append(line)
    return Shortage(percent, budget, tuple(kept), tuple(fallen))


def _rank(line: PlanLine) -> tuple[bool, int, int, int]:
    return not line.is_begun, _RANKS[line.item.priority], line.item.quarter, line.number


def format_amount(amount: int) -> str:
    """Give `12.500.000`, as papers write it whatever the reader's language."""
    return f"{amount:,}".replace(",", ".")


MOST_IN_WORDS = 10**15
"""The greatest amount that is written in words."""

Lone = Literal["lẻ", "linh"]

_DIGITS = ("không", "một", "hai", "ba", "bốn", "năm", "sáu", "bảy", "tám", "chín")
_GROUPS = ("", "nghìn", "triệu")
_BILLION = 10**9


def amount_in_words(amount: int, *, lone: Lone = "lẻ") -> str:
    """Give `Mười hai triệu năm trăm nghìn đồng`, beginning with a capital letter.

    Args:
        amount: Đồng, from 0 to `MOST_IN_WORDS`.
        lone: The word before a lone digit after hundreds: southern `lẻ`, northern `linh`.

    Raises:
        ValueError: It is below 0 or above `MOST_IN_WORDS`.
    """
    if not 0 <= amount <= MOST_IN_WORDS:
        raise ValueError(f"{amount} is not between 0 and {MOST_IN_WORDS}")
    words = _words(amount, lone)
    return f"{words[0].upper()}{words[1:]} đồng"


def _words(amount: int, lone: Lone) -> str:
    billions, rest = divmod(amount, _BILLION)
    said = [_words(billions, lone), "tỷ"] if billions else []
    for place in (2, 1, 0):
        group = rest // 1000**place % 1000
        if group:
            # Below the first group hundreds are always said: `một triệu không trăm lẻ năm`.
            said += [*_group(group, lone, whole=bool(said)), _GROUPS[place]]
    return " ".join(word for word in said if word) or _DIGITS[0]


def _group(group: int, lone: Lone, *, whole: bool) -> list[str]:
    """Say a number below a thousand; `whole` with its hundreds even where they are none."""
    hundreds, rest = divmod(group, 100)
    tens, ones = divmod(rest, 10)
    said = [_DIGITS[hundreds], "trăm"] if hundreds or whole else []
    if tens > 1:
        said += [_DIGITS[tens], "mươi"]
    elif tens == 1:
        said.append("mười")
    elif ones and said:
        said.append(lone)
    if ones:
        said.append(_last(tens, ones))
    return said


def _last(tens: int, ones: int) -> str:
    """Say the last digit: mốt after mươi, lăm after mười and mươi, tư after mươi."""
    if tens > 1 and ones == 1:
        return "mốt"
    if tens > 1 and ones == 4:  # noqa: PLR2004 - the digit
        return "tư"
    if tens >= 1 and ones == 5:  # noqa: PLR2004 - the digit
        return "lăm"
    return _DIGITS[ones]
