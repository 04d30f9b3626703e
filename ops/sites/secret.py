"""Store a secret where a reference of the estate says; the secret itself is never shown.

Order:

1. Look whether the estate names it; a key that is there already is guarded (`secret_guard`).
2. Take the secret: typed twice without echo, or read from a file or standard input.
3. Put it in its place, whole or not at all, readable by its owner only.
4. Journal that it was stored: its reference, never its content, length or digest.

Cut off between 3 and 4, the secret is in its place and the journal does not say so.
"""

import dataclasses
import os
import stat
from pathlib import Path

from ops.access.approvals.require import Permit
from ops.access.session import at_bench
from ops.backups.keys.secrets import read_secret
from ops.durable_files import place_file
from ops.errors import OpsError, WrongUseError
from ops.estate.load.load import load_estate
from ops.estate.load.read import find_estate_path
from ops.estate.model.estate import Estate
from ops.estate.model.values import check_name, is_reference
from ops.journal import journal
from ops.language.text import _
from ops.sites.propose import is_closed, propose
from ops.sites.secret_guard import ask_to_replace, check_named, is_key, keep_old
from ops.sites.tasks import Secret
from ops.terminal.exit_codes import INCOMPLETE, report
from ops.terminal.output import write_line

DEFAULT_FOLDER = "var/keys"
_MODE = 0o600
_FOLDER_MODE = 0o700


class SecretPlaceError(OpsError):
    """A secret cannot be stored where the reference says."""


def store_secret(wish: Secret) -> int:
    """Ask for a secret and store it; gives the exit code.

    Raises:
        WrongUseError: No file stands behind the reference, the estate names no such secret, or
            nothing was given.
        SecretPlaceError: Something is there already, or the folder cannot be written.
        ApprovalAwaitedError: A key would be replaced, and another person has to agree first.
    """
    estate = load_estate(find_estate_path())
    reference = make_file_reference(wish.name)
    path = Path(os.path.normpath(estate.path.parent / reference.removeprefix("file:")))
    check_named(estate, path, reference)
    _check_place(path, reference, replace=wish.replace)
    was_there = path.exists()
    guarded = was_there and is_key(estate, path)
    permit = ask_to_replace(estate, path, reference, wish) if guarded else None
    if wish.dry_run:
        write_line(_("would store the secret {reference} in {path}").format(
            reference=reference, path=path))  # fmt: skip
        return 0
    secret = read_secret(wish.file)
    if path.is_relative_to(estate.path.parent) and is_closed(path):
        before = path.read_bytes() if was_there else None
        propose(estate, path, before, secret, task="estate.secret", kind="secret").tell()
        return INCOMPLETE
    _place(path, secret, reference, replace=wish.replace, keep=guarded)
    write_line(_("stored {reference}, readable by its owner only").format(reference=reference))
    return _note(estate, wish, reference, permit, replaced=was_there)


def make_file_reference(name: str) -> str:
    """Give the `file:` reference that a person means; a bare name lies in `var/keys`.

    Raises:
        WrongUseError: It is a reference of another kind, or names nothing.
    """
    scheme, _colon, rest = name.partition(":")
    if is_reference(name) and scheme != "file":
        raise WrongUseError(
            "{name} is not kept in a file, so there is nothing to store",
            why="`env:` comes from the service's environment, `credential:` from systemd",
            data="nothing was changed",
            next_step="write `file:var/keys/NAME` in the estate to keep it in a file",
            name=name,
        )
    if scheme == "file" and rest and not rest.endswith("/"):
        return name
    try:
        return f"file:{DEFAULT_FOLDER}/{check_name(name)}"
    except ValueError as error:
        raise WrongUseError(
            '"{name}" is not a reference',
            data="nothing was changed",
            next_step="write `--name file:var/keys/NAME`, as it stands in the estate",
            name=name,
        ) from error


def _check_place(path: Path, reference: str, *, replace: bool) -> None:
    if path.exists() and not replace:
        raise SecretPlaceError(
            "there is a secret already: {reference}",
            data="it was left as it is",
            next_step="add `--replace` if the new one is to take its place",
            reference=reference,
        )
    folder = path.parent
    if folder.is_dir() and folder.stat().st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise SecretPlaceError(
            "others may write in the folder {folder}: they could put another secret there",
            data="nothing was stored",
            next_step="type `chmod 700 {folder}`, then again",
            folder=folder,
        )


def _place(path: Path, content: bytes, reference: str, *, replace: bool, keep: bool) -> None:
    try:
        if keep:
            keep_old(path)
        place_file(path, content, mode=_MODE, replace=replace, folder_mode=_FOLDER_MODE)
    except OSError as error:
        raise SecretPlaceError(
            "the secret {reference} cannot be stored in {path}",
            why="{reason}",
            data="nothing was stored",
            next_step="name a file in a folder that the service's user can write",
            reference=reference,
            path=path,
            reason=error.strerror or type(error).__name__,
        ) from error


def _note(
    estate: Estate, wish: Secret, reference: str, permit: Permit | None, *, replaced: bool
) -> int:
    """Journal it; the catalog may need the very secret, so a failure here is told, not raised."""
    approval = {"approval": permit.as_details()} if permit else {}
    try:
        with at_bench(estate) as bench, bench.catalog.writing() as session:
            entry = journal.Entry("secret.stored", reference, {"replaced": replaced, **approval})
            origin = dataclasses.replace(
                bench.origin,
                requested_by=permit.requested_by if permit else "",
                reason=wish.reason,
                document=wish.document,
            )
            journal.append(session, origin, [entry])
    except OpsError as error:
        report(error)
        write_line(_("the secret is stored, but the journal could not be written"))
        return INCOMPLETE
    return 0
