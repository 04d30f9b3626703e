"""A folder of another machine as the source of a backup."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass

from backup.sources.files import FolderSource
from backup.sources.remote.tree import RemoteTree


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
