"""Take the newest backup of the service out of a store, into a folder of our own."""

import filecmp
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from backup.errors import RepositoryNotFoundError, StoreDeniedError
from backup.format.snapshot import Snapshot
from backup.progress import Progress
from backup.repository.ids import SnapshotNotFoundError
from backup.repository.repository import Repository
from backup.restorer.restore import RestoreRequest, restore_snapshot
from backup.snapshots.selection import SnapshotFilter, find_snapshot, load_readable_snapshots
from backup.stores import open_store
from ops.audit.heads import decrypt_key
from ops.backups.repositories.open import hold_reading_lock
from ops.backups.repositories.stores import Access, answer_whoever_waits, explain_refusal
from ops.catalog.tables.index import is_ahead
from ops.errors import OpsError, WrongUseError
from ops.estate.model.own_site import OWN_SITE
from ops.recovery.content import CREDENTIALS_KEY, SIGNING_KEY, open_secret
from ops.recovery.plan import State, leads_out

_STAGING = Path("/var/tmp")  # noqa: S108 -- a folder of our own is made in it, for us alone


@dataclass(frozen=True, slots=True)
class Found:
    """What is recovered from: the repository's password, the snapshot, where it was restored."""

    password: bytes
    snapshot: Snapshot
    folder: Path

    def source(self, at: str) -> Path:
        """Give the file at a place of the snapshot.

        Raises:
            OpsError: A link in it leads elsewhere.
        """
        path = self.folder / at
        if not path.resolve().is_relative_to(self.folder.resolve()):
            raise leads_out(at)
        return path

    def secret(self, at: str) -> bytes | None:
        """Give a key without its encryption; None for what is no key."""
        if at == SIGNING_KEY:
            return decrypt_key(self.source(at).read_bytes(), self.password)
        if at == CREDENTIALS_KEY:
            return open_secret(self.source(at).read_bytes(), self.password)
        return None


def read_password(path: str) -> bytes:
    """Read the key's line from a file, or from where restic's environment says."""
    try:
        if path:
            return Path(path).read_bytes().rstrip(b"\r\n")
        if os.environ.get("RESTIC_PASSWORD_FILE"):
            return Path(os.environ["RESTIC_PASSWORD_FILE"]).read_bytes().rstrip(b"\r\n")
    except OSError as error:
        raise WrongUseError(
            "the key cannot be read from {path}",
            why="{reason}",
            next_step="write the key's line into a file that you can read, and name that",
            path=error.filename,
            reason=error.strerror,
        ) from error
    password = os.environ.get("RESTIC_PASSWORD", "").encode()
    if not password:
        raise WrongUseError(
            "nobody can open the backup without its key",
            next_step="write the key's line into a file and add `--password-file FILE`",
        )
    return password


def _open(repo: str, entry: Access, password: bytes) -> Repository:
    """Open the repository at that address, or the service's own below it."""
    answer_whoever_waits()
    options = entry.options()
    try:
        return Repository.open(open_store(repo, options), password)
    except RepositoryNotFoundError:
        with suppress(RepositoryNotFoundError):
            own = open_store(f"{repo.rstrip('/')}/{OWN_SITE}", options)
            return Repository.open(own, password)
        raise
    except StoreDeniedError as error:
        raise explain_refusal(repo, entry, error) or error from error


@contextmanager
def take_newest(repo: str, entry: Access, password: bytes, progress: Progress) -> Iterator[Found]:
    """Restore the newest snapshot of the service, every byte proven; it is removed in the end."""
    repository = _open(repo, entry, password)
    parent = _STAGING if os.access(_STAGING, os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="giucong-recover-", dir=parent) as name:
        with hold_reading_lock(repository):
            whole = SnapshotFilter(paths=(f"/{OWN_SITE}",))
            snapshot = _find_newest(repository, repo, whole)
            request = RestoreRequest(
                target=os.fsencode(name), subfolder=f"/{OWN_SITE}".encode(), verify=True, workers=0
            )
            result = restore_snapshot(repository, snapshot.tree, request, progress)
        if result.error_count:
            raise OpsError(
                "the backup of the service could not be read whole: {count} files are missing",
                data="nothing was changed on this machine",
                next_step="try another store; each has a backup of the service",
                count=result.error_count,
            )
        yield Found(password, snapshot, Path(name))


def _find_newest(repository: Repository, repo: str, whole: SnapshotFilter) -> Snapshot:
    """Find it; of those dated ahead of now only where there is no other."""
    now = repository.clock.now()
    for snapshot in reversed(load_readable_snapshots(repository).snapshots):
        if whole.matches(snapshot) and not is_ahead(snapshot.time, now):
            return snapshot
    try:
        return find_snapshot(repository, "latest", whole)
    except SnapshotNotFoundError as error:
        raise OpsError(
            "there is no backup of the service in {repo}",
            why="it may be the repository of a site",
            data="nothing was changed",
            next_step="name the store itself, or the folder {own} in it",
            repo=repo,
            own=OWN_SITE,
        ) from error


def look_at(found: Found, at: str, path: Path) -> State:
    """Say what is where something of the snapshot is to go."""
    source = found.source(at)
    if not os.path.lexists(path):
        return "free"
    if not at or not path.is_file() or not source.is_file():
        return "taken"
    secret = found.secret(at)
    if secret is not None:
        return "same" if path.read_bytes() == secret else "taken"
    return "same" if filecmp.cmp(source, path, shallow=False) else "taken"
