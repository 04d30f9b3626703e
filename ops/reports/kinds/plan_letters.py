"""The letters with a plan: the Tờ trình that hands it in, and the draft of the Quyết định on it.

The body above issues the latter. Source: law.md 2.2; Decree 30/2020, form 1.2.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from ops.language.formats import format_long_date
from ops.planning.document import PlanDocument
from ops.planning.item import GROUPS, PRIORITIES, QUOTATION
from ops.planning.money import by_group, format_amount, group_by, sum_up
from ops.reports.kinds.kind import Frame
from ops.reports.kinds.office import UNFILLED, name_issuer
from ops.reports.kinds.plan import (
    gather_bare,
    tell_risks,
    tell_security,
    values_of,
)
from ops.reports.kinds.plan_revision import tell_revision
from ops.reports.kinds.plan_tables import detail_table, money_table, progress_table, source_table
from ops.reports.papers.paper import Annex, Block, Paper, Paragraph

_MOST_KNOWN, _MOST_QUOTED = 4, 12
_SECTIONS = ("hardware", "security", "service")


def write_submission(document: PlanDocument, frame: Frame) -> Paper:
    """Write the Tờ trình."""
    values = values_of(document, frame)
    return frame.paper(_blocks(document, frame, values), **values)


def _blocks(document: PlanDocument, frame: Frame, values: dict[str, Any]) -> Iterator[Block]:
    must = [it for it in document.unfinished if it.item.priority == "bat-buoc"]
    yield frame.text("opening", **values)
    yield frame.head("h_need")
    yield frame.head("h_law", 2)
    yield frame.text("law", asks=_asks(frame))
    yield frame.head("h_situation", 2)
    for section in _SECTIONS:
        for it in document.of_section(section)[:_MOST_KNOWN]:
            yield frame.item("known", label=it.label, value=it.value)
    yield frame.head("h_risk", 2)
    yield Paragraph(tell_risks(must or document.unfinished, frame))
    yield from _contents(document, frame, values)
    yield frame.head("h_costs")
    yield frame.text("in_words", **values)
    yield money_table(document, frame)
    yield source_table(document, frame)
    yield tell_security(document, frame)
    yield frame.head("h_when")
    yield progress_table(document, frame)
    yield frame.head("h_who")
    yield frame.text("who", **values)
    yield frame.head("h_petition")
    yield frame.text("enclosed")
    yield from _enclosures(document, frame, values)
    yield frame.text("petition", **values)
    if document.opinions:
        yield Annex(frame.texts.say("opinions_annex"))
        yield _opinions(document, frame)


def _contents(document: PlanDocument, frame: Frame, values: dict[str, Any]) -> Iterator[Block]:
    yield frame.head("h_contents")
    groups = [(GROUPS[name].lower(), own) for name, own in by_group(document.chosen).items()]
    yield frame.text("contents", groups=_count(groups, frame), **values)
    if document.replaces:
        yield Paragraph(": ".join(tell_revision(document, frame)))
    needs = group_by(document.chosen, PRIORITIES, lambda it: it.item.priority)
    yield frame.text(
        "needs", needs=_count([(PRIORITIES[it], own) for it, own in needs.items()], frame)
    )


def _enclosures(
    document: PlanDocument, frame: Frame, values: dict[str, Any]
) -> Iterator[Paragraph]:
    """Yield what goes with the letter: what there is, and nothing else."""
    quotations = dict.fromkeys(
        it.says or it.id
        for line in document.chosen
        for it in line.item.evidence
        if it.kind == QUOTATION
    )
    yield frame.item("enclosed_decision")
    yield frame.item("enclosed_plan", **values)
    if quotations:
        names = "; ".join([*quotations][:_MOST_QUOTED])
        yield frame.item("enclosed_quotations", count=len(quotations), names=names)
    if document.opinions:
        yield frame.item("enclosed_opinions")


def _opinions(document: PlanDocument, frame: Frame) -> Block:
    """Give what each body said and how it was taken up; of those asked who said nothing, too."""
    say, rows = frame.texts.say, list[tuple[str, ...]]()
    for body, item, paper, text, answer in document.opinions:
        told = say("opinion_on", item=item, text=text) if item else text
        rows.append((body or UNFILLED, paper, told, answer or UNFILLED))
    heard = {it[0].casefold() for it in rows}
    asked = [it for it in frame.office.names["opinions"] if it.casefold() not in heard]
    rows += [(it, "", say("no_opinion"), "") for it in asked]
    numbered = [(str(number), *row) for number, row in enumerate(rows, start=1)]
    return frame.table("opinions", "0.5c 1.3l 1.1l 2.2l 2.2l", numbered)


def _asks(frame: Frame) -> str:
    """Name the point that asks for a plan each year; empty where no text of the day does."""
    texts = frame.citations.by_subject["portal"]
    found = next((it for it in texts if it.asks), None)
    if found is None:
        return ""
    point = found.asks[:1].upper() + found.asks[1:]
    return frame.texts.say("asks", point=point, text=found.name)


def _count(parts: list[tuple[str, Any]], frame: Frame) -> str:
    return "; ".join(
        frame.texts.say(
            "counted", name=name, count=len(own), amount=format_amount(sum_up(own).amount)
        )
        for name, own in parts
    )


gather_submission = gather_decision = gather_bare


def write_decision(document: PlanDocument, frame: Frame) -> Paper:
    """Write the draft."""
    values, texts = values_of(document, frame), frame.texts
    names = frame.office.names
    responsible = dict.fromkeys((names["submits"], *names["opinions"], values["body"]))
    values |= {
        "responsible": ", ".join(map(str, responsible)),
        "submission": document.submission or UNFILLED,
        "submitted": format_long_date(day) if (day := document.submitted_on) else UNFILLED,
    }
    blocks: list[Block] = [
        frame.verdict("verdict"),
        *(Paragraph(it, "article") for it in texts.list("articles", **values)),
        Annex(texts.say("decision_annex"), is_wide=True),
        detail_table(document, frame),
        source_table(document, frame),
    ]
    return replace(frame.paper(blocks, **values), issuer=name_issuer(frame.office))
