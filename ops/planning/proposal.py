"""What proposals become: each cause once, no device kept and replaced, equal work one item; pure.

What is left out is told with its reason, so that nobody looks for it in vain.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date

from ops.planning.item import Item, PlanLine, read_cause
from ops.planning.spending import is_recurrent

REPLACEMENT = "support"
"""The work of a cause about an asset that puts another in its place."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemProposal:
    """An item that the facts ask for.

    Attributes:
        key: Names the cause, and is the same next year.
        item: What is proposed.
        why_not: Why it is not proposed after all; empty: it is.
        together: Title and reason where several that differ in nothing else are one item; `{when}`
            in the reason tells the days on which something ends. None: it stays alone.
        end: When something of it ends.
        is_bound: Somebody is under contract for it.
        rejected_for: Why a plan before rejected it.
    """

    key: str
    item: Item
    why_not: str = ""
    together: tuple[str, str] | None = None
    end: date | None = None
    is_bound: bool = False
    rejected_for: str = ""

    @property
    def causes(self) -> tuple[str, ...]:
        """All that asks for it."""
        return self.item.causes or (self.key,)


@dataclass(slots=True)
class Settled:
    """What is proposed, and what is not: its title and why."""

    proposals: list[ItemProposal] = field(default_factory=list)
    left_out: list[tuple[str, str]] = field(default_factory=list)

    def leave_out(self, it: ItemProposal, why: str) -> None:
        """Tell that something is not proposed."""
        self.left_out.append((it.item.title, why))


def settle(
    found: Iterable[ItemProposal],
    held: Sequence[PlanLine],
    rejected: Mapping[str, str],
    today: date,
) -> Settled:
    """Settle what the proposers give, in their order.

    Args:
        found: What they give; of one cause the first counts.
        held: Lines of the plan that stay as people have left them.
        rejected: Cause → why plans before this one have rejected it.
        today: On which it is decided what is recurrent spending.
    """
    settled = Settled()
    fresh = _replace_or_keep(_once(found, held, settled), held, rejected, settled)
    told = [replace(it, rejected_for=_why_rejected(it, rejected)) for it in fresh]
    settled.proposals = [_classify(it, today) for it in _merge(told)]
    return settled


def _classify(it: ItemProposal, today: date) -> ItemProposal:
    if it.item.is_recurrent is not None:  # a person has said it last year
        return it
    return replace(it, item=replace(it.item, is_recurrent=is_recurrent(it.item, today)))


def _why_rejected(it: ItemProposal, rejected: Mapping[str, str]) -> str:
    whys = [rejected.get(cause, "") for cause in it.causes]
    return whys[0] if all(whys) else ""


def _once(
    found: Iterable[ItemProposal], held: Sequence[PlanLine], settled: Settled
) -> list[ItemProposal]:
    """Give what is not in the plan already, and tell why something is not proposed."""
    seen = {cause for line in held for cause in line.causes}
    fresh = []
    for it in found:
        left = [cause for cause in it.causes if cause not in seen]
        seen.update(it.causes)
        if it.why_not and left:
            settled.leave_out(it, it.why_not)
        elif left:
            fresh.extend(_only(it, left))
    return fresh


def _replace_or_keep(
    fresh: Sequence[ItemProposal],
    held: Sequence[PlanLine],
    rejected: Mapping[str, str],
    settled: Settled,
) -> list[ItemProposal]:
    """Leave out what keeps a device that is replaced, or replaces one that is kept by contract."""
    works = [(it.is_bound, work) for it in fresh for work in _works(it.causes)]
    works += [(True, work) for it in held if it.is_in for work in it.works.items()]
    bound = {name for is_bound, (name, work) in works if is_bound and work != REPLACEMENT}
    refused = {work[0] for it in fresh if _why_rejected(it, rejected) for work in _works(it.causes)}
    replaced = {name for _bound, (name, work) in works if work == REPLACEMENT} - bound - refused
    kept: list[ItemProposal] = []
    for it in fresh:
        by_cause = {cause: read_cause(cause) or ("", "") for cause in it.causes}
        lost = [
            cause
            for cause, (name, work) in by_cause.items()
            if (name in bound if work == REPLACEMENT else name in replaced and not it.is_bound)
        ]
        if lost:
            is_new = by_cause[lost[0]][1] == REPLACEMENT
            settled.leave_out(it, _KEPT if is_new else _REPLACED)
        kept += _only(it, [cause for cause in it.causes if cause not in lost])
    return kept


_KEPT = "thiết bị được bảo dưỡng, sửa chữa trong Kế hoạch này"
_REPLACED = "thiết bị được thay thế trong Kế hoạch này"


def _works(causes: Iterable[str]) -> list[tuple[str, str]]:
    return [work for work in map(read_cause, causes) if work is not None]


def _only(it: ItemProposal, causes: Sequence[str]) -> list[ItemProposal]:
    """Give a proposal with some of its causes alone; none where none is left."""
    whole = len(it.causes)
    if len(causes) == whole:
        return [it]
    if not causes:
        return []
    names = {work[0] for work in _works(causes)}
    item = replace(
        it.item,
        asset=" ".join(name for name in it.item.assets if name in names),
        evidence=tuple(row for row in it.item.evidence if row.kind != "asset" or row.id in names),
        quantity=max(1, it.item.quantity * len(causes) // whole),
        goal=str(len(causes)) if it.item.goal == str(whole) else it.item.goal,
        causes=tuple(causes) if len(causes) > 1 else (),
    )
    return [replace(it, key=causes[0], item=item)]


def _merge(told: Iterable[ItemProposal]) -> list[ItemProposal]:
    """Make one of those that differ only in what they are about, at the place of the first."""
    groups: dict[object, list[ItemProposal]] = {}
    for it in told:
        alike = replace(
            it.item, title="", reason="", evidence=(), asset="", site="", base="", goal="",
            quantity=1, causes=(),
        )  # fmt: skip
        same = (it.together, it.rejected_for, alike) if it.together else it.key
        groups.setdefault(same, []).append(it)
    return [_join(own) if len(own) > 1 else own[0] for own in groups.values()]


def _join(own: Sequence[ItemProposal]) -> ItemProposal:
    first, items = own[0], [it.item for it in own]
    title, reason = first.together or ("", "")
    item = replace(
        first.item,
        title=title,
        reason=reason.format(when=_tell_days([it.end for it in own if it.end])),
        evidence=tuple(row for it in items for row in it.evidence),
        asset=" ".join(name for it in items for name in it.assets),
        site="",
        base=_add([it.base for it in items]),
        goal=_add([it.goal for it in items]),
        quantity=sum(it.quantity for it in items),
        causes=tuple(cause for it in own for cause in it.causes),
    )
    return replace(first, item=item)


def _tell_days(days: Sequence[date]) -> str:
    """Give `ngày 31/03/2027`, or `từ ngày … đến ngày …` where there are several."""
    if len({*days}) <= 1:
        return "".join(f"ngày {day:%d/%m/%Y}" for day in days[:1])
    return f"từ ngày {min(days):%d/%m/%Y} đến ngày {max(days):%d/%m/%Y}"


def _add(texts: Sequence[str]) -> str:
    """Add figures up; a text that is none stands for all."""
    return str(sum(map(int, texts))) if all(it.isdecimal() for it in texts) else texts[0]
