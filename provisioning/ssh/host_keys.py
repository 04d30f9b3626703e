"""Our own table of host keys, in the format of OpenSSH's known_hosts.

A line marked ``@revoked`` takes its key from every host, whatever names stand in it. One marked
``@cert-authority`` is passed over: we take no certificates, and its key is no host's.

Order of recording a key:

1. Take the table's lock file, and read the table.
2. Write the new table beside it, complete, and fsync it.
3. Rename it into place; fsync the folder.
"""

import base64
import fcntl
import hashlib
import hmac
import os
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

_HASHED = "|1|"
_REVOKED = "@revoked"
_ENTRY_WORDS = 3


class HostKey(NamedTuple):
    """A public key.

    Attributes:
        kind: E.g. `ssh-ed25519`.
        blob: The key as it goes over the wire.
    """

    kind: str
    blob: bytes

    @property
    def fingerprint(self) -> str:
        """As `ssh-keygen -l` shows it: `SHA256:…`."""
        digest = hashlib.sha256(self.blob).digest()
        return "SHA256:" + base64.b64encode(digest).decode().rstrip("=")


def read_keys(path: Path | None, known_name: str) -> list[HostKey]:
    """Give the keys on record for a host; a table that does not exist is empty.

    Args:
        path: The table; None for none.
        known_name: `address`, or `[address]:port` where the port is not 22.

    Raises:
        OSError: The table is there and cannot be read.
    """
    return [key for names, key in _entries(_read_lines(path)) if _names_it(names, known_name)]


def read_revoked_keys(path: Path | None) -> list[HostKey]:
    """Give the keys that are never accepted, of any host.

    Raises:
        OSError: The table is there and cannot be read.
    """
    pairs = (line.split(maxsplit=1) for line in _read_lines(path))
    rows = [words[1] for words in pairs if len(words) > 1 and words[0] == _REVOKED]
    return [key for _, key in _entries(rows)]


def record_key(path: Path, known_name: str, key: HostKey) -> None:
    """Make `key` the only one on record for a host; other hosts' lines stay as they are.

    Raises:
        OSError: The table cannot be written.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _locked(path):
        _replace(path, make_table(path, known_name, key))


def make_table(path: Path, known_name: str, key: HostKey) -> str:
    """Give what a table would hold with `key` as the only one of a host; errors as above."""
    kept = [line for line in _read_lines(path) if not _is_about(line, known_name)]
    line = f"{known_name} {key.kind} {base64.b64encode(key.blob).decode()}"
    return "".join(f"{it}\n" for it in (*kept, line))


def _read_lines(path: Path | None) -> list[str]:
    if path is None:
        return []
    try:
        return path.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except FileNotFoundError:
        return []


def _entries(lines: Iterable[str]) -> Iterator[tuple[str, HostKey]]:
    """Yield names and key of each line; comments, markers (`@revoked`) and odd lines have none."""
    for line in lines:
        words = line.split()
        if len(words) < _ENTRY_WORDS or words[0][0] in "#@":
            continue
        try:
            blob = base64.b64decode(words[2], validate=True)
        except ValueError:
            continue
        yield words[0], HostKey(words[1], blob)


def _is_about(line: str, known_name: str) -> bool:
    return any(_names_it(names, known_name) for names, _ in _entries([line]))


def _names_it(names: str, known_name: str) -> bool:
    """Match exactly: wildcards would trust hosts that nobody looked at."""
    if names.startswith(_HASHED):
        return _matches_hash(names, known_name)
    return known_name in names.split(",")


def _matches_hash(hashed: str, known_name: str) -> bool:
    try:
        salt, digest = (base64.b64decode(part) for part in hashed[len(_HASHED) :].split("|"))
    except ValueError:
        return False
    return hmac.digest(salt, known_name.encode(), "sha1") == digest  # the format's own choice


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with Path(f"{path}.lock").open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _replace(path: Path, content: str) -> None:
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        with temporary.open("x", encoding="utf-8", errors="surrogateescape") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(0o644)
        temporary.rename(path)
    finally:
        temporary.unlink(missing_ok=True)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
