"""What lies in the evidence beside its tables: papers that are kept, minutes of drills, verdicts.

Names of files are titles that an inspector reads. A paper whose bytes are gone or changed, and one
above what a package holds, is listed without a file.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from sqlalchemy import select

from ops.canonical import canonical_json
from ops.catalog.tables.plans import Plan
from ops.catalog.tables.register import Document
from ops.documents.records import is_whole, place_of
from ops.drills.records import KeptDrill, find_drill
from ops.duties.evidence.due import Period
from ops.duties.evidence.judge import find_verdicts_in
from ops.duties.evidence.verdicts import Verdict
from ops.duties.reminders import make_setting
from ops.duties.table.load import load_duties
from ops.duties.table.models import Duty
from ops.duties.wording import REASONS, tell_subject, tell_title
from ops.language.formats import format_id
from ops.language.text import _
from ops.reports.figures.gather import YearFacts
from ops.reports.kinds.drill import gather_drill, write_drill
from ops.reports.kinds.kind import Ask, Frame, day
from ops.reports.kinds.table import find_kind
from ops.reports.make import Wish, make_frame
from ops.reports.papers.pdf import write_pdf
from ops.terminal.output import verdict_cell

MOST_BYTES = 200 << 20
"""Of documents in a package: it is put together in memory."""

MOST_PAPERS = 200
"""Minutes that are set as PDF, the newest; of all of them the JSON is there."""

_ABOUT = ("plan:", "report:")
_MOST_LETTERS = 120
_UNSAFE = re.compile(r'[\\/:*?"<>|\x00-\x1f\x7f]+')


@dataclass(frozen=True, slots=True, kw_only=True)
class Enclosed:
    """What is put beside the tables.

    Attributes:
        documents: Rows of those that were decided, issued or kept about the plan in the time, each
            with its bytes; None where they are not whole, or too many.
        minutes: Drills of the time that have minutes.
        papers: The minutes as PDF, by the drill's id.
        verdicts: Of every duty's periods that ended in the time.
        systems: Titles of information systems by name.
    """

    documents: Sequence[tuple[Document, bytes | None]]
    minutes: Sequence[KeptDrill]
    papers: Mapping[str, bytes]
    verdicts: Sequence[tuple[Duty, Verdict]]
    systems: Mapping[str, str]


def gather_enclosed(ask: Ask, facts: YearFacts) -> Enclosed:
    """Read what belongs to the time of the figures."""
    kept = (find_drill(ask.session, it.id) for it in facts.drills.value or ())
    drills = [it for it in kept if it.minutes]
    return Enclosed(
        documents=[*_read_documents(ask)],
        minutes=drills,
        papers={it.id: _set_minutes(ask, it.id) for it in drills[-MOST_PAPERS:]},
        verdicts=[*_read_verdicts(ask)] if facts.duties.value else (),
        systems={it.name: it.title or it.name for it in ask.estate.systems},
    )


def _read_verdicts(ask: Ask) -> Iterator[tuple[Duty, Verdict]]:
    setting = make_setting(ask.estate, ask.now)
    time = Period(ask.window.first, ask.window.last)
    for duty in load_duties(ask.estate).duties:
        for it in find_verdicts_in(ask.session, duty, setting, time):
            yield duty, it


def _read_documents(ask: Ask) -> Iterator[tuple[Document, bytes | None]]:
    """Yield papers about plans and reports of the time, and scans of decisions in it."""
    window, state = ask.window, ask.estate.service.state
    scans = select(Plan.scan).where(
        Plan.decided_on >= window.first, Plan.decided_on <= window.last, Plan.scan != ""
    )
    scanned = set(ask.session.execute(scans).scalars())
    left = MOST_BYTES
    for row in ask.session.execute(select(Document).order_by(Document.added_at)).scalars():
        dated = row.dated or row.added_at.astimezone(window.zone).date()
        is_of_time = window.first <= dated <= window.last and row.about.startswith(_ABOUT)
        if not is_of_time and row.id.hex not in scanned:
            continue
        path = place_of(state, row.sha256)
        fits = row.size_bytes <= left and is_whole(path)
        left -= row.size_bytes if fits else 0
        yield row, path.read_bytes() if fits else None


def _set_minutes(ask: Ask, drill: str) -> bytes:
    wish = Wish(kind=find_kind("drill"), window=ask.window, of=drill, day=ask.window.last)
    facts = gather_drill(replace(ask, of=drill))
    return write_pdf(write_drill(facts, make_frame(ask.estate, wish, ask.now)))[0]


def write_documents(found: Enclosed, frame: Frame) -> tuple[dict[str, bytes], list[Sequence[str]]]:
    """Give the documents by the names of their files, and a row of a table for each."""
    texts, files, rows = frame.texts, dict[str, bytes](), list[Sequence[str]]()
    for row, content in found.documents:
        number = f" số {row.number}" if row.number else ""
        name = ""
        if content is not None:
            title = f"{row.title}{number} ({format_id(row.id)}).{row.type}"
            name = _name_file(texts.say("folder_documents"), title)
            files[name] = content
        dated = day(row.dated) if row.dated else ""
        rows.append((row.title, row.number, dated, row.sha256, name or texts.say("no_file")))
    return files, rows


def write_minutes(
    found: Enclosed, titles: Mapping[str, str], frame: Frame
) -> tuple[dict[str, bytes], dict[str, tuple[str, str]]]:
    """Give the minutes by the names of their files; of each drill the hash kept and the file.

    The JSON is in the form that was hashed: its own SHA-256 is that of the minutes.
    """
    files, by_drill = dict[str, bytes](), dict[str, tuple[str, str]]()
    for drill in found.minutes:
        when = frame.day(drill.started_at).replace("/", "-")
        site = titles.get(drill.site, drill.site)
        title = frame.texts.say("minutes", site=site, day=when, id=format_id(drill.id))
        name = _name_file(frame.texts.say("folder_minutes"), f"{title}.json")
        files[name] = canonical_json(drill.minutes).encode()
        if drill.id in found.papers:
            files[f"{name.removesuffix('json')}pdf"] = found.papers[drill.id]
        by_drill[UUID(drill.id).hex] = (drill.minutes_sha256, name)
    return files, by_drill


def verdict_rows(found: Enclosed, titles: Mapping[str, str]) -> list[Sequence[str]]:
    """Give a row for each period of each duty and subject: how it stands, and why."""
    called = {**found.systems, **titles}
    return [
        (
            tell_title(duty),
            "; ".join(map(str, duty.basis)),
            called.get(it.subject) or tell_subject(it.subject),
            day(it.period.start),
            day(it.period.end),
            verdict_cell(it.outcome).text,
            _(REASONS[it.reason]),
            str(len(it.pieces)),
        )
        for duty, it in found.verdicts
    ]


def _name_file(folder: str, title: str) -> str:
    """Give a name that every system takes: NFC, without separators, bounded before its ending."""
    stem, _dot, ending = unicodedata.normalize("NFC", title).rpartition(".")
    return f"{folder}/{_UNSAFE.sub('-', stem)[:_MOST_LETTERS].strip(' .')}.{ending}"
