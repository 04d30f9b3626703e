"""From a store of the estate to a store of the engine: credentials, promises, bandwidth.

Secrets are looked up at this moment, kept in memory, and given to worker processes over their
pipes: never in arguments, environment or logs.
"""

from datetime import datetime, timedelta
from math import ceil
from typing import cast

from backup.errors import StoreUnavailableError
from backup.stores import open_store
from backup.stores.bandwidth import LimitedStore
from backup.stores.base import Store as OpenStore
from backup.stores.base import layers_of
from backup.stores.options import LockTerms, StoreOptions
from backup.stores.retry import PATIENCE
from ops.access.caller import WAITING
from ops.estate.model.estate import Estate
from ops.estate.model.own_site import OWN_SITE
from ops.estate.model.references import resolve, reveal
from ops.estate.model.stores import ObjectLock, Store
from ops.hosts.connect import plan_rates, share_bandwidth
from ops.language.formats import format_number
from ops.language.text import _, fill
from ops.terminal.exit_codes import warn


def open_store_of(
    estate: Estate, store: Store, url: str, *, at: datetime | None = None
) -> OpenStore:
    """Open a place in a store, held to the store's bandwidth; touches nothing there yet.

    Args:
        estate: For its time zone, and the folder where all processes share the bandwidth.
        store: Whose credentials and limits.
        url: The place: the store's own URL or a folder below it.
        at: Read as of that moment, aware; only stores that keep versions can.

    Raises:
        SecretError: A credential cannot be read.
        BackupError: The store is of a kind that comes later, or cannot do what is asked.
    """
    answer_whoever_waits()
    opened = open_store(url, options_of(store, at=at))
    plan = plan_rates(store.limits(), estate.organisation.timezone)
    if plan.is_unlimited:
        return opened
    upload, download = (
        share_bandwidth(estate, f"{store.name}.{way}", plan) for way in ("up", "down")
    )
    return LimitedStore(opened, allowances=(upload, download))


def answer_whoever_waits() -> None:
    """Show a person each retry with its reason; what nobody reaches at all fails at once."""
    if WAITING.is_task:
        PATIENCE.tell, PATIENCE.ends_early = _tell_retry, WAITING.is_person


def _tell_retry(error: StoreUnavailableError, seconds: float) -> None:
    text = _("{place}: {why}; trying again in {seconds} s")
    place, why = error.params.get("place", ""), fill(error.why, error.params)
    line = text.format(place=place, why=why, seconds=format_number(ceil(seconds)))
    warn(f"  {line}")


def options_of(store: Store, *, at: datetime | None = None) -> StoreOptions:
    """Gather what opens a store besides its URL.

    Raises:
        SecretError: A credential cannot be read.
    """
    return StoreOptions(
        access_key=_reveal(store.access_key),
        secret_key=_reveal(store.secret_key),
        region=store.region,
        at=at,
        object_lock=None if store.object_lock is None else terms_of(store.object_lock),
        extra=sftp_options(store),
    )


def sftp_options(store: Store) -> dict[str, str]:
    """Name the files with which an SFTP server is entered; others pass them by."""
    from ops.hosts.connect import identity_file

    files = {"identity": identity_file(store.identity), "known_hosts": store.known_hosts}
    return {f"sftp.{name}": str(file) for name, file in files.items() if file is not None}


def terms_of(lock: ObjectLock) -> LockTerms:
    """Say the estate's promise in the engine's words."""
    return LockTerms(
        lock.mode,
        timedelta(days=lock.days),
        basis=lock.basis,
        cap=None if lock.cap_days is None else timedelta(days=lock.cap_days),
        confirmed=lock.confirmed,
    )


def _reveal(reference: str | None) -> str:
    return "" if reference is None else resolve(reference).get_secret_value()


def open_root(estate: Estate, store: Store, *, is_patient: bool = True) -> OpenStore:
    """Open the root of a store that has the service's own repository.

    Args:
        estate: Names its limits and credentials.
        store: Which.
        is_patient: Whether a store that does not answer is asked again.

    Raises:
        BackupError: It cannot be reached, is not mounted, or has no such repository yet.
    """
    root = open_store_of(estate, store, reveal(store.url))
    if not is_patient:
        *_outer, inmost = layers_of(root)
        root = cast("OpenStore", inmost)
    root.size(f"{OWN_SITE}/config")
    return root
