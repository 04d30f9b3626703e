"""Choosing how a folder of a host is read: by Python, by GNU tools, or by BusyBox.

A folder of another machine as the source of a backup.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any, Literal

from backup.errors import SourceError
from backup.sources.host_errors import translated
from backup.sources.remote.busybox_tree import open_busybox_tree
from backup.sources.remote.command_stream import failed
from backup.sources.remote.gnu_tree import open_tool_tree
from backup.sources.remote.python_tree import open_python_tree
from backup.sources.remote.tree import RemoteTree
from backup.sources.source import FolderSource
from provisioning.hosts import Host

Way = Literal["python", "tools", "busybox"]

_PROBE = b"""export LC_ALL=C
if python3 -I -c 'import sys; sys.exit(sys.version_info < (3, 6))' 2>/dev/null; then echo python
elif find --version 2>/dev/null | grep -q GNU && tar --version 2>/dev/null | grep -q GNU
then echo tools
elif find / -prune -exec stat -c %f {} + >/dev/null 2>&1 && command -v tar >/dev/null
then echo busybox
fi"""
_PROBE_SECONDS = 60
_NOT_FOUND = 127
Opened = AbstractContextManager[RemoteTree]
_OPEN: dict[Way, Callable[..., Opened]] = {
    "python": open_python_tree,
    "tools": open_tool_tree,
    "busybox": open_busybox_tree,
}


def find_way(host: Host) -> Way:
    """Ask a host how its folders can be read.

    Raises:
        SourceError: It does not answer, or has none of the tools.
    """
    with translated():
        done = host.run([b"sh", b"-c", _PROBE], timeout=_PROBE_SECONDS)
    for way in _OPEN:
        if done.stdout.strip() == way.encode():
            return way
    words = done.stderr or b"neither python3 nor find, stat and tar are there"
    raise failed(host.name, words, done.status)


@contextmanager
def open_remote_tree(
    host: Host, path: bytes, *, one_file_system: bool, timeout: float | None = None
) -> Iterator[RemoteTree]:
    """Open a folder of a host in the best way it offers.

    Args:
        host: Where.
        path: Absolute.
        one_file_system: Whether to leave alone what is mounted below.
        timeout: Seconds each command may take; None for no limit.

    Raises:
        SourceError: The host does not answer, or the path is not there.
    """
    with ExitStack() as stack:
        yield _open(stack, host, path, one_file_system=one_file_system, timeout=timeout)


def _open(stack: ExitStack, host: Host, path: bytes, **options: Any) -> RemoteTree:
    # Where Python is there, it alone is asked for: an account may be let in for nothing else.
    try:
        return stack.enter_context(open_python_tree(host, path, **options))
    except SourceError as error:
        if error.params.get("status") != _NOT_FOUND:
            raise
    return stack.enter_context(_OPEN[find_way(host)](host, path, **options))


@dataclass(frozen=True, slots=True)
class RemoteSource:
    """A folder, or a single file, of another machine.

    Attributes:
        host: Name of the machine, for people.
        folder: Its path there, and what to leave out; `path` is what exclusions are asked about.
        open_tree: Connects; leaving the context closes the connection. Raises `SourceError`.
        on_lost: Told once what this way of reading cannot keep; may be nothing.
    """

    host: str
    folder: FolderSource
    open_tree: Callable[[], AbstractContextManager[RemoteTree]]
    on_lost: Callable[[tuple[str, ...]], None] = lambda _lost: None
