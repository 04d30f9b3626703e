"""Try every part of a site now: can it be read, stored, opened, and is there room?

Nothing is left behind: a store gets one small probe object, which is removed again.
"""

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from pathlib import Path
from urllib.parse import quote

from ops.backups.repositories.open import find_missing_keys
from ops.backups.sources.availability import PartClosedError, part_is_there
from ops.backups.sources.parts import is_folder_here
from ops.backups.sources.site import compile_excludes, find_live_files
from ops.errors import SecretError
from ops.estate.check import check_secrets, find_references
from ops.estate.choose import refuse_built_in
from ops.estate.load.load import load_estate
from ops.estate.load.problems import render_key
from ops.estate.model.estate import Estate
from ops.estate.model.references import resolve
from ops.estate.model.sites import DatabasePart, FilesPart, Site
from ops.language.formats import format_duration, format_number, format_size
from ops.language.text import LABELS, N_, _, fill
from ops.sites.probe.first_copy import (
    Extent,
    Trial,
    copy_rate,
    failed,
    measure,
    measured,
    reckon_seconds,
)
from ops.sites.probe.stores import try_elsewhere, try_pages, try_room, try_server, try_store
from ops.sites.tasks import Test
from ops.terminal.exit_codes import INCOMPLETE
from ops.terminal.output import verdict_cell, write_json, write_line, write_table

_KEYS_MADE_LATER = ("keys.signing", "keys.credentials")


@dataclass(frozen=True, slots=True)
class Tried:
    """Everything that was tried, and what the first copy will take.

    Attributes:
        site: Name of the site.
        trials: In the order they were made.
        files, size_bytes: What there is to copy, as far as it can be read here.
        read_bytes_per_second: Of a short trial: read, compressed and sealed; None when there was
            nothing to read.
        seconds: How long the first copy takes, what the store needs aside; None when not known.
    """

    site: str
    trials: tuple[Trial, ...]
    files: int
    size_bytes: int
    read_bytes_per_second: float | None
    seconds: float | None


def try_site(estate: Estate, site: Site) -> Tried:
    """Try everything a backup of the site needs, in the order a backup needs it."""
    extent = Extent()
    trials = [*_try_references(estate, site)]
    trials += [_try_files(estate, site, part, extent) for part in site.files]
    trials += [_try_database(estate, site, part, extent) for part in site.databases]
    trials += try_pages(site)
    for store in estate.stores:
        trials += try_store(estate, site, store, extent.size_bytes)
    trials.append(try_room(N_("scratch"), estate.service.scratch, _largest_database(site)))
    rate = copy_rate(extent.samples)
    limits = estate.primary_store.limits()
    seconds = reckon_seconds(extent.size_bytes, rate, limits)
    return Tried(site.name, tuple(trials), extent.files, extent.size_bytes, rate, seconds)


def _try_references(estate: Estate, site: Site) -> Iterator[Trial]:
    """Follow every reference the site and its stores use; the secrets are not looked at."""
    document = estate.document()
    missing = {f"file:{it}" for it in find_missing_keys(estate)}
    made_later = {it.key: it for it in check_secrets(estate) if it.key in _KEYS_MADE_LATER}
    number = next(n for n, it in enumerate(estate.sites) if it.name == site.name)
    for at, reference in find_references(estate):
        if at[0] not in {"sites", "stores", "keys"} or (at[0] == "sites" and at[1] != number):
            continue
        part = render_key(at, document)
        if reference in missing and (at == ("keys", "repository") or at[-1] == "key"):
            told = _("there is no repository key yet")
            yield Trial(part, "not_checked", told, fill(N_("`{program} backup.init` makes it"), {}))
            continue
        if part in made_later and made_later[part].severity == "warning":
            problem = made_later[part]
            told, next_step = fill(problem.what, problem.params), fill(problem.fix, problem.params)
            yield Trial(part, "not_checked", told, next_step)
            continue
        try:
            resolve(reference)
        except SecretError as error:
            name = _file_reference_of(estate, reference)
            next_step = (
                fill(N_("`{program} estate.secret --name {name}`"), {"name": name})
                if name
                else fill(error.next_step, error.params)
            )
            yield replace(failed(part, error), next_step=next_step)
        else:
            yield Trial(part, "ok", _("the reference leads to a secret"))


def _file_reference_of(estate: Estate, reference: str) -> str:
    """Give a `file:` reference as a person writes it; empty for another kind."""
    scheme, _colon, rest = reference.partition(":")
    if scheme != "file":
        return ""
    return f"file:{Path(os.path.relpath(rest, estate.path.parent))}"


def _try_files(estate: Estate, site: Site, part: FilesPart, extent: Extent) -> Trial:
    key = f"sites[{site.name}].files[{part.name}]"
    if not is_folder_here(part):
        return try_elsewhere(estate, site, key, part, extent)
    path = Path(part.path)
    try:
        is_there = part_is_there(site, f"{key}.path", part.path)
    except PartClosedError as error:
        return failed(key, error)
    if not is_there:
        told = _("{path} does not exist on this machine").format(path=path)
        return Trial(key, "failed", told, _("correct the path, or mount the disk"))
    top = os.path.realpath(os.fsencode(part.path))
    seen = Extent()
    measure(top, _make_excluded(site, part, top), seen)
    extent.add(seen)
    if seen.unreadable:
        told = _("{count} files or folders may not be read by this user, e.g. {first}").format(
            count=seen.unreadable, first=os.fsdecode(seen.first_unreadable[0])
        )
        fix = N_(
            "let the service's user read them: `setfacl -R -m u:giucong:rX,d:u:giucong:rX {path}`"
        )
        return Trial(key, "failed", told, fill(fix, {"path": path}))
    return measured(key, seen)


def _make_excluded(
    site: Site, part: FilesPart, top: bytes
) -> Callable[[bytes, os.stat_result], bool]:
    live = find_live_files(site, top)
    patterns = compile_excludes((*site.exclude, *part.exclude), os.fsencode(part.path))
    has_patterns = bool(patterns)

    def is_excluded(path: bytes, _status: os.stat_result) -> bool:
        return path in live or (has_patterns and patterns.match(path[len(top) :]))

    return is_excluded


def _try_database(estate: Estate, site: Site, part: DatabasePart, extent: Extent) -> Trial:
    key = f"sites[{site.name}].databases[{part.name}]"
    if part.engine != "sqlite":
        return try_server(estate, key, part, extent)
    if part.host is not None:
        return Trial(key, "not_checked", _("over SSH from a later version"))
    path = Path(part.database)
    try:
        size = path.stat().st_size
        with closing(sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True)) as database:
            found = database.execute("PRAGMA quick_check(1)").fetchone()[0]
    except (OSError, sqlite3.Error) as error:
        told = _("the database {path} cannot be read: {reason}").format(path=path, reason=error)
        return Trial(
            key, "failed", told, _("correct `database`, or let the service's user read it")
        )
    if found != "ok":
        told = _("the database is damaged: {reason}").format(reason=found)
        return Trial(key, "failed", told, _("restore it or repair it before it is relied on"))
    extent.files += 1
    extent.size_bytes += size
    return Trial(key, "ok", _("it opens and is sound, {size}").format(size=format_size(size)))


def _largest_database(site: Site) -> int:
    """Give the size of the largest SQLite file: so much a copy needs for a while, at least."""
    files = [Path(it.database) for it in site.databases if it.engine == "sqlite" and not it.host]
    sizes = [0]
    for file in files:
        with suppress(OSError):  # what cannot be looked at has been told of
            sizes.append(file.stat().st_size)
    return max(sizes)


def show_trials(wish: Test) -> int:
    """Try a site; gives 0, 1 where something failed, 3 where something was not checked."""
    estate = load_estate()
    refuse_built_in(wish.site)
    tried = try_site(estate, estate.site(wish.site))
    code = _exit_code_of(tried)
    if wish.json:
        whole = asdict(tried)
        del whole["trials"]
        write_json(tried.trials, ok=code == 0, **whole)
        return code
    rows = [(it.part, verdict_cell(it.outcome), it.told) for it in tried.trials]
    write_table([_("Part"), _("State"), _("What was seen")], rows)
    write_line()
    for trial in tried.trials:
        if trial.next_step:
            write_line(f"{trial.part}")
            write_line(f"    {_(LABELS['next_step'])}: {trial.next_step}")
    write_line(_reckoning(tried))
    return code


def _exit_code_of(tried: Tried) -> int:
    """Give the gravest: what did not run is never ok."""
    outcomes = {it.outcome for it in tried.trials}
    if "failed" in outcomes:
        return 1
    return INCOMPLETE if "not_checked" in outcomes else 0


def _reckoning(tried: Tried) -> str:
    size = format_size(tried.size_bytes)
    files = format_number(tried.files)
    if tried.seconds is None or tried.read_bytes_per_second is None:
        return _("To copy: {files} files, {size}; how long it takes is not known.").format(
            files=files, size=size
        )
    return _(
        "To copy: {files} files, {size}; a trial read, compressed and sealed {rate} a second. The"
        " first copy takes about {duration}, and as much longer as the store is slower than that."
    ).format(
        files=files,
        size=size,
        rate=format_size(round(tried.read_bytes_per_second)),
        duration=format_duration(timedelta(seconds=max(1, round(tried.seconds)))),
    )
