"""What others said about a plan, and how it was taken up: the table that goes with the Tờ trình.

NĐ 224/2026 Điều 7(3) has others asked before a plan is finished. What is said and what is answered
are notes; an answer that comes later is a note of its own, and belongs to the same body and item.
"""

import re
from collections.abc import Iterable, Mapping

from sqlalchemy.orm import Session

from ops.catalog.tables.plans import PlanNote
from ops.planning.document import Rows
from ops.planning.records import KeptPlan, read_notes

PARTS = ("document", "text", "result")
_NAMED = re.compile(r"(?:mục|item) (\d{1,4})\b", re.IGNORECASE)


def read_opinion_notes(session: Session, plan: KeptPlan) -> list[PlanNote]:
    """Give what was said about this plan, without what was said of those it revises."""
    return [
        it for it in read_notes(session, plan) if it.kind == "opinion" and it.plan_id == plan.row.id
    ]


def opinions_of(notes: Iterable[PlanNote]) -> Rows:
    """Give a row for each body and item: body, number of the item, document, opinion, answer.

    Bodies stand in the order in which they were first noted; the number is empty for the plan as a
    whole, and what was never said is, too. Where the item had another number then, the text says
    so.
    """
    found: dict[tuple[str, int], dict[str, list[str]]] = {}
    for note in notes:
        said = found.setdefault((note.body, note.item), {it: [] for it in PARTS})
        for name, texts in said.items():
            value = getattr(note, name)
            if value and name != "document" and _has_moved(note):
                value = f"{value} (mục {note.code} nay là mục {note.item})"
            if value and value not in texts:
                texts.append(value)
    return tuple(
        (body, str(item or ""), *("; ".join(said[it]) for it in PARTS))
        for (body, item), said in found.items()
    )


def read_opinions(session: Session, plan: KeptPlan) -> Rows:
    """Give the rows of `opinions_of` for a plan."""
    return opinions_of(read_opinion_notes(session, plan))


def list_stale(notes: Iterable[PlanNote], moved: Mapping[str, int]) -> list[tuple[str, str, int]]:
    """Give body, old and new number of each item that an opinion is about or names, and that moved.

    Args:
        notes: Opinions on the plan.
        moved: Old → new number of what was renumbered just now.
    """
    found: dict[tuple[str, str, int], None] = {}
    for note in notes:
        if moved and _has_moved(note):
            found[note.body, note.code, note.item] = None
        for old in _NAMED.findall(f"{note.text} {note.result}"):
            if old in moved:
                found[note.body, old, moved[old]] = None
    return list(found)


def list_unanswered(opinions: Rows) -> list[str]:
    """Give the bodies, each with the number of the item, whose opinion has no answer yet."""
    return [
        f"{body or '–'} ({item})" if item else body or "–"
        for body, item, _document, text, answer in opinions
        if text and not answer
    ]


def _has_moved(note: PlanNote) -> bool:
    return note.code not in {"", str(note.item)}
