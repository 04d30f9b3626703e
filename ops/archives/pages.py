"""Capture a site's pages: what citizens saw, byte by byte, a month of a site as one object.

Order:

1. What a killed run has left is gone on with; what a run kept and could not tell of is forgotten.
2. The crawl (`archive.web.crawler`) writes WARC files into a folder of its own.
3. They are read back whole and held against their index; where one byte is wrong, nothing of the
   run is kept, and the next run begins anew.
4. Bodies are looked through for malware, where there is a scanner (`ops.archives.bench`).
5. Files, index and log come to the month's object as its next version: durable, read back, indexed,
   journaled (`ops.archives.keep`). Months that are over are closed.
6. Only then does the crawl forget its files. What it did not come to waits for the next run.

The job has a lock of its own: it asks the site as a visitor does, while backups go on.
"""

import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Any

from archive.ingest import CLOSED, Delivery
from archive.metadata.item import ITEM_FILE, Agent, Item, Part, Source, make_id, parse_item
from archive.ocfl.root import StoredObject
from archive.web.address import Place, place_of
from archive.web.cdxj import REVISIT, read_index
from archive.web.crawler import Bounds, Crawled, Crawler, Wanted, write_results
from archive.web.fetch import Fetcher
from archive.web.state import CrawlState, open_state
from archive.web.warc import Original, check_files
from backup.progress import SILENT, Progress
from ops.archives.bench import Scanned, bodies_of, scan_bodies, set_up
from ops.archives.keep import ItemKeeper, keeping
from ops.archives.places import make_roots, own_places
from ops.errors import WrongUseError
from ops.estate.model.archive import WebCapture
from ops.estate.model.estate import Estate
from ops.estate.model.sites import Site
from ops.jobs.run_now import begin
from ops.schedule.kinds import RunContext
from ops.schedule.ledger.job import JobResult
from ops.version import software_version

KEY = "web/"
"""Beginning of the source keys of captured pages: `web/2026-11`."""

WARC, INDEX, LOG = "warc", "index", "log"
"""Folders inside a month's object."""

LARGEST_INDEX = 256 << 20
_CLASS = "page"
_WAIT = timedelta(hours=1)
_NAMED = 5


@dataclass(frozen=True, slots=True)
class _Run:
    """What a run works with."""

    estate: Estate
    site: Site
    web: WebCapture
    folder: Path


def agent_name() -> str:
    """Give what sites are told who asks."""
    return f"giucong-archive/{software_version()}"


def capture_pages(context: RunContext, progress: Progress = SILENT) -> JobResult:
    """Run it; the caller holds the job's lock."""
    estate, _version, site = begin(context)
    make_roots(estate, context.catalog)
    folder = estate.service.state / "archive-web" / site.name
    run = _Run(estate, site, web_of(site), folder)
    state = open_state(folder)
    try:
        _forget_kept(run, state)
        crawled = _crawl(run, state, context, progress)
        if not crawled.requests:
            state.end_run()
            return conclude(run.site, crawled, [])
        index, log = write_results(state, crawled)
        wrong = check_files(folder, state.captures())
        if wrong:
            shutil.rmtree(folder)
            return conclude(run.site, crawled, wrong)
        lists = {f"{INDEX}/{crawled.run}.cdxj": index, f"{LOG}/{crawled.run}.jsonl": log}
        scanned = _keep(run, context, crawled, lists, state, progress)
        state.end_run()
    finally:
        state.close()
    return conclude(run.site, crawled, [], scanned)


def web_of(site: Site) -> WebCapture:
    """Give how a site's pages are captured."""
    if site.archive is None or site.archive.web is None:
        raise WrongUseError(
            "the pages of {site} are not captured",
            why="the estate has no `[sites.archive.web]` for it",
            next_step="write `[sites.archive.web]`, if need be without anything in it",
            site=site.name,
        )
    return site.archive.web


def place_of_site(site: Site) -> Place:
    """Give what is asked of a site.

    Raises:
        WrongUseError: It has no address.
    """
    try:
        return place_of(site.url or "")
    except ValueError as error:
        raise WrongUseError(
            "the estate gives no address of {site} that pages could be asked from",
            next_step='write `url = "https://…"` for the site',
            site=site.name,
        ) from error


def month_of(run: str, estate: Estate) -> str:
    """Give the month that a run counts to, where the organisation is: `2026-11`."""
    begun = datetime.strptime(run, "%Y%m%dt%H%M%S").replace(tzinfo=UTC)
    return begun.astimezone(estate.zone).strftime("%Y-%m")


def object_id(site: str, month: str) -> str:
    """Give the id of a month of a site."""
    return make_id(site, f"{KEY}{month}")


def _stored(run: _Run, stamp: str) -> StoredObject | None:
    root, month = own_places(run.estate)[0].root(), month_of(stamp, run.estate)
    wanted = object_id(run.site.name, month)
    return root.find(wanted) if root.has(wanted) else None


def _forget_kept(run: _Run, state: CrawlState) -> None:
    """Let the crawl forget a run that was kept before it was killed."""
    stamp = state.fact("run")
    stored = _stored(run, stamp) if stamp else None
    if stored is not None and f"{INDEX}/{stamp}.cdxj" in stored.inventory.version().state:
        state.end_run()


def originals_of(stored: StoredObject) -> Iterator[tuple[str, Original]]:
    """Give the payloads that a month has: digest, and where it is."""
    for logical in stored.inventory.version().state:
        if logical.startswith(f"{INDEX}/"):
            for it in read_index(stored.read(logical, limit=LARGEST_INDEX)):
                if it.mime != REVISIT and it.status == HTTPStatus.OK and not it.truncated:
                    yield it.digest, Original(it.url, it.moment)


def _crawl(run: _Run, state: CrawlState, context: RunContext, progress: Progress) -> Crawled:
    web, estate = run.web, run.estate
    wanted = Wanted(
        place=place_of_site(run.site),
        agent=agent_name(),
        start=web.start,
        exclude=web.exclude,
        info={"operator": estate.name_at(), "isPartOf": run.site.name},
    )
    bounds = Bounds(
        a_minute=web.pages_a_minute,
        pages=web.pages,
        size=web.gigabytes * 10**9,
        seconds=min(web.hours, 0.9 * run.site.limits.hours) * 3600.0,
    )
    stored = _stored(run, state.begin_run())
    originals = dict(originals_of(stored)) if stored else {}
    progress.start("capture pages", None, "bytes")
    crawler = Crawler(
        wanted,
        bounds,
        state,
        originals,
        is_stopping=context.is_stopping,
        told=lambda size: progress.advance(size, items=1),
    )
    with Fetcher(wanted.place, wanted.agent, run.folder) as fetcher:
        crawled = crawler.run(fetcher)
    progress.finish()
    return crawled


def _keep(
    run: _Run,
    context: RunContext,
    crawled: Crawled,
    lists: dict[str, bytes],
    state: CrawlState,
    progress: Progress,
) -> Scanned:
    month = month_of(crawled.run, run.estate)
    files: dict[str, bytes | Path] = {
        f"{WARC}/{it.name}": it for it in sorted(run.folder.glob("*.warc.gz"))
    }
    files |= lists
    tools = set_up(run.estate)
    bodies = bodies_of(run.folder, state.captures(), WARC, lists)
    progress.start("look for malware", None, "items")
    scanned = scan_bodies(bodies, tools.scanner, tools.scanner_basis, run.folder / "scan")
    progress.finish()
    delivery = Delivery(
        item=describe(run.estate, run.site, month, crawled.run, tuple(files)),
        files=files,
        malware=scanned.by_part,
    )
    agent = f"giucong {software_version()}"
    tools = replace(tools, scanner=None)  # it has looked at what is inside
    with keeping(context, run.estate, tools, agent, wait=_WAIT) as keeper:
        keeper.add(delivery)
        keeper.commit()
        for item_id in _over(keeper, run.site.name, month):
            keeper.close(item_id)
    return scanned


def _over(keeper: ItemKeeper, site: str, month: str) -> Iterator[str]:
    """Give the months that are over and not closed."""
    for key, known in keeper.known(site, KEY):
        stored = keeper.stored(known.id) if key < f"{KEY}{month}" else None
        if stored and CLOSED not in parse_item(stored.read(ITEM_FILE)).fields:
            yield known.id


def describe(estate: Estate, site: Site, month: str, run: str, paths: tuple[str, ...]) -> Item:
    """Give the item of a site's month, with the parts of one run."""
    begun = datetime.strptime(run, "%Y%m%dt%H%M%S").replace(tzinfo=UTC)
    title = site.title_on(begun.astimezone(estate.zone).date())
    shown = f"{month[5:]}/{month[:4]}"
    types = {WARC: "application/warc", INDEX: "", LOG: ""}
    return Item(
        id=object_id(site.name, month),
        site=site.name,
        source_key=f"{KEY}{month}",
        content_class=_CLASS,
        shape="page",
        title=f"{title} · {shown}",
        creators=(Agent(name=title, role="publisher", organisation=estate.name_at()),),
        source=Source(name=title, url=site.url, basis="own"),
        publisher=title,
        language=estate.organisation.language,
        created=begun,
        published=begun,
        modified=begun,
        parts=tuple(
            Part(path=it, role="record", media_type=types[it.partition("/")[0]]) for it in paths
        ),
        fields={"month": month},
    )


def conclude(
    site: Site, crawled: Crawled, wrong: list[str], scanned: Scanned | None = None
) -> JobResult:
    """Give the result of a run; pure. What was found is told before what lacks."""
    summary: dict[str, Any] = {**asdict(crawled), "left": dict(crawled.left)}
    if scanned is not None:
        summary["scan"] = scanned.summary()
    params: dict[str, Any] = {"site": site.name, "url": site.url}
    if wrong:
        params |= {"count": len(wrong), "first": wrong[:_NAMED]}
        return JobResult("failed", "archive_pages_wrong", params, summary)
    if crawled.stopped in {"silent", "robots"} and not crawled.stored + crawled.revisits:
        return JobResult("failed", "archive_site_silent", params | {"why": crawled.note}, summary)
    if scanned is not None and scanned.infected_count:
        first = [f"{address} ({signature})" for address, signature in scanned.infected[:_NAMED]]
        params |= {"count": scanned.infected_count, "first": first}
        return JobResult("incomplete", "archive_pages_infected", params, summary)
    if crawled.waiting:
        params |= {"count": crawled.waiting, "done": crawled.requests}
        return JobResult("incomplete", "archive_pages_left", params, summary)
    if crawled.failed or crawled.truncated:
        params |= {"failed": crawled.failed, "truncated": crawled.truncated}
        return JobResult("incomplete", "archive_pages_lack", params, summary)
    return JobResult("ok", summary=summary)
