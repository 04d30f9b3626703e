"""Make an index anew from a root or any copy of it; the old one is used until the new one is whole.

1. Write a new file beside the old one, object by object; a damaged object is named and left out.
2. Close it, sync it, give it its name.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from archive.errors import ArchiveError
from archive.ingest import fingerprint_of, words_of
from archive.metadata.item import ITEM_FILE, Item, parse_item
from archive.ocfl.root import StorageRoot, StoredObject, read_object
from archive.search.index import Row, open_index
from backup.stores.durable_write import sync_folder
from ops.archives.places import Place
from ops.estate.model.estate import Estate

_AT_ONCE = 500
_SIDE_FILES = ("-wal", "-shm")


@dataclass(slots=True)
class Reindexed:
    """What came of it.

    Attributes:
        items: In the new index.
        damaged: Paths of objects that could not be read.
        differs: Whether the old index said something else; None where there was none to compare.
    """

    items: int = 0
    damaged: list[str] = field(default_factory=list)
    differs: bool | None = None


def reindex(
    estate: Estate,
    place: Place,
    source: Path,
    told: Callable[[int], None],
    *,
    only_same: bool = False,
) -> Reindexed:
    """Make the index of a root anew.

    Args:
        estate: The estate in force.
        place: Whose index.
        source: The root it is read from: its own, or a copy.
        told: Told how many more items are done.
        only_same: Leave the old one where the new one does not say the same.

    Raises:
        NotAnArchiveError: The source is no root.
        OSError: The index cannot be written.
    """
    if place.index is None:
        raise LookupError(place.name)
    root, done = StorageRoot(source), Reindexed()
    fresh = place.index.with_suffix(".new")
    _remove(fresh)
    with ThreadPoolExecutor(1) as writer:  # SQLite works beside Python: two cores are used
        index = writer.submit(open_index, fresh).result()
        try:
            rows, written = _rows(estate, root, done), writer.submit(index.put, [])
            while batch := list(islice(rows, _AT_ONCE)):
                written.result()
                written = writer.submit(index.put, batch)
                told(len(batch))
            written.result()
            mark = writer.submit(index.fingerprint).result()
        except BaseException:
            _remove(fresh)
            raise
        finally:
            writer.submit(index.close).result()
    done.differs = _differs(place.index, mark)
    if only_same and done.differs is not False:
        _remove(fresh)
        return done
    _remove(place.index)
    fresh.rename(place.index)
    sync_folder(str(place.index.parent))
    return done


def _rows(estate: Estate, root: StorageRoot, done: Reindexed) -> Iterator[Row]:
    for folder in root.folders():
        try:
            yield row_of_stored(estate, read_object(folder))
            done.items += 1
        except ArchiveError:
            done.damaged.append(str(folder.relative_to(root.path)))


def row_of_stored(estate: Estate, stored: StoredObject) -> Row:
    """Give what the index is told of an object."""
    item = parse_item(stored.read(ITEM_FILE))
    mark = fingerprint_of(item, {part.path: part.sha512 for part in item.parts})
    return row_of(estate, stored.inventory.head, item, mark, words_of(stored, item))


def row_of(estate: Estate, version: str, item: Item, fingerprint: str, text: str) -> Row:
    """Give what the index is told of an item."""
    moment = item.published or item.created
    day = moment.astimezone(estate.zone).date().isoformat() if moment else ""
    return Row(item, version, day, fingerprint, text)


def _differs(path: Path, mark: str) -> bool | None:
    try:
        old = open_index(path, read_only=True)
    except ArchiveError:
        return None
    try:
        return old.fingerprint() != mark
    finally:
        old.close()


def _remove(path: Path) -> None:
    for ending in ("", *_SIDE_FILES):
        path.with_name(path.name + ending).unlink(missing_ok=True)
