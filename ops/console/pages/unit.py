"""What a unit says itself in the year's report on its site: its contact fills and confirms it."""

from collections.abc import Mapping

from ops.console.office.desk import Desk
from ops.console.page import Arguments, Page
from ops.console.pages.rows import number_of
from ops.language.text import N_, _
from ops.reports.sections import PARTS, SECTIONS
from ops.reports.window import running_year
from ops.terminal.view import as_cells, as_table


def read(desk: Desk, arguments: Arguments) -> Mapping[str, object]:
    """Give the unit's part of `site` and `year`; without a site how far every unit is.

    Raises:
        WrongUseError: There is no such site.
    """
    running = running_year(desk.now.astimezone(desk.estate.zone).date(), desk.estate.zone)
    year = number_of(arguments, "year", running, least=1000, most=9999)
    own = desk.own_sites()
    first = "" if desk.may("report.section") or not own else own[0]
    site = arguments.get("site", "") or first
    titles = {it.name: it.title for it in desk.sites("report.section")}
    found = desk.look("report.section", site=site, year=year)["items"]
    titles_of = {"site": lambda row: titles.get(row["site"], row["site"])}
    return {
        "items": found,
        "shown": [as_cells(SECTIONS, it) for it in found] if site else [],
        "list": as_table(SECTIONS, found, beside=titles_of),
        "site": site,
        "title": titles.get(site, ""),
        "titles": titles,
        "own": own,
        "is_own": site in own,
        "year": year,
        "running": running,
        "parts": {name: _(text) for name, text in PARTS.items()},
    }


PAGE = Page(
    name="unit",
    title=N_("My unit's report"),
    task="report.section",
    read=read,
    group="duty",
    reads=("site", "year"),
    acts=("report.section", "report.site"),
    is_by_site=True,
)
