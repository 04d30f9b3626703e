"""A machine reached through SSH as a host."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import cast

import paramiko

from provisioning.commands import Deadline, RunsToEnd, make_bare_line, make_line, make_words
from provisioning.hosts import Command
from provisioning.ssh.connect import SILENCE_SECONDS
from provisioning.ssh.errors import FAILURES, make_cut, make_not_offered
from provisioning.ssh.pool import Session, SshPool
from provisioning.ssh.process import Pace, PacedChannel, SshProcess
from provisioning.ssh.targets import SshTarget


class SshHost(RunsToEnd):
    """See `provisioning.hosts.Host`. The account there has a POSIX shell and `timeout`.

    A device without them gets a command's words as they are, and its deadline is kept at this end
    alone: the session is closed then.
    """

    def __init__(self, target: SshTarget, pool: SshPool, *, pace: Pace | None = None) -> None:
        """Set up; nothing is connected.

        Args:
            target: How it is reached.
            pool: Hands out sessions.
            pace: Told of all bytes that come and go, and waits; None for no limit.
        """
        self._target = target
        self._pool = pool
        self._pace = pace

    @property
    def name(self) -> str:
        """See `Host.name`."""
        return self._target.name

    @property
    def target(self) -> SshTarget:
        """How it is reached."""
        return self._target

    @contextmanager
    def start(self, command: Command, *, timeout: float | None = None) -> Iterator[SshProcess]:
        """See `Host.start`."""
        if self._target.has_shell:
            line = make_line(make_words(command, timeout=timeout))
            deadline = Deadline(timeout, silence=self._target.silence_seconds)
        else:
            line = make_bare_line(command)
            deadline = Deadline(timeout, grace=0, silence=self._target.silence_seconds)
        session = self._open_session()
        try:
            process = SshProcess(session, self._target, command, line, deadline)
        except BaseException:
            session.close()
            raise
        try:
            yield process
        finally:
            process.end()

    def _open_session(self) -> Session:
        session = self._pool.open_session(self._target)
        if self._pace is not None:
            session.channel = cast("paramiko.Channel", PacedChannel(session.channel, self._pace))
        return session

    @contextmanager
    def open_subsystem(self, name: str) -> Iterator[paramiko.Channel]:
        """Open a channel to a subsystem of the host's sshd, `sftp` for one.

        Raises:
            HostUnavailableError, HostRefusedError, HostKeyError: As for `Host.run`.
        """
        session = self._open_session()
        try:
            session.channel.settimeout(SILENCE_SECONDS)
            try:
                session.channel.invoke_subsystem(name)
            except FAILURES as error:
                if session.connection.is_active():
                    raise make_not_offered(self._target, name) from error
                raise make_cut(self._target, error) from error
            yield session.channel
        finally:
            session.close()
