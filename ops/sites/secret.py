"""Store a secret where a reference of the estate says; the secret itself is never shown.

Order:

1. Look whether the estate names it. A key without which nothing opens again is replaced only when
   somebody confirms it by the file's name and another person agrees; the old one is kept beside it
   under a name with the moment.
2. Take the secret: typed twice without echo, or read from a file or standard input.
3. Put it in its place, whole or not at all, readable by its owner only.
4. Journal that it was stored: its reference, never its content, length or digest.

Cut off between 3 and 4, the secret is in its place and the journal does not say so.
"""

import os
import stat
from functools import partial
from pathlib import Path

from ops.access.approvals.ask import Agreed, ask_second_person
from ops.access.approvals.requests import Wish
from ops.access.session import at_bench, note_act
from ops.backups.keys.secrets import read_secret
from ops.durable_files import name_of_old, place_file
from ops.errors import OpsError, WrongUseError
from ops.estate.check import find_references
from ops.estate.load.load import load_estate
from ops.estate.load.read import find_estate_path
from ops.estate.model.estate import Estate
from ops.estate.model.values import check_name, is_reference
from ops.journal.journal import Entry
from ops.language.text import _
from ops.sites.propose import is_closed_here, propose, read_if_there
from ops.sites.tasks import Secret
from ops.terminal.exit_codes import INCOMPLETE, report
from ops.terminal.output import write_line
from ops.terminal.progress import need_confirmation

REPLACEMENT = "key-replacement"
DEFAULT_FOLDER = "var/keys"
_MODE = 0o600
_FOLDER_MODE = 0o700
_FILE = "file:"


def store_secret(wish: Secret) -> int:
    """Ask for a secret and store it; gives the exit code.

    Raises:
        WrongUseError: No file stands behind the reference, the estate names no such secret, or
            nothing was given.
        OpsError: Something is there already, or the folder cannot be written.
        ApprovalAwaitedError: A key would be replaced, and another person has to agree first.
    """
    estate = load_estate(find_estate_path())
    reference = make_file_reference(wish.name)
    path = Path(os.path.normpath(estate.path.parent / reference.removeprefix("file:")))
    _check_named(estate, path, reference)
    _check_place(path, reference, replace=wish.replace)
    was_there = path.exists()
    guarded = was_there and _is_key(estate, path)
    agreed = _ask_to_replace(estate, path, reference, wish) if guarded else None
    if wish.dry_run:
        write_line(
            _("would store the secret {reference} in {path}").format(reference=reference, path=path)
        )
        return 0
    secret = read_secret(wish.file)
    if is_closed_here(estate, path):
        before = read_if_there(path)
        made = propose(estate, path, before, secret, task="estate.secret", kind="secret")
        return made.tell()
    _place(path, secret, reference, replace=wish.replace, keep=guarded)
    write_line(_("stored {reference}, readable by its owner only").format(reference=reference))
    return _note(estate, wish, reference, agreed, replaced=was_there)


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
            next_step="write `--name file:var/keys/NAME`, as it stands in the estate",
            name=name,
        ) from error


def _check_named(estate: Estate, path: Path, reference: str) -> None:
    """Refuse a place that no reference of the estate names; pure."""
    named = {_normal(it) for _location, it in find_references(estate) if it.startswith(_FILE)}
    if _normal(f"{_FILE}{path}") not in named:
        raise WrongUseError(
            "the estate names no secret {reference}",
            why="secrets are stored only where the estate looks for them",
            data="nothing was stored",
            next_step="write the reference into the estate first; `{program} estate.check` lists"
            " the secrets that are still missing",
            reference=reference,
        )


def _is_key(estate: Estate, path: Path) -> bool:
    """Tell whether a file is a key that repositories, the journal or people's proofs need; pure."""
    own = (estate.keys.repository, estate.keys.signing, estate.keys.credentials)
    keys = {*own, *(store.key for store in estate.stores)}
    return _normal(f"{_FILE}{path}") in {_normal(it) for it in keys if it}


def _ask_to_replace(estate: Estate, path: Path, reference: str, wish: Secret) -> Agreed | None:
    """Have a key's replacement confirmed and agreed to; None for a dry run."""
    question = _("What was made with the key {path} does not open with another one.")
    confirm = partial(need_confirmation, path.name, wish.confirm, question.format(path=path))
    plan = {"act": "replace", "key": reference}
    asked = Wish(REPLACEMENT, path.name, plan, wish.reason, wish.document)
    with at_bench(estate, dry_run=wish.dry_run) as bench:
        return ask_second_person(bench, asked, confirm=confirm)


def _keep_old(path: Path) -> None:
    """Keep a key beside the one that takes its place."""
    kept = name_of_old(path)
    place_file(kept, path.read_bytes(), mode=_MODE, replace=False)
    write_line(_("the key that was there is kept as {path}").format(path=kept))


def _normal(reference: str) -> str:
    return os.path.realpath(reference.removeprefix(_FILE)) if reference.startswith(_FILE) else ""


def _check_place(path: Path, reference: str, *, replace: bool) -> None:
    if path.exists() and not replace:
        raise OpsError(
            "there is a secret already: {reference}",
            data="it was left as it is",
            next_step="add `--replace` if the new one is to take its place",
            reference=reference,
        )
    folder = path.parent
    if folder.is_dir() and folder.stat().st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise OpsError(
            "others may write in the folder {folder}: they could put another secret there",
            data="nothing was stored",
            next_step="type `chmod 700 {folder}`, then again",
            folder=folder,
        )


def _place(path: Path, content: bytes, reference: str, *, replace: bool, keep: bool) -> None:
    try:
        if keep:
            _keep_old(path)
        place_file(path, content, mode=_MODE, replace=replace, folder_mode=_FOLDER_MODE)
    except OSError as error:
        raise OpsError(
            "the secret {reference} cannot be stored in {path}",
            why="{reason}",
            data="nothing was stored",
            next_step="name a file in a folder that the service's user can write",
            reference=reference,
            path=path,
            reason=error.strerror or type(error).__name__,
        ) from error


def _note(
    estate: Estate, wish: Secret, reference: str, agreed: Agreed | None, *, replaced: bool
) -> int:
    """Journal it; the catalog may need the very secret, so a failure here is told, not raised."""
    approval = {"approval": agreed.permit.as_details()} if agreed else {}
    try:
        note_act(
            estate,
            Entry("secret.stored", reference, {"replaced": replaced, **approval}),
            requested_by=agreed.permit.requested_by if agreed else "",
            reason=wish.reason,
            document=wish.document,
        )
    except OpsError as error:
        report(error)
        write_line(_("the secret is stored, but the journal could not be written"))
        return INCOMPLETE
    return 0
