"""Decide how a new draft changes the lines of a plan; pure.

What a person has changed stays as that person left it, and what was rejected stays rejected: in
this year's plan, and in the next one, with its reason. A line that nobody has touched follows the
facts, and goes where they no longer ask for it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from ops.planning.item import Line
from ops.planning.propose_things import Proposal


@dataclass(frozen=True, slots=True)
class DraftChange:
    """One line that a draft adds, changes or takes away.

    Attributes:
        verb: `added`, `changed`, `withdrawn`, or `rejected`: proposed and not taken, as before.
        line: As it becomes; of a withdrawn one, as it was.
    """

    verb: str
    line: Line


def plan_draft(
    lines: Sequence[Line], proposals: Iterable[Proposal], rejected: Mapping[str, str]
) -> list[DraftChange]:
    """Give the changes, in the order of the proposals, then what is withdrawn.

    Args:
        lines: Of the plan as it stands; may be empty.
        proposals: What the facts ask for now, each key once.
        rejected: Key → why it was rejected, in plans before this one.
    """
    known = {it.key: it for it in lines if it.key}
    next_number = max((it.number for it in lines), default=0) + 1
    found, asked_for = [], set[str]()
    for proposal in proposals:
        asked_for.add(proposal.key)
        line = known.get(proposal.key)
        if line is None:
            why = rejected.get(proposal.key, "")
            new = Line(number=next_number, item=proposal.item, key=proposal.key, rejected_for=why)
            found.append(DraftChange("rejected" if why else "added", new))
            next_number += 1
        elif _follows(line) and line.item != proposal.item:
            found.append(DraftChange("changed", replace(line, item=proposal.item)))
    gone = (it for it in lines if it.key and it.key not in asked_for and _follows(it))
    return [*found, *(DraftChange("withdrawn", it) for it in gone)]


def _follows(line: Line) -> bool:
    """Say whether a line is as it was proposed: nobody touched it, nobody decided on it."""
    return not (line.is_edited or line.rejected_for or line.decision)
