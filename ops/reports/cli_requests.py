"""Note and list reports that somebody asks for once, for a person at a terminal."""

from dataclasses import replace
from datetime import UTC, date, datetime

from ops.access.session import at_bench, reading
from ops.errors import WrongUseError
from ops.estate.load.load import load_estate
from ops.language.formats import format_date
from ops.language.text import N_, _, fill
from ops.reports import tasks
from ops.reports.cli import read_day
from ops.reports.requests import (
    NEAR,
    Asked,
    Request,
    end_request,
    find_request,
    list_requests,
    note_request,
)
from ops.terminal.output import Cell, write_json, write_line, write_table


def note_or_end(wish: tasks.Request) -> int:
    """Note a request, or end one; gives 0."""
    return end_it(wish) if wish.end else note_it(wish)


def note_it(wish: tasks.Request) -> int:
    """Note a request; gives 0.

    Raises:
        WrongUseError: Something of it makes no sense.
    """
    if not wish.requester or not wish.due:
        raise WrongUseError(
            "a request says who asks and by when",
            next_step="give `--requester` and `--due`, or `--end` to end one",
        )
    asked = Asked(
        kind=wish.kind, requester=wish.requester, reference=wish.reference, about=wish.about,
        due=read_day(wish.due, "due"),
        first=read_day(wish.from_, "from") if wish.from_ else None,
        last=read_day(wish.to, "to") if wish.to else None,
    )  # fmt: skip
    estate, now = load_estate(), datetime.now(UTC)
    with at_bench(estate, dry_run=wish.dry_run) as bench, bench.catalog.writing() as session:
        noted = note_request(session, bench.origin, asked, zone=estate.zone, now=now)
    text = _("would note it as {request}") if wish.dry_run else _("noted as {request}")
    write_line(text.format(request=noted.called))
    if noted.is_overdue(now.astimezone(estate.zone).date()):
        write_line(_("its day has passed already"))
    if not wish.dry_run:
        named = {"request": noted.called, "kind": asked.kind}
        told = N_("  next: `{program} report.make --kind {kind} --request {request} --out FOLDER`")
        write_line(fill(told, named))
    return 0


def end_it(wish: tasks.Request) -> int:
    """End a request that no paper from here answers; gives 0.

    Raises:
        WrongUseError: There is no such open request, or nothing says why.
    """
    estate = load_estate()
    with at_bench(estate, dry_run=wish.dry_run) as bench, bench.catalog.writing() as session:
        found = find_request(session, wish.end, is_open=True)
        origin = replace(bench.origin, reason=wish.reason, document=wish.document)
        end_request(session, origin, found)
    text = _("would end {request}") if wish.dry_run else _("ended: {request}")
    write_line(text.format(request=found.called))
    return 0


def show_requests(wish: tasks.Requests) -> int:
    """Write the requests; gives 1 where the day of one has passed, else 0."""
    estate = load_estate()
    today = datetime.now(estate.zone).date()
    with reading(estate) as session:
        found = list_requests(session, only_open=not wish.all)
    if wish.json:
        write_json({**it.as_values(), "is_overdue": it.is_overdue(today)} for it in found)
    elif not found:
        write_line(_("nobody waits for a report"))
    else:
        heads = [_("Request"), _("Due"), _("State"), _("For"), _("Reference"), _("Kind"),
                 _("What it is about")]  # fmt: skip
        rows = [
            (it.called, format_date(it.asked.due), _state(it, today), it.asked.requester,
             it.asked.reference or "–", it.asked.kind, it.asked.about or "–")
            for it in found
        ]  # fmt: skip
        write_table(heads, rows)
    return 1 if any(it.is_overdue(today) for it in found) else 0


def _state(request: Request, today: date) -> Cell:
    if request.answer:
        return Cell(_("ended: {answer}").format(answer=request.answer), "good")
    if request.is_overdue(today):
        return Cell(_("OVERDUE"), "bad")
    is_near = today >= request.asked.due - NEAR
    return Cell(_("due soon") if is_near else _("open"), "warning" if is_near else "plain")
