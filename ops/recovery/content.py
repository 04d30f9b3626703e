"""What the service saves of itself, and where it comes to lie in the snapshot.

::

    /giucong/databases/catalog.sqlite     the catalog; in PostgreSQL `catalog/TABLE.jsonl` instead
    /giucong/files/estate/…               the estate file and its includes, as below their folder
    /giucong/files/elsewhere/…            what the estate names outside of that folder
    /giucong/other/signing-key.pem        encrypted under the repository password
    /giucong/other/credentials.key.enc    the key of the second factors, sealed in the same way
    /giucong/manifest.json                what this is, and how to put it back

The repository key is never among it: whoever reads this has it already.

A secret is sealed once more under the repository password, as `openssl enc` does it:
`Salted__`, eight bytes of salt, then AES-256-CBC with PKCS #7 padding; key and IV are 48 bytes of
PBKDF2 with SHA-256 and 10 000 rounds. `openssl enc -d -aes-256-cbc -pbkdf2 -in FILE -pass file:KEY`
opens it. The repository proves that nobody has changed it, so the form need not.
Source: https://docs.openssl.org/3.0/man1/openssl-enc/ (`-pbkdf2`, default `-iter` and digest).
"""

import json
import os
import socket
import stat
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.pbkdf2 import PBKDF2HMAC
from cryptography.hazmat.primitives.padding import PKCS7

from backup.archiver.create import BackupRequest, Mount
from backup.sources.databases.sqlite_copy import sqlite_source
from backup.sources.source import FolderSource, TextSource
from ops.audit.heads import SigningKeyError, encode_key, find_signing_key, signing_file
from ops.backups import MANIFEST
from ops.backups.sources.manifest import describe_reading
from ops.backups.sources.site import DatabaseReading, FilesReading, Reading
from ops.documents.records import FOLDER as DOCUMENTS
from ops.documents.records import list_kept
from ops.entering import name_of
from ops.errors import OpsError, SecretError
from ops.estate.edit.proposal import FOLDER as PROPOSALS
from ops.estate.load.read import CHANGEABLE, INSTALLED_PATH, read_document
from ops.estate.model.estate import Estate
from ops.estate.model.own_site import OWN_SITE
from ops.estate.model.references import resolve, reveal
from ops.estate.model.sites import DatabasePart, FilesPart
from ops.estate.model.stores import Store
from ops.hosts.connect import KNOWN_HOSTS
from ops.language.text import N_, fill, speaking
from ops.recovery.catalog_copy import catalog_file
from ops.sites.propose import SUFFIX
from ops.terminal.elsewhere import SOCKET
from ops.version import software_version

_MAGIC = b"Salted__"
_SALT_BYTES = 8
_ROUNDS = 10_000
_BLOCK_BITS = 128


def seal_secret(plain: bytes, password: bytes) -> bytes:
    """Encrypt a secret."""
    salt = os.urandom(_SALT_BYTES)
    padder = PKCS7(_BLOCK_BITS).padder()
    encryptor = _cipher(password, salt).encryptor()
    padded = padder.update(plain) + padder.finalize()
    return _MAGIC + salt + encryptor.update(padded) + encryptor.finalize()


def open_secret(sealed: bytes, password: bytes) -> bytes:
    """Decrypt a secret.

    Raises:
        OpsError: It is of another form, or sealed under another password.
    """
    start = len(_MAGIC) + _SALT_BYTES
    if not sealed.startswith(_MAGIC):
        raise _wrong()
    try:
        decryptor = _cipher(password, sealed[len(_MAGIC) : start]).decryptor()
        unpadder = PKCS7(_BLOCK_BITS).unpadder()
        padded = decryptor.update(sealed[start:]) + decryptor.finalize()
        return unpadder.update(padded) + unpadder.finalize()
    except ValueError as error:
        raise _wrong() from error


def _wrong() -> OpsError:
    return OpsError(
        "a sealed secret in the backup does not open with this key",
        why="it was sealed under another one",
        data="nothing was changed",
        next_step="recover from the store whose key this is",
    )


def _cipher(password: bytes, salt: bytes) -> Cipher[modes.CBC]:
    derived = PBKDF2HMAC(SHA256(), 48, salt, _ROUNDS).derive(password)
    return Cipher(algorithms.AES(derived[:32]), modes.CBC(derived[32:]))


@dataclass(frozen=True, slots=True)
class StatePart:
    """One thing at the top of the state folder.

    Attributes:
        why: Why it is saved, or left out.
        saved: What of it is saved, by the state folder; None where it is left out.
    """

    why: str
    saved: Callable[[Path], list[Path]] | None = None


PARTS: Mapping[str, StatePart] = {
    KNOWN_HOSTS: StatePart(
        "which host keys people have compared: nobody could tell after a loss",
        lambda state: [state / KNOWN_HOSTS],
    ),
    CHANGEABLE: StatePart(
        "the part of the estate that the service itself writes", lambda state: [state / CHANGEABLE]
    ),
    f"{INSTALLED_PATH.name}{SUFFIX}": StatePart("a copy of the estate file while it is changed"),
    PROPOSALS: StatePart("what is proposed for the estate file: proposed anew after a loss"),
    f"{KNOWN_HOSTS}.lock": StatePart("who writes that table at this moment"),
    ".ssh": StatePart(
        "the home of the service's user: the host keys it trusts, never its own keys",
        lambda state: [state / ".ssh/known_hosts"],
    ),
    DOCUMENTS: StatePart("papers that people have handed in", list_kept),
    "series.db": StatePart("figures of the watch: many, and worth little after a loss"),
    "watch.json": StatePart("when the watch looked last: of this process alone"),
    "heartbeat.json": StatePart("when the service told that it lives: of this process alone"),
    "locks": StatePart("who works at this moment, on this machine"),
    "live": StatePart("how far runs of this moment are"),
    "limits": StatePart("how much bandwidth was used in this second"),
    "console": StatePart("what acts at the console gave, until it is fetched"),
    "office.sock": StatePart("where the console's two processes meet"),
    SOCKET.name: StatePart("where the service hears who types"),
    "acts": StatePart("what acts with secrets made, until who typed has it"),
    "switches": StatePart(
        "how to go on with a database that is being switched: a plan of before a loss would undo"
        " what has come since; what is on the server tells"
    ),
    "key-rotations": StatePart(
        "how to go on with a master key that is being replaced: likewise; the store tells"
    ),
    "archive": StatePart("an index over the archive: `archive.reindex` makes it anew"),
    "archive-web": StatePart("pages that are being captured: captured again, else in the archive"),
    "scratch": StatePart("`[service] scratch`: what a run needs while it goes on"),
    "cache": StatePart("`[service] cache`: made anew"),
    "drill": StatePart("`[drill] workdir`: sites of rehearsals"),
    "keys": StatePart("secrets: its own two are saved encrypted, all others come from their safe"),
}
"""By name. The catalog is not among them: it is saved by a copy of its own."""


def list_saved(state: Path) -> list[Path]:
    """Give the files of the state folder that are saved; those that are not there among them."""
    parts = [it.saved for it in PARTS.values() if it.saved]
    return [path for saved in parts for path in saved(state)]


CATALOG_FILE = "databases/catalog.sqlite"
RECORDS_FOLDER = "databases/catalog"
SIGNING_KEY = "other/signing-key.pem"
CREDENTIALS_KEY = "other/credentials.key.enc"
ESTATE_FOLDER = "files/estate"
ELSEWHERE = "files/elsewhere"

_PUT_BACK = (
    N_("On the new machine install Giữ Cổng, and have this store and the repository key at hand."),
    N_(
        "`giucong service.recover --repo STORE/giucong --password-file KEY --dry-run` says what it"
        " would do; without --dry-run it does it."
    ),
    N_(
        "By hand: put each file of `recovery.places` back to where it says; a path without a slash"
        " in front starts at the folder of the estate file."
    ),
    N_("The signing key by hand: `openssl pkey -in signing-key.pem -passin file:KEY`"),
    N_(
        "The key of the second factors by hand: `openssl enc -d -aes-256-cbc -pbkdf2 -in"
        " credentials.key.enc -pass file:KEY`"
    ),
)


@dataclass(frozen=True, slots=True)
class SavedFile:
    """One file that belongs to the estate.

    Attributes:
        path: Where it is, links followed only when it is read.
        at: Its place in the snapshot, without the site.
        to: Where it belongs: below the folder of the estate file, or absolute.
    """

    path: Path
    at: str
    to: str


def list_files(estate: Estate) -> list[SavedFile]:
    """Give the estate file, all that it names, and what is saved of the state folder, by path."""
    document = read_document(estate.path)
    paths = {estate.path, *document.included, *_named(estate), *list_saved(estate.service.state)}
    tidy = {Path(os.path.normpath(path)) for path in paths}
    return [_saved_file(path, estate.path.parent) for path in sorted(tidy) if path.is_file()]


def _named(estate: Estate) -> set[Path]:
    """Give the files that the estate names and that nobody could write again from memory."""
    archive, texts = estate.archive, estate.reports.texts
    found = {
        *(it.known_hosts for it in estate.hosts),
        *(it.known_hosts for it in estate.stores),
        *estate.calendar.holidays,
        *estate.duties.include,
        *estate.security.controls,
        *(archive.retention if archive else ()),
        *(it.archive.mapping for it in estate.sites if it.archive),
        *(texts.glob("*.toml") if texts else ()),
        estate.monitor.probes.authorities,
        estate.planning.prices,
    }
    return {it for it in found if it is not None}


def _saved_file(path: Path, folder: Path) -> SavedFile:
    to = place_of(path, folder)
    top = ELSEWHERE if to.startswith("/") else ESTATE_FOLDER
    return SavedFile(path, f"{top}/{to.lstrip('/')}", to)


def place_of(path: Path, folder: Path) -> str:
    """Give a path relative to the estate's folder where it lies below, else absolute."""
    return str(path.relative_to(folder) if path.is_relative_to(folder) else path)


def make_own_request(
    estate: Estate, store: Store, copy: Path, *, version: str, run: str, now: datetime
) -> tuple[BackupRequest, Reading]:
    """Make the request to save the service into one store.

    Args:
        estate: As it is now.
        store: Where to; its password encrypts the signing key.
        copy: The catalog's copy, or the folder of record tables.
        version: Hash of the estate version, as in the journal.
        run: Id of the run, as in the journal.
        now: The snapshot's time.
    """
    reading = Reading(estate.own_site)
    places: list[dict[str, str]] = []
    mounts = [_catalog_mount(estate, reading, copy, places)]
    mounts += _file_mounts(estate, reading, places)
    mounts += _key_mounts(estate, store, places)

    def make_manifest() -> bytes:
        reading.ended_at = datetime.now(UTC)
        return _manifest(estate, store, reading, places, version=version, run=run)

    mounts.append(_mount(MANIFEST, TextSource(make_manifest)))
    request = BackupRequest(
        mounts=mounts,
        hostname=OWN_SITE,
        paths=(f"/{OWN_SITE}",),
        time=now.astimezone(estate.zone),
        tags=(f"unit:{OWN_SITE}",),
        workers=0,
    )
    return request, reading


def _mount(at: str, source: Any) -> Mount:  # any of the engine's sources
    return Mount(os.fsencode(f"/{OWN_SITE}/{at}"), source)


def _catalog_mount(
    estate: Estate, reading: Reading, copy: Path, places: list[dict[str, str]]
) -> Mount:
    live = catalog_file(reveal(estate.catalog.url))
    if live is None:
        places.append({"at": RECORDS_FOLDER, "to": ""})
        return _mount(RECORDS_FOLDER, FolderSource(os.fsencode(copy)))
    places.append({"at": CATALOG_FILE, "to": place_of(live, estate.path.parent)})
    part = DatabasePart.model_construct(name="catalog", engine="sqlite", database=str(live))
    noted = DatabaseReading(part, CATALOG_FILE)
    reading.databases.append(noted)
    mode = stat.S_IMODE(live.stat().st_mode)
    return _mount(
        CATALOG_FILE, sqlite_source(copy, copy.parent / "read", on_facts=noted.take, mode=mode)
    )


def _file_mounts(estate: Estate, reading: Reading, places: list[dict[str, str]]) -> Iterator[Mount]:
    files = list_files(estate)
    for top, path in ((ESTATE_FOLDER, str(estate.path.parent)), (ELSEWHERE, "/")):
        chosen = [it for it in files if it.at.startswith(f"{top}/")]
        if chosen:
            part = FilesPart.model_construct(name=Path(top).name, path=path, kind="config")
            sizes = [it.path.stat().st_size for it in chosen]
            now = datetime.now(UTC)
            reading.files.append(FilesReading(part, top, (), now, len(chosen), sum(sizes)))
    for file in files:
        places.append({"at": file.at, "to": file.to})
        yield _mount(file.at, FolderSource(os.path.realpath(os.fsencode(file.path))))


def _key_mounts(estate: Estate, store: Store, places: list[dict[str, str]]) -> Iterator[Mount]:
    """Yield the service's own keys; the store's password encrypts each."""
    password = resolve(estate.repository_key(store)).get_secret_value().encode()
    key = None
    with suppress(SecretError, SigningKeyError):  # what is wrong with it the journal's look tells
        key = find_signing_key(estate)
    if key is not None:
        path = signing_file(estate)
        places.append({"at": SIGNING_KEY, "to": place_of(path, estate.path.parent) if path else ""})
        yield _mount(SIGNING_KEY, TextSource(lambda: encode_key(key, password), mode=0o600))
    scheme, _sign, rest = (estate.keys.credentials or "").partition(":")
    if scheme == "file" and Path(rest).exists():
        line = Path(rest).read_bytes()
        places.append({"at": CREDENTIALS_KEY, "to": place_of(Path(rest), estate.path.parent)})
        yield _mount(CREDENTIALS_KEY, TextSource(lambda: seal_secret(line, password), mode=0o600))


def _manifest(
    estate: Estate,
    store: Store,
    reading: Reading,
    places: list[dict[str, str]],
    *,
    version: str,
    run: str,
) -> bytes:
    with speaking(estate.organisation.language):
        document = describe_reading(estate, reading)
        document["put_back"] = [fill(step, {}) for step in _PUT_BACK]
    scheme, _sign, rest = estate.repository_key(store).partition(":")
    document["recovery"] = {
        "estate_folder": str(estate.path.parent),
        "estate_file": estate.path.name,
        "store": store.name,
        "user": name_of(estate.service.state.stat().st_uid),
        "key_file": place_of(Path(rest), estate.path.parent) if scheme == "file" else "",
        "places": places,
    }
    document["made_by"] = {
        "software": f"giucong {software_version()}",
        "estate": version,
        "run": run,
        "host": socket.gethostname(),
    }
    return (json.dumps(document, ensure_ascii=False, indent=1) + "\n").encode()
