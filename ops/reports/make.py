"""Make papers: facts are read, a kind writes them, files are placed.

Order of what is written:
1. Every file is made in memory: a text or a figure that cannot be used leaves nothing behind.
2. Each is placed beside its final name, made durable and renamed; one of that name is replaced.
3. The journal notes what was made, with the hash of each file.
"""

import hashlib
import io
import re
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path
from typing import Literal

from sqlalchemy.engine import make_url
from sqlalchemy.orm import Session

from ops.assets.sheet import write_book
from ops.catalog.open import Catalog
from ops.errors import WrongUseError
from ops.estate.model.estate import Estate
from ops.journal import journal
from ops.journal.journal import Entry, Origin
from ops.language.formats import format_date
from ops.language.text import speaking
from ops.monitor.series.store import SeriesError, SeriesStore, open_series, series_url
from ops.reports.figures.figure import Timespan
from ops.reports.kinds.kind import Ask, Book, Frame, Package
from ops.reports.kinds.office import find_office
from ops.reports.kinds.table import Kind
from ops.reports.legal_texts import load_citations
from ops.reports.papers.paper import Paper
from ops.reports.requests import ReportRequest
from ops.reports.texts import Texts, load_texts

MADE = "report.made"
_UNSAFE = re.compile(r"[^A-Za-z0-9-]")
PAPER_LANGUAGE: Literal["vi"] = "vi"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What somebody wants of a kind.

    Attributes:
        kind: Of the table.
        window: The time it covers.
        site, of: As in `Ask`.
        number: Of the paper; 0 makes a draft.
        day: Of the paper; that of the figures for a draft.
        request: What it answers, where somebody has asked for it once.
    """

    kind: Kind
    window: Timespan
    site: str = ""
    of: str = ""
    number: int = 0
    day: date
    request: ReportRequest | None = None

    def load_texts(self, estate: Estate) -> Texts:
        """Give the texts of its kind."""
        names = filter(None, (self.kind.like, self.kind.file_name))
        return load_texts(names, estate.reports.texts)


@contextmanager
def reading_series(estate: Estate) -> Iterator[SeriesStore | None]:
    """Open the series where there are any; a report makes none."""
    url = series_url(estate)
    place = make_url(url)
    store = None
    if place.get_backend_name() != "sqlite" or Path(place.database or "").is_file():
        try:
            store = open_series(url)
        except SeriesError:
            store = None
    try:
        yield store
    finally:
        if store is not None:
            store.close()


def make(estate: Estate, catalog: Catalog, wish: Wish, now: datetime) -> dict[str, bytes]:
    """Give the files of a kind by name; raises as `compose`."""
    return write_files(compose(estate, catalog, wish, now), stem_of(wish))


def compose(estate: Estate, catalog: Catalog, wish: Wish, now: datetime) -> Paper | Book | Package:
    """Give what a kind makes, in no format.

    Raises:
        OpsError: A text is broken, or what the paper is about is not known.
    """
    with speaking(PAPER_LANGUAGE), reading_series(estate) as series, catalog.reading() as session:
        ask = Ask(
            estate=estate,
            catalog=catalog,
            session=session,
            series=series,
            window=wish.window,
            site=wish.site,
            of=wish.of,
            now=now,
        )
        facts = wish.kind.find("gather")(ask)
        if wish.kind.needs == "plan" and not wish.number and wish.day == _today(estate, now):
            # A plan that was handed in names the bodies and cites the texts of then.
            wish = replace(wish, day=facts.day)
        made: Paper | Book | Package = wish.kind.find("write")(facts, make_frame(estate, wish, now))
        return made


def _today(estate: Estate, now: datetime) -> date:
    return now.astimezone(estate.zone).date()


def refuse_to_come(day: date, today: date) -> None:
    """Refuse a day that is to come: no paper that goes out is of that day; pure."""
    if day > today:
        raise WrongUseError(
            "{day} has not come yet: no paper is of that day",
            next_step="give `--date` as it stands on the paper; a draft takes any",
            day=format_date(day),
        )


def refuse_too_early(day: date, last: date) -> None:
    """Refuse a paper on a time that was not over on its day; pure."""
    if day < last:
        raise WrongUseError(
            "a paper of {day} reports on a time that ends on {last}",
            why="what has not happened yet is in no report that goes out",
            next_step="make it once the time is over; without `--number` it is a draft",
            day=format_date(day),
            last=format_date(last),
        )


def note_made(session: Session, origin: Origin, wish: Wish, files: Mapping[str, bytes]) -> None:
    """Journal the files that were made, each with its hash."""
    request = wish.request
    details = {
        "first": wish.window.first.isoformat(),
        "last": wish.window.last.isoformat(),
        "site": wish.site,
        "number": wish.number,
        "files": {name: hashlib.sha256(it).hexdigest() for name, it in files.items()},
        "bytes": {name: len(it) for name, it in files.items()},
        **({"request": request.called} if request else {}),
    }
    asked = replace(origin, document=request.asked.reference if request else "")
    journal.append(session, asked, [Entry(MADE, wish.kind.name, details)])


def make_frame(estate: Estate, wish: Wish, now: datetime) -> Frame:
    """Give what a paper is written into."""
    texts = wish.load_texts(estate)
    is_draft = not wish.number and bool(wish.kind.sign)
    unit = estate.site(wish.site).unit if wish.site else ""
    return Frame(
        office=find_office(
            estate, wish.kind, wish.day, number=wish.number, is_draft=is_draft, unit=unit or ""
        ),
        texts=texts,
        taken_at=now,
        zone=estate.organisation.timezone,
        is_draft=is_draft,
        citations=load_citations(estate.reports.texts, wish.day),
        occasion=tell_occasion(texts, wish.request),
    )


def tell_occasion(texts: Texts, request: ReportRequest | None) -> str:
    """Say who asked for a paper that is asked for once; empty where nobody did."""
    if request is None:
        return ""
    asked, reference = request.asked, ""
    if asked.reference:
        reference = texts.say("occasion_reference", reference=asked.reference)
    due = texts.say("occasion_due", due=format_date(asked.due))
    return texts.say("occasion", requester=asked.requester, reference=reference, due=due)


def stem_of(wish: Wish) -> str:
    """Name the files so that papers of other sites and times stand beside them."""
    about = {
        "year": f"{wish.window.year}",
        "plan": f"{wish.window.year}",
        "site": f"{wish.window.year}",
        "time": f"{wish.window.first:%Y%m%d}-{wish.window.last:%Y%m%d}",
    }
    when = wish.of or about.get(wish.kind.needs, f"{wish.day:%Y%m%d}")
    return "-".join(filter(None, (wish.kind.name, wish.site, _UNSAFE.sub("-", when))))


def write_files(made: Paper | Book | Package, stem: str) -> dict[str, bytes]:
    """Give the files of what a kind has made."""
    if isinstance(made, Paper):
        from ops.reports.papers.docx import write_docx
        from ops.reports.papers.pdf import write_pdf

        return {f"{stem}.docx": write_docx(made), f"{stem}.pdf": write_pdf(made)[0]}
    if isinstance(made, Book):
        return {f"{stem}.xlsx": write_book(made.sheets)}
    return {f"{stem}.zip": write_package(made)}


_NO_MOMENT = (1980, 1, 1, 0, 0, 0)


def write_package(package: Package) -> bytes:
    """Give a ZIP of the files, in the order of their names."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in sorted(package.files.items()):
            packed.writestr(zipfile.ZipInfo(name, _NO_MOMENT), content, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()
