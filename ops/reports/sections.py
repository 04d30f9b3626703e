"""What a unit says itself in the report on its site: written as a draft, confirmed by its contact.

Whoever may writes it; a change makes a draft of it again. Each step is one transaction with its
journal row, which holds the digest of the texts: who confirmed what can be shown.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from ops.access.identity import NotAllowedError
from ops.access.session import Bench, at_bench
from ops.canonical import digest_of
from ops.catalog.tables.sites import UnitSection
from ops.errors import WrongUseError
from ops.estate.load.load import load_estate
from ops.estate.model.estate import Estate
from ops.journal import journal
from ops.journal.journal import Entry, Origin
from ops.language.text import N_, _, fill
from ops.reports import tasks
from ops.reports.figures.figure import running_year
from ops.terminal.output import Cell, write_line
from ops.terminal.view import NONE, Column, Row, View, moment, write_list
from ops.told_text import clean_text

CHANGED, CONFIRMED = "report.section", "report.section-confirmed"
PARTS: Mapping[str, str] = {
    "board": N_("editorial board"),
    "content": N_("information that was given"),
    "shortcomings": N_("shortcomings"),
    "proposals": N_("proposals"),
}
"""The parts that are the unit's own, in the order of the report (law.md 2.4)."""

MOST_TEXT = 4000


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A unit's part as it stands; fields as in `ops.catalog.tables.sites.UnitSection`."""

    site: str
    year: int
    texts: Mapping[str, str] = field(default_factory=dict)
    changed_at: datetime | None = None
    changed_by: str = ""
    confirmed_at: datetime | None = None
    confirmed_by: str = ""

    @property
    def lacks(self) -> tuple[str, ...]:
        """The parts that nobody has written."""
        return tuple(it for it in PARTS if not self.texts.get(it))


def read_sections(session: Session, year: int) -> dict[str, Section]:
    """Give the parts of a year by site, those that somebody has begun; one query."""
    rows = session.execute(select(UnitSection).where(UnitSection.year == year)).scalars()
    return {it.site: _section(it) for it in rows}


def read_section(session: Session, site: str, year: int) -> Section:
    """Give that of a site; an empty one where nobody has begun."""
    row = session.get(UnitSection, (site, year))
    return _section(row) if row is not None else Section(site=site, year=year)


def _section(row: UnitSection) -> Section:
    return Section(**{name: getattr(row, name) for name in Section.__dataclass_fields__})


def change_section(
    session: Session, origin: Origin, section: Section, texts: Mapping[str, str], *, now: datetime
) -> Section:
    """Write parts; the others stay. What was confirmed is a draft again.

    Args:
        session: A writing session.
        origin: Who writes.
        section: As it stands.
        texts: Name of a part → what is to stand there; lines are kept.
        now: Aware.
    """
    new = {name: clean_text(text).strip() for name, text in texts.items()}
    if any(name not in PARTS or len(text) > MOST_TEXT for name, text in new.items()):
        raise WrongUseError(
            "a part has at most {most} characters",
            next_step="say it shorter, and name the document that holds the rest",
            most=MOST_TEXT,
        )
    told = {name: it for name in PARTS if (it := {**section.texts, **new}.get(name))}
    if told == section.texts:
        raise WrongUseError(
            "nothing would change",
            data="what was written stands",
            next_step="`{program} report.section --site {site} --year {year}` shows it",
            site=section.site,
            year=section.year,
        )
    row = session.get(UnitSection, (section.site, section.year))
    if row is None:
        row = UnitSection(site=section.site, year=section.year)
        session.add(row)
    row.texts, row.changed_at, row.changed_by = told, now, origin.person or origin.login
    row.confirmed_at, row.confirmed_by = None, ""
    details = {
        "year": section.year,
        "parts": sorted(new),
        "sha256": digest_of(told),
        "was_confirmed": section.confirmed_at is not None,
    }
    journal.append(session, origin, [Entry(CHANGED, section.site, details)])
    session.flush()
    return _section(row)


def confirm_section(
    session: Session, origin: Origin, estate: Estate, section: Section, *, now: datetime
) -> Section:
    """Confirm the parts as they stand."""
    unit = estate.site(section.site).unit
    person = next((it for it in estate.people if it.name == origin.person), None)
    if not unit or person is None or person.unit != unit:
        raise NotAllowedError(
            'only somebody of the unit of "{site}" confirms what it says',
            data="nothing was changed",
            next_step="have its contact confirm it; `unit` of a person stands in the estate",
            site=section.site,
        )
    if section.lacks or section.confirmed_at is not None:
        raise WrongUseError(
            "a part is empty: {lacks}" if section.lacks else "it is confirmed already",
            next_step="write what is missing, be it that there is nothing to say",
            lacks=", ".join(_(PARTS[it]) for it in section.lacks),
        )
    row = session.get_one(UnitSection, (section.site, section.year))
    row.confirmed_at, row.confirmed_by = now, person.name
    details = {"year": section.year, "sha256": digest_of(dict(section.texts))}
    journal.append(session, origin, [Entry(CONFIRMED, section.site, details)])
    session.flush()
    return _section(row)


def work_on_section(wish: tasks.Section) -> int:
    """Show, write or confirm a unit's part; gives 0."""
    estate, now = load_estate(), datetime.now(UTC)
    year = wish.year or running_year(now.astimezone(estate.zone).date(), estate.zone)
    if wish.site:
        estate.site(wish.site)
    elif wish.texts or wish.confirm:
        raise WrongUseError("a part belongs to a site", next_step="give `--site`")
    with at_bench(estate, dry_run=wish.dry_run) as bench:
        if wish.texts or wish.confirm:
            with bench.catalog.writing() as session:
                found = [_change(session, bench, wish, year, now)]
        else:
            with bench.catalog.reading() as session:
                found = _read(session, estate, wish.site, year)
    rows = [{**asdict(it), "lacks": it.lacks} for it in found]
    write_list(SECTIONS, rows, as_json=wish.json, zone=estate.organisation.timezone)
    if wish.site and not wish.json:
        _show(found[0], dry_run=wish.dry_run and bool(wish.texts or wish.confirm))
    return 0


def _change(
    session: Session, bench: Bench, wish: tasks.Section, year: int, now: datetime
) -> Section:
    section = read_section(session, wish.site, year)
    if wish.texts:
        section = change_section(session, bench.origin, section, wish.texts, now=now)
    if wish.confirm:
        section = confirm_section(session, bench.origin, bench.estate, section, now=now)
    return section


def _read(session: Session, estate: Estate, site: str, year: int) -> list[Section]:
    if site:
        return [read_section(session, site, year)]
    known = read_sections(session, year)
    return [known.get(it.name, Section(site=it.name, year=year)) for it in estate.named_sites]


def _state(row: Row) -> Cell:
    if row["confirmed_at"]:
        return Cell(_("confirmed"), "good")
    return Cell(_("draft"), "warning") if row["texts"] else Cell(_("nothing yet"), "faint")


SECTIONS = View(
    NONE,
    Column("site", N_("Site"), link="/unit?site={site}&year={year}"),
    Column("year", N_("Year")),
    Column("state", N_("State"), of=_state),
    Column("confirmed_by", N_("Confirmed by")),
    Column("confirmed_at", N_("Confirmed"), moment),
    Column(
        "lacks",
        N_("Still empty"),
        of=lambda row: ", ".join(_(PARTS[name]) for name in row["lacks"]),
    ),
)


def _show(section: Section, *, dry_run: bool) -> None:
    for name, title in PARTS.items():
        write_line(f"  {_(title)}: {section.texts.get(name) or '–'}")
    if dry_run:
        write_line(_("nothing was changed"))
    elif section.confirmed_at is None and not section.lacks:
        told = N_("  next: `{program} report.section --site {site} --year {year} --confirm`")
        write_line(fill(told, {"site": section.site, "year": section.year}))
