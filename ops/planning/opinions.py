"""What others said about a plan, and how it was taken up: the table that goes with the Tờ trình.

NĐ 224/2026 Điều 7(3) has others asked before a plan is finished. What is said and what is answered
are notes; an answer that comes later is a note of its own, and belongs to the same body and item.
"""

from sqlalchemy.orm import Session

from ops.planning.document import Rows
from ops.planning.records import KeptPlan, read_notes

PARTS = ("document", "text", "result")


def read_opinions(session: Session, plan: KeptPlan) -> Rows:
    """Give a row for each body and item: body, number of the item, document, opinion, answer.

    Bodies stand in the order in which they were first noted; the number is empty for the plan as a
    whole, and what was never said is, too.
    """
    found: dict[tuple[str, int], dict[str, list[str]]] = {}
    for note in read_notes(session, plan):
        if note.kind == "opinion" and note.plan_id == plan.row.id:
            said = found.setdefault((note.body, note.item), {it: [] for it in PARTS})
            for name, texts in said.items():
                value = getattr(note, name)
                if value and value not in texts:
                    texts.append(value)
    return tuple(
        (body, str(item or ""), *("; ".join(said[it]) for it in PARTS))
        for (body, item), said in found.items()
    )
