"""Capture a site from its feeds or sitemaps: items from what they name, contents from the site.

The site is asked as a visitor does, one address after the other, as fast as `[sites.archive.web]`
says. What a list dates as before is not asked for again. A feed names the newest entries only, so
nothing is gone because a feed no longer has it; a page that no sitemap names any more is, once all
of them were read.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import chain, islice
from pathlib import Path

from archive.capture.captured import Captured, Portal, Tally
from archive.capture.feeds import items_of_feed
from archive.capture.sitemaps import items_of_sitemap
from archive.ingest import Delivery
from archive.metadata.item import ITEM_FILE, Item, parse_item
from archive.web.fetch import Fetcher
from archive.web.pace import Pace
from archive.web.reader import NotReadError, SiteReader
from backup.progress import Progress
from ops.archives.bench import set_up
from ops.archives.capture import Contents, Gone, count_refused, mark_gone, portal_of
from ops.archives.keep import AT_ONCE, Counts, ItemKeeper, keeping
from ops.archives.pages import agent_name, place_of_site
from ops.archives.places import own_places
from ops.estate.model.archive import SiteArchive, WebCapture
from ops.estate.model.estate import Estate
from ops.estate.model.sites import Site
from ops.schedule.kinds import RunContext
from ops.version import software_version

_WAIT = timedelta(hours=1)
_PREFIX = "page/"  # of what `items_of_sitemap` gives


def capture_lists(
    context: RunContext, estate: Estate, site: Site, wanted: SiteArchive, progress: Progress
) -> tuple[Counts, Gone]:
    """Keep what a site's lists name."""
    folder = estate.service.scratch / f"archive-{site.name}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, mode=0o700)
    run = _Run(context, estate, wanted, folder, portal_of(estate, site, wanted, datetime.now(UTC)))
    progress.start("capture items", None, "items")
    try:
        with Fetcher(place_of_site(site), agent_name(), folder) as fetcher:
            _read(run, fetcher, progress)
        progress.finish()
        with run.keeping() as keeper:
            count_refused(run.tally, keeper)
            if wanted.connector != "sitemap":
                return run.counts, Gone()
            here = keeper.known(site.name, _PREFIX)
            known = [it.id for _key, it in here if not it.is_gone]
            accepts = bool(context.arguments.get("accept_gone"))
            return run.counts, mark_gone(known, run.tally, keeper, accepts)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class _Run:
    """What a run works with, and what it counts."""

    def __init__(
        self, context: RunContext, estate: Estate, wanted: SiteArchive, folder: Path, portal: Portal
    ) -> None:
        self.context, self.estate, self.wanted = context, estate, wanted
        self.folder, self.portal = folder, portal
        self.counts, self.tally = Counts(), Tally()
        self._tools = set_up(estate)

    @contextmanager
    def keeping(self) -> Iterator[ItemKeeper]:
        """Hold the archive for writing; others may write to it while the site is asked."""
        agent = f"giucong {software_version()}"
        with keeping(self.context, self.estate, self._tools, agent, wait=_WAIT) as keeper:
            keeper.counts = self.counts
            yield keeper


def _read(run: _Run, fetcher: Fetcher, progress: Progress) -> None:
    pace = Pace((run.wanted.web or WebCapture()).pages_a_minute, run.context.is_stopping)
    reader = SiteReader(fetcher, pace, agent_name())
    contents = Contents(None, run.portal, lambda url: reader.take(url, run.folder))
    fetched = _fetched(run, _items(run.wanted, reader, run.portal, run.tally), contents, progress)
    while batch := list(islice(fetched, AT_ONCE)):
        with run.keeping() as keeper:
            for delivery in batch:
                keeper.keep(delivery)
        for path in run.folder.glob("address-*"):
            path.unlink()


def _items(
    wanted: SiteArchive, reader: SiteReader, portal: Portal, tally: Tally
) -> Iterator[Captured]:
    if wanted.connector == "feed":
        feeds = reader.feeds(wanted.feeds)
        return chain.from_iterable(items_of_feed(it, portal, tally) for it in feeds)
    # All of them before the first page: one that cannot be read ends the run.
    return items_of_sitemap(list(reader.locations(wanted.feeds)), portal, tally)


def _fetched(
    run: _Run, items: Iterator[Captured], contents: Contents, progress: Progress
) -> Iterator[Delivery]:
    """Give what is to be kept of each item that is not dated as before."""
    for captured in items:
        progress.advance(1)
        if _is_as_before(run.estate, captured.item):
            run.counts.seen += 1
            run.counts.unchanged += 1
            continue
        try:
            yield from contents.deliveries(captured)
        except NotReadError as error:
            run.counts.seen += 1
            run.counts.refuse(captured.item.source_key, str(error.params["reason"]))


def _is_as_before(estate: Estate, item: Item) -> bool:
    root = own_places(estate)[0].root()
    if item.modified is None or not root.has(item.id):
        return False
    before = parse_item(root.find(item.id).read(ITEM_FILE))
    return before.modified == item.modified and before.withdrawn is None
