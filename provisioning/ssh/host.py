"""A machine reached through SSH as a host."""

from collections.abc import Iterator
from contextlib import contextmanager

import paramiko

from provisioning.commands import Deadline, make_bare_line, make_line, make_words, run_to_end
from provisioning.hosts import Command, Completed
from provisioning.ssh.connecting import SILENCE_SECONDS
from provisioning.ssh.failures import FAILURES, make_cut, make_not_offered
from provisioning.ssh.inventory import SshTarget
from provisioning.ssh.pool import SshPool
from provisioning.ssh.process import SshProcess


class SshHost:
    """See `provisioning.hosts.Host`. The account there has a POSIX shell and `timeout`.

    A device without them gets a command's words as they are, and its deadline is kept at this end
    alone: the session is closed then.
    """

    def __init__(self, target: SshTarget, pool: SshPool) -> None:
        self._target = target
        self._pool = pool

    @property
    def name(self) -> str:
        """See `Host.name`."""
        return self._target.name

    @property
    def target(self) -> SshTarget:
        """How it is reached."""
        return self._target

    def run(self, command: Command, *, stdin: bytes = b"", timeout: float = 60) -> Completed:
        """See `Host.run`."""
        return run_to_end(self, command, stdin=stdin, timeout=timeout)

    @contextmanager
    def start(self, command: Command, *, timeout: float | None = None) -> Iterator[SshProcess]:
        """See `Host.start`."""
        if self._target.has_shell:
            line = make_line(make_words(command, timeout=timeout))
            deadline = Deadline(timeout)
        else:
            line, deadline = make_bare_line(command), Deadline(timeout, grace=0)
        session = self._pool.open_session(self._target)
        try:
            process = SshProcess(session, self._target, command, line, deadline)
        except BaseException:
            session.close()
            raise
        try:
            yield process
        finally:
            process.end()

    @contextmanager
    def open_subsystem(self, name: str) -> Iterator[paramiko.Channel]:
        """Open a channel to a subsystem of the host's sshd, `sftp` for one.

        Raises:
            HostUnavailableError, HostRefusedError, HostKeyError: As for `Host.run`.
        """
        session = self._pool.open_session(self._target)
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
