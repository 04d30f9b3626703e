"""Show, write and confirm what units say in the reports on their sites, at a terminal."""

from dataclasses import asdict
from datetime import UTC, datetime

from sqlalchemy.orm import Session

from ops.access.session import Bench, at_bench
from ops.errors import WrongUseError
from ops.estate.load.load import load_estate
from ops.estate.model.estate import Estate
from ops.language.formats import format_moment
from ops.language.text import N_, _, fill
from ops.reports import tasks
from ops.reports.sections import (
    PARTS,
    Section,
    change_section,
    confirm_section,
    read_section,
    read_sections,
)
from ops.reports.window import running_year
from ops.terminal.output import Cell, write_json, write_line, write_table


def work_on_section(wish: tasks.Section) -> int:
    """Show, write or confirm a unit's part; gives 0.

    Raises:
        WrongUseError: Site, year or text makes no sense.
        NotAllowedError: Who confirms is nobody of the unit.
    """
    estate, now = load_estate(), datetime.now(UTC)
    year = wish.year or running_year(now.astimezone(estate.zone).date(), estate.zone)
    if wish.site:
        estate.site(wish.site)
    elif wish.texts or wish.confirm:
        raise WrongUseError(
            "a part belongs to a site",
            next_step="give `--site`",
        )
    with at_bench(estate, dry_run=wish.dry_run) as bench:
        if wish.texts or wish.confirm:
            with bench.catalog.writing() as session:
                found = [_change(session, bench, wish, year, now)]
        else:
            with bench.catalog.reading() as session:
                found = _read(session, estate, wish.site, year)
    if wish.json:
        write_json({**asdict(it), "lacks": it.lacks} for it in found)
    elif wish.site:
        _show(found[0], estate, dry_run=wish.dry_run and bool(wish.texts or wish.confirm))
    else:
        _show_all(found, estate)
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


def _state(section: Section, zone: str) -> Cell:
    if section.confirmed_at is not None:
        text = _("confirmed by {person}, {moment}")
        at = format_moment(section.confirmed_at, zone)
        return Cell(text.format(person=section.confirmed_by, moment=at), "good")
    return Cell(_("draft"), "warning") if section.texts else Cell(_("nothing yet"), "plain")


def _show(section: Section, estate: Estate, *, dry_run: bool) -> None:
    zone = estate.organisation.timezone
    write_line(f"{section.site} · {section.year} · {_state(section, zone).text}")
    for name, title in PARTS.items():
        write_line(f"  {_(title)}: {section.texts.get(name) or '–'}")
    if dry_run:
        write_line(_("nothing was changed"))
    elif section.confirmed_at is None and not section.lacks:
        told = N_("  next: `{program} report.section --site {site} --year {year} --confirm`")
        write_line(fill(told, {"site": section.site, "year": section.year}))


def _show_all(found: list[Section], estate: Estate) -> None:
    zone = estate.organisation.timezone
    heads = [_("Site"), _("Year"), _("State"), _("Still empty")]
    rows = [
        (it.site, str(it.year), _state(it, zone), ", ".join(_(PARTS[name]) for name in it.lacks))
        for it in found
    ]
    write_table(heads, rows)
