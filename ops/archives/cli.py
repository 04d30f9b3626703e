"""Archive, look for, show and give out, for a person at a terminal."""

import json
from collections.abc import Mapping
from dataclasses import asdict, replace
from datetime import date, datetime
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from archive.metadata.item import MISSING, Item
from archive.ocfl.root import open_root
from archive.search.index import Found, ItemIndex, Wanted
from ops.access.session import Bench, at_bench
from ops.archives.item import (
    Named,
    changed_fields,
    changed_files,
    changed_words,
    export_item,
    find_by_address,
    find_item,
    infected_parts,
    item_to_export,
)
from ops.archives.mend import restored_root
from ops.archives.places import PRIVATE, Place, all_places, opened_index, own_places
from ops.archives.reindex import Reindexed, reindex
from ops.archives.tasks import ExportItem, ListItems, Reindex, Search, ShowItem
from ops.archives.wording import tell_refusal
from ops.errors import WrongUseError
from ops.estate.choose import choose_place
from ops.estate.load.load import load_estate
from ops.estate.model.estate import Estate
from ops.estate.model.own_site import ARCHIVE_SITE, PRIVATE_PART, PUBLIC_PART
from ops.jobs.site_lock import hold_site_lock
from ops.journal import journal
from ops.language.formats import format_moment, format_number, format_size
from ops.language.text import N_, _, as_typed
from ops.terminal.exit_codes import gravest
from ops.terminal.output import (
    Cell,
    text_width,
    write_cells,
    write_indented,
    write_json,
    write_line,
)
from ops.terminal.progress import shown_progress
from ops.terminal.view import Column, Row, View, day, moment, short_id, size, write_list

ACCESS = "archive.access"
_MALWARE = {"clean": N_("none found"), "infected": N_("infected"), "not run": N_("not checked")}


def _heading(row: Row) -> str:
    gone = " " + _("(gone from the portal)") if row["withdrawn"] else ""
    malware = " " + _("(carries malware)") if row["infected"] else ""
    return f"{row['title']}{gone}{malware}"


PARTS = View(
    N_("Nothing."),
    Column("path", N_("File")),
    Column("name", N_("Name"), of=lambda row: row.get("name", "")),
    Column("puid", N_("Format"), of=lambda row: row.get("puid", "") or _("unknown")),
    Column("size", N_("Size"), size, of=lambda row: row.get("size", 0)),
    Column("malware", N_("Malware"), of=lambda row: tell_malware(row.get("malware", ""))),
)
VERSIONS = View(
    N_("Nothing."),
    Column("version", N_("Version")),
    Column("created", N_("Archived"), moment),
    Column("message", N_("Why"), lambda value, _zone: _(value)),
    Column("user", N_("By")),
)
FOUND = View(
    N_("no item is like that"),
    Column("id", N_("Id"), short_id),
    Column("day", N_("Day"), day),
    Column("site", N_("Site")),
    Column("content_class", N_("Class")),
    Column("title", N_("Heading"), of=_heading),
    Column("version", N_("Version")),
)


def search(wish: Search) -> int:
    """Find items by their words and list them; gives 0."""
    return _list(wish, wish.text)


def list_newest(wish: ListItems) -> int:
    """List items, the newest first; gives 0."""
    return _list(wish, "")


def _list(wish: ListItems | Search, text: str) -> int:
    if wish.limit < 1:
        raise WrongUseError("--limit says how many at most: 1 or more")
    wanted = Wanted(
        text=text,
        site=wish.site,
        content_class=wish.content_class,
        limit=wish.limit,
        since=read_day(wish.since, "since"),
        until=read_day(wish.until, "until"),
    )
    estate = load_estate()
    place = own_places(estate)[1 if wish.private else 0]
    with opened_index(place, read_only=True) as index:
        found = find_entries(index, wanted)
    if wish.site and not found.count:
        estate.site(wish.site)  # of a site that is no more, what was kept is found all the same
    if wish.private:
        _note_access(estate, "search", {"count": found.count})
    titles = {it.name: it.title or it.name for it in estate.classes}
    write_list(
        FOUND,
        found.entries,
        as_json=wish.json,
        beside={"content_class": partial(_class, titles)},
        count=found.count,
    )
    more = found.count - len(found.entries)
    if more and not wish.json:
        text = _("and {count} more: --limit, --site, --class, --since and --until narrow it down")
        write_line(text.format(count=format_number(more)))
    return 0


def _class(titles: Mapping[str, str], row: Row) -> str:
    return titles.get(row["content_class"], row["content_class"])


def find_entries(index: ItemIndex, wanted: Wanted) -> Found:
    """Search; an address is looked for among addresses first."""
    if wanted.text.lower().startswith(("http://", "https://")):
        found = find_by_address(index, replace(wanted, text="", address=wanted.text))
        if found.entries:
            return found
    return index.search(wanted)


def show(wish: ShowItem) -> int:
    """Show an item, its versions, and what changed."""
    estate = load_estate()
    named = find_item(estate, wish.id, private=wish.private)
    if wish.private:
        _note_access(estate, "show", {"item": named.entry.id})
    item = named.item(wish.version)
    versions = named.stored.inventory.versions
    if wish.json:
        told = {"versions": list_versions(named), "path": str(named.stored.path)}
        write_json([{**msgspec.to_builtins(item), **told}])
        return 0
    zone = estate.organisation.timezone
    _write_item(named, item, zone)
    write_line()
    write_list(VERSIONS, list_versions(named), as_json=False, zone=zone)
    if wish.compare or len(versions) > 1:
        _write_differences(named, wish.compare or f"v{len(versions) - 1}", wish.version)
    return 0


def list_versions(named: Named) -> list[dict[str, Any]]:
    """Give a row for each version, oldest first."""
    versions = enumerate(named.stored.inventory.versions, start=1)
    return [
        {
            "version": f"v{number}",
            "created": it.created,
            "message": it.message,
            "user": it.user_name,
        }
        for number, it in versions
    ]


def _write_item(named: Named, item: Item, zone: str) -> None:
    write_cells([Cell(item.title)], bold=True)
    lines = [
        (_("Id"), item.id),
        (_("Author"), ", ".join(it.name for it in item.creators)),
        (_("Source"), " · ".join(filter(None, (item.source.name, item.source.url)))),
        (_("Published"), format_moment(item.published, zone) if item.published else "–"),
        (_("Gone from the portal"), format_moment(item.withdrawn, zone) if item.withdrawn else ""),
        (_("Addresses"), " ".join(item.addresses)),
        (_("Kept"), item.retention.row or _("for ever: no rule covers it yet")),
        (_("Lies in"), str(named.stored.path)),
    ]
    width = max(text_width(name) for name, _value in lines)
    for name, value in lines:
        if value:
            label = name + " " * (width - text_width(name))
            write_indented(value, f"  {label}  ", " " * (width + 4))
    write_line()
    write_list(PARTS, map(msgspec.to_builtins, item.parts), as_json=False)
    for name, why in item.fields.items():
        if name.startswith(MISSING):
            text = _("not archived: {name}: {why}")
            told = text.format(name=name.removeprefix(MISSING), why=tell_refusal(why))
            write_indented(told, "  ", "    ")
    for it in item.refused:
        text = _("not archived: {name}, {size}: {why}")
        told = text.format(
            name=it.part.name or it.part.path,
            size=format_size(it.part.size),
            why=tell_refusal(it.why),
        )
        write_indented(told, "  ", "    ")


def tell_malware(verdict: str) -> str:
    """Tell what a scan said of a file; a step that did not run is not checked."""
    if not verdict:
        return _("not checked")
    word, _colon, rest = verdict.partition(": ")
    return f"{_(_MALWARE.get(word, word))}: {rest}" if rest else _(_MALWARE.get(word, word))


def _write_differences(named: Named, before: str, after: str) -> None:
    newer = after or named.stored.inventory.head
    items = named.item(before), named.item(newer)
    write_line()
    write_line(_("From {before} to {after}:").format(before=before, after=newer))
    for field, old, new in changed_fields(*items):
        write_indented(f"{field}: {_shown(old)} → {_shown(new)}", "  ", "    ")
    kinds = {"new": _("new"), "gone": _("gone"), "changed": _("changed")}
    for path, kind in changed_files(*items):
        write_line(f"  {path}: {kinds[kind]}")
    for line in changed_words(named.stored, (before, newer), items):
        write_line(f"    {line}")


def _shown(value: object) -> str:
    """Show a field's value: texts as they are, all else in one line."""
    if value is None:
        return "–"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def export(wish: ExportItem) -> int:
    """Give an item out."""
    if not wish.out:
        raise WrongUseError("nobody has said where to", next_step="write --out FOLDER")
    estate = load_estate()
    named = find_item(estate, wish.id, private=wish.private)
    target = Path(wish.out).absolute()
    for found in infected_parts(item_to_export(named, wish.version, target)):
        write_line(_("Malware is among them: {found}").format(found=found))
    if wish.dry_run:
        told = _("would write {title} into {target}")
        write_line(told.format(title=named.entry.title, target=target))
        return 0
    details = {"item": named.entry.id, "version": wish.version, "to": as_typed(wish.out)}
    _note_access(estate, "export", details)
    files = export_item(named, wish.version, target, estate.organisation.timezone, wish.as_)
    write_line(_("{count} files: {target}").format(count=len(files), target=target))
    return 0


def remake_index(wish: Reindex) -> int:
    """Make the indexes anew."""
    estate = load_estate()
    codes = []
    with shown_progress() as progress, at_bench(estate, dry_run=wish.dry_run) as bench:
        for place, folder in _sources(estate, wish.from_):
            if wish.dry_run:
                text = _("{place}: would make the index anew from {folder}")
                write_line(text.format(place=place.name, folder=folder))
                continue
            open_root(folder)
            progress.start("index items", None, "items")
            with hold_site_lock(estate.service.state, ARCHIVE_SITE, holder="reindex"):
                done = reindex(estate, place, folder, progress.advance)
            progress.finish()
            _write_reindexed(place, done)
            _journal(bench, "archive.reindex", place.name, asdict(done))
            codes.append(1 if done.damaged else 0)
    return gravest(codes)


def _sources(estate: Estate, source: str) -> list[tuple[Place, Path]]:
    """Give the places whose indexes are made anew, and the root that each is read from.

    Raises:
        WrongUseError: The source is no place, and no folder with a restored archive.
    """
    own, places = own_places(estate), {it.name: it for it in all_places(estate)}
    if not source:
        return [(it, it.folder) for it in own]
    if source in places:
        return [(own[source == PRIVATE], places[source].folder)]
    folder = Path(choose_place(estate, source))
    restored = zip(own, (PUBLIC_PART, PRIVATE_PART), strict=True)
    found = [(place, restored_root(folder, part)) for place, part in restored]
    found = [it for it in found if it[1].is_dir()]
    if not found:
        raise WrongUseError(
            'the archive has no place "{name}"',
            why="it has: {known}; and no folder of that name holds a restored archive",
            next_step="name one of these with --from, or the folder that"
            " `{program} backup.restore --site luu-tru` wrote to",
            name=source,
            known=", ".join(places),
        )
    return found


def _write_reindexed(place: Place, done: Reindexed) -> None:
    text = _("{place}: {items} items; {damaged} objects could not be read")
    items = format_number(done.items)
    write_line(text.format(place=place.name, items=items, damaged=len(done.damaged)))
    for path in done.damaged[:20]:
        write_line(f"  {path}")
    if done.differs:
        write_line("  " + _("the old index said something else"))


def _note_access(estate: Estate, what: str, details: Mapping[str, Any]) -> None:
    """Journal who looked at what is not for everybody, and what was given out."""
    with at_bench(estate) as bench:
        _journal(bench, ACCESS, what, details)


def _journal(bench: Bench, action: str, subject: str, details: Mapping[str, Any]) -> None:
    with bench.catalog.writing() as session:
        journal.append(session, bench.origin, [journal.Entry(action, subject, dict(details))])


def read_day(text: str, flag: str) -> date | None:
    """Read a day that is given as dd/mm/yyyy or yyyy-mm-dd.

    Raises:
        WrongUseError: It is none.
    """
    for form in ("%d/%m/%Y", "%Y-%m-%d"):
        try:
            return datetime.strptime(text, form).date() if text else None  # noqa: DTZ007 - a day
        except ValueError:
            continue
    raise WrongUseError(
        '"{text}" is not a day', next_step="write --{flag} 31/12/2026", text=text, flag=flag
    )
