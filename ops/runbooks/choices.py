"""Lists to choose a runbook's values from, on a terminal: sites, stores, snapshots, folders.

Which list a value has goes by its name: `site`, `store`, `host`, `database`, `person`, `snapshot`,
`before`, `path`, `target`, `standby`, `folder`, `estate`. Where a list cannot be had, the value is
typed.
"""

import re
import secrets
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from urllib.parse import urlsplit

from backup.errors import BackupError
from backup.format.snapshot import Snapshot
from backup.repository.ids import SnapshotNotFoundError
from backup.repository.repository import Repository
from backup.snapshots.selection import find_snapshot, load_readable_snapshots
from backup.snapshots.walk import TreeReader, walk
from ops.backups.browse import find_by_name
from ops.backups.ransomware.suspicion import look_for_suspicion, write_suspicion
from ops.backups.repositories.moments import choose_snapshot, database_in
from ops.backups.repositories.open import open_to_read
from ops.catalog.tables.index import is_ahead
from ops.errors import OpsError, WrongUseError
from ops.estate.known_sites import title_of_known
from ops.estate.load.load import load_estate
from ops.estate.model.estate import Estate
from ops.language.formats import format_duration, format_second, format_size
from ops.language.text import N_, _
from ops.runbooks.bare_machine import where_estate_is
from ops.runbooks.new_folders import list_roots
from runbooks.errors import RunbookUseError

_MOST_SNAPSHOTS = 20
_NAME_SNAPSHOTS = ("snapshot", "before", "evidence")
_MOST_FILES = 30
# So narrow that nobody reads another machine in it: no user, no list, no other separators.
_ADDRESS = re.compile(r"https?://([A-Za-z0-9.-]+)(?::[0-9]{1,5})?(?:/.*)?")
NEW_FOLDERS = ("target", "standby")
TARGET_PREFIX = "khoi-phuc-"


@dataclass(frozen=True, slots=True)
class Choice:
    """One line of a list: the value, and what is said of it."""

    value: str
    said: str = ""


def list_choices(name: str, values: Mapping[str, str]) -> list[Choice]:
    """Give the list for a value.

    Args:
        name: Of the value.
        values: Those that are known.
    """
    make = _LISTS.get(name)
    if make is None or where_estate_is() is None:
        return []
    with suppress(OpsError, BackupError, OSError):
        return list(make(load_estate(), values))
    return []


def refuse_unknown(name: str, value: str, values: Mapping[str, str]) -> None:
    """Refuse a value that names a site, store, database, snapshot or web address that is not there.

    What cannot be looked up now is taken as it is: the step that needs it says so.

    Args:
        name: Of the value.
        value: What was given.
        values: Those that are known.
    """
    if value and name == "snapshot" and _is_same(value, values.get("evidence", "")):
        raise _unusable(name, value, N_("this is the one that shows the damage: choose another"))
    look = _KNOWN.get(name)
    if not value or look is None or where_estate_is() is None:
        return
    with suppress(OpsError, BackupError, OSError):
        estate = load_estate()
        try:
            is_there = bool(look(estate, value, values))
        except (SnapshotNotFoundError, WrongUseError):
            is_there = False
        if not is_there:
            raise _unusable(name, value, N_("there is none of that name here: {value}"))


def warn_of_doubt(name: str, value: str, values: Mapping[str, str]) -> None:
    """Say it once more where the copy to go back to is in doubt; arguments as above."""
    if name != "snapshot" or not values.get("site") or where_estate_is() is None:
        return
    with suppress(OpsError, BackupError, OSError):
        estate = load_estate()
        suspicion = look_for_suspicion(estate, values["site"])
        repository = _open(estate, values)
        if suspicion and find_snapshot(repository, value).time >= suspicion.since:
            known = load_readable_snapshots(repository).snapshots
            write_suspicion(suspicion, known, estate.organisation.timezone)


def _is_same(one: str, other: str) -> bool:
    return bool(other) and (one.startswith(other) or other.startswith(one))


def _unusable(name: str, value: str, why: str) -> RunbookUseError:
    return RunbookUseError(
        'the value of "{name}" cannot be used: {value}',
        why=why,
        data="nothing was changed",
        next_step="give another one: `--set {name}=VALUE`",
        name=name,
        value=value,
    )


def _has_snapshot(estate: Estate, value: str, values: Mapping[str, str]) -> bool:
    return not values.get("site") or bool(find_snapshot(_open(estate, values), value))


def _is_named_address(estate: Estate, value: str, _values: Mapping[str, str]) -> bool:
    """Tell whether an address leads to a site or a machine of the estate: `curl` goes there."""
    named = {urlsplit(it.url).hostname for it in estate.sites} | {it.address for it in estate.hosts}
    found = _ADDRESS.fullmatch(value)
    is_address = "://" in value  # `main` is a store in another runbook
    return not is_address or (found is not None and found[1].lower() in named)


_KNOWN: Mapping[str, Callable[[Estate, str, Mapping[str, str]], object]] = {
    "site": lambda estate, value, _values: title_of_known(estate, value),
    "database": lambda estate, value, values: any(
        it.value == value for it in _databases(estate, values)
    ),
    "store": lambda estate, value, _values: (
        "/" in value or value in {it.name for it in estate.stores}
    ),
    "folder": lambda estate, value, _values: value in {it.url for it in estate.stores},
    "estate": lambda estate, value, _values: value == str(estate.path),
    **dict.fromkeys(_NAME_SNAPSHOTS, _has_snapshot),
    **dict.fromkeys(("address", "main"), _is_named_address),
}


def _sites(estate: Estate, _values: Mapping[str, str]) -> Iterable[Choice]:
    return [Choice(it.name, it.title) for it in estate.sites]


def _stores(estate: Estate, _values: Mapping[str, str]) -> Iterable[Choice]:
    return [Choice(it.name, it.location) for it in estate.stores]


def _hosts(estate: Estate, values: Mapping[str, str]) -> Iterable[Choice]:
    sites = [it for it in estate.sites if it.name == values.get("site")]
    used = {part.host for it in sites for part in it.files}
    used |= {part.host for it in sites for part in it.databases}
    return [Choice(it.name, it.address) for it in estate.hosts if it.name in used or not sites]


def _databases(estate: Estate, values: Mapping[str, str]) -> Iterable[Choice]:
    site = estate.site(values.get("site", ""))
    return [Choice(it.name, f"{it.engine} · {it.database}") for it in site.databases]


def _people(estate: Estate, _values: Mapping[str, str]) -> Iterable[Choice]:
    return [Choice(it.name, it.title) for it in estate.people]


def _snapshots(estate: Estate, values: Mapping[str, str]) -> Iterable[Choice]:
    """List the newest snapshots: those of the whole site first, then those of databases alone.

    One that was kept as evidence is not offered: it is no good one. One that was chosen for
    something else is marked.
    """
    site = values.get("site", "")
    repository = _open(estate, values)
    taken = [values[name] for name in _NAME_SNAPSHOTS if values.get(name)]
    evidence = values.get("evidence")
    known = [
        it
        for it in reversed(load_readable_snapshots(repository).snapshots)
        if not is_ahead(it.time, repository.clock.now())
        and not (evidence and it.id.startswith(evidence))
    ]
    whole = [it for it in known if database_in(it.paths, site) is None]
    alone = [it for it in known if database_in(it.paths, site) is not None]
    zone = estate.organisation.timezone
    suspicion = look_for_suspicion(estate, site)

    def tell(it: Snapshot) -> str:
        told = f"{format_second(it.time, zone)} · {_tell_content(it, whole, site)}"
        told += _(" · chosen above") if any(it.id.startswith(one) for one in taken) else ""
        return told + (_(" · in doubt") if suspicion and it.time >= suspicion.since else "")

    return [
        Choice(it.short_id, tell(it)) for it in (*whole[:_MOST_SNAPSHOTS], *alone[:_MOST_SNAPSHOTS])
    ]


def _open(estate: Estate, values: Mapping[str, str]) -> Repository:
    store = estate.store(values["store"]) if values.get("store") else estate.primary_store
    return open_to_read(estate, values.get("site", ""), store)


def _tell_content(snapshot: Snapshot, whole: Sequence[Snapshot], site: str) -> str:
    """Say what a snapshot holds; of a database alone how much older the files are beside it."""
    database = database_in(snapshot.paths, site)
    if database is None:
        return _("whole site")
    told = _("{name} alone").format(name=database)
    files = next((it for it in whole if it.time <= snapshot.time), None)
    if files is None:
        return told
    text = _("{what}, its files {gap} older")
    return text.format(what=told, gap=format_duration(snapshot.time - files.time))


def _paths(estate: Estate, values: Mapping[str, str]) -> Iterable[Choice]:
    """List the files whose path holds what was told of the name."""
    site, part = values.get("site", ""), values.get("name", "")
    if not part:
        return []
    repository = open_to_read(estate, site, estate.primary_store)
    wanted = values.get("snapshot", "latest")
    snapshot = choose_snapshot(repository, estate, site, wanted=wanted)
    entries = walk(TreeReader(repository, repository.load_index()), snapshot.tree)
    files = (it for it in find_by_name(entries, part) if it.node.type == "file")
    paths = [it.path.lstrip(b"/").decode("utf-8", "replace") for it in islice(files, _MOST_FILES)]
    return [Choice(it) for it in paths if it.isprintable()]


def _targets(estate: Estate, values: Mapping[str, str]) -> Iterable[Choice]:
    """List new folders where there is room."""
    moment = datetime.now(estate.zone).strftime("%Y%m%d-%H%M")
    unguessed = secrets.token_hex(4)  # nobody takes the name before us where all may write
    name = f"{TARGET_PREFIX}{values.get('site', 'trang')}-{moment}-{unguessed}"
    return [
        Choice(str(place / name), _("new; {size} free").format(size=format_size(free)))
        for place in list_roots(estate)
        if (free := shutil.disk_usage(place).free)
    ]


def _folders(estate: Estate, _values: Mapping[str, str]) -> Iterable[Choice]:
    return [Choice(it.url, it.name) for it in estate.stores if it.url.startswith("/")]


def _estates(estate: Estate, _values: Mapping[str, str]) -> Iterable[Choice]:
    return [Choice(str(estate.path))]


_LISTS: Mapping[str, Callable[[Estate, Mapping[str, str]], Iterable[Choice]]] = {
    "site": _sites,
    "store": _stores,
    "host": _hosts,
    "database": _databases,
    "person": _people,
    "snapshot": _snapshots,
    "before": _snapshots,
    "path": _paths,
    **dict.fromkeys(NEW_FOLDERS, _targets),
    "folder": _folders,
    "estate": _estates,
}
