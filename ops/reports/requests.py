"""Reports that somebody asks for once, by a day (Điều 15 of the Regulation: đột xuất).

A request is a row of the journal, and another one ends it: the paper that answered it was taken
back, or a person says why there is nothing to answer. So nobody can take one away.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from ops.access.session import at_bench, reading
from ops.alerts import outbox
from ops.alerts.drafts import Draft
from ops.alerts.notice_wording import STATE, NoticeKind, NoticeRow
from ops.catalog.open import Catalog
from ops.catalog.tables.core import JournalRow
from ops.errors import WrongUseError
from ops.estate.load.load import load_estate
from ops.estate.model.estate import Estate
from ops.journal import journal
from ops.journal.journal import Entry, Origin
from ops.language.formats import format_date
from ops.language.text import N_, _, fill
from ops.outcomes import Explanation
from ops.reports import tasks
from ops.reports.figures.figure import read_day
from ops.reports.kinds.table import find_kind
from ops.terminal.output import Cell, write_line
from ops.terminal.view import Column, Row, View, day, write_list
from ops.told_text import clean_text

ASKED, ENDED = "report.requested", "report.request-ended"
NOTICE = "report_request"
NEAR = timedelta(days=3)
"""So long before its day a request is told of."""

MOST_TEXT = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedReport:
    """What somebody asks for.

    Attributes:
        kind: Of paper, as `report.kinds` lists them.
        requester: Who asks.
        reference: Number of the document that asks; may be empty.
        about: What it is to say, in a line; may be empty.
        due: The last day on which it is in time, the organisation's.
        first, last: The time that it is about; None where the request does not say.
    """

    kind: str
    requester: str
    due: date
    reference: str = ""
    about: str = ""
    first: date | None = None
    last: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportRequest:
    """A request as it stands.

    Attributes:
        called: What people call it, `2026-003`.
        asked: What is asked for.
        noted_at: When it was written down.
        noted_by: Person, else login.
        answer: Number of the paper that answered it, or why it ended; empty while it is open.
    """

    called: str
    asked: AskedReport
    noted_at: datetime
    noted_by: str
    answer: str = ""

    def is_overdue(self, today: date) -> bool:
        """Say whether its day has passed and nothing answered it."""
        return not self.answer and today > self.asked.due

    def as_values(self) -> dict[str, Any]:
        """Give JSON values, dates as ISO texts."""
        asked = {
            name: it.isoformat() if isinstance(it, date) else it
            for name, it in asdict(self.asked).items()
        }
        return {"request": self.called, **asked, "answer": self.answer}


def list_requests(session: Session, *, only_open: bool = False) -> list[ReportRequest]:
    """Give the requests, the one due first first."""
    rows = session.execute(
        select(JournalRow)
        .where(JournalRow.action.in_((ASKED, ENDED)))
        .order_by(JournalRow.sequence)
    ).scalars()
    found: dict[str, ReportRequest] = {}
    for row in rows:
        details = json.loads(row.details)
        if row.action == ASKED:
            found[row.subject] = ReportRequest(
                called=row.subject,
                asked=_read(details),
                noted_at=row.at,
                noted_by=row.person or row.login,
            )
        else:
            known = found[row.subject]
            found[row.subject] = ReportRequest(
                called=known.called,
                asked=known.asked,
                noted_at=known.noted_at,
                noted_by=known.noted_by,
                answer=row.document or row.reason,
            )
    wanted = (it for it in found.values() if not (only_open and it.answer))
    return sorted(wanted, key=lambda it: (it.asked.due, it.called))


def _read(details: Mapping[str, Any]) -> AskedReport:
    days = {
        it: date.fromisoformat(details[it]) if details[it] else None
        for it in ("due", "first", "last")
    }
    texts = {it: str(details[it]) for it in ("kind", "requester", "reference", "about")}
    return AskedReport(**texts, **days)  # type: ignore[arg-type] # one that is noted has a day


def find_request(session: Session, called: str, *, is_open: bool = False) -> ReportRequest:
    """Give the request that is called so."""
    found = next((it for it in list_requests(session) if it.called == called.strip()), None)
    if found is None or (is_open and found.answer):
        raise WrongUseError(
            'no request is called "{called}"' if found is None else "{called} has been answered",
            next_step="`{program} report.requests --all` lists them",
            called=called[:40],
        )
    return found


def note_request(
    session: Session, origin: Origin, asked: AskedReport, *, zone: ZoneInfo, now: datetime
) -> ReportRequest:
    """Write a request down; what was asked for twice is noted twice."""
    _check(asked)
    journal.hold(session)
    year = f"{now.astimezone(zone).year}-"
    count = sum(it.called.startswith(year) for it in list_requests(session))
    called = f"{year}{count + 1:03}"
    request = ReportRequest(
        called=called, asked=asked, noted_at=now, noted_by=origin.person or origin.login
    )
    details = request.as_values()
    del details["request"], details["answer"]
    journal.append(session, origin, [Entry(ASKED, called, details)])
    return request


def _check(asked: AskedReport) -> None:
    find_kind(asked.kind)
    texts = (asked.requester, asked.reference, asked.about)
    is_odd = bool(asked.first) != bool(asked.last) or (
        asked.first and asked.last and asked.first > asked.last
    )
    if not asked.requester.strip() or is_odd or any(len(it) > MOST_TEXT for it in texts):
        raise WrongUseError(
            "a request says who asks, by when, and no text is longer than {most} characters",
            why="a time has a first day and a last one, which does not come before it",
            next_step="correct `--requester`, `--reference`, `--about`, `--from` or `--to`",
            most=MOST_TEXT,
        )


def end_request(session: Session, origin: Origin, request: ReportRequest) -> None:
    """End a request, by the number of a document or a reason that the origin holds."""
    if not clean_text(origin.document or origin.reason).strip():
        raise WrongUseError(
            "a request ends with a paper, or with a reason",
            next_step="give `--reason`, or `--document` with the number of the answer",
        )
    journal.append(session, origin, [Entry(ENDED, request.called)])


def remind(catalog: Catalog, now: datetime) -> int:
    """Tell of each open request when its day is near, and once it has passed; a daily chore."""
    return outbox.remind(catalog, now, _draft_all)


def _draft_all(session: Session, estate: Estate, now: datetime) -> list[Draft]:
    today = now.astimezone(estate.zone).date()
    return [
        Draft(
            subject_key=f"{NOTICE}:{it.called}:{'over' if it.is_overdue(today) else 'near'}",
            severity="warning",
            code=NOTICE,
            params={**it.as_values(), "is_overdue": it.is_overdue(today)},
        )
        for it in list_requests(session, only_open=True)
        if today >= it.asked.due - NEAR
    ]


def explain_request(params: Mapping[str, Any]) -> Explanation:
    """Explain a request that is near or overdue, from its values."""
    text = (
        _("the report {request} for {requester} was due by {day}, and none was taken back")
        if params["is_overdue"]
        else _("the report {request} for {requester} is due by {day}")
    )
    named = {**params, "day": format_date(date.fromisoformat(params["due"]))}
    return Explanation(
        text.format(**named),
        why=": ".join(filter(None, (params["reference"], params["about"]))),
        data=_("no data is at risk"),
        next_step=fill(
            N_(
                "`{program} report.make --kind {kind} --request {request} --out FOLDER`, then"
                " `{program} report.issue --request {request}`"
            ),
            named,
        ),
    )


def _word(told: NoticeRow, _zone: str) -> tuple[str, Explanation]:
    found = explain_request(told.params)
    return found.what, Explanation(found.why, data=found.data, next_step=found.next_step)


NOTICE_KINDS = {NOTICE: NoticeKind(_word, about_sites=False, label=STATE)}


REQUESTS = View(
    N_("nobody waits for a report"),
    Column("request", N_("Request")),
    Column("due", N_("Due"), day),
    Column("answer", N_("State")),
    Column("requester", N_("For")),
    Column("reference", N_("Reference")),
    Column("kind", N_("Kind")),
    Column("about", N_("What it is about")),
)


def note_or_end(wish: tasks.NoteRequest) -> int:
    """Note a request, or end one; gives 0."""
    return end_it(wish) if wish.end else note_it(wish)


def note_it(wish: tasks.NoteRequest) -> int:
    """Note a request; gives 0."""
    if not wish.requester or not wish.due:
        raise WrongUseError(
            "a request says who asks and by when",
            next_step="give `--requester` and `--due`, or `--end` to end one",
        )
    asked = AskedReport(
        kind=wish.kind,
        requester=wish.requester,
        reference=wish.reference,
        about=wish.about,
        due=read_day(wish.due, "due"),
        first=read_day(wish.from_, "from") if wish.from_ else None,
        last=read_day(wish.to, "to") if wish.to else None,
    )
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


def end_it(wish: tasks.NoteRequest) -> int:
    """End a request that no paper from here answers; gives 0."""
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
    rows = [{**it.as_values(), "is_overdue": it.is_overdue(today)} for it in found]
    write_list(REQUESTS, rows, as_json=wish.json, beside={"answer": lambda it: _state(it, today)})
    return 1 if any(it.is_overdue(today) for it in found) else 0


def _state(row: Row, today: date) -> Cell:
    if row["answer"]:
        return Cell(_("ended: {answer}").format(answer=row["answer"]), "good")
    if row["is_overdue"]:
        return Cell(_("OVERDUE"), "bad")
    is_near = today >= date.fromisoformat(row["due"]) - NEAR
    return Cell(_("due soon") if is_near else _("open"), "warning" if is_near else "plain")
