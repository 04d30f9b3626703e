"""What a verb gets besides its own flags: the repository, its lock, the output, the progress."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from backup.commands.output import Output
from backup.commands.passwords import PasswordSource, read_password
from backup.errors import DamagedError, StoreUnavailableError, UsageError

if TYPE_CHECKING:  # imported when used: a wrong flag is answered without loading the engine
    from backup.commands.progress import QuietProgress
    from backup.repository.locks import Lock
    from backup.repository.repository import Repository
    from backup.stores.base import Store

_CACHE_NAME = "giucong"


@dataclass(frozen=True, slots=True)
class Context:
    """The shared flags and what follows from them.

    Attributes:
        arguments: The parsed command line; `parser.add_global_flags` says what it holds.
        environment: Variables by name.
        output: Where to print.
    """

    arguments: argparse.Namespace
    environment: Mapping[str, str]
    output: Output

    @property
    def json(self) -> bool:
        """Whether restic's JSON messages are wanted."""
        return bool(self.arguments.json)

    @property
    def quiet(self) -> bool:
        """Whether results and errors only are wanted."""
        return bool(self.arguments.quiet)

    def cache_dir(self) -> Path | None:
        """Folder of the local cache, or None without one."""
        if self.arguments.no_cache:
            return None
        if self.arguments.cache_dir:
            return Path(self.arguments.cache_dir)
        if self.environment.get("XDG_CACHE_HOME"):
            return Path(self.environment["XDG_CACHE_HOME"], _CACHE_NAME)
        home = self.environment.get("HOME")
        return Path(home, ".cache", _CACHE_NAME) if home else None

    def open_store(self) -> Store:
        """Open the store that --repo names, held to the bandwidth asked for."""
        arguments = self.arguments
        place = find_place(arguments.repo, arguments.repository_file, "--repo")
        return self._open_place(place)

    def _open_place(self, place: str) -> Store:
        from backup.stores import open_store
        from backup.stores.options import StoreOptions
        from backup.stores.retry import PATIENCE

        arguments = self.arguments
        PATIENCE.tell, PATIENCE.ends_early = self._tell_retry, sys.stderr.isatty()
        store = open_store(
            place,
            StoreOptions(
                cacert=arguments.cacert,
                client_cert=arguments.tls_client_cert,
                insecure_tls=arguments.insecure_tls,
                at=_parse_moment(arguments.at) if arguments.at else None,
                extra=dict(arguments.option),
            ),
        )
        if arguments.limit_upload or arguments.limit_download:
            from backup.stores.bandwidth import LimitedStore

            store = LimitedStore(
                store,
                upload_bytes_per_second=arguments.limit_upload,
                download_bytes_per_second=arguments.limit_download,
            )
        return store

    def _tell_retry(self, error: StoreUnavailableError, seconds: float) -> None:
        why = error.why.format(**error.params)
        self.output.warn(f"{error} returned error, retrying after {seconds:.1f}s: {why}")

    def read_password(self, *, stdin_is_taken: bool = False) -> bytes:
        """Get the repository's password; `stdin_is_taken` where stdin is data."""
        source = PasswordSource(self.arguments.password_file, self.arguments.password_command)
        return read_password(source, self.environment, stdin_is_taken=stdin_is_taken)

    def has_password(self) -> bool:
        """Whether a password is given, so that nobody need be asked."""
        arguments = self.arguments
        given = arguments.password_file or arguments.password_command
        return bool(given or self.environment.get("RESTIC_PASSWORD"))

    def open_repository(
        self,
        *,
        stdin_is_taken: bool = False,
        meanwhile: Callable[[Store], None] = lambda _store: None,
    ) -> Repository:
        """Open the repository that --repo names.

        Args:
            stdin_is_taken: Whether stdin is data, and no password.
            meanwhile: Called before the password is turned into a key; may start something.
        """
        store = self.open_store()
        password = self.read_password(stdin_is_taken=stdin_is_taken)

        meanwhile(store)
        return self._open(store, password, self.arguments.key_hint)

    def open_source_repository(self) -> Repository:
        """Open the repository that --from-repo names; see `parser.add_source_flags`."""
        arguments = self.arguments
        place = find_place(arguments.from_repo, arguments.from_repository_file, "--from-repo")
        source = PasswordSource(
            arguments.from_password_file,
            arguments.from_password_command,
            variable="RESTIC_FROM_PASSWORD",
            file_flag="--from-password-file",
            subject="source repository",
        )
        password = read_password(source, self.environment)
        return self._open(self._open_place(place), password)

    def _open(self, store: Store, password: bytes, key_hint: str = "") -> Repository:
        from backup.repository.repository import Repository

        try:
            repository = Repository.open(
                store, password, cache_dir=self.cache_dir(), key_hint=key_hint
            )
        except DamagedError as error:
            raise DamagedError(
                "the config of the repository at {place} is damaged",
                why="{cause}",
                data="nothing was changed; what the repository holds may well be whole",
                next_step="fetch the file named config from another copy of this repository",
                place=store.location,
                cause=error,
            ) from error
        if self.arguments.pack_size:
            repository.pack_size = self.arguments.pack_size
        return repository

    @contextmanager
    def lock(
        self,
        repository: Repository,
        *,
        exclusive: bool = False,
        writes: bool = False,
        confirm_late: bool = False,
    ) -> Iterator[Lock | None]:
        """Hold a lock while the block runs; none with --no-lock, which only reading allows.

        Args:
            repository: Whose lock.
            exclusive: Whether nobody else may hold one.
            writes: Whether the work adds something; then --no-lock does not count.
            confirm_late: See `backup.repository.locks.hold_lock`.

        Raises:
            RepositoryLockedError: Somebody else's lock is in the way.
        """
        if self.arguments.at and not exclusive and not writes:
            yield None  # the past does not change, and nobody can write to it
            return
        if self.arguments.no_lock:
            if not exclusive and not writes:
                yield None
                return
            self.output.note("note: --no-lock is for reading only; the lock is taken all the same")
        from backup.repository.locks import hold_lock

        retry_for = self.arguments.retry_lock
        with hold_lock(
            repository, exclusive=exclusive, retry_for=retry_for, confirm_late=confirm_late
        ) as lock:
            yield lock

    def progress(self) -> QuietProgress:
        """Give what shows the progress of long work: bars, lines, JSON, or nothing."""
        from backup.commands.progress import make_progress

        return make_progress(self)


def _parse_moment(text: str) -> datetime:
    """Read the value of --at, in the local zone where it names none."""
    try:
        return datetime.fromisoformat(text).astimezone()
    except ValueError as error:
        raise UsageError(
            "{text!r} is not a time",
            data="nothing was read or written",
            next_step="write it like '2026-11-24 22:00:00'",
            text=text,
        ) from error


def find_place(place: str, file: str, flag: str) -> str:
    """Give the repository's place from a flag, or from the file that holds it.

    Raises:
        UsageError: Neither or both are given, or the file cannot be read.
    """
    if place and file:
        raise UsageError(
            "{flag} and its file cannot be used together", next_step="keep one", flag=flag
        )
    if place:
        return place
    if not file:
        raise UsageError(
            "no repository is named",
            data="nothing was read or written",
            next_step="pass {flag} PLACE"
            + (", or set RESTIC_REPOSITORY" if flag == "--repo" else ""),
            flag=flag,
        )
    try:
        return Path(file).read_text(encoding="utf-8-sig").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            "cannot read the file {file}, which should name the repository",
            why="{reason}",
            next_step="check its path and who may read it",
            file=file,
            reason=getattr(error, "strerror", None) or "it is not text",
        ) from error
