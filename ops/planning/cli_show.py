"""Show a plan for a person at a terminal, and write its papers and its calendar."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ops.access.session import reading
from ops.catalog.tables.plans import PlanNote
from ops.durable_files import FILE_MODE, place_file
from ops.estate.load.load import load_estate
from ops.estate.model.estate import Estate
from ops.language.formats import format_date, format_moment
from ops.language.text import N_, _, fill
from ops.parts import Seam
from ops.planning.calendar_file import write_calendar
from ops.planning.document import PlanDocument
from ops.planning.item import (
    CHOICES,
    EVIDENCE,
    GROUPS,
    NOTE_KINDS,
    PRIORITIES,
    PlanLine,
    line_values,
)
from ops.planning.money import by_group, format_amount, plan_shortage, sum_up
from ops.planning.read import read_document
from ops.planning.records import STATES, KeptPlan, get_plan, read_notes
from ops.planning.tasks import Progress, ShowPlan
from ops.planning.work import get_in_force
from ops.terminal.output import Cell, write_json, write_line, write_wrapped
from ops.terminal.view import NONE, Column, Row, View, day, money, number, words, write_list

PAPERS: Seam[Callable[[PlanDocument, Estate], Mapping[str, bytes]]] = Seam("plan-papers")
"""Who writes a plan's papers: name of each file → its content."""

_SHARES = (80, 60)
_QUARTERS = ("I", "II", "III", "IV")


def _asked(row: Row) -> Any:
    return row["asked"] if row["unit_price"] is not None else Cell(_("no price"), "warning")


_VERBS: Mapping[str, str] = {
    "added": N_("added"),
    "changed": N_("changed"),
    "withdrawn": N_("no longer asked for"),
    "rejected": N_("rejected before"),
}
_DECISIONS: Mapping[str, str] = {
    "granted": N_("granted"),
    "cut": N_("cut"),
    "deferred": N_("put off"),
}
_NAMED = (
    Column("number", N_("No.")),
    Column("title", N_("Item"), link="/plan?year={year}&item={number}"),
)
_ASKED = (
    *_NAMED,
    Column("quarter", N_("Quarter"), lambda quarter, _zone: _QUARTERS[quarter - 1]),
    Column("asked", N_("Asked"), money, of=_asked),
)
ITEMS = View(
    N_("The plan has no item."),
    *_ASKED,
    Column("priority", N_("How needed"), words(PRIORITIES)),
    Column("evidence", N_("Evidence"), number, of=lambda row: len(row["evidence"]) or None),
)
REJECTED = View(NONE, *_NAMED, Column("rejected_for", N_("Rejected for")))
GRANTED = View(
    NONE,
    *_NAMED,
    Column("granted", N_("Granted"), money),
    Column("contracted", N_("Under contract"), money),
    Column("accepted", N_("Accepted"), money),
    Column("paid", N_("Paid"), money),
    Column("accepted_on", N_("Accepted on"), day),
)
DECIDED = View(
    NONE,
    *_NAMED,
    Column("asked", N_("Asked"), money),
    Column("granted", N_("Granted"), money),
    Column("decision", N_("Decided"), words(_DECISIONS)),
)
DRAFTED = View(
    N_("The draft is as it was: the facts ask for nothing else."),
    Column("change", N_("Change"), words(_VERBS)),
    Column("group", N_("Group"), words(GROUPS)),
    *_ASKED,
    Column("reason", N_("Why"), of=lambda row: row["rejected_for"] or row["reason"]),
)


def write_files(document: PlanDocument, estate: Estate, out: str, *, dry_run: bool) -> list[str]:
    """Write the papers into a folder; gives their paths."""
    [write] = PAPERS.parts()
    written = []
    for name, content in write(document, estate).items():
        path = Path(out) / name
        if not dry_run:
            place_file(path, content, mode=FILE_MODE, replace=True)
        written.append(str(path))
    return written


def show(wish: ShowPlan) -> int:
    """Show a plan, or one item of it; write its papers or its calendar where asked for.

    Raises:
        WrongUseError: There is no such plan or item, or it is not decided and has no calendar.
    """
    estate, now = load_estate(), datetime.now(UTC)
    with reading(estate) as session:
        plan = get_plan(session, wish.year)
        notes = read_notes(session, plan)
        document = read_document(session, estate, plan, now, with_annexes=bool(wish.out))
        dated = None
        if wish.calendar:
            in_force = get_in_force(session, wish.year)
            dated = write_calendar(in_force, read_notes(session, in_force))
    files = write_files(document, estate, wish.out, dry_run=False) if wish.out else []
    if dated is not None:
        place_file(Path(wish.calendar), dated, mode=FILE_MODE, replace=True)
        files.append(wish.calendar)
    if wish.json:
        lines = [plan.line(wish.item)] if wish.item else plan.lines
        asked = {it.number: it.asked for it in document.lines}
        items = [{**line_values(it), "asked": asked[it.number]} for it in lines]
        write_json(items, **_whole(plan, document), files=files)
    elif wish.item:
        _write_item(plan.line(wish.item), [it for it in notes if it.item == wish.item], estate)
    else:
        _write_plan(plan, document)
    if not wish.json:
        for name in files:
            write_line(f"  {name}")
    return 0


def _whole(plan: KeptPlan, document: PlanDocument) -> Mapping[str, Any]:
    row, sums = plan.row, sum_up(plan.lines)
    asked = sum(it.asked for it in document.lines if it.is_in)
    share = document.security
    return {
        "plan": plan.called, "state": row.state, "authors": row.authors,
        "digest": row.frozen_sha256, "decision": row.decision, "decided_on": row.decided_on,
        "signer": row.signer, "scan": row.scan, "approved_by": row.approved_by,
        "revision": row.revision, "reason": row.reason, "returned_for": row.returned_for,
        "submission": row.submission, "report": row.report,
        "last_year": _brief_sums(document.last_year),
        "asked": asked, "granted": sums.granted, "contracted": sums.contracted,
        "accepted": sums.accepted, "paid": sums.paid, "unpriced": sums.unpriced,
        "undecided": [it.number for it in document.undecided],
        "security": {"amount": share.amount, "of": share.of, "is_of_plan": share.is_of_plan,
                     "is_enough": share.is_enough if share.is_known else None,
                     "lacking": share.lacking, "percent": document.security_percent},
        "shortages": {str(it): [line.number for line in plan_shortage(document.chosen, it).fallen]
                      for it in (() if document.decision else _SHARES)},
        "gaps": document.gaps,
    }  # fmt: skip


def _brief_sums(lines: Sequence[PlanLine]) -> Mapping[str, int]:
    sums = sum_up(lines)
    return {name: getattr(sums, name) for name in ("count", "asked", "granted", "paid")}


def asked_values(line: PlanLine) -> dict[str, Any]:
    """Give a line of a plan's papers as values, with what they ask for."""
    return {**line_values(line), "asked": line.asked}


def _write_plan(plan: KeptPlan, document: PlanDocument) -> None:
    view = DECIDED if document.decision else ITEMS
    for group, own in by_group(document.lines).items():
        write_list(view, map(asked_values, own), as_json=False, title=GROUPS[group])
    if rejected := [line_values(it) for it in plan.lines if it.rejected_for]:
        write_list(REJECTED, rejected, as_json=False)
    write_summary(document, plan.row.state)
    row = plan.row
    if row.returned_for:
        write_line(_("returned: {why}").format(why=row.returned_for))
    if row.decision and row.decided_on:
        text = _("decided by {decision} of {day}, signed by {signer}; agreed by {person}")
        write_line(
            text.format(
                decision=row.decision,
                day=format_date(row.decided_on),
                signer=row.signer,
                person=row.approved_by,
            )
        )


def write_summary(document: PlanDocument, state: str) -> None:
    """Write how much a plan asks for, what is missing, and what falls where less is granted."""
    sums = document.sums
    if document.decision:
        _write_granted(document, state)
        return
    text = _("plan {year}, {state}: {count} items, {asked} đồng, VAT {tax} within")
    write_line(
        text.format(
            year=document.year,
            state=_(STATES[state]),
            count=sums.count,
            asked=format_amount(sums.amount),
            tax=format_amount(sums.tax),
        )
    )
    if sums.unpriced:
        text = N_(
            "  {count} items have no price: `{program} plan.edit --item N --set unit_price=…`,"
            " or a line in the table of prices"
        )
        write_line(fill(text, {"count": sums.unpriced}))
    _write_security(document)
    _write_undecided(document)
    if sums.amount:
        for percent_granted in _SHARES:
            fallen = plan_shortage(document.chosen, percent_granted).fallen
            names = ", ".join(map(str, sorted(it.number for it in fallen))) or "–"
            write_line(
                _("  at {percent} % these items fall: {items}").format(
                    percent=percent_granted, items=names
                )
            )
    for gap in document.gaps:
        write_line("  " + _("not checked: {gap}").format(gap=gap))


def _write_granted(document: PlanDocument, state: str) -> None:
    """Write how much was granted of what was asked for, and what was cut or put off."""
    text = _("plan {year}, {state}: {count} items, {granted} đồng granted of {asked} asked for")
    write_line(
        text.format(
            year=document.year,
            state=_(STATES[state]),
            count=document.sums.count,
            granted=format_amount(document.sums.amount),
            asked=format_amount(sum(it.asked for it in document.lines if it.is_in)),
        )
    )
    for decision in ("cut", "deferred"):
        numbers = ", ".join(str(it.number) for it in document.lowered if it.decision == decision)
        if numbers:
            write_line("  " + _(_DECISIONS[decision]) + ": " + numbers)
    _write_security(document)


def _write_undecided(document: PlanDocument) -> None:
    """Ask for what no rule settles and nobody has said."""
    if document.undecided:
        text = N_(
            "  recurrent spending or investment has to be decided for the items {items}:"
            " `{program} plan.edit --item N --set is_recurrent=…`"
        )
        write_line(fill(text, {"items": ", ".join(str(it.number) for it in document.undecided)}))
    for name, title in (("use", N_("Use")), ("clause", N_("Clause")), ("form", N_("Form"))):
        unsaid = [str(it.number) for it in document.chosen if name in it.item.unsaid]
        if unsaid:
            text = N_("  nobody has said “{name}” of the items {items}: `{program} {command}`")
            command = f"plan.edit --item N --set {name}=…"
            write_line(
                fill(text, {"name": _(title), "items": ", ".join(unsaid), "command": command})
            )


def _write_security(document: PlanDocument) -> None:
    """Write the share for security, of what it is one, and what is missing or has to be said."""
    share = document.security
    told = _("  security: {percent} % of {amount} đồng, at least {wanted} % are asked for")
    percent = f"{share.tenths // 10},{share.tenths % 10}" if share.is_known else "–"
    of = format_amount(share.of)
    write_line(told.format(percent=percent, amount=of, wanted=document.security_percent))
    if share.is_of_plan and document.security_basis:
        text = _(
            "  that is of the plan's own sum: write the year's spending on digital transformation"
            " under `[planning] security_base` ({basis})"
        )
        write_line(text.format(basis=document.security_basis))
    if not share.is_enough:
        text = _("  WARNING: {amount} đồng are missing for security ({basis})")
        lacking = format_amount(share.lacking)
        write_line(text.format(amount=lacking, basis=document.security_basis))


def _write_item(line: PlanLine, notes: Sequence[PlanNote], estate: Estate) -> None:
    item = line.item
    write_line(f"{line.number}. {item.title}")
    values = line_values(line)
    for name in (
        "group",
        "reason",
        "quarter",
        "unit",
        "quantity",
        "unit_price",
        "vat_percent",
        "asked",
        "price_basis",
        "source",
        "use",
        "is_recurrent",
        "clause",
        "form",
        "priority",
        "risk",
        "measure",
        "measure_unit",
        "base",
        "goal",
        "measured_by",
        "lead",
        "support",
        "product",
        "asset",
        "site",
        "decision",
        "granted",
        "contracted",
        "accepted",
        "paid",
        "rejected_for",
    ):
        value = values[name]
        if value not in {"", None}:
            shown = format_amount(value) if type(value) is int else str(value)
            if name in CHOICES:
                shown = f"{value} ({CHOICES[name][value]})"
            write_wrapped(f"  {name}: {shown}")
    for it in item.evidence:
        write_line(f"  ← {_(EVIDENCE.get(it.kind, it.kind))} {it.id} {it.says}".rstrip())
    zone = estate.organisation.timezone
    for note in notes:
        write_line(f"  · {_tell_note(note, zone)}")


def _tell_note(note: PlanNote, zone: str) -> str:
    """Give a note in one line: when, who, of which kind, and what."""
    spans = [format_moment(it, zone) for it in (note.begins, note.until) if it]
    texts = (note.body, note.text, note.result, note.document)
    head = f"{format_moment(note.at, zone)} {note.person}: {_(NOTE_KINDS[note.kind])}"
    return " ".join(filter(None, (head, " – ".join(spans), *texts)))


def show_progress(wish: Progress) -> int:
    """Show what was granted, and how far each item has come."""
    estate = load_estate()
    with reading(estate) as session:
        plan = get_in_force(session, wish.year)
        notes = read_notes(session, plan)
    lines = [it for it in plan.lines if it.is_in]
    values = [
        {
            **line_values(it),
            "notes": [note_values(note) for note in notes if note.item == it.number],
        }
        for it in lines
    ]
    write_list(GRANTED, values, as_json=wish.json, plan=plan.called, state=plan.row.state)
    if wish.json:
        return 0
    sums = sum_up(lines)
    text = _(
        "plan {plan}, {state}: granted {granted}, under contract {contracted}, accepted"
        " {accepted}, paid {paid} đồng"
    )
    write_line(
        text.format(
            plan=plan.called,
            state=_(STATES[plan.row.state]),
            granted=format_amount(sums.granted),
            contracted=format_amount(sums.contracted),
            accepted=format_amount(sums.accepted),
            paid=format_amount(sums.paid),
        )
    )
    return 0


def note_values(note: PlanNote) -> dict[str, Any]:
    """Give a note as values."""
    names = (
        "kind",
        "at",
        "person",
        "begins",
        "until",
        "text",
        "result",
        "document",
        "code",
        "body",
    )
    return {name: getattr(note, name) for name in names}
