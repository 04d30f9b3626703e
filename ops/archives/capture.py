"""Capture a site: what its portal holds becomes items, each kept once and again when it changes.

What is gone from the portal becomes a version that says so. Where very much is gone at once,
nothing is believed: a half-empty database would otherwise withdraw a whole portal.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha512
from typing import Any

import msgspec

from archive.capture.captured import Captured, Connector, FileRef, Portal, Tally
from archive.capture.captured import Content as Captureds
from archive.errors import ItemRefusedError
from archive.ingest import Content, Delivery
from archive.metadata.item import Item
from ops.archives.keep import Keeper
from ops.archives.portal import PortalFiles
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


def portal_of(estate: Estate, site: Site, wanted: SiteArchive, moment: datetime) -> Portal:
    """Give what a connector is told of a site.

    Args:
        estate: The estate in force.
        site: Whose portal it is.
        wanted: What of it is archived.
        moment: When the portal was as its rows say; aware.
    """
    officer = wanted.officer or site.owner or ""
    names = {it.name: it.title for it in estate.people}
    return Portal(
        site=site.name,
        title=site.title_on(moment.astimezone(estate.zone).date()),
        url=site.url.rstrip("/"),
        officer=names.get(officer, officer) or estate.organisation.name,
        moment=moment,
        default_class=site.classes[0] if site.classes else "news",
        classes=wanted.classes,
        issuers=[it.title for it in estate.units if it.name == site.unit],
        time_zone=estate.organisation.timezone,
        language=estate.organisation.language,
        options=wanted.options,
    )


def capture_items(
    connector: Connector,
    rows: Mapping[str, Iterable[Mapping[str, Any]]],
    portal: Portal,
    files: PortalFiles | None,
    keeper: Keeper,
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
        accepts: Believe that items are gone, however many.
    """
    tally = Tally()
    contents = _Contents(files)
    for captured in connector.items(rows, portal, tally):
        for delivery, digests in contents.deliveries(captured):
            keeper.keep(delivery, digests)
    for refusal in tally.refusals:
        keeper.counts.refuse(refusal.source_key, error_words(refusal.error))
    keeper.counts.refused_count += tally.refused - len(tally.refusals)
    here = keeper.known(portal.site, f"{connector.name}/")
    return _mark_gone([it.id for it in here.values() if not it.is_gone], tally, keeper, accepts)


def error_words(error: ItemRefusedError) -> str:
    """Give why an item is refused, in English as the run's record keeps it."""
    return (error.why or error.what).format(**error.params)


def _mark_gone(here: Collection[str], tally: Tally, keeper: Keeper, accepts: bool) -> Gone:
    gone = list(tally.gone(here))
    if len(gone) > max(LEAST_GONE, SHARE_GONE * len(here)) and not accepts:
        return Gone(len(gone), believed=False)
    for item_id in gone:
        keeper.withdraw(item_id)
    return Gone(len(gone))


class _Contents:
    """Brings the files of items, each read from the backup only where it may be new."""

    def __init__(self, files: PortalFiles | None) -> None:
        self._files = files

    def deliveries(self, captured: Captured) -> Iterator[tuple[Delivery, dict[str, str]]]:
        """Give an item, its private part and its comments, each with the digests of its files."""
        related = dict(captured.item.related)
        others = []
        if captured.private is not None:
            related["private"] = captured.private.item.id
            others.append(captured.private)
        item = msgspec.structs.replace(captured.item, related=related)
        yield self._delivery(item, captured.contents)
        for other in others:
            yield self._delivery(other.item, other.contents)

    def _delivery(
        self, item: Item, contents: Mapping[str, Captureds]
    ) -> tuple[Delivery, dict[str, str]]:
        files: dict[str, Content] = {}
        digests: dict[str, str] = {}
        missing = []
        for path, content in contents.items():
            if isinstance(content, bytes):
                files[path], digests[path] = content, sha512(content).hexdigest()
                continue
            node = None
            if self._files is not None and isinstance(content, FileRef):
                node = self._files.find(content.path)
            if node is None or self._files is None:
                missing.append(path)
                continue
            files[path], digests[path] = self._files.take(node, path)
        if missing:
            lost = {f"missing.{path}": "not in the backup" for path in missing}
            parts = tuple(it for it in item.parts if it.path not in missing)
            item = msgspec.structs.replace(item, parts=parts, fields={**item.fields, **lost})
        return Delivery(item=item, files=files), digests
