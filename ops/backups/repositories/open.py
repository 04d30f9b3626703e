"""A site's repository in a store: where it is, how it is opened, how it is made.

A key file is whole or not there, and none is ever overwritten (`ops.durable_files`).

A store that is full or mounted read-only must still give its data back: it is when a disk is full
that people restore. So it is read without a lock where none can be written. Whoever holds an
exclusive lock already still keeps us out, for locks are looked at before ours is written.
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import inspect, make_url, select
from sqlalchemy.exc import SQLAlchemyError

from backup.errors import (
    RepositoryLockedError,
    RepositoryNotFoundError,
    StoreError,
    StoreFullError,
    StoreReadOnlyError,
    WrongPasswordError,
)
from backup.repository.locks import hold_lock
from backup.repository.repository import Repository
from backup.stores.base import Store as OpenStore
from ops.backups.repositories.stores import open_store_of
from ops.catalog.engine import create_catalog_engine
from ops.catalog.tables.index import StoreSeen
from ops.errors import OpsError
from ops.estate.model.estate import Estate
from ops.estate.model.references import resolve, reveal
from ops.estate.model.stores import Store
from ops.language.text import N_, _, fill
from ops.terminal.exit_codes import warn


def read_recorded_id(url: str, site: str, store: str) -> str:
    """Give the id of the repository that was last seen; empty where none was, or nobody can tell.

    A catalog that is not there is not made, and one that cannot be read keeps nobody from a backup:
    who needs it for more says so.

    Args:
        url: The catalog's, secrets resolved.
        site: Name of the site.
        store: Name of the store.
    """
    file = make_url(url).database if url.startswith("sqlite") else ""
    if file and not Path(file).exists():
        return ""
    engine = create_catalog_engine(url)
    try:
        with engine.connect() as connection:
            if not inspect(connection).has_table(StoreSeen.__tablename__):
                return ""
            query = select(StoreSeen.repository_id).where(
                StoreSeen.site == site, StoreSeen.store == store
            )
            return connection.execute(query).scalar() or ""
    except SQLAlchemyError:
        return ""
    finally:
        engine.dispose()


_SHOWN_DIGITS = 16
_ADVICE_NEW = N_(
    "mount the store; only if it is new, make it: `{program} backup.init --site {site}`"
)
_ADVICE_MIRROR = N_(
    "mount the store; only if it is new, fill it:"
    " `{program} backup.copy --site {site} --to {store}`"
)
_ADVICE_LOST = N_(
    "mount or reach the store; only where what it lay on was lost and replaced:"
    " `{program} backup.init --anew {store} --confirm {store}`"
)
_ADVICE_LOST_MIRROR = N_(
    "mount or reach the store; only where what it lay on was lost and replaced:"
    " `{program} backup.init --anew {store} --confirm {store}`, then"
    " `{program} backup.copy --site {site} --to {store}`"
)
_ADVICE_UNLOCK = N_(
    "try again when it has ended; where that process is gone: `{program} backup.unlock"
    " --site {site}`"
)
_ADVICE_OTHER = N_(
    "mount or reach the store, or take the data from another one: the same command with"
    " `--store {other}`; `{program} backup.list --site {site} --store {other}` says what is there"
)


class RepositoryMissingError(OpsError):
    """A store has no repository of the site."""

    exit_code = 10


class RepositorySwappedError(OpsError):
    """Where a site's repository was lies another one that its key opens, too."""


class RepositoryKeyError(OpsError):
    """The key does not open the repository."""

    exit_code = 12


def open_repository(
    estate: Estate,
    site: str,
    store: Store | None = None,
    *,
    at: datetime | None = None,
    any_id: bool = False,
) -> Repository:
    """Open a site's repository, and prove that it is the one that was seen there before.

    One key opens the repositories of all sites, so nothing else tells two of them apart that
    somebody has exchanged.

    Args:
        estate: The estate.
        site: Name of the site.
        store: Where; None for the primary store.
        at: Read as of that moment, past what was deleted or overwritten since, aware; only a
            store with Object Lock keeps its past, and others are read as they are.
        any_id: Whether another repository will do, which is what is known from now on.

    Raises:
        RepositoryMissingError: There is none.
        RepositorySwappedError: It is another one than was seen there before.
        RepositoryKeyError: The key is not its own.
        SecretError: The key cannot be read.
        BackupError: The store failed, or is of a kind that comes later.
    """
    store = store or estate.primary_store
    reference = estate.repository_key(store)
    password = resolve(reference).get_secret_value().encode()
    place = open_place(estate, site, store, at=None if store.object_lock is None else at)
    try:
        opened = Repository.open(place, password, cache_dir=estate.service.cache)
    except RepositoryNotFoundError as error:
        lost = bool(recorded_id(estate, site, store))
        raise RepositoryMissingError(
            'the store "{store}" has no repository of the site "{site}": {place}',
            why="it was there before; the store may not be mounted, or is another disk"
            if lost
            else "it was never made there, or the store is not mounted",
            data="nothing was read or written",
            next_step=_advise_missing(store, lost=lost),
            store=store.name,
            site=site,
            place=place.location,
        ) from error
    except WrongPasswordError as error:
        raise RepositoryKeyError(
            'the key does not open the repository of the site "{site}" in "{store}"',
            why="{reference} holds another key than the one the repository was made with",
            data="nothing was read or written; with the right key everything is there",
            next_step="put the right key back from its copy on paper or in the safe",
            store=store.name,
            site=site,
            reference=reference,
        ) from error
    known = "" if any_id else recorded_id(estate, site, store)
    if known and known != opened.id:
        raise _swapped(site, store, opened, known)
    return opened


def _advise_missing(store: Store, *, lost: bool) -> str:
    if store.role == "mirror":
        return _ADVICE_LOST_MIRROR if lost else _ADVICE_MIRROR
    return _ADVICE_LOST if lost else _ADVICE_NEW


def _swapped(site: str, store: Store, opened: Repository, known: str) -> RepositorySwappedError:
    return RepositorySwappedError(
        'the store "{store}" has another repository in the place of that of "{site}": {place}',
        why="its id is {found}; the one that was there before is {known}",
        data="nothing was read or written; whatever is stored is as it was",
        next_step="put the right one back there; only where it was re-made on purpose:"
        " `{program} backup.init --site {site} --anew {store} --confirm {store}`",
        store=store.name,
        site=site,
        place=opened.store.location,
        found=opened.id[:_SHOWN_DIGITS],
        known=known[:_SHOWN_DIGITS],
    )


def recorded_id(estate: Estate, site: str, store: Store) -> str:
    """Give the id of the repository that was last seen there; empty where none was."""
    return read_recorded_id(reveal(estate.catalog.url), site, store.name)


def open_to_read(
    estate: Estate, site: str, store: Store, *, at: datetime | None = None
) -> Repository:
    """Open a site's repository for somebody who wants data back; see `open_repository`.

    Raises:
        RepositoryMissingError, BackupError: As there; where other stores may have the data, the
            next step names one.
    """
    try:
        return open_repository(estate, site, store, at=at)
    except (RepositoryMissingError, StoreError) as error:
        other = next((it for it in estate.stores if it.name != store.name), None)
        if other is not None:
            error.next_step = _ADVICE_OTHER
            error.params |= {"site": site, "store": store.name, "other": other.name}
        raise


def open_place(estate: Estate, site: str, store: Store, *, at: datetime | None = None) -> OpenStore:
    """Open where a site's repository lies in a store, whether there is one or not.

    Raises:
        SecretError: The store's address cannot be read.
        BackupError: It is of a kind that comes later.
    """
    return open_store_of(estate, store, estate.repository_url(store, site), at=at)


def open_with(place: OpenStore, password: bytes) -> Repository | None:
    """Open a repository, asking its store anew; None where the password is not its own.

    Raises:
        BackupError: The store failed, or there is no repository.
    """
    try:
        return Repository.open(place, password)
    except WrongPasswordError:
        return None


def find_repository(
    estate: Estate, site: str, store: Store | None = None, *, any_id: bool = False
) -> Repository | None:
    """Open a site's repository, as `open_repository` does; None where there is none."""
    try:
        return open_repository(estate, site, store, any_id=any_id)
    except RepositoryMissingError:
        return None


def init_repository(
    estate: Estate, site: str, store: Store | None = None, *, like: Repository | None = None
) -> Repository:
    """Make a site's repository; in the primary store unless another is named.

    Args:
        estate: The estate.
        site: Name of the site.
        store: Where; None for the primary store.
        like: Cut files where this one does, so that blobs copied from it are known again.

    Raises:
        UsageError: Something is there already.
        SecretError: The key cannot be read.
        BackupError: The store failed.
    """
    store = store or estate.primary_store
    password = resolve(estate.repository_key(store)).get_secret_value().encode()
    place = open_place(estate, site, store)
    polynomial = None if like is None else like.config.polynomial
    return Repository.init(place, password, cache_dir=estate.service.cache, polynomial=polynomial)


def find_missing_keys(estate: Estate) -> list[Path]:
    """Give the files that keys are to be in, the copies' own included, and that are not there."""
    references = dict.fromkeys(map(estate.repository_key, estate.stores))
    return [path for it in references if (path := _missing_file(it)) is not None]


def _missing_file(reference: str) -> Path | None:
    scheme, _, rest = reference.partition(":")
    path = Path(rest)
    return path if scheme == "file" and not path.exists() else None


_AT_ONCE = timedelta(0)
_PATIENCE = timedelta(minutes=10)


@contextmanager
def hold_reading_lock(repository: Repository, *, retry_for: timedelta = _AT_ONCE) -> Iterator[None]:
    """Hold a shared lock while the block runs; without one, warn on standard error and go on.

    Args:
        repository: What to lock.
        retry_for: How long to wait for a conflicting lock to go.

    Raises:
        RepositoryLockedError: A conflicting lock stands and did not go within `retry_for`.
    """
    with ExitStack() as held:
        try:
            held.enter_context(hold_lock(repository, retry_for=retry_for))
        except (StoreFullError, StoreReadOnlyError) as error:
            warn(_warn(repository.store.location, error))
        yield


@contextmanager
def read_patiently(
    repository: Repository, site: str, store: Store, others: Sequence[Store]
) -> Iterator[None]:
    """Hold a shared lock for a person who wants data back.

    Beside a backup or a copy it is had at once. Whoever prunes removes what nobody has locked, so
    that is waited for, but not for ever, and said.

    Args:
        repository: What to lock.
        site: Whose it is.
        store: Where it lies.
        others: Stores that may have the same data.

    Raises:
        RepositoryLockedError: It is still locked after the wait.
    """
    with ExitStack() as held:
        try:
            held.enter_context(hold_reading_lock(repository))
        except RepositoryLockedError as error:
            other = next((it.name for it in others if it.name != store.name), "")
            told = fill(error.what, error.params), fill(error.why, error.params)
            text = _("{what}: {holder}; waiting up to {minutes} minutes")
            said = text.format(what=told[0], holder=told[1], minutes=_PATIENCE.seconds // 60)
            if other:
                said += _("; another store can be read at once: `--store {other}`").format(
                    other=other
                )
            warn(said)
            held.enter_context(_hold_or_advise(repository, site))
        yield


@contextmanager
def _hold_or_advise(repository: Repository, site: str) -> Iterator[None]:
    with ExitStack() as held:
        try:
            held.enter_context(hold_reading_lock(repository, retry_for=_PATIENCE))
        except RepositoryLockedError as error:
            error.next_step = _ADVICE_UNLOCK
            error.params |= {"site": site}
            raise
        yield


def _warn(place: str, error: StoreFullError | StoreReadOnlyError) -> str:
    text = _(
        "warning: {place} is only read, without a lock: {why}. Let nothing forget or prune there"
        " until this ends."
    )
    why = (
        N_("no room left on the device, or the quota is used up")
        if isinstance(error, StoreFullError)
        else N_("it is mounted read-only")
    )
    return text.format(place=place, why=fill(why, {}))
