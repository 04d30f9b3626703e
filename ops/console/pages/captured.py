"""A month of a site's captured pages: which there are, and whose page of when one of them is."""

from collections.abc import Mapping
from itertools import islice

from archive.metadata.item import ITEM_FILE, parse_item
from ops.archives.find import infected_parts
from ops.console.office.captured import GOOD_FOR, MONTHS, RIGHT
from ops.console.office.desk import Desk
from ops.console.page import Arguments, Page
from ops.console.pages.rows import number_of
from ops.language.text import N_

_ROWS = 100
_LONGEST = 2_000


def read(desk: Desk, arguments: Arguments) -> Mapping[str, object]:
    """Give the pages of a month, by address.

    Args:
        desk: Where.
        arguments: `site`; `month`, the newest where none is named; `text`: part of an address;
            `from`: how many come before; `address` and `at`: one page alone, of that moment.
    """
    if not arguments.get("site"):
        return {"site": "", "address": ""}
    site = desk.estate.site(arguments.get("site", ""))
    month, kept = MONTHS.get(desk.estate, site.name, arguments.get("month", ""))
    text, skip = arguments.get("text", "")[:_LONGEST], number_of(arguments, "from")
    address = arguments.get("address", "")[:_LONGEST]
    found = [] if address else list(islice(kept.index.pages(text, skip, _ROWS + 1), _ROWS + 1))
    return {
        "site": site.name,
        "site_title": desk.estate.title_at(site.name),
        "month": month,
        "text": text,
        "address": address,
        "at": arguments.get("at", "")[:20],
        "items": [{"address": it.url, "moment": it.moment, "at": it.stamp} for it in found[:_ROWS]],
        "next": skip + _ROWS if len(found) > _ROWS else None,
        "infected": infected_parts(parse_item(kept.stored.read(ITEM_FILE))),
        "minutes": GOOD_FOR.total_seconds() // 60,
    }


PAGE = Page(
    name="captured",
    title=N_("Captured pages"),
    task=RIGHT,
    read=read,
    reads=("site", "month", "text", "from", "address", "at"),
)
