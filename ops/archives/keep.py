"""Keep items: each is prepared, stored, read back, and only then indexed and counted.

1. What the portal says is held against what the index has: the same is left alone.
2. Items wait until there are many; then their contents are looked through for malware and told
   apart by format, all at once, since starting a scanner takes longer than reading.
   Each is prepared (`archive.ingest`) and staged; a refused one is named, and the run goes on.
3. A batch is made durable; every new file of it is read back from the disk.
4. The journal is told, then the index: one row a batch, with a digest over its receipts.

Killed after 3, the next run finds the object with the same fingerprint, journals it as found, and
mends the index. So whatever is stored is journaled, and what the index has was journaled before.
"""

import hashlib
import sqlite3
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from archive.changes import prepare_addition, prepare_closing, prepare_withdrawal
from archive.errors import ArchiveBusyError, ItemRefusedError, ObjectDamagedError
from archive.ingest import Delivery, Prepared, prepare, with_digests
from archive.metadata.findings import Content, Findings
from archive.metadata.item import ITEM_FILE, Grade, Item, is_part, parse_item
from archive.metadata.shapes import lacks_of_core
from archive.ocfl.root import StorageRoot, StoredObject, read_object
from archive.ocfl.write import Author, Batch, Receipt, receipt_of, writing
from archive.search.index import ItemIndex, Known, Row
from ops.archives.bench import Named, Workbench
from ops.archives.places import PRIVATE, Place, opened_index, own_places
from ops.archives.reindex import reindex, row_of, row_of_stored
from ops.estate.model.estate import Estate
from ops.journal import journal
from ops.schedule.kinds import RunContext

_MOST_NAMED = 50


@dataclass(slots=True)
class Counts:
    """What became of the items of a run.

    Attributes:
        seen: Handed in.
        new, changed, unchanged, withdrawn: Items.
        refused, refused_count: (source key, why), the first of them; how many in all.
        left_out, left_out_count: The same of files that items were kept without.
        bytes: Stored.
        by_class: New and changed items by content class.
        lacking, lacks: Those without all fields that the law requires; which → how many lack it.
    """

    seen: int = 0
    new: int = 0
    changed: int = 0
    unchanged: int = 0
    withdrawn: int = 0
    refused: list[tuple[str, str]] = field(default_factory=list)
    refused_count: int = 0
    left_out: list[tuple[str, str]] = field(default_factory=list)
    left_out_count: int = 0
    bytes: int = 0
    by_class: dict[str, int] = field(default_factory=dict)
    lacking: int = 0
    lacks: dict[str, int] = field(default_factory=dict)

    def refuse(self, key: str, why: str) -> None:
        """Count an item that cannot be kept."""
        self.refused_count += 1
        if len(self.refused) < _MOST_NAMED:
            self.refused.append((key, why))

    def keep(self, item: Item, *, is_new: bool) -> None:
        """Count an item that is kept."""
        self.new += is_new
        self.changed += not is_new
        kind = item.content_class
        self.by_class[kind] = self.by_class.get(kind, 0) + 1
        self.left_out_count += len(item.refused)
        room = _MOST_NAMED - len(self.left_out)
        self.left_out += [(item.source_key, it.why) for it in item.refused[:room]]
        lacks = () if is_part(item) else tuple(lacks_of_core(item))
        self.lacking += bool(lacks)
        for name in lacks:
            self.lacks[name] = self.lacks.get(name, 0) + 1


AT_ONCE = 200
_BYTES_AT_ONCE = 64 << 20
_POLL_SECONDS = 1.0
INGESTED = "archive.ingest"


@dataclass(slots=True)
class _Open:
    """A root that is being written to.

    Attributes:
        place, root, batch, index: Of it.
        staged: What the next commit makes durable, by id.
        found: Objects that are stored and that the index was not told of.
    """

    place: Place
    root: StorageRoot
    batch: Batch
    index: ItemIndex
    staged: dict[str, Prepared] = field(default_factory=dict)
    found: list[StoredObject] = field(default_factory=list)


class ItemKeeper:
    """Keeps items in the two roots. Made by `keeping`."""

    def __init__(self, context: RunContext, estate: Estate, bench: Workbench, agent: str) -> None:
        self.counts = Counts()
        self._context, self._estate, self._bench, self._agent = context, estate, bench, agent
        self._opened: dict[str, _Open] = {}
        self._waiting: dict[str, Delivery] = {}
        self._bytes = 0
        self._contents: dict[str, Named] = {}

    def open(self, stack: ExitStack) -> None:
        """Hold both roots for writing."""
        estate = self._estate
        for place in own_places(estate):
            root = place.root()
            batch = stack.enter_context(writing(root))
            index = stack.enter_context(opened_index(place))
            found = [read_object(root.path / it) for it in batch.finished]
            self._opened[place.name] = _Open(place, root, batch, index, found=found)
        self.commit()
        for there in self._opened.values():
            if there.index.is_worn:
                place = there.place
                there.index.close()
                with suppress(OSError, sqlite3.Error):  # without room the old one serves
                    reindex(estate, place, place.folder, lambda _count: None, only_same=True)
                there.index = stack.enter_context(opened_index(place))

    def known(self, site: str, prefix: str) -> list[tuple[str, Known]]:
        """Give what is known of a site's items, private parts too; see `ItemIndex.known_of`."""
        indexes = [there.index for there in self._opened.values()]
        return [row for index in indexes for row in index.known_of(site, prefix).items()]

    def keep(self, delivery: Delivery) -> None:
        """Keep an item, unless it is as it was.

        Raises:
            OSError: A file of it cannot be read.
        """
        delivery = with_digests(delivery)
        item = delivery.item
        self.counts.seen += 1
        there = self._for(item)
        self._withdraw(item.id, "its access grade changed", but=there)
        mark = delivery.mark_of()
        entry = there.index.entry(item.id)
        is_known = entry is not None and entry.fingerprint == mark
        if is_known or (there.root.has(item.id) and self._mend(there, item.id, mark)):
            self.counts.unchanged += 1
            _let_go(delivery)
            return
        if item.id in self._waiting:
            self.commit()
        self._waiting[item.id] = delivery
        self._bytes += sum(it.size for it in delivery.digests.values())
        self._contents |= _named(delivery)
        if len(self._waiting) >= AT_ONCE or self._bytes >= _BYTES_AT_ONCE:
            self.commit()

    def add(self, delivery: Delivery) -> None:
        """Keep files that come to those an object has, or a new object; counted as an item.

        Raises:
            ItemRefusedError: They may not be kept as they are.
        """
        delivery = with_digests(delivery)
        self._store(delivery, self._bench.look(_named(delivery)), adds=True)

    def withdraw(self, item_id: str) -> None:
        """Keep that the portal no longer has an item, in the root that has it."""
        self._withdraw(item_id, "gone from the portal")
        self.counts.withdrawn += 1

    def _withdraw(self, item_id: str, why: str, *, but: _Open | None = None) -> None:
        for there in self._opened.values():
            if there is but:
                continue
            entry = there.index.entry(item_id)
            if entry is not None and not entry.withdrawn:
                self._change(there, item_id, prepare_withdrawal, why)

    def close(self, item_id: str) -> None:
        """Keep that nothing more comes to an object."""
        self._change(self._opened["public"], item_id, prepare_closing, "closed")

    def stored(self, item_id: str) -> StoredObject | None:
        """Give a public object; None where there is none."""
        root = self._opened["public"].root
        return root.find(item_id) if root.has(item_id) else None

    def _change(
        self, there: _Open, item_id: str, change: Callable[..., Prepared], message: str
    ) -> None:
        stored = there.root.find(item_id)
        prepared = change(stored, agent=self._agent, now=datetime.now(UTC))
        self._put_beside(there, prepared, stored, message)
        if len(there.batch) >= AT_ONCE:
            self.commit()

    def commit(self) -> None:
        """Make everything that waits durable, read it back, index and journal it."""
        waiting, self._waiting = self._waiting, {}
        contents, self._contents, self._bytes = self._contents, {}, 0
        if waiting:
            findings = self._bench.look(contents)
            for delivery in waiting.values():
                try:
                    self._store(delivery, findings)
                except ItemRefusedError as error:
                    why = str(error.params.get("reason", error))
                    self.counts.refuse(delivery.item.source_key, why)
        for there in self._opened.values():
            self._commit(there)
        for delivery in waiting.values():
            _let_go(delivery)

    def _commit(self, there: _Open) -> None:
        found, there.found = there.found, []
        known = [receipt_of(it) for it in found]
        receipts = there.batch.commit()
        staged, there.staged = there.staged, {}
        for receipt in receipts:
            _read_back(there.root, receipt, staged[receipt.object_id].item)
        self._journal(there.place, known, was_found=True)
        self._journal(there.place, receipts)
        there.index.put(map(self._row_of_stored, found))
        fresh = ((it.version, staged[it.object_id]) for it in receipts)
        there.index.put(
            row_of(self._estate, version, it.item, it.fingerprint, it.text) for version, it in fresh
        )

    def _for(self, item: Item) -> _Open:
        return self._opened[PRIVATE if item.grade >= Grade.RESTRICTED else "public"]

    def _mend(self, there: _Open, item_id: str, mark: str) -> bool:
        """Say whether an object is that item, stored by a killed run that did not tell of it."""
        stored = there.root.find(item_id)
        if self._row_of_stored(stored).fingerprint != mark:
            return False
        there.found.append(stored)
        if len(there.found) >= AT_ONCE:
            self.commit()
        return True

    def _row_of_stored(self, stored: StoredObject) -> Row:
        return row_of_stored(self._estate, stored)

    def _store(self, delivery: Delivery, findings: Findings, *, adds: bool = False) -> None:
        """Prepare and stage an item, its other files taken over where it adds to them.

        Raises:
            ItemRefusedError: It may not be kept as it is.
        """
        item = delivery.item
        there = self._for(item)
        stored = there.root.find(item.id) if there.root.has(item.id) else None
        if stored:
            before = parse_item(stored.read(ITEM_FILE))
            delivery = replace(delivery, item=msgspec.structs.replace(item, nonce=before.nonce))
        prepared = prepare(
            delivery,
            findings,
            retention=self._bench.retention,
            agent=self._agent,
            now=datetime.now(UTC),
        )
        if stored is None:
            self._put(there, prepared, "archived")
        elif adds:
            self._put_beside(there, prepare_addition(prepared, stored), stored, "captured again")
        else:
            self._put(there, prepared, "changed on the portal")
        self.counts.keep(prepared.item, is_new=stored is None)

    def _put_beside(
        self, there: _Open, prepared: Prepared, stored: StoredObject, message: str
    ) -> None:
        kept = [it for it in stored.inventory.version().state if it not in prepared.files]
        self._put(there, prepared, message, kept)

    def _put(
        self, there: _Open, prepared: Prepared, message: str, kept: Collection[str] = ()
    ) -> None:
        item = prepared.item
        there.batch.put(
            item.id,
            prepared.files,
            message=message,
            author=Author(self._agent),
            created=item.archived or datetime.now(UTC),
            kept=kept,
        )
        there.staged[item.id] = prepared
        self.counts.bytes += sum(map(_size_of, prepared.files.values()))

    def _journal(self, place: Place, receipts: list[Receipt], *, was_found: bool = False) -> None:
        if not receipts:
            return
        lines = sorted(f"{it.object_id} {it.version} {it.inventory}" for it in receipts)
        digest = hashlib.sha256("\n".join(lines).encode()).hexdigest()
        details: dict[str, Any] = {"place": place.name, "versions": len(lines), "sha256": digest}
        if was_found:
            details["found"] = True
        with self._context.catalog.writing() as session:
            entry = journal.Entry(INGESTED, self._context.site, details)
            journal.append(session, self._context.origin, [entry])


@contextmanager
def keeping(
    context: RunContext,
    estate: Estate,
    bench: Workbench,
    agent: str,
    *,
    wait: timedelta = timedelta(0),
) -> Iterator[ItemKeeper]:
    """Hold the archive for writing; what is staged when the block ends well is committed.

    Args:
        context: Of the run.
        estate: In force.
        bench: The tools.
        agent: Who keeps.
        wait: How long to wait for another writer.

    Raises:
        ArchiveBusyError: Another process writes there, after the wait too.
    """
    keeper = ItemKeeper(context, estate, bench, agent)
    deadline = time.monotonic() + wait.total_seconds()
    with ExitStack() as stack:
        while True:
            try:
                with ExitStack() as tried:
                    keeper.open(tried)
                    stack.push(tried.pop_all())
                break
            except ArchiveBusyError:
                if time.monotonic() >= deadline:
                    raise
                time.sleep(_POLL_SECONDS)
        yield keeper
        keeper.commit()


def _read_back(root: StorageRoot, receipt: Receipt, item: Item) -> None:
    """Read what a version brought, and hold what the item says of its files against it."""
    stored = root.find(receipt.object_id)
    state = stored.inventory.version().state
    for part in item.parts:
        if state.get(part.path) != part.sha512:
            raise ObjectDamagedError(
                "the file {file} of {object} changed while it was archived",
                data="the version is marked by this; the one before is whole",
                next_step="`{program} archive.show --id {object}`, then hand it in again",
                file=part.path,
                object=receipt.object_id,
            )
    head = f"{receipt.version}/"
    for logical in state:
        if stored.inventory.content_path(logical).startswith(head):
            stored.read_back(logical)


def _named(delivery: Delivery) -> dict[str, Named]:
    return {delivery.digests[path].sha512: (path, it) for path, it in delivery.files.items()}


def _let_go(delivery: Delivery) -> None:
    """Remove copies that were made for this, so that a run needs room for one batch only."""
    if delivery.is_taken:
        for content in delivery.files.values():
            if isinstance(content, Path):
                content.unlink(missing_ok=True)


def _size_of(content: Content) -> int:
    return len(content) if isinstance(content, bytes) else content.stat().st_size
