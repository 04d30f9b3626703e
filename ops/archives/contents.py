"""What items consist of: their files brought, their private parts and comments set apart."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Protocol

import msgspec

from archive.capture.captured import Captured, Portal, UrlRef
from archive.capture.captured import Content as Captureds
from archive.capture.comments import COMMENTS, comments_of
from archive.ingest import Delivery
from archive.metadata.findings import Content
from archive.metadata.item import MISSING
from archive.ocfl.files import Digests, digest_of
from archive.web.reader import NotReadError, not_read

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
