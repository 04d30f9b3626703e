"""The connections of one SFTP store: several, each used by one thread at a time."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import paramiko

from backup.stores.sftp.errors import LineBrokenError
from backup.stores.sftp.protocol import Garbled, SftpLine
from backup.stores.sftp.settings import SftpSettings
from provisioning.errors import HostRefusedError
from provisioning.ssh.connect import CONNECT_SECONDS, SILENCE_SECONDS, Connection
from provisioning.ssh.errors import FAILURES, REFUSED, UNTOUCHED, about
from provisioning.ssh.pool import SshPool

_BROKEN = (Garbled, *FAILURES)


class SftpLines:
    """Hands out lines that are free, opens new ones up to a number, forgets broken ones."""

    def __init__(self, settings: SftpSettings) -> None:
        self._settings = settings
        self._start_anew()

    @contextmanager
    def take(self) -> Iterator[SftpLine]:
        """Give a line for as long as the block runs.

        Raises:
            ProvisioningError: The server was not entered.
            LineBrokenError: The line broke in the block; it is not used again.
        """
        if os.getpid() != self._process:
            self._start_anew()  # after a fork the threads that serve the connections are not here
        with self._room:
            connection, line = self._free_line() or self._open()
            try:
                yield line
            except _BROKEN as error:
                connection.close()
                raise LineBrokenError from error
            except BaseException:
                self._give_back(connection, line)
                raise
            self._give_back(connection, line)

    def close(self) -> None:
        """Close every line that is free."""
        with self._lock:
            free = list(self._free)
            self._free.clear()
        for connection, _line in free:
            connection.close()

    def _start_anew(self) -> None:
        self._process = os.getpid()
        self._room = threading.BoundedSemaphore(self._settings.connections)
        self._lock = threading.Lock()
        self._free: list[tuple[Connection, SftpLine]] = []
        self._pool = SshPool()

    def _free_line(self) -> tuple[Connection, SftpLine] | None:
        with self._lock:
            while self._free:
                connection, line = self._free.pop()
                if connection.is_active():
                    return connection, line
        return None

    def _give_back(self, connection: Connection, line: SftpLine) -> None:
        with self._lock:
            self._free.append((connection, line))

    def _open(self) -> tuple[Connection, SftpLine]:
        connection = self._pool.connect_apart(self._settings.target)
        try:
            return connection, SftpLine(self._start_subsystem(connection))
        except _BROKEN as error:
            connection.close()
            raise LineBrokenError from error
        except BaseException:
            connection.close()
            raise

    def _start_subsystem(self, connection: Connection) -> paramiko.Channel:
        channel = connection.open_session(timeout=CONNECT_SECONDS)
        channel.settimeout(SILENCE_SECONDS)
        try:
            channel.invoke_subsystem("sftp")
        except paramiko.SSHException as error:
            if not connection.is_active():
                raise
            raise HostRefusedError(
                REFUSED,
                why="it offers no SFTP",
                data=UNTOUCHED,
                next_step="add `Subsystem sftp internal-sftp` to its sshd_config",
                **about(self._settings.target),
            ) from error
        return channel
