"""An item as a person names it, what changed between two of its versions, and how it is given out.

Both are checked without our software: by `sha256sum`, or by whatever knows BagIt (RFC 8493).
"""

import difflib
import html
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from hashlib import file_digest
from pathlib import Path
from typing import Any

import msgspec

from archive.errors import ArchiveError, ObjectNotFoundError
from archive.metadata.findings import INFECTED
from archive.metadata.item import ITEM_FILE, Item, Part, RefusedPart, parse_item
from archive.metadata.text import read_text
from archive.ocfl.root import StoredObject
from archive.search.index import Entry, Found, ItemIndex, Wanted
from ops.archives.places import Place, opened_index, own_places
from ops.archives.wording import tell_refusal
from ops.errors import WrongUseError
from ops.estate.model.estate import Estate
from ops.language.formats import format_id, format_moment
from ops.language.text import N_, _
from ops.version import software_version

_FEWEST_DIGITS = 4


@dataclass(frozen=True, slots=True)
class Named:
    """An item that was found.

    Attributes:
        place: Its root.
        entry: As the index has it.
        stored: The object.
    """

    place: Place
    entry: Entry
    stored: StoredObject

    def item(self, version: str = "") -> Item:
        """Give its description in a version, the newest when none is named.

        Raises:
            ObjectNotFoundError: There is no such version.
            ObjectDamagedError: It is not what it was.
        """
        return parse_item(self.stored.read(ITEM_FILE, version))


def infected_parts(item: Item) -> list[str]:
    """Give what a scanner found in files that were kept all the same, when they came."""
    return [it.malware for it in item.parts if it.malware.startswith(INFECTED)]


def find_by_address(index: ItemIndex, wanted: Wanted) -> Found:
    """Find what has or had an address, also where people write it a little otherwise.

    Tried are the address itself, without its fragment, with and without the last slash, by HTTP
    and HTTPS; the first of these that fits counts.
    """
    plain = wanted.address.strip().partition("#")[0]
    scheme, mark, rest = plain.partition("://")
    scheme = scheme.lower() if mark else scheme
    other = {"http": "https", "https": "http"}.get(scheme, scheme)
    forms = [f"{it}{mark}{rest.rstrip('/')}" for it in (scheme, other)] if mark else [plain]
    for form in dict.fromkeys(
        [wanted.address, plain, *(f"{it}{end}" for it in forms for end in ("", "/"))]
    ):
        found = index.search(replace(wanted, address=form)) if form else Found((), 0)
        if found.entries:
            return found
    return Found((), 0)


def find_item(estate: Estate, text: str, *, private: bool = False) -> Named:
    """Give the one item that is meant.

    Args:
        estate: The estate in force.
        text: Beginning or end of an id, four digits at least; or an address.
        private: Look among access grades 3 and 4 instead.

    Raises:
        WrongUseError: None is, or several are.
    """
    place = own_places(estate)[1 if private else 0]
    with opened_index(place, read_only=True) as index:
        ids = index.ids_like(text.lower()) if len(text) >= _FEWEST_DIGITS else []
        if not ids:
            ids = [it.id for it in find_by_address(index, Wanted(address=text, limit=10)).entries]
        if len(ids) != 1:
            raise WrongUseError(
                '"{text}" names no item' if not ids else '"{text}" names several items',
                why="it fits: {ids}" if ids else "",
                next_step="`{program} archive.search --text WORDS` shows ids",
                text=text,
                ids=", ".join(map(format_id, ids)),
            )
        entry = index.entry(ids[0])
    if entry is None:
        raise LookupError(ids[0])
    return Named(place, entry, place.root().find(entry.id))


_PASSED_OVER = frozenset({"schema", "archived", "parts", "nonce", "retention"})
_MOST_LINES = 2_000
_MOST_SHOWN = 200


def changed_fields(before: Item, after: Item) -> list[tuple[str, Any, Any]]:
    """Give (field, before, after) of what differs, files left out."""
    old, new = msgspec.to_builtins(before), msgspec.to_builtins(after)
    names = [it for it in Item.__struct_fields__ if it not in _PASSED_OVER]
    return [(it, old.get(it), new.get(it)) for it in names if old.get(it) != new.get(it)]


def changed_files(before: Item, after: Item) -> list[tuple[str, str]]:
    """Give (path, `new`, `gone` or `changed`), in order."""
    old = {it.path: it.sha512 for it in before.parts}
    new = {it.path: it.sha512 for it in after.parts}
    kinds = {path: _kind(old.get(path), new.get(path)) for path in sorted({*old, *new})}
    return [(path, kind) for path, kind in kinds.items() if kind]


def changed_words(
    stored: StoredObject, versions: tuple[str, str], items: tuple[Item, Item]
) -> Iterator[str]:
    """Yield the lines of the body that differ, with `-` and `+` before them."""
    before, after = (_lines(stored, item, it) for item, it in zip(items, versions, strict=True))
    lines = difflib.unified_diff(before, after, lineterm="", n=1)
    for number, line in enumerate(lines):
        if number == _MOST_SHOWN:
            return
        if not line.startswith(("---", "+++", "@@")):
            yield line


def _lines(stored: StoredObject, item: Item, version: str) -> list[str]:
    body = next((it for it in item.parts if it.role == "body"), None)
    if body is None:
        return []
    try:
        read = read_text(body, stored.read(body.path, version))
    except ArchiveError:
        return []
    words = read.words if read else ""
    return words.replace(". ", ".\n").splitlines()[:_MOST_LINES]


def _kind(old: str | None, new: str | None) -> str:
    if old is None:
        return "new"
    if new is None:
        return "gone"
    return "changed" if old != new else ""


SHEET, SUMS = "index.html", "sha256sums.txt"
FOLDER, BAG = "folder", "bagit"
FORMS = {FOLDER: N_("a folder"), BAG: N_("BagIt")}
_PAYLOAD, _MANIFEST = "data", "manifest-sha512.txt"
_DECLARATION = "BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"


def export_item(named: Named, version: str, target: Path, zone: str, form: str) -> list[Path]:
    """Write an item into a new folder; gives the files.

    Order: the files, each held against its digest; the sheet; the sums last.

    Args:
        named: The item.
        version: As `v2`; empty: the newest.
        target: A folder that is empty or not there.
        zone: That moments are shown in.
        form: One of `FORMS`.
    """
    item = item_to_export(named, version, target)
    payload = target / _PAYLOAD if form == BAG else target
    payload.mkdir(parents=True, exist_ok=True)
    written = []
    for logical in sorted(named.stored.inventory.version(version).state):
        path = payload / logical
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("xb") as file:
            named.stored.copy(logical, file, version)
        written.append(path)
    shown = version or named.stored.inventory.head
    sheet = payload / SHEET
    if form == BAG:
        sheet.write_text(_sheet(item, shown, zone, f"sha512sum -c {_MANIFEST}"), encoding="utf-8")
        return [*written, sheet, *_write_tags(item, shown, target, [*written, sheet])]
    _write_sums(target / SUMS, target, written, "sha256")
    sheet.write_text(_sheet(item, shown, zone, f"sha256sum -c {SUMS}"), encoding="utf-8")
    return [*written, target / SUMS, sheet]


def item_to_export(named: Named, version: str, target: Path) -> Item:
    """Give the item that would be written."""
    if target.exists() and any(target.iterdir()):
        raise WrongUseError(
            "the folder {target} is not empty",
            next_step="give an empty folder, or one that is not there yet",
            target=target,
        )
    try:
        return named.item(version)
    except ObjectNotFoundError as error:
        raise WrongUseError(
            "{id} has no version {version}",
            next_step="`{program} archive.show --id {id}` lists the versions",
            id=named.entry.id,
            version=version,
        ) from error


def _write_sums(path: Path, folder: Path, files: list[Path], algorithm: str) -> None:
    """Write digests as `sha256sum` and BagIt have them; our names have nothing to escape."""
    lines = []
    for it in files:
        with it.open("rb") as file:
            digest = file_digest(file, algorithm).hexdigest()
        lines.append(f"{digest}  {it.relative_to(folder).as_posix()}\n")
    path.write_text("".join(lines), encoding="utf-8")


def _write_tags(item: Item, version: str, target: Path, payload: list[Path]) -> list[Path]:
    """Write what makes a folder a bag: declaration, description, manifests."""
    size = sum(it.stat().st_size for it in payload)
    info = (
        ("Source-Organization", item.publisher or item.source.name),
        ("External-Identifier", f"{item.id} {version}"),
        ("External-Description", item.title),
        ("Bagging-Date", datetime.now(UTC).date().isoformat()),
        ("Bag-Software-Agent", f"giucong {software_version()}"),
        ("Payload-Oxum", f"{size}.{len(payload)}"),
    )
    lines = "".join(f"{name}: {' '.join(value.split())}\n" for name, value in info)
    tags = [target / "bagit.txt", target / "bag-info.txt", target / _MANIFEST]
    tags[0].write_text(_DECLARATION, encoding="utf-8")
    tags[1].write_text(lines, encoding="utf-8")
    _write_sums(tags[2], target, payload, "sha512")
    _write_sums(target / f"tag{_MANIFEST}", target, tags, "sha512")
    return [*tags, target / f"tag{_MANIFEST}"]


def _sheet(item: Item, version: str, zone: str, check: str) -> str:
    rows = [
        (_("Identifier"), f"{item.id} · {version}"),
        (_("Author"), ", ".join(_agent(it.name, it.organisation) for it in item.creators)),
        (_("Source"), " · ".join(filter(None, (item.source.name, item.source.url)))),
        (_("Published"), format_moment(item.published, zone) if item.published else "-"),
        (_("Archived"), format_moment(item.archived, zone) if item.archived else "-"),
        (_("Withdrawn"), format_moment(item.withdrawn, zone) if item.withdrawn else "-"),
        (_("Addresses"), " ".join(item.addresses) or "-"),
    ]
    facts = "".join(
        f"<tr><th>{html.escape(name)}</th><td>{html.escape(value)}</td></tr>"
        for name, value in rows
    )
    files = "".join(map(_file_row, item.parts)) + "".join(map(_refused_row, item.refused))
    how = _(
        "To check without our software: `{check}` in the folder that holds the sums; `{item}` names"
        " each file with its SHA-512, as the archive keeps it."
    ).format(check=check, item=ITEM_FILE)
    return (
        f'<!doctype html><html lang="vi"><meta charset="utf-8"><title>{html.escape(item.title)}'
        "</title><style>body{font:16px/1.5 serif;margin:2rem auto;max-width:60rem}th{text-align:"
        "left;vertical-align:top;padding-right:1rem}td{word-break:break-word}code{font-size:.8em}"
        f"</style><h1>{html.escape(item.title)}</h1><table>{facts}</table>"
        f"<h2>{html.escape(_('Files'))}</h2><table>{files}</table><p>{html.escape(how)}</p></html>\n"
    )


def _agent(name: str, organisation: str) -> str:
    return f"{name} ({organisation})" if organisation else name


def _file_row(part: Part) -> str:
    name = html.escape(part.name or part.path)
    warning = _("Malware is among them: {found}").format(found=part.malware)
    told = f"<strong>{html.escape(warning)}</strong> " if part.malware.startswith(INFECTED) else ""
    return (
        f'<tr><th><a href="{html.escape(part.path)}">{name}</a></th>'
        f"<td>{told}{html.escape(part.puid)} <code>{part.sha256}</code></td></tr>"
    )


def _refused_row(refused: RefusedPart) -> str:
    part = refused.part
    told = _("not archived: {why}").format(why=tell_refusal(refused.why))
    return (
        f"<tr><th>{html.escape(part.name or part.path)}</th>"
        f"<td>{html.escape(told)} <code>{part.sha256}</code></td></tr>"
    )
