"""Archive, look for, show and give out, for a person at a terminal."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from archive.errors import ArchiveError
from archive.metadata.item import Item
from archive.ocfl.inventory import Version
from archive.search.index import Entry, Found, Wanted
from backup.errors import BackupError
from backup.progress import Progress
from ops.access.session import Bench, at_bench
from ops.archives.differences import changed_fields, changed_files, changed_words
from ops.archives.export import export_folder
from ops.archives.find import Named, find_item, short_id
from ops.archives.job import capture_site, wanted_of
from ops.archives.kind import archive_job
from ops.archives.places import PRIVATE, all_places, opened_index, own_places
from ops.archives.reindex import reindex
from ops.errors import OpsError, WrongUseError
from ops.estate.choose import choose_sites
from ops.estate.load.load import load_estate
from ops.estate.model.estate import Estate
from ops.jobs.run_now import run_by_hand
from ops.jobs.site_lock import hold_site_lock
from ops.journal import journal
from ops.language.formats import format_moment, format_number, format_size
from ops.language.text import _
from ops.outcomes.output import write_outcome
from ops.schedule.ledger.job import JobResult
from ops.terminal.exit_codes import EXIT_CODES, gravest, report
from ops.terminal.output import write_json, write_line, write_table

_NO_WAIT = timedelta(0)
ACCESS = "archive.access"


def capture(
    name: str, progress: Progress, *, accept_gone: bool, as_json: bool, dry_run: bool
) -> int:
    """Archive one site, or all that the estate archives; gives the exit code."""
    estate = load_estate()
    sites = [it for it in choose_sites(estate, name) if name or it.archive]
    codes, results = [], []
    with at_bench(estate, dry_run=dry_run) as bench:
        for site in sites:
            try:
                wanted = wanted_of(site)
                if dry_run:
                    text = _("{site}: would archive with {connector}, from the newest backup")
                    write_line(text.format(site=site.name, connector=wanted.connector))
                    continue
                work = partial(capture_site, progress=progress, wait_for_lock=_NO_WAIT)
                result = run_by_hand(
                    bench, work, job=archive_job(site.name), kind="archive", site=site.name,
                    arguments={"accept_gone": True} if accept_gone else {},
                )  # fmt: skip
            except (ArchiveError, BackupError, OpsError) as error:
                codes.append(report(error))
                continue
            codes.append(EXIT_CODES[result.outcome])
            results.append({"site": site.name, **asdict(result)})
            if not as_json:
                _write_captured(site.name, result)
    if as_json:
        write_json(results)
    return gravest(codes)


def _write_captured(site: str, result: JobResult) -> None:
    summary = result.summary
    text = _(
        "{site}: {seen} items on the portal; {new} new, {changed} changed, {unchanged} as before,"
        " {withdrawn} gone; {size}"
    )
    write_line(
        text.format(
            site=site,
            size=format_size(summary["bytes"]),
            **{
                it: format_number(summary[it])
                for it in ("seen", "new", "changed", "unchanged", "withdrawn")
            },
        )
    )
    write_outcome(result, job=archive_job(site), site=site)


def search(wanted: Wanted, *, private: bool, as_json: bool) -> int:
    """Find items and list them."""
    estate = load_estate()
    place = own_places(estate)[1 if private else 0]
    with opened_index(place, read_only=True) as index:
        found = index.search(wanted)
    if private:
        _note_access(estate, "search", {"count": found.count})
    if as_json:
        write_json(found.entries, count=found.count)
        return 0
    _write_found(found, estate)
    return 0


def _write_found(found: Found, estate: Estate) -> None:
    if not found.entries:
        write_line(_("no item is like that"))
        return
    columns = (_("id"), _("day"), _("site"), _("class"), _("title"), _("version"))
    titles = {it.name: it.title or it.name for it in estate.classes}
    write_table(columns, [_row(it, titles) for it in found.entries])
    more = found.count - len(found.entries)
    if more:
        text = _("and {count} more: --limit, --site, --class, --since and --until narrow it down")
        write_line(text.format(count=format_number(more)))


def _row(entry: Entry, classes: Mapping[str, str]) -> list[str]:
    day = date.fromisoformat(entry.day).strftime("%d/%m/%Y") if entry.day else "-"
    gone = " " + _("(gone from the portal)") if entry.withdrawn else ""
    return [
        short_id(entry.id), day, entry.site, classes.get(entry.content_class, entry.content_class),
        entry.title + gone, entry.version,
    ]  # fmt: skip


def show(text: str, *, version: str, compare: str, private: bool, as_json: bool) -> int:
    """Show an item, its versions, and what changed."""
    estate = load_estate()
    named = find_item(estate, text, private=private)
    if private:
        _note_access(estate, "show", {"item": named.entry.id})
    item = named.item(version)
    versions = named.stored.inventory.versions
    if as_json:
        listed = [_version_row(number, it) for number, it in enumerate(versions, start=1)]
        write_json([{**_plain(item), "versions": listed, "path": str(named.stored.path)}])
        return 0
    zone = estate.organisation.timezone
    _write_item(named, item, zone)
    write_line()
    write_table(
        (_("version"), _("when"), _("why"), _("by")),
        [
            [f"v{number}", format_moment(it.created, zone), _(it.message), it.user_name]
            for number, it in enumerate(versions, start=1)
        ],
    )
    if compare or len(versions) > 1:
        _write_differences(named, compare or f"v{len(versions) - 1}", version)
    return 0


def _version_row(number: int, version: Version) -> dict[str, Any]:
    return {
        "version": f"v{number}",
        "created": version.created,
        "message": version.message,
        "user": version.user_name,
    }


def _plain(item: Item) -> dict[str, Any]:
    import msgspec

    plain: dict[str, Any] = msgspec.to_builtins(item)
    return plain


def _write_item(named: Named, item: Item, zone: str) -> None:
    write_line(item.title)
    lines = [
        (_("id"), item.id),
        (_("author"), ", ".join(it.name for it in item.creators)),
        (_("source"), " · ".join(filter(None, (item.source.name, item.source.url)))),
        (_("published"), format_moment(item.published, zone) if item.published else "-"),
        (_("gone from the portal"), format_moment(item.withdrawn, zone) if item.withdrawn else ""),
        (_("addresses"), " ".join(item.addresses)),
        (_("kept"), item.retention.row or _("no row covers it: for ever, until somebody decides")),
        (_("lies in"), str(named.stored.path)),
    ]
    for name, value in lines:
        if value:
            write_line(f"  {name}: {value}")
    write_line()
    write_table(
        (_("file"), _("name"), _("format"), _("size"), _("malware")),
        [
            [it.path, it.name, it.puid or _("unknown"), format_size(it.size),
             it.malware or _("not checked")]
            for it in item.parts
        ],
    )  # fmt: skip


def _write_differences(named: Named, before: str, after: str) -> None:
    newer = after or named.stored.inventory.head
    items = named.item(before), named.item(newer)
    write_line()
    write_line(_("From {before} to {after}:").format(before=before, after=newer))
    for field, old, new in changed_fields(*items):
        write_line(f"  {field}: {old} → {new}")
    kinds = {"new": _("new"), "gone": _("gone"), "changed": _("changed")}
    for path, kind in changed_files(*items):
        write_line(f"  {path}: {kinds[kind]}")
    for line in changed_words(named.stored, (before, newer), items):
        write_line(f"    {line}")


def export(text: str, *, form: str, out: str, version: str, private: bool, dry_run: bool) -> int:
    """Give an item out."""
    if form != "folder":
        raise WrongUseError(
            "{form} is not in this version", next_step="write --as folder", form=form
        )
    if not out:
        raise WrongUseError(
            "nobody has said where to", data="nothing was changed", next_step="write --out FOLDER"
        )
    estate = load_estate()
    named = find_item(estate, text, private=private)
    target = Path(out).absolute()
    if dry_run:
        told = _("would write {title} into {target}")
        write_line(told.format(title=named.entry.title, target=target))
        return 0
    files = export_folder(named, version, target, estate.organisation.timezone)
    _note_access(estate, "export", {"item": named.entry.id, "version": version, "to": out})
    write_line(_("{count} files: {target}").format(count=len(files), target=target))
    return 0


def remake_index(source: str, *, dry_run: bool) -> int:
    """Make the indexes anew."""
    estate = load_estate()
    places = {it.name: it for it in all_places(estate)}
    if source and source not in places:
        raise WrongUseError(
            'the archive has no place "{name}"',
            why="it has: {known}",
            next_step="name one of these with --from",
            name=source,
            known=", ".join(places),
        )
    codes = []
    with at_bench(estate, dry_run=dry_run) as bench:
        for place in own_places(estate):
            if source and (place.name == PRIVATE) != (source == PRIVATE):
                continue
            read_from = places[source or place.name]
            if dry_run:
                text = _("{place}: would make the index anew from {folder}")
                write_line(text.format(place=place.name, folder=read_from.folder))
                continue
            read_from.root()
            with hold_site_lock(estate.service.state, "luu-tru", holder="reindex"):
                done = reindex(estate, place, read_from.folder, lambda _count: None)
            text = _("{place}: {items} items; {damaged} objects could not be read")
            write_line(
                text.format(
                    place=place.name,
                    items=format_number(done.items),
                    damaged=len(done.damaged),
                )
            )
            for path in done.damaged[:20]:
                write_line(f"  {path}")
            if done.differs:
                write_line("  " + _("the old index said something else"))
            _journal(bench, "archive.reindex", place.name, asdict(done))
            codes.append(1 if done.damaged else 0)
    return gravest(codes)


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
        '"{text}" is not a day',
        data="nothing was changed",
        next_step="write --{flag} 31/12/2026",
        text=text,
        flag=flag,
    )
