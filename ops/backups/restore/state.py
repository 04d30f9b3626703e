"""Of which moments a restore will be: chosen by what is asked for, and told before it begins."""

import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import datetime, timedelta

from backup.errors import BackupError
from backup.format.snapshot import Snapshot
from backup.patterns.patterns import compile_patterns
from backup.repository.repository import Repository
from backup.snapshots.selection import load_readable_snapshots
from backup.snapshots.walk import PathNotFoundError, TreeReader, find_entry
from ops.access.session import Bench
from ops.backups.ransomware.suspicion import Suspicion, find_suspicion, write_suspicion
from ops.backups.repositories.catalog_index import read_manifest
from ops.backups.repositories.moments import State, choose_state
from ops.backups.restore.targets import Chosen
from ops.backups.restore.tasks import Restore
from ops.errors import OpsError
from ops.estate.model.estate import Estate
from ops.language.formats import format_duration, format_second
from ops.language.text import _
from ops.terminal.output import write_line

_ENDINGS = (".sql", ".globals.sql", ".sqlite")


def choose_asked(repository: Repository, estate: Estate, wish: Restore) -> State:
    """Choose the snapshots, and leave out those of which nothing is asked for.

    Raises:
        SnapshotNotFoundError, NoSnapshotError, WrongUseError: As of `choose_state`.
    """
    site = next((it for it in estate.sites if it.name == wish.site), None)
    known = [it.name for it in site.databases] if site else []
    state = choose_state(
        repository,
        estate,
        wish.site,
        wanted=wish.snapshot,
        at=wish.at,
        databases=known,
        completes=wish.in_place,
    )
    return narrow_state(state, wish, known)


def narrow_state(state: State, wish: Restore, known: list[str]) -> State:
    """Leave out the snapshots of which the patterns ask for nothing; pure.

    Args:
        state: Of the whole site.
        wish: Its patterns; those of earlier parts of a path count as asking for all below.
        known: Names of the site's databases, as far as the estate has them.
    """
    if not wish.include or not state.apart:
        return state
    patterns = compile_patterns(map(os.fsencode, wish.include))
    top = f"{wish.site}/databases"

    def is_asked(name: str) -> bool:
        return any(patterns.match(os.fsencode(f"/{top}/{name}{it}")) for it in _ENDINGS)

    apart = {name: it for name, it in state.apart.items() if is_asked(name)}
    beyond = not all(it.lstrip("/").startswith(top) for it in wish.include)
    from_whole = not known or any(is_asked(it) and it not in apart for it in known)
    return State(state.whole if beyond or from_whole else None, apart)


def refuse_lacking(repository: Repository, state: State, chosen: Chosen, site: str) -> None:
    """Refuse to put back what the snapshots do not hold, before anything is touched.

    Raises:
        OpsError: One part is in none of them.
    """
    reader = TreeReader(repository, repository.load_index())
    wanted = [(it.at, state.whole) for it in (*chosen.files, *chosen.elsewhere)]
    wanted += [(it.at, state.of(it.part.name)) for it in chosen.databases]
    for at, snapshot in wanted:
        if snapshot is None or not _holds(reader, snapshot, f"{site}/{at}"):
            raise OpsError(
                "the snapshot {snapshot} does not hold {at}",
                why="it was taken of a database alone, or before this part was in the estate",
                data="nothing was changed",
                next_step="leave it out: add `--include /{site}/PART` for each of the others; or"
                " choose another: `{program} backup.list --site {site}`",
                snapshot=snapshot.short_id if snapshot else "-",
                at=at,
                site=site,
            )


def _holds(reader: TreeReader, snapshot: Snapshot, path: str) -> bool:
    try:
        return find_entry(reader, snapshot.tree, os.fsencode(path)) is not None
    except PathNotFoundError:
        return False


def find_doubt(bench: Bench, site: str, moments: Iterable[datetime]) -> Suspicion | None:
    """Give why backups of these moments are in doubt; None where none of them is."""
    with bench.catalog.reading() as session:
        suspicion = find_suspicion(session, site)
    is_meant = suspicion and any(it >= suspicion.since for it in moments)
    return suspicion if is_meant else None


def wish_doubt(bench: Bench, site: str, snapshots: Mapping[str, datetime]) -> dict[str, object]:
    """Give what a request's plan says of its snapshots: their moments, and a doubt about them.

    Args:
        bench: Who asks.
        site: Name.
        snapshots: Id → moment.
    """
    doubt = find_doubt(bench, site, snapshots.values())
    taken = {
        id_[:8]: moment.astimezone(bench.estate.zone).isoformat()
        for id_, moment in snapshots.items()
    }
    return {"taken_at": taken, **({"doubt": doubt.as_values(bench.estate)} if doubt else {})}


def tell_doubt(bench: Bench, repository: Repository, state: State, site: str) -> None:
    """Say first where what is going to be restored is in doubt, and which moment was before."""
    suspicion = find_doubt(bench, site, (it.time for it in state.snapshots))
    if suspicion:
        readable = load_readable_snapshots(repository)
        write_suspicion(suspicion, readable.snapshots, bench.estate.organisation.timezone)


def write_state(state: State, site: str, zone: str) -> None:
    """Write which snapshots will be used, and what it means that they are several."""
    if state.whole is not None:
        moment = format_second(state.whole.time, zone)
        write_line(f"{site} · {state.whole.short_id} · {moment}")
    for name, snapshot in state.apart.items():
        moment = format_second(snapshot.time, zone)
        text = _("{site} · database {name} · {snapshot} · {moment}")
        write_line(text, site=site, name=name, snapshot=snapshot.short_id, moment=moment)
    if state.whole is not None and state.apart:
        newest = max(it.time for it in state.apart.values())
        text = _(
            "  the files and these databases are of different moments, {gap} apart: a row may name"
            " a file that is not there; to have all of one moment, add --snapshot {snapshot}"
        )
        gap = format_duration(abs(newest - state.whole.time))
        write_line(text, gap=gap, snapshot=state.whole.short_id)


def write_skew(repository: Repository, state: State, site: str) -> None:
    """Write how far files and rows of one snapshot lie apart; nothing where it has not both."""
    if state.whole is None or state.apart:
        return
    reader = TreeReader(repository, repository.load_index())
    with suppress(BackupError, ValueError, KeyError, TypeError):  # a snapshot that is not ours
        told = read_manifest(reader, state.whole, site)["consistency"]
        if told["gap_seconds"] is None:
            return
        text = _(
            "  its databases are as of {rows}, its files were read until {files}, {gap} later: a"
            " file may be younger than the rows"
        )
        moments = {
            name: datetime.fromisoformat(told[key]["local"]).strftime("%H:%M:%S")
            for name, key in (("rows", "databases_as_of"), ("files", "files_until"))
        }
        gap = format_duration(timedelta(seconds=told["gap_seconds"]))
        write_line(text, **moments, gap=gap)


def tell_moment(state: State, zone: str) -> str:
    """Say of which moment everything is; where they differ, each database's behind it."""
    whole = [format_second(state.whole.time, zone)] if state.whole else []
    apart = [f"{name}: {format_second(it.time, zone)}" for name, it in state.apart.items()]
    return ", ".join((*whole, *apart))


def tell_flag(state: State) -> str:
    """Give the flag by which a restore in place chooses the same state again."""
    return f"--snapshot {max(state.snapshots, key=lambda it: it.time).short_id}"
