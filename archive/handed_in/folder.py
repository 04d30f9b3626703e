"""A folder that somebody hands in: with a sheet, without one, or as a BagIt bag.

Without a sheet every file is an item, and every folder at the top is one with all its files. Their
author is not known: the officer answers for that until a sheet says who it was.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

import msgspec

from archive.capture.captured import Captured, FileRef
from archive.errors import HandedInError
from archive.handed_in.access import MYSELF, Reader
from archive.handed_in.bag import Bag, is_bag, read_bag
from archive.handed_in.listing import Listing, list_folder
from archive.handed_in.table import PREFIX, SHEET, Desk, Refused, parts_of, read_table
from archive.metadata.item import Agent, Item, Source, make_id

NOT_TOLD = "người nộp không kèm bảng kê tác giả"


@dataclass(frozen=True, slots=True, kw_only=True)
class HandedIn:
    """What is handed in.

    Attributes:
        kind: `folder`, `table` or `bag`.
        items: Items and what was refused; read once.
        listing: The files that items name.
        digests: Path of a file → SHA-512 or SHA-256 that its bag gives.
        verified: By what the files were verified on the way in; empty: by nothing.
        remarks: What is odd, and is taken all the same.
    """

    kind: str
    items: Iterator[Captured | Refused]
    listing: Listing
    digests: Mapping[str, str] = field(default_factory=dict)
    verified: str = ""
    remarks: tuple[HandedInError, ...] = ()


def receive(path: Path, desk: Desk, reader: Reader = MYSELF) -> HandedIn:
    """Look at what lies at a path, and give its items.

    Args:
        path: Absolute; links on the way to it are followed once, here.
        desk: What is known of whoever hands it in.
        reader: Whose rights bound what is read.

    Raises:
        HandedInError: It is neither folder nor table, may not be read by who hands it in, or is a
            bag that is not whole.
        OSError: It cannot be read.
    """
    path = path.parent.resolve() / path.name
    if path.suffix.lower() == ".csv" and path.is_file():
        listing = list_folder(path.parent, reader)
        listing.files.pop(path.name, None)
        return HandedIn(kind="table", items=read_table(path, listing, desk), listing=listing)
    if is_bag(path):
        return _receive_bag(path, desk, reader)
    listing = list_folder(path, reader)
    return HandedIn(kind="folder", items=_items_of(listing, desk), listing=listing)


def _receive_bag(path: Path, desk: Desk, reader: Reader) -> HandedIn:
    bag = read_bag(path, reader)
    if bag.errors:
        raise bag.errors[0]
    listing = Listing(path / "data", files=dict(bag.payload), reader=reader)
    if SHEET in listing.files:
        items = _items_of(listing, desk)
    else:
        items = iter([_item_of_bag(bag, listing, desk)])
    return HandedIn(
        kind="bag", items=items, listing=listing, digests=bag.digests,
        verified=f"BagIt {bag.version}, manifests of {', '.join(bag.algorithms)}",
        remarks=tuple(bag.warnings),
    )  # fmt: skip


def _items_of(listing: Listing, desk: Desk) -> Iterator[Captured | Refused]:
    yield from (Refused(path, error) for path, error in listing.refused.items())
    sheet = listing.files.get(SHEET)
    if sheet is not None:
        named: set[str] = {SHEET}
        for found in read_table(sheet, listing, desk):
            if isinstance(found, Captured):
                named |= {it.path for it in found.contents.values() if isinstance(it, FileRef)}
            yield found
        for path in sorted(set(listing.files) - named):
            yield Refused(path, HandedInError(why="{path} is not in the sheet", path=path))
        return
    groups: dict[str, list[str]] = {}
    for path in sorted(listing.files):
        groups.setdefault(path.split("/")[0], []).append(path)
    for name, paths in groups.items():
        title = name if name in listing.files else PurePosixPath(name).name
        try:
            yield _bare_item(title, paths, listing, desk)
        except HandedInError as error:
            yield Refused(name, error)


def _bare_item(name: str, paths: list[str], listing: Listing, desk: Desk) -> Captured:
    portal = desk.portal
    parts = parts_of(paths, listing)
    key = f"{PREFIX}/{name}"
    item = Item(
        id=make_id(portal.site, key), site=portal.site, source_key=key,
        content_class=desk.content_class or portal.default_class, shape="other",
        title=PurePosixPath(name).stem or name,
        creators=(Agent(name="không rõ", unknown_because=NOT_TOLD, unknown_by=portal.officer),),
        source=Source(name=portal.title, basis="unknown"), publisher=portal.title,
        language=portal.language, parts=tuple(parts.parts),
    )  # fmt: skip
    return Captured(item=item, contents=parts.contents)


def _item_of_bag(bag: Bag, listing: Listing, desk: Desk) -> Captured:
    """Give one item for a bag that has no sheet: what bag-info.txt says of it."""
    name = bag.told("external-identifier") or bag.folder.name
    bare = _bare_item(name, sorted(listing.files), listing, desk)
    permission = bag.told("rights", "internal-sender-identifier", "external-identifier")
    author, source = bag.told("contact-name"), bag.told("source-organization")
    item = bare.item
    creators = (Agent(name=author, organisation=source),) if author else item.creators
    fields = {
        "creators": creators,
        "title": bag.told("external-description", "internal-sender-description")[:500] or name,
        "identifier": bag.told("external-identifier"),
        "description": bag.told("internal-sender-description"),
        "source": Source(name=source, basis="exchange", permission=permission)
        if source and not desk.portal.is_own(source) else item.source,
        "created": _day(bag.told("bagging-date")),
    }  # fmt: skip
    return replace(bare, item=msgspec.structs.replace(item, **fields))


def _day(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text).replace(tzinfo=UTC)
    except ValueError:
        return None
