"""What items consist of: their files brought, their private parts and comments set apart.

What is gone from the portal becomes a version that says so. Where very much is gone at once,
nothing is believed: a half-empty database would otherwise withdraw a whole portal.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

import msgspec

from archive.capture.captured import Captured, Connector, Portal, Tally, UrlRef
from archive.capture.captured import Content as Captureds
from archive.capture.comments import COMMENTS, comments_of
from archive.errors import ItemRefusedError
from archive.ingest import Delivery
from archive.metadata.findings import Content
from archive.metadata.item import MISSING
from archive.ocfl.files import Digests, digest_of
from archive.web.reader import NotReadError, not_read
from backup.progress import SILENT, Progress
from ops.archives.keep import ItemKeeper
from ops.estate.model.archive import SiteArchive
from ops.estate.model.estate import Estate
from ops.estate.model.sites import Site

SMALL = 256 << 10
"""Bytes of a file that is kept in memory until its batch is stored: most files of a portal."""


class Files(Protocol):
    """Where the files are that items name."""

    def take(self, path: str, name: str) -> tuple[bytes | Path, Digests] | None:
        """Give a file, and its digests; None where it is not there, or may not be taken.

        One of at most `SMALL` bytes comes as these, another as a copy that its receiver removes.

        Args:
            path: As the item names it.
            name: Its ending tells the format.
        """
        ...


Ask = Callable[[str], tuple[Path, str]]
"""Brings what an address has: its place and SHA-512; raises `NotReadError`."""

_BODY = "body"


class Contents:
    """Brings the files of items, and parts what is to be an object of its own.

    Args:
        files: Where files are; None where there are none.
        portal: Whose items these are.
        ask: Asks addresses; None where none is asked.
    """

    def __init__(self, files: Files | None, portal: Portal, ask: Ask | None = None) -> None:
        self._files, self._portal, self._ask = files, portal, ask

    def deliveries(self, captured: Captured) -> Iterator[Delivery]:
        """Give an item, its private part and its comments, each with the digests of its files.

        Raises:
            NotReadError: The address of its body gives nothing that can be kept.
        """
        portal = self._portal
        parts = {
            "private": captured.private,
            COMMENTS: comments_of(captured, portal.title, portal.time_zone),
        }
        others = {name: it for name, it in parts.items() if it is not None}
        related = {**captured.item.related, **{name: it.item.id for name, it in others.items()}}
        item = msgspec.structs.replace(captured.item, related=related)
        yield self._delivery(replace(captured, item=item))
        for other in others.values():
            yield self._delivery(other)

    def _delivery(self, captured: Captured) -> Delivery:
        item = captured.item
        files: dict[str, Content] = {}
        digests: dict[str, Digests] = {}
        missing: dict[str, str] = {}
        for path, content in captured.contents.items():
            try:
                files[path], digests[path] = self._take(content, path)
            except NotReadError as error:
                if isinstance(content, UrlRef) and path.startswith(_BODY):
                    raise
                missing[path] = str(error.params["reason"])
        if missing:
            lost = {f"{MISSING}{path}": why for path, why in missing.items()}
            parts = tuple(it for it in item.parts if it.path not in missing)
            item = msgspec.structs.replace(item, parts=parts, fields={**item.fields, **lost})
        return Delivery(
            item=item,
            files=files,
            digests=digests,
            notes=captured.notes,
            is_taken=True,
            is_whole=False,
        )

    def _take(self, content: Captureds, path: str) -> tuple[Content, Digests]:
        """Give a content and its digests."""
        if isinstance(content, bytes):
            return content, digest_of(content)
        if isinstance(content, UrlRef):
            if self._ask is None:
                raise not_read(content.url, "addresses are not asked")
            place, _sha512 = self._ask(content.url)
            return place, digest_of(place)
        taken = self._files.take(content.path, path) if self._files is not None else None
        if taken is None:
            raise not_read(content.path, "not in the backup")
        return taken


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
    keeper: ItemKeeper,
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


def count_refused(tally: Tally, keeper: ItemKeeper) -> None:
    """Count what a connector refused."""
    for refusal in tally.refusals:
        keeper.counts.refuse(refusal.source_key, error_words(refusal.error))
    keeper.counts.refused_count += tally.refused - len(tally.refusals)


def error_words(error: ItemRefusedError) -> str:
    """Give why an item is refused, in English as the run's record keeps it."""
    return (error.why or error.what).format(**error.params)


def mark_gone(here: Collection[str], tally: Tally, keeper: ItemKeeper, accepts: bool) -> Gone:
    """Mark the items that are no longer there, unless they are too many to be believed."""
    gone = list(tally.gone(here))
    if len(gone) > max(LEAST_GONE, SHARE_GONE * len(here)) and not accepts:
        return Gone(len(gone), believed=False)
    for item_id in gone:
        keeper.withdraw(item_id)
    return Gone(len(gone))
