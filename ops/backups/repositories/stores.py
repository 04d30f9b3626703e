"""How a store is entered: with what the estate says, or while none says it with files of a person.

Secrets are looked up at this moment, kept in memory, and given to worker processes over their
pipes: never in arguments, environment or logs.
"""

from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from math import ceil
from typing import cast

from backup.errors import StoreDeniedError, StoreUnavailableError
from backup.stores import open_store
from backup.stores.bandwidth import LimitedStore
from backup.stores.base import Store as OpenStore
from backup.stores.base import layers_of
from backup.stores.kinds import find_kind
from backup.stores.options import LockTerms, StoreOptions
from backup.stores.retry import PATIENCE
from ops.access.caller import WAITING
from ops.errors import OpsError
from ops.estate.model.estate import Estate
from ops.estate.model.own_site import OWN_SITE
from ops.estate.model.references import resolve, reveal
from ops.estate.model.stores import ObjectLock, Store
from ops.hosts.connect import plan_rates, share_bandwidth
from ops.language.causes import tell_error
from ops.language.formats import format_number
from ops.language.text import _, fill
from ops.terminal.exit_codes import warn

FLAGS = {
    "sftp": "--identity FILE --known-hosts FILE",
    "s3": "--access-key-file FILE --secret-key-file FILE",
}
"""What lets in besides the address, by the kind of store."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """What lets into a store; files, since a key on a command line is read by everybody.

    Attributes:
        identity: Private key for SFTP.
        known_hosts: Host keys that are trusted.
        access_key_file, secret_key_file: Files with the keys of S3.
        region: Of S3.
    """

    identity: str = ""
    known_hosts: str = ""
    access_key_file: str = ""
    secret_key_file: str = ""
    region: str = ""

    @classmethod
    def of(cls, wish: object) -> "Access":
        """Take it from the wish of a task that has these flags."""
        return cls(**{it.name: getattr(wish, it.name) for it in fields(cls)})

    def options(self) -> StoreOptions:
        """Give what opens the store besides its address; what is left out the environment says.

        Raises:
            SecretError: A file cannot be read.
        """
        access, secret, _identity = (
            resolve(f"file:{file}").get_secret_value() if file else ""
            for file in (self.access_key_file, self.secret_key_file, self.identity)
        )
        files = {"sftp.identity": self.identity, "sftp.known_hosts": self.known_hosts}
        return StoreOptions(
            access_key=access,
            secret_key=secret,
            region=self.region,
            extra={name: file for name, file in files.items() if file},
        )


class NotLetInError(OpsError):
    """The store does not let in who has named no key of its own."""


def explain_refusal(repo: str, entry: Access, error: StoreDeniedError) -> NotLetInError | None:
    """Say which flags a store that refuses us asks for; None where all were given."""
    kind = find_kind(repo)
    flags = FLAGS.get(kind.scheme, "") if kind else ""
    given = [entry.identity and entry.known_hosts, entry.access_key_file and entry.secret_key_file]
    if not flags or any(given):
        return None
    return NotLetInError(
        "the store at {repo} does not let this machine in",
        why="{reason}",
        data="nothing was changed",
        next_step="bring what it asks for from its safe, and add: `{flags}`; the sheet of key"
        " files says which store needs what",
        repo=repo,
        reason=tell_error(error),
        flags=flags,
    )


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
