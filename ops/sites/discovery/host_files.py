"""The files of a host as discovery reads them: with `cat`, `find` and the like, over the seam.

A path that a host's configuration names goes there as one word and never as a line of shell.
"""

import os
from collections.abc import Sequence
from functools import cache

from ops.errors import OpsError
from ops.sites.discovery.findings import Note
from ops.sites.discovery.machine_files import (
    LEFT_OUT_FOLDERS,
    MOST_BYTES,
    MOST_DEPTH,
    MOST_ENTRIES,
)
from provisioning.hosts import Completed, Host

_SECONDS = 60.0
_ABSENT = 66
_READ = b'[ -f "$1" ] || exit 66; head -c "$2" -- "$1" 2>/dev/null'
_LIST = b'[ -d "$1" ] || exit 66; find "$1/" -mindepth 1 -maxdepth 1 -print0 2>/dev/null'
_RESOLVE = b'readlink -f -- "$1" || printf "%s" "$1"'
_FIND = b'top=$1 most=$2; shift 2; find "$top" "$@" -print0 2>/dev/null | head -c "$most"'
_LONGEST_NAME = 255


class HostClosedError(OpsError):
    """A host does not let discovery look at it."""


class FilesOnHost:
    """See `ops.sites.discovery.machine_files.Files`.

    Raises, in every method, what `provisioning.hosts.Host.run` raises, and `HostClosedError`.
    """

    def __init__(self, host: Host, notes: list[Note]) -> None:
        self.notes = notes
        self._host = host
        self.names_in = cache(self._names_in)  # each question is a journey
        self.is_folder = cache(self._is_folder)

    def resolve(self, inner: str) -> str | None:
        """See `Files.resolve`."""
        if "\0" in inner:
            return None
        return os.fsdecode(self._ask(_RESOLVE, inner).stdout.removesuffix(b"\n")) or None

    def _names_in(self, inner: str) -> Sequence[str]:
        answer = self._ask(_LIST, inner)
        if answer.status not in {0, _ABSENT}:
            self.notes.append(Note(inner, "unreadable"))
        paths = [os.fsdecode(it) for it in answer.stdout.split(b"\0") if it]
        return sorted(path.rpartition("/")[2] for path in paths)

    def _is_folder(self, inner: str) -> bool:
        return self._ask(b'[ -d "$1" ]', inner).status == 0

    def read(self, inner: str, limit: int = MOST_BYTES) -> bytes | None:
        """See `Files.read`."""
        answer = self._ask(_READ, inner, str(limit))
        if answer.status not in {0, _ABSENT}:
            self.notes.append(Note(inner, "unreadable"))
        return None if answer.status else answer.stdout

    def find(self, top: str, endings: tuple[str, ...]) -> list[str]:
        """See `Files.find`; mounted file systems are left alone."""
        left_out = _any_of(LEFT_OUT_FOLDERS)
        wanted = _any_of([f"*{ending}" for ending in endings])
        words = ["-xdev", "-maxdepth", str(MOST_DEPTH + 1), "(", *left_out, ")", "-prune", "-o",
                 "-type", "f", "(", *wanted, ")"]  # fmt: skip
        answer = self._ask(_FIND, top, str(MOST_ENTRIES * _LONGEST_NAME), *words)
        return sorted(os.fsdecode(it) for it in answer.stdout.split(b"\0")[:-1])

    def _ask(self, script: bytes, *words: str) -> Completed:
        return ask(self._host, script, *words)


def ask(host: Host, script: bytes, *words: str) -> Completed:
    """Run a script of our own with words that may come from anywhere.

    Raises:
        HostClosedError: The account there runs a few commands only.
    """
    arguments = [os.fsencode(word.replace("\0", "")) for word in words]
    answer = host.run([b"sh", b"-c", script, b"sh", *arguments], timeout=_SECONDS)
    if answer.is_refused_by_gate:
        raise HostClosedError(
            "the host {host} does not let this account look around",
            why="the account runs the few commands of a backup, and no others",
            data="nothing was read or changed",
            next_step="look with an account that has a shell, or run `{program} estate.discover`"
            " on the host itself",
            host=host.name,
        )
    return answer


def _any_of(names: Sequence[str]) -> list[str]:
    words = [word for name in names for word in ("-o", "-name", name)]
    return words[1:]
