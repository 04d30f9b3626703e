"""What discovery finds. No value here ever holds a password."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

Include = Callable[[str], Iterable[str]]
"""Gives the texts of the files that a pattern of a web server's configuration means."""


@dataclass(frozen=True, slots=True)
class VirtualHost:
    """One site of a web server.

    Attributes:
        server: `nginx` or `apache`.
        names: Server names as written, without patterns.
        root: The document root as written; empty where there is none.
        is_secure: Whether it is served encrypted.
    """

    server: str
    names: tuple[str, ...]
    root: str
    is_secure: bool = False


@dataclass(frozen=True, slots=True)
class DatabaseSettings:
    """The database that a content system's configuration names.

    Attributes:
        application: `wordpress`, `mediawiki`, `joomla`, `drupal`, `nukeviet` or `dotenv`; empty
            for a file or a server that no configuration named.
        engine: `mariadb`, `postgresql` or `sqlite`; empty when it is another one.
        database: Its name, or for SQLite the path of its file as written.
        user: Account in the database.
        address: Host; empty for this machine.
        port: Port; None for the usual one.
        socket: Socket; empty for the usual one.
        has_password: Whether the configuration holds a password.
        folders: Whole paths of further folders that the configuration names.
    """

    application: str
    engine: str
    database: str
    user: str = ""
    address: str = ""
    port: int | None = None
    socket: str = ""
    has_password: bool = False
    folders: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Note:
    """Something that was not read, and why.

    Attributes:
        path: The path, the site's names, or the database server.
        reason: `unreadable`, `too_large`, `no_root`, `missing` or `unlisted`.
    """

    path: str
    reason: str
