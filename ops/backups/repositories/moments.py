"""A site as it was at a moment: which snapshot gives back which part.

A run of one database alone (`schedule` of a database) leaves a snapshot that holds nothing else. So
a site at a moment is its newest whole snapshot, and of each database the newest one that holds it.
Such a snapshot, named where the site goes back to its place, names that moment: it has no files.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from backup.format.snapshot import Snapshot
from backup.repository.repository import Repository
from backup.snapshots.selection import (
    LATEST,
    SnapshotFilter,
    find_snapshot,
    load_readable_snapshots,
)
from backup.snapshots.walk import PathNotFoundError, TreeReader, find_folder
from ops.catalog.tables.index import is_ahead
from ops.errors import OpsError, WrongUseError
from ops.estate.choose import read_moment
from ops.estate.model.estate import Estate

UNNAMED = ""
"""The database of a snapshot whose paths do not say which: earlier versions wrote them so."""


class NoSnapshotError(OpsError):
    """No snapshot is what was asked for."""


@dataclass(frozen=True, slots=True)
class SnapshotShare:
    """What one snapshot gives of a state.

    Attributes:
        snapshot: Which.
        include: Patterns of what it gives; empty for everything.
        exclude: Patterns of what others give.
    """

    snapshot: Snapshot
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class State:
    """A site at a moment.

    Attributes:
        whole: The snapshot that gives back everything but `apart`; None where nothing but
            databases was ever saved.
        apart: Snapshots that give back one database each, by its name; of other moments.
    """

    whole: Snapshot | None
    apart: Mapping[str, Snapshot] = field(default_factory=dict)

    def of(self, database: str) -> Snapshot | None:
        """Give the snapshot that a database comes from."""
        return self.apart.get(database, self.whole)

    @property
    def snapshots(self) -> tuple[Snapshot, ...]:
        """All that something comes from, each once."""
        found = (*([self.whole] if self.whole else []), *self.apart.values())
        return tuple({it.id: it for it in found}.values())

    def shares(self, site: str) -> Iterator[SnapshotShare]:
        """Yield what to take of which snapshot, so that everything is there once."""
        places = {it: f"/{site}/databases/{it}.*" for it in self.apart}
        if self.whole is not None:
            yield SnapshotShare(self.whole, exclude=tuple(places.values()))
        for name, snapshot in self.apart.items():
            yield SnapshotShare(snapshot, include=(places[name],))

    def as_values(self) -> dict[str, object]:
        """Give JSON values, for the journal and for approvals."""
        databases = {name: it.id for name, it in self.apart.items()}
        whole = {"snapshot": self.whole.id if self.whole else ""}
        return {**whole, "databases_of": databases} if databases else dict(whole)


def database_in(paths: Sequence[str], site: str) -> str | None:
    """Give the database that a snapshot with these paths holds alone; None for any other; pure."""
    top = f"/{site}/databases"
    if len(paths) != 1 or not (paths[0] == top or paths[0].startswith(f"{top}/")):
        return None
    return _name_of(paths[0].removeprefix(top).removeprefix("/"))


def choose_snapshot(
    repository: Repository,
    estate: Estate,
    site: str,
    *,
    wanted: str = "",
    at: str = "",
    completes: bool = False,
) -> Snapshot:
    """Choose one snapshot of a whole site; arguments and errors as of `choose_state`."""
    state = choose_state(repository, estate, site, wanted=wanted, at=at, completes=completes)
    found = state.whole
    if found is None:
        raise _no_snapshot(site, at)
    return found


def choose_state(  # noqa: PLR0913 -- where, and the four ways to say of which moment
    repository: Repository,
    estate: Estate,
    site: str,
    *,
    wanted: str = "",
    at: str = "",
    databases: Collection[str] = (),
    completes: bool = False,
) -> State:
    """Choose what gives a site back.

    Args:
        repository: The site's.
        estate: For its time zone.
        site: Its name.
        wanted: Beginning of the id of the one snapshot that is meant; `latest` or empty for none.
        at: A moment in the organisation's zone; nothing younger is meant.
        databases: Those asked for, besides all that have newer snapshots of their own.
        completes: A wanted snapshot of a database alone means the site as it was then.

    Raises:
        SnapshotNotFoundError, NoSnapshotError: There is none.
        WrongUseError: The moment cannot be read, or both are given.
    """
    if wanted not in {"", LATEST}:
        if at:
            raise WrongUseError(
                "--snapshot and --at name two snapshots", next_step="leave one of the two out"
            )
        found = find_snapshot(repository, wanted)
        if not completes or database_in(found.paths, site) is None:
            return State(found)
        past = _Past(repository, site, _until(repository, found))
    else:
        past = _read_past(repository, estate, site, at)
    names = {*databases, *past.newer()} - {UNNAMED}
    held = {name: past.find(name) for name in sorted(names)}
    return State(
        past.whole,
        {name: it for name, it in held.items() if it is not None and it is not past.whole},
    )


def choose_holding(
    repository: Repository,
    estate: Estate,
    site: str,
    database: str,
    *,
    wanted: str = "",
    at: str = "",
) -> Snapshot:
    """Choose the newest snapshot that holds a database; arguments and errors as above."""
    state = choose_state(repository, estate, site, wanted=wanted, at=at, databases=(database,))
    found = state.of(database)
    if found is None:
        raise _no_snapshot(site, at)
    return found


@dataclass(frozen=True)
class _Past:
    """Snapshots of a site up to a moment, oldest first."""

    repository: Repository
    site: str
    snapshots: Sequence[Snapshot]

    @cached_property
    def whole(self) -> Snapshot | None:
        return next((it for it in reversed(self.snapshots) if self._is_whole(it)), None)

    def _is_whole(self, snapshot: Snapshot) -> bool:
        return f"/{self.site}" in snapshot.paths

    def newer(self) -> Iterator[str]:
        """Yield the databases that were saved alone since the newest whole snapshot."""
        for it in reversed(self.snapshots):
            if it is self.whole:
                return
            yield from self._alone(it)

    def _alone(self, snapshot: Snapshot) -> Collection[str]:
        name = database_in(snapshot.paths, self.site)
        if name is None:
            return ()
        return (name,) if name != UNNAMED else self._stored(snapshot)

    def find(self, database: str) -> Snapshot | None:
        """Give the newest snapshot that holds it; the newest whole one where none seems to."""
        alone = [it for it in self.snapshots if database_in(it.paths, self.site) is not None]
        if not alone:
            return self.whole
        for it in reversed(self.snapshots):
            names = self._stored(it) if self._is_whole(it) else self._alone(it)
            if database in names:
                return it
        return self.whole

    @cached_property
    def _reader(self) -> TreeReader:
        return TreeReader(self.repository, self.repository.load_index())

    def _stored(self, snapshot: Snapshot) -> Collection[str]:
        """Look in the snapshot itself which databases it holds."""
        try:
            folder = find_folder(self._reader, snapshot.tree, f"{self.site}/databases".encode())
        except PathNotFoundError:
            return ()
        return {_name_of(it.name.decode("utf-8", "replace")) for it in self._reader.load(folder)}


def _until(repository: Repository, last: Snapshot) -> list[Snapshot]:
    known = load_readable_snapshots(repository).snapshots
    return [*(it for it in known if it.time <= last.time and it.id != last.id), last]


def _read_past(repository: Repository, estate: Estate, site: str, at: str) -> _Past:
    readable = load_readable_snapshots(repository)
    if not at:
        now = repository.clock.now()
        believed = [it for it in readable.snapshots if not is_ahead(it.time, now)]
        found = _Past(repository, site, believed)
        if found.whole is None and not any(found.newer()):
            find_snapshot(repository, LATEST, SnapshotFilter(paths=(f"/{site}",)))  # says why
        return found
    moment = read_moment(at, estate)
    if not moment.microsecond:  # written to the second, as lists show a snapshot's own time
        moment = moment.replace(microsecond=999_999)
    found = _Past(repository, site, [it for it in readable.snapshots if it.time <= moment])
    if found.whole is None and not any(found.newer()):
        raise _no_snapshot(site, at)
    return found


def _name_of(file: str) -> str:
    """Give the name of the database whose copy has this name: `db` of `db.globals.sql`."""
    return file.partition(".")[0]


def _no_snapshot(site: str, moment: str) -> NoSnapshotError:
    return NoSnapshotError(
        'the site "{site}" has no snapshot from before {moment}'
        if moment
        else 'the site "{site}" has no snapshot of the whole site yet',
        data="nothing was changed",
        next_step="`{program} backup.list --site {site}` lists what there is",
        site=site,
        moment=moment,
    )
