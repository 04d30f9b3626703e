"""Capture a site: what its portal holds becomes items, each kept once and again when it changes.

What is gone from the portal becomes a version that says so. Where very much is gone at once,
nothing is believed: a half-empty database would otherwise withdraw a whole portal.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from archive.capture.captured import Connector, Portal, Tally
from archive.errors import ItemRefusedError
from backup.progress import SILENT, Progress
from ops.archives.contents import Contents, Files
from ops.archives.keep import Keeper
from ops.estate.model.archive import SiteArchive
from ops.estate.model.estate import Estate
from ops.estate.model.sites import Site

SHARE_GONE, LEAST_GONE = 0.2, 10
"""Where more than this share of a site's items, and more than so many, are gone at once, a person
decides: our own rule, as the watch for ransomware has one."""


@dataclass(slots=True)
class Gone:
    """What the portal no longer has.

    Attributes:
        count: Items.
        believed: Whether they were marked so.
    """

    count: int = 0
    believed: bool = True


def portal_of(estate: Estate, site: Site, wanted: SiteArchive | None, moment: datetime) -> Portal:
    """Give what a connector is told of a site.

    Args:
        estate: The estate in force.
        site: Whose portal it is.
        wanted: What of it is archived; None: only what people hand in.
        moment: When the portal was as its rows say; aware.
    """
    officer = (wanted.officer if wanted else "") or site.owner or ""
    names = {it.name: it.title for it in estate.people}
    return Portal(
        site=site.name,
        title=site.title_on(moment.astimezone(estate.zone).date()),
        url=site.url.rstrip("/"),
        officer=names.get(officer, officer) or estate.name_at(),
        moment=moment,
        default_class=site.classes[0] if site.classes else "news",
        classes=wanted.classes if wanted else {},
        issuers=[it.title for it in estate.units if it.name == site.unit],
        time_zone=estate.organisation.timezone,
        language=estate.organisation.language,
        options=wanted.options if wanted else {},
    )


def capture_items(  # noqa: PLR0913 - where from, where to, who is told
    connector: Connector,
    rows: Mapping[str, Iterable[Mapping[str, Any]]],
    portal: Portal,
    files: Files | None,
    keeper: Keeper,
    progress: Progress = SILENT,
    *,
    accepts: bool = False,
) -> Gone:
    """Keep every item of a portal, and mark those that are gone.

    Args:
        connector: Makes items of rows.
        rows: Answers to its questions.
        portal: What it is told.
        files: Where files are; None where there are none.
        keeper: Keeps.
        progress: Told of each item.
        accepts: Believe that items are gone, however many.
    """
    tally = Tally()
    contents = Contents(files, portal)
    for captured in connector.items(rows, portal, tally):
        for delivery in contents.deliveries(captured):
            tally.met.add(delivery.item.id)
            keeper.keep(delivery)
            progress.advance()
    count_refused(tally, keeper)
    here = keeper.known(portal.site, f"{connector.name}/")
    return mark_gone([it.id for _key, it in here if not it.is_gone], tally, keeper, accepts)


def count_refused(tally: Tally, keeper: Keeper) -> None:
    """Count what a connector refused."""
    for refusal in tally.refusals:
        keeper.counts.refuse(refusal.source_key, error_words(refusal.error))
    keeper.counts.refused_count += tally.refused - len(tally.refusals)


def error_words(error: ItemRefusedError) -> str:
    """Give why an item is refused, in English as the run's record keeps it."""
    return (error.why or error.what).format(**error.params)


def mark_gone(here: Collection[str], tally: Tally, keeper: Keeper, accepts: bool) -> Gone:
    """Mark the items that are no longer there, unless they are too many to be believed."""
    gone = list(tally.gone(here))
    if len(gone) > max(LEAST_GONE, SHARE_GONE * len(here)) and not accepts:
        return Gone(len(gone), believed=False)
    for item_id in gone:
        keeper.withdraw(item_id)
    return Gone(len(gone))
