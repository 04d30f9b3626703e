"""What kinds of papers share: what they are asked for, and the frame they write into.

A kind is two functions: `gather_NAME(ask)` reads facts, and `write_NAME(facts, frame)`, pure, makes
a paper, a book of sheets or a package of them.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from ops.catalog.open import Catalog
from ops.estate.model.estate import Estate
from ops.language.formats import format_date, format_duration, format_number, format_spoken
from ops.monitor.series.store import SeriesStore
from ops.reports.figures.figure import Figure, Timespan
from ops.reports.kinds.office import UNFILLED, Office
from ops.reports.legal_texts import Citations
from ops.reports.papers.paper import (
    Align,
    Block,
    Heading,
    Paper,
    PaperColumn,
    Paragraph,
    Table,
)
from ops.reports.texts import Texts


def or_blank(text: str) -> str:
    """Give a text, or dots to be filled in by hand where nobody knows it."""
    return text.strip() or UNFILLED


UNKNOWN = "–"
"""What stands in a table where nobody knows; the note below it says so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """What a paper is asked for.

    Attributes:
        estate: In force.
        catalog, session: Of the catalog, for reading.
        series: What the watch has measured; None where nothing is.
        window: The time it covers.
        site: Name of a site; empty for all.
        of: What else it is about: a drill, a planned stop; empty for the newest.
        now: Aware.
    """

    estate: Estate
    catalog: Catalog
    session: Session
    series: SeriesStore | None
    window: Timespan
    site: str
    of: str
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Book:
    """Sheets for XLSX: title of each → its lines, the heads first."""

    sheets: Mapping[str, Sequence[Sequence[object]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """Files for a ZIP, by name."""

    files: Mapping[str, bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """What a paper is written into.

    Attributes:
        office: Who issues it, to whom, who signs.
        texts: The kind's.
        taken_at: When the figures were taken.
        zone: Name of the organisation's time zone.
        is_draft: Whether DỰ THẢO stands on it.
        citations: The legal texts of the paper's day.
        occasion: Who asked for it and how, for papers that are asked for once; may be empty.
    """

    office: Office
    texts: Texts
    taken_at: datetime
    zone: str
    is_draft: bool
    citations: Citations
    occasion: str = ""

    @property
    def known(self) -> dict[str, Any]:
        """Give what any text may be filled with: the bodies and the legal texts of the day."""
        return {**self.office.names, **self.citations.values}

    def paper(self, blocks: Iterable[Block], **values: object) -> Paper:
        """Put blocks into the paper that the texts and the office make."""
        texts, office = self.texts, self.office
        told, values = tuple(blocks), {**self.known, **values}
        if self.occasion:
            told = (Paragraph(self.occasion), *told)
        return Paper(
            kind=texts.say("kind", table="paper", **values),
            about=texts.say("about", table="paper", **values),
            letterhead=office.letterhead,
            addressees=office.addressees or texts.list("addressees", table="paper", **values),
            bases=self.citations.cite_bases(texts.list("bases", table="paper", **values)),
            blocks=told,
            signatures=(office.signature,),
            recipients=office.recipients or texts.list("recipients", table="paper", **values),
            draft=self.is_draft,
        )

    def head(self, name: str, level: int = 1, **values: object) -> Heading:
        """Give a heading."""
        return Heading(self.texts.say(name, table="text", **values), level)  # type: ignore[arg-type] # 1 to 3

    def text(self, name: str, *, table: str = "text", **values: object) -> Paragraph:
        """Give a paragraph."""
        return Paragraph(self.texts.say(name, table=table, **{**self.known, **values}))

    def item(self, name: str, **values: object) -> Paragraph:
        """Give a paragraph with a dash."""
        return Paragraph(self.texts.say(name, table="text", **values), "item")

    def verdict(self, name: str) -> Paragraph:
        """Give a line in the middle, in bold."""
        return Paragraph(self.texts.say(name), "verdict")

    def source(self, *figures: Figure[object]) -> Paragraph:
        """Say where figures come from, each source once, and when they were taken."""
        names = dict.fromkeys(it.source for it in figures)
        told = "; ".join(self.texts.say(it, table="sources") for it in names)
        text = self.texts.say("source", sources=told, taken=self.moment(self.taken_at))
        return Paragraph(text, "note")

    def listed(self, shown: int, count: int) -> list[Block]:
        """Say that a table names only some of what was counted; nothing where it names all."""
        if shown >= count:
            return []
        return [Paragraph(self.texts.say("listed", shown=shown, count=count), "note")]

    def lacking(self, figure: Figure[object]) -> Paragraph:
        """Say that there is nothing known of a source."""
        return Paragraph(self.texts.say(figure.source, table="lacking"))

    def table(
        self,
        name: str,
        shape: str,
        rows: Iterable[Sequence[str]],
        *,
        totals: Iterable[Sequence[str]] = (),
        caption: str = "",
        **values: object,
    ) -> Table:
        """Give a table.

        Args:
            name: Of its heads and its caption in the texts.
            shape: A word a column: `0.6c` is its share of the width, and l, c or r.
            rows: As in `Table`.
            totals: As in `Table`.
            caption: Name of the caption where it is not the table's.
            values: For the caption.
        """
        heads = self.texts.heads(name)
        columns = [
            PaperColumn(head, float(word[:-1]), _ALIGN[word[-1]])
            for head, word in zip(heads, shape.split(), strict=True)
        ]
        key, known = caption or name, self.texts.tables["captions"]
        told = self.texts.say(key, table="captions", **values) if key in known else ""
        return Table(tuple(columns), tuple(map(tuple, rows)), tuple(map(tuple, totals)), told)

    def moment(self, moment: datetime | None) -> str:
        """Write a moment: `22 giờ 00 phút ngày 24/11/2026`."""
        return UNKNOWN if moment is None else format_spoken(moment, self.zone)

    def short(self, moment: datetime | None) -> str:
        """Write a moment in a table; the note below it says the zone."""
        if moment is None:
            return UNKNOWN
        return f"{moment.astimezone(ZoneInfo(self.zone)):%d/%m/%Y %H:%M}"

    def day(self, moment: datetime | None) -> str:
        """Write the day of a moment."""
        return UNKNOWN if moment is None else f"{moment.astimezone(ZoneInfo(self.zone)):%d/%m/%Y}"


_ALIGN: Mapping[str, Align] = {"l": "left", "c": "center", "r": "right"}


def count(number: int | None) -> str:
    """Write a number."""
    return UNKNOWN if number is None else format_number(number)


def share(percent: float | None) -> str:
    """Write a percentage with one digit at most, cut: 99,96 is 99,9 and not 100."""
    if percent is None:
        return UNKNOWN
    whole, cut = divmod(int(percent * 10), 10)
    return f"{format_number((10 * whole + cut) / 10, 1 if cut else 0)}%"


def span(duration: timedelta | None) -> str:
    """Write how long something took."""
    return UNKNOWN if duration is None else format_duration(duration)


def day(when: date) -> str:
    """Write a day."""
    return format_date(when)
