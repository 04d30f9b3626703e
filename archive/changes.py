"""Versions that the archive makes by itself: gone from the portal, closed, added to; pure."""

from datetime import datetime

import msgspec

from archive.ingest import CLOSED, Prepared, fingerprint_of, words_of
from archive.metadata.events import Event, write_events
from archive.metadata.item import EVENTS_FILE, ITEM_FILE, Item, parse_item
from archive.ocfl.root import StoredObject


def prepare_withdrawal(stored: StoredObject, *, agent: str, now: datetime) -> Prepared:
    """Give the version that says that the portal no longer has an item; nothing is deleted.

    Raises:
        ObjectDamagedError: The item that is stored cannot be read.
    """
    item = msgspec.structs.replace(parse_item(stored.read(ITEM_FILE)), withdrawn=now, archived=now)
    event = Event(
        type="withdrawal", result="passed", at=now, agent=agent, note="gone from the portal"
    )
    return _prepare_change(stored, item, event)


def prepare_closing(stored: StoredObject, *, agent: str, now: datetime) -> Prepared:
    """Give the version that says that nothing more comes to an object.

    Raises:
        ObjectDamagedError: The item that is stored cannot be read.
    """
    item = parse_item(stored.read(ITEM_FILE))
    fields = {**item.fields, CLOSED: now.isoformat(timespec="seconds")}
    item = msgspec.structs.replace(item, fields=fields, archived=now)
    event = Event(type="metadata modification", result="passed", at=now, agent=agent, note="closed")
    return _prepare_change(stored, item, event)


def prepare_addition(prepared: Prepared, stored: StoredObject) -> Prepared:
    """Give the version that has what is prepared and the files that the object has already.

    Raises:
        ObjectDamagedError: The item that is stored cannot be read.
    """
    before = parse_item(stored.read(ITEM_FILE))
    new = {it.path for it in prepared.item.parts}
    parts = (*(it for it in before.parts if it.path not in new), *prepared.item.parts)
    item = msgspec.structs.replace(
        prepared.item, parts=parts, refused=before.refused, created=before.created,
        published=before.published, nonce=before.nonce,
    )  # fmt: skip
    files = {**prepared.files, ITEM_FILE: item.as_json()}
    mark = fingerprint_of(item, {it.path: it.sha512 for it in parts})
    return Prepared(item, files, prepared.events, mark, prepared.text)


def _prepare_change(stored: StoredObject, item: Item, event: Event) -> Prepared:
    files = {ITEM_FILE: item.as_json(), EVENTS_FILE: write_events((event,))}
    digests = {part.path: part.sha512 for part in item.parts}
    text = words_of(stored, item)
    return Prepared(item, files, (event,), fingerprint_of(item, digests), text)
