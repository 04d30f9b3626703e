"""The Kế hoạch of a year, and what the papers that go with it share.

What each section holds: law.md 2.1 and 2.2. No law fixes a form; these are the usual headings. The
first page answers what a reader asks first: how much, why now, what if not, who answers, against
last year, and what falls if less is granted. All figures are those of the document, so papers of a
plan that was handed in say what it said then.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ops.language.text import N_
from ops.planning.document import PlanDocument
from ops.planning.item import GROUPS, SECURITY_USE, PlanLine, refuse
from ops.planning.money import (
    MOST_IN_WORDS,
    amount_in_words,
    by_group,
    format_amount,
    plan_shortage,
    sum_up,
)
from ops.planning.read import read_document
from ops.planning.records import get_plan
from ops.reports.kinds.kind import UNKNOWN, Ask, Frame, day
from ops.reports.kinds.plan_annexes import list_annexes, mark_annexes, write_annexes
from ops.reports.kinds.plan_revision import tell_revision
from ops.reports.kinds.plan_tables import (
    join_numbers,
    last_year_table,
    lowered_table,
    money_table,
    name_some,
    progress_table,
    short_name,
    source_table,
    target_table,
    task_table,
    tell_tenths,
    use_table,
)
from ops.reports.papers.paper import Block, Paper, Paragraph

LOWER_SHARES = (80, 60)
_MOST_NAMED, _MOST_LEADS, _MOST_SHORTCOMINGS, _MOST_OWED = 3, 5, 6, 3
_SECTIONS = ("hardware", "software", "backup", "security", "service")
_PROOFS = frozenset({"medium"})


def gather_plan(ask: Ask) -> PlanDocument:
    """Read the plan of the year: as it was handed in, else as it is now."""
    plan = get_plan(ask.session, ask.window.year)
    return read_document(ask.session, ask.estate, plan, ask.now)


def gather_bare(ask: Ask) -> PlanDocument:
    """Read it without annexes, for the papers that ask for a decision on it.

    Raises:
        WrongUseError: It is decided already.
    """
    plan = get_plan(ask.session, ask.window.year)
    if plan.row.decided_at is not None:
        raise refuse(
            N_("the plan {plan} is decided, and nothing is asked for any more"),
            N_("`{program} plan.show --year {year} --out FOLDER` writes it as it was approved"),
            plan=plan.called,
            year=plan.row.year,
        )
    return read_document(ask.session, ask.estate, plan, ask.now, with_annexes=False)


def write_plan(document: PlanDocument, frame: Frame) -> Paper:
    """Write the Kế hoạch."""
    values = values_of(document, frame)
    annexes = list_annexes(document, frame)
    marks = mark_annexes(annexes)
    blocks = [
        *_summary(document, frame),
        *_state(document, frame, values),
        *_aims(document, frame),
        *_tasks(document, frame, {**values, **marks}),
        *_money(document, frame, marks),
        frame.head("h_progress"),
        progress_table(document, frame),
        frame.head("h_organisation"),
        *map(Paragraph, frame.texts.list("organisation", **values)),
        *write_annexes(annexes, frame, values),
    ]
    paper = frame.paper(blocks, **values)
    return replace(paper, draft=paper.draft and not document.decision)


def values_of(document: PlanDocument, frame: Frame) -> dict[str, Any]:
    """Give what the texts of a plan's papers are filled with."""
    texts, sums = frame.texts, document.sums
    asked = frame.office.names["opinions"]
    revised = texts.say("revised", revision=document.revision) if document.revision else ""
    title = texts.say("title", year=document.year) + revised
    return {
        **frame.office.names,
        "advised": texts.say("advised", bodies=", ".join(asked)) if asked else "",
        "year": document.year,
        "before": document.year - 1,
        "title": title,
        "title_within": title[:1].lower() + title[1:],
        "body": document.organisation,
        "count": sums.count,
        "amount": format_amount(sums.amount),
        "words": words_of(sums.amount),
        "standing": _tell_standing(document, frame),
        "issued": texts.say("issued", decision=document.decision) if document.decision else "",
        "replacing": texts.say("replacing", decision=document.replaces)
        if document.replaces
        else "",
    }


def _tell_standing(document: PlanDocument, frame: Frame) -> str:
    return frame.texts.say("approved" if document.decision else "proposed")


def words_of(amount: int) -> str:
    """Give an amount in words; empty above what words are for."""
    return amount_in_words(amount) if amount <= MOST_IN_WORDS else ""


def _summary(document: PlanDocument, frame: Frame) -> Iterator[Block]:
    """Yield the first page: what a reader asks first."""
    texts = frame.texts
    open_lines = document.unfinished
    must = [it for it in open_lines if it.item.priority == "bat-buoc"]
    standing = _tell_standing(document, frame)
    answers = [
        _tell_amount(document, frame),
        _tell_why(document, must, frame),
        tell_risks(must or open_lines, frame),
        _tell_leads(document, frame),
        _tell_before(document, frame),
        _tell_share(document, frame),
    ]
    rows = list(zip(texts.list("questions", standing=standing), answers, strict=True))
    if document.replaces:
        rows.append(tell_revision(document, frame))
    if document.sums.amount and not document.decision:
        for percent in LOWER_SHARES:
            [question] = texts.list("question_shortage", percent=percent)
            rows.append((question, _tell_shortage(document, percent, frame)))
    yield frame.head("h_summary")
    yield frame.table("summary", "1.1l 4.4l", rows)


def _tell_amount(document: PlanDocument, frame: Frame) -> str:
    say, sums = frame.texts.say, document.sums
    parts = {
        is_recurrent: sum(
            it.amount for it in document.chosen if it.item.is_recurrent is is_recurrent
        )
        for is_recurrent in (True, False, None)
    }
    undecided = [it for it in document.undecided if it.amount]
    return say(
        "amount",
        amount=format_amount(sums.amount),
        words=words_of(sums.amount),
        count=sums.count,
        recurrent=format_amount(parts[True]),
        invested=format_amount(parts[False]),
        undecided=say(
            "undecided",
            amount=format_amount(parts[None]),
            numbers=join_numbers(it.number for it in undecided),
        )
        if undecided
        else "",
        unpriced=say("unpriced", count=sums.unpriced) if sums.unpriced else "",
    )


def _tell_why(document: PlanDocument, must: Sequence[PlanLine], frame: Frame) -> str:
    say = frame.texts.say
    named = say("why_named", titles=name_some(must, frame, _MOST_NAMED)) if must else ""
    return say("why", must=len(must), count=len(document.chosen), named=named)


def tell_risks(lines: Sequence[PlanLine], frame: Frame) -> str:
    """Name what may happen without the lines, and which they are."""
    say = frame.texts.say
    found: dict[str, list[int]] = {}
    for line in lines:
        if line.item.risk:
            found.setdefault(line.item.risk.rstrip("."), []).append(line.number)
    told = [say("risk", risk=risk, numbers=join_numbers(own)) for risk, own in found.items()]
    return "; ".join(told[:_MOST_NAMED]) + "." if told else say("no_risk")


def _tell_leads(document: PlanDocument, frame: Frame) -> str:
    leads = list(dict.fromkeys(it.item.lead or document.organisation for it in document.chosen))
    named = "; ".join(leads[:_MOST_LEADS]) or document.organisation
    return frame.texts.say("leads", leads=named)


def _tell_before(document: PlanDocument, frame: Frame) -> str:
    say, year = frame.texts.say, document.year
    if not document.last_year:
        return say("no_before", before=year - 1)
    before = sum_up(document.last_year)
    apart = document.sums.amount - before.granted
    change = say(
        "same" if not apart else "more" if apart > 0 else "less", amount=format_amount(abs(apart))
    )
    return say(
        "before",
        before=year - 1,
        year=year,
        granted=format_amount(before.granted),
        accepted=format_amount(before.accepted),
        paid=format_amount(before.paid),
        change=change,
        standing=_tell_standing(document, frame),
    )


def _tell_share(document: PlanDocument, frame: Frame) -> str:
    say, share, named = frame.texts.say, document.security, _name_share(document)
    if not document.security_basis:
        return say("security_unasked", **named)
    if not share.is_known:
        return say("security_unknown", **named)
    if share.is_of_plan:
        return say("security_of_plan", **named)
    lacking = "" if share.is_enough else say("security_lacking", **named)
    return say("security", **named) + lacking


def _name_share(document: PlanDocument) -> dict[str, Any]:
    share = document.security
    return {
        "year": document.year,
        "percent": tell_tenths(share.tenths),
        "amount": format_amount(share.amount),
        "base": format_amount(share.of),
        "missing": format_amount(share.lacking),
        "wanted": share.wanted_percent,
        "basis": document.security_basis,
    }


def _tell_shortage(document: PlanDocument, percent: int, frame: Frame) -> str:
    say = frame.texts.say
    found = plan_shortage(document.chosen, percent)
    named = {"budget": format_amount(found.budget), "kept": format_amount(found.kept_amount)}
    if not found.fallen:
        return say("no_shortage", **named)
    return say(
        "shortage",
        **named,
        count=len(found.fallen),
        titles=name_some(found.fallen, frame, _MOST_NAMED),
        numbers=join_numbers(it.number for it in found.fallen),
    )


def _state(document: PlanDocument, frame: Frame, values: dict[str, Any]) -> Iterator[Block]:
    yield frame.head("h_state", **values)
    for section in _SECTIONS:
        yield frame.head(f"h_{section}", 2)
        yield _figures(document, section, frame)
    yield frame.text("taken", day=day(document.day))
    yield frame.head("h_plan", 2, **values)
    table = last_year_table(document, frame)
    if table is None:
        yield frame.text("no_last_plan", **values)
    else:
        yield _figures(document, "plan", frame)
        yield table
    yield frame.head("h_shortcomings", 2)
    grave = [it for it in document.unfinished if it.item.priority == "bat-buoc"]
    if not grave and not document.own_work:
        yield frame.text("no_shortcomings")
    for line in grave[:_MOST_SHORTCOMINGS]:
        yield frame.item("shortcoming", title=line.item.title, reason=line.item.reason)
    if len(grave) > _MOST_SHORTCOMINGS:
        yield frame.item("more_shortcomings", count=len(grave) - _MOST_SHORTCOMINGS)
    owed = document.own_work
    if owed:
        more = len(owed) - _MOST_OWED
        told = "; ".join(f"{it.title} ({it.why})" for it in owed[:_MOST_OWED])
        told += frame.texts.say("and_more_owed", count=more) if more > 0 else ""
        yield frame.item("owed", count=len(owed), told=told)
    for gap in document.gaps:
        yield frame.item("gap", gap=gap)


def _figures(document: PlanDocument, section: str, frame: Frame) -> Block:
    rows = [(it.label, it.value, it.source) for it in document.of_section(section)]
    return frame.table("figures", "3l 2l 1.3l", rows) if rows else frame.text("not_known")


def _aims(document: PlanDocument, frame: Frame) -> Iterator[Block]:
    yield frame.head("h_purpose")
    yield from (Paragraph(it, "item") for it in frame.texts.list("purpose"))
    yield frame.head("h_targets")
    yield target_table(document, frame) or frame.text("no_targets")


def _tasks(document: PlanDocument, frame: Frame, values: dict[str, Any]) -> Iterator[Block]:
    groups = by_group(document.chosen)
    yield frame.head("h_tasks")
    yield frame.text("leading", short=short_name(frame), **values)
    for place, (group, own) in enumerate(groups.items(), start=1):
        yield frame.head("h_task_group", 2, number=place, group=GROUPS[group])
        yield task_table(own, frame, document.organisation)
    security = [it.number for it in document.chosen if it.item.use == SECURITY_USE]
    proofs = [
        it.number for it in document.chosen if any(row.kind in _PROOFS for row in it.item.evidence)
    ]
    yield frame.head("h_across_security", 2, number=len(groups) + 1)
    yield _across(security, frame)
    yield frame.head("h_across_backup", 2, number=len(groups) + 2)
    calendar = frame.texts.say("across_backup", **values) if "annex_calendar" in values else ""
    yield Paragraph(_across(proofs, frame).text + calendar)
    if document.own_work:
        yield frame.head("h_own_work", 2, number=len(groups) + 3)
        rows = [(it.title, it.why, it.basis or UNKNOWN) for it in document.own_work]
        yield frame.table("own_work", "2.6l 2.2l 2.4l", rows)


def _across(numbers: Sequence[int], frame: Frame) -> Paragraph:
    if not numbers:
        return frame.text("across_none")
    return frame.text("across", numbers=join_numbers(numbers))


def _money(document: PlanDocument, frame: Frame, marks: Mapping[str, str]) -> Iterator[Block]:
    sums = document.sums
    yield frame.head("h_money")
    yield frame.text("in_words", amount=format_amount(sums.amount), words=words_of(sums.amount))
    yield money_table(document, frame)
    if lowered := lowered_table(document, frame):
        yield lowered
    if sums.unpriced:
        yield Paragraph(frame.texts.say("money_unpriced", count=sums.unpriced), "note")
    yield use_table(document, frame)
    yield source_table(document, frame)
    yield tell_security(document, frame)
    yield frame.text("money_annex", **marks)


def tell_security(document: PlanDocument, frame: Frame) -> Paragraph:
    """Say how much of the money is for security, of what that is a share, and whether enough."""
    share, named = document.security, _name_share(document)
    if not document.security_basis:
        return frame.text("share_unasked", **named)
    if not share.is_known:
        return frame.text("share_unknown", **named)
    if share.is_of_plan:
        return frame.text("share_of_plan", **named)
    verdict = frame.texts.say("reached" if share.is_enough else "not_reached")
    return frame.text("share_told", verdict=verdict, **named)
