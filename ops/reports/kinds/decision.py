"""The draft of the Quyết định on a plan, which the body above issues (Decree 30/2020, form 1.2)."""

from dataclasses import replace

from ops.planning.document import PlanDocument
from ops.reports.kinds.kind import Frame
from ops.reports.kinds.plan import gather_bare as gather
from ops.reports.kinds.plan import values_of
from ops.reports.kinds.plan_tables import detail_table, source_table
from ops.reports.papers.paper import Annex, Block, Paper, Paragraph

__all__ = ["gather", "write"]


def write(document: PlanDocument, frame: Frame) -> Paper:
    """Write the draft."""
    values, texts = values_of(document, frame), frame.texts
    body = frame.office.letterhead.body or texts.say("above")
    post = frame.office.signature.post
    if not post:
        post = texts.say("chairman" if "nhân dân" in body.casefold() else "director")
    blocks: list[Block] = [
        frame.verdict("verdict"),
        *(Paragraph(it, "article") for it in texts.list("articles", **values)),
        Annex(
            texts.say("annex"),
            texts.say("decision_annex"),
            texts.say("decision_belongs"),
            is_wide=True,
        ),
        detail_table(document, frame),
        source_table(document, frame),
    ]
    paper = frame.paper(blocks, **values)
    return replace(
        paper,
        letterhead=replace(paper.letterhead, body=body),
        issuer=f"{post} {body}",
        signatures=tuple(replace(it, post=post) for it in paper.signatures),
    )
