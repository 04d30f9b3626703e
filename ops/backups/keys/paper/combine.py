"""Get the password back from shares on paper, and a lost key file from its code.

Needs no estate and no catalog: it is for the day when both are gone. Where they are there, what was
done is journaled.

Order:

1. Read shares and key files; prove that they fit together, and that the key files fit the
   repository. `--dry-run` ends here.
2. Write the password to its file, readable by its owner only; one that is there is refused.
3. Wrap the master key anew under the password, and store that key file; prove that the repository
   opens with it.
4. Journal it.
"""

import sys
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from getpass import getpass
from pathlib import Path

from backup.errors import DamagedError, ObjectNotFoundError, StoreDeniedError
from backup.format.bounds import read_bounded
from backup.format.config import decode_config
from backup.format.crypto import Envelope, MasterKey
from backup.format.key_file import parse_key_file, unwrap_master_key
from backup.repository.keyring import add_key
from backup.repository.repository import Repository
from backup.stores import open_store
from backup.stores.base import Store
from ops.access.session import note_act
from ops.backups.keys.paper.key_files import read_key_files
from ops.backups.keys.paper.shares import Combined, collect_shares, combine_shares, split_shares
from ops.backups.keys.secrets import write_secret_files
from ops.backups.keys.tasks import KeyCombine
from ops.backups.repositories.open import open_with
from ops.backups.repositories.stores import Access, explain_refusal
from ops.errors import OpsError, WrongUseError
from ops.estate.load.load import load_estate
from ops.estate.load.read import find_estate_path
from ops.estate.model.references import reveal
from ops.estate.model.values import is_name
from ops.journal import journal
from ops.language.text import _
from ops.terminal.elsewhere import is_elsewhere
from ops.terminal.exit_codes import INCOMPLETE, report
from ops.terminal.output import write_line

_MOST_CHARACTERS = 1 << 20


class WrongPaperError(OpsError):
    """Shares, key files and repository do not belong together."""

    exit_code = 12


def combine_key(wish: KeyCombine) -> int:
    """Get a password and, if asked for, a key file back; gives the exit code.

    Raises:
        WrongUseError: The flags make no sense, a file cannot be read, or there is nobody to ask.
        ShareError, PrintedKeyError: What was typed or scanned has a mistake.
        WrongPaperError: The papers do not belong together, or not to the repository.
        BackupError: The repository cannot be read or written.
    """
    _check_flags(wish)
    url = _find_repository(wish.repo) if is_elsewhere() and wish.repo else wish.repo
    combined = combine_shares(read_shares(wish.share) or ask_shares())
    password = combined.password.encode()
    write_line(
        _("the shares fit together; set number {identifier}").format(identifier=combined.identifier)
    )
    masters = _open_key_files([read_paper(it) for it in wish.key_file], password)
    entry = Access.of(wish)
    store = open_store(url, entry.options()) if url else None
    try:
        master = None if store is None else find_master(store, password, masters)
    except StoreDeniedError as error:
        raise explain_refusal(wish.repo, entry, error) or error from error
    if store is not None:
        text = (
            _("the repository opens with this password already: {place}")
            if master is None
            else _("a key file of {place} is found")
        )
        write_line(text, place=store.location)
    if wish.dry_run:
        write_line(_("Nothing was changed: this was a rehearsal."))
        return 0
    path = Path(wish.to).absolute()
    write_secret_files(path.parent, {path.name: password + b"\n"})
    write_line(_("the password is in {path}, readable by you alone"), path=path)
    key_id = ""
    if store is not None and master is not None:
        key_id = _restore_key(store, master, password)
        write_line(_("stored the key file {id}; the repository opens with it"), id=key_id[:8])
    return _note(combined, store, key_id)


def _find_repository(typed: str) -> str:
    """Give the URL of a repository in a store of the estate: the service opens no typed path.

    Raises:
        WrongUseError: No store of the estate holds one there.
    """
    estate = load_estate()
    for store in estate.stores:
        for above in (store.name, reveal(store.url).rstrip("/")):
            site = typed.removeprefix(f"{above}/")
            if site != typed and is_name(site):
                return estate.repository_url(store, site)
    raise WrongUseError(
        "{place} is in no store of the estate",
        why="while the service runs, it opens no path that somebody types",
        data="nothing was written",
        next_step="write STORE/SITE by the names of the estate, e.g. `--repo {store}/SITE`; or have"
        " root stop the service and type it",
        place=typed,
        store=estate.primary_store.name,
    )


def _check_flags(wish: KeyCombine) -> None:
    if not wish.dry_run and not wish.to:
        raise WrongUseError(
            "the flag --{flag} must be given",
            next_step="`{program} {task} --help` lists all flags",
            flag="to",
            task="backup.key-combine",
        )
    if wish.to and Path(wish.to).exists():
        raise WrongUseError(
            "{path} is there already",
            data="it was left as it is",
            next_step="name another file for the password",
            path=wish.to,
        )


def read_paper(name: str) -> str:
    """Give the text of a file with what stands on paper.

    Raises:
        WrongUseError: It cannot be read.
    """
    path = Path(name)
    try:
        with path.open(encoding="utf-8") as file:
            return file.read(_MOST_CHARACTERS)
    except (OSError, UnicodeDecodeError) as error:
        raise WrongUseError(
            "{path} cannot be read",
            why="{reason}",
            data="nothing was written",
            next_step="name a text file with the words of a share, or with a scanned code",
            path=path,
            reason=getattr(error, "strerror", None) or str(error),
        ) from error


def read_shares(names: Sequence[str]) -> list[str]:
    """Give the shares of files, each of which holds one, or several parted by a slash.

    Raises:
        WrongUseError: One cannot be read.
    """
    return [share for name in names for share in split_shares(read_paper(name))]


def ask_shares() -> list[str]:
    """Have shares typed until there are enough; what is typed is not shown."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise WrongUseError(
            "no share was given, and there is nobody to ask",
            data="nothing was written",
            next_step="type it at a terminal, or give `--share FILE` for each share",
        )

    def ask(number: int) -> str:
        with suppress(EOFError):
            return getpass(_("Words of share {number}: ").format(number=number))
        return ""

    return collect_shares(ask)


def _open_key_files(texts: Sequence[str], password: bytes) -> list[MasterKey]:
    """Open the key files that were scanned.

    Raises:
        WrongPaperError: There are some, and the password opens none.
    """
    key_files = [key_file for text in texts for key_file in read_key_files(text)]
    opened = [unwrap_master_key(parse_key_file(it), password) for it in key_files]
    masters = [master for master in opened if master is not None]
    if texts:
        write_line(
            _("key files that the password opens: {opened} of {count}").format(
                opened=len(masters), count=len(key_files)
            )
        )
    if texts and not masters:
        raise WrongPaperError(
            "the password from the shares opens none of {count} key files",
            why="they were printed for another password, or at another time",
            data="nothing was written",
            next_step="take the sheet of key files with the same set number as the shares",
            count=len(key_files),
        )
    return masters


def find_master(store: Store, password: bytes, masters: Sequence[MasterKey]) -> MasterKey | None:
    """Find the master key of a repository; None where it opens already.

    Raises:
        WrongPaperError: None of them is its own.
    """
    if open_with(store, password) is not None:
        return None
    for master in masters:
        if _opens(store, master):
            return master
    raise WrongPaperError(
        "none of the key files belongs to {place}",
        why="its `keys` folder holds nothing that this password opens",
        data="nothing was written",
        next_step="scan its own code from the sheet of key files and add `--key-file FILE`",
        place=store.location,
    )


def _opens(store: Store, master: MasterKey) -> bool:
    try:
        decode_config(Envelope(master).open(read_bounded(store, "config")))
    except (DamagedError, ObjectNotFoundError):
        return False
    return True


def open_with_master(store: Store, master: MasterKey) -> Repository:
    """Open a repository whose key file is lost, with the master key that stood on paper."""
    config = decode_config(Envelope(master).open(read_bounded(store, "config")))
    return Repository(store, config, key=master, key_id="")


def _restore_key(store: Store, master: MasterKey, password: bytes) -> str:
    add_key(open_with_master(store, master), password)
    return Repository.open(store, password).key_id


def _note(combined: Combined, store: Store | None, key_id: str) -> int:
    """Journal it where there is a catalog; on a bare machine there is none."""
    try:
        path = find_estate_path()
    except WrongUseError:
        return 0
    details = {
        "identifier": combined.identifier,
        "repository": "" if store is None else store.location,
        "key": key_id,
        "at": datetime.now(UTC).isoformat(),
    }
    try:
        note_act(load_estate(path), journal.Entry("backup.key-combine", "", details))
    except OpsError as error:
        report(error)
        write_line(_("the password is written, but the journal could not be"))
        return INCOMPLETE
    return 0
