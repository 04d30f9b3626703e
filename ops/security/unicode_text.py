"""Whether what a site says is written as TCVN 6909:2001 has it: in Unicode, and composed (NFC).

Judged from the newest items of the archive, as they came from the portal. The standard commands
Unicode and no normal form: an older encoding is a fault, text that is not composed is only told.
"""

from collections import Counter
from collections.abc import Iterator, Mapping

from archive.errors import ArchiveError
from archive.metadata.item import ITEM_FILE, Item, parse_item
from archive.metadata.text import MOST, TOO_LARGE, UNKNOWN, read_text
from archive.ocfl.root import StorageRoot, StoredObject
from archive.search.index import Wanted
from ops.archives.places import opened_index, own_places
from ops.estate.model.estate import Estate
from ops.security.findings import Severity, Sighting, ToolLook, digest, not_checked

TOOL = "unicode"
MOST_ITEMS = 200
_UNICODE = frozenset({"utf-8", "utf-16", "utf-16-le", "utf-16-be"})
_SEVERITIES: Mapping[str, tuple[Severity, str]] = {
    "form": ("low", "text_not_composed"),
    "unknown": ("medium", "text_unknown"),
    "old": ("high", "text_old"),
}
_UNSEEN = "unseen"


def look(estate: Estate, site: str, subject: str) -> ToolLook:
    """Read the newest items of a site."""
    if estate.archive is None or not own_places(estate)[0].is_there:
        return not_checked(subject, TOOL, "no_captures")
    place = own_places(estate)[0]
    try:
        with opened_index(place, read_only=True) as index:
            entries = index.search(Wanted(site=site, limit=MOST_ITEMS)).entries
        found = list(_read_items(place.root(), [it.id for it in entries if not it.withdrawn]))
    except (ArchiveError, OSError) as error:
        return not_checked(subject, TOOL, "no_answer", why=str(error))
    texts = [it for it in found if it[0] != _UNSEEN]
    if not texts:
        return not_checked(subject, TOOL, "no_captures")
    return _conclude(subject, found, len(texts))


def _conclude(subject: str, found: list[tuple[str, str, str]], texts: int) -> ToolLook:
    counts = Counter((kind, encoding) for kind, encoding, _item in found)
    first = {(kind, encoding): item for kind, encoding, item in reversed(found)}
    sightings = tuple(
        Sighting(
            check=f"{kind} {encoding}",
            severity=_SEVERITIES[kind][0],
            code=_SEVERITIES[kind][1],
            params={
                "encoding": encoding,
                "count": count,
                "all": texts,
                "first": first[kind, encoding],
            },
        )
        for (kind, encoding), count in counts.items()
        if kind in _SEVERITIES
    )
    unseen = sum(it[0] == _UNSEEN for it in found)
    return ToolLook(
        subject=subject,
        tool=TOOL,
        outcome="incomplete" if unseen else "ok",
        reason="texts_unseen" if unseen else "",
        params={"count": unseen} if unseen else {},
        sightings=sightings,
        evidence=digest(repr(sorted(counts.items())).encode()),
    )


def _read_items(root: StorageRoot, ids: list[str]) -> Iterator[tuple[str, str, str]]:
    """Yield for each text what it is (`good`, or a kind), its encoding or form, and its item."""
    for item_id in ids:
        try:
            stored = root.find(item_id)
            yield from _read_item(stored, parse_item(stored.read(ITEM_FILE)))
        except ArchiveError:
            yield _UNSEEN, "", item_id


def _read_item(stored: StoredObject, item: Item) -> Iterator[tuple[str, str, str]]:
    for part in item.parts:
        if part.role == "readable" or read_text(part, b"") is None:
            continue  # made here of one that is not Unicode, or no text
        text = read_text(part, stored.read(part.path, limit=MOST + 1))
        if text is None:
            continue
        if text.encoding == TOO_LARGE:
            yield _UNSEEN, "", item.id
        elif text.encoding == UNKNOWN:
            yield "unknown", UNKNOWN, item.id
        elif text.encoding not in _UNICODE:
            yield "old", text.encoding, item.id
        else:
            yield ("form", text.form, item.id) if text.form else ("good", "", item.id)
