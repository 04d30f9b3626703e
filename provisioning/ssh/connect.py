"""One connection to a host, strict from its first byte: known key, our key, nothing else."""

import contextlib
import logging
import os
import socket
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import paramiko
from paramiko.common import MSG_CHANNEL_REQUEST
from paramiko.message import Message

from provisioning.errors import HostRefusedError, OwnKeyError
from provisioning.ssh.errors import (
    FAILURES,
    REFUSED,
    UNTOUCHED,
    about,
    make_changed_key,
    make_revoked_key,
    make_unknown_key,
    translate_failure,
)
from provisioning.ssh.host_keys import HostKey, read_keys, read_revoked_keys
from provisioning.ssh.targets import Offer, SshTarget, decide_offer

CONNECT_SECONDS = 15.0
KEEPALIVE_SECONDS = 15
SILENCE_SECONDS = 60
"""A line that acknowledges nothing for so long counts as cut."""

WINDOW_BYTES = 4 << 20
"""How far a host may run ahead of the reader of one channel: 1 Gbit/s at 30 ms."""

_REKEY_BYTES = 1 << 34
"""AES-GCM may carry 64 GiB under one key (RFC 5647); paramiko would change it every 512 MiB."""

logging.getLogger("paramiko").addHandler(logging.NullHandler())  # errors are raised, not printed


class Connection(paramiko.Transport):
    """paramiko's transport that also notes by which signal a remote command ended."""

    def __init__(self, sock: Any) -> None:
        super().__init__(sock, default_window_size=WINDOW_BYTES)
        self.signals: dict[int, str] = {}
        self.daemon = True
        self._channel_handler_table = {
            **paramiko.Transport._channel_handler_table,  # type: ignore[attr-defined]  # noqa: SLF001 - paramiko drops exit-signal (RFC 4254, 6.10) and offers no other hook
            MSG_CHANNEL_REQUEST: self._note_request,
        }

    def close(self) -> None:
        """Close it; a line that is broken already is no failure."""
        with contextlib.suppress(*FAILURES):
            super().close()

    def _note_request(self, channel: paramiko.Channel, message: Message) -> None:
        start = message.packet.tell()
        if message.get_binary() == b"exit-signal":
            message.get_boolean()
            self.signals[channel.get_id()] = message.get_text()
        message.packet.seek(start)
        channel._handle_request(message)  # type: ignore[attr-defined]  # noqa: SLF001 - what paramiko would have called


def connect(target: SshTarget, *, through: paramiko.Transport | None = None) -> Connection:
    """Connect to a host and log in.

    Args:
        target: The host.
        through: A connection to its jump host.

    Raises:
        HostKeyError: It shows a key that is not on record.
        HostRefusedError: It does not let us in.
        HostUnavailableError: It does not answer.
    """
    known = _known_keys(target)
    key = read_identity(target)
    connection: Connection | None = None
    try:
        connection = _shake_hands(target, through, known)
        shown = _shown_key(connection, target)
        if not known:
            raise make_unknown_key(target, shown)
        if shown not in known:
            raise make_changed_key(target, shown, known)
        connection.auth_timeout = CONNECT_SECONDS
        connection.auth_publickey(target.user, key)
        connection.set_keepalive(KEEPALIVE_SECONDS)
    except FAILURES as error:
        raise translate_failure(error, target) from error
    else:
        ready, connection = connection, None
        return ready
    finally:
        if connection is not None:
            connection.close()


def ask_key(target: SshTarget, *, through: paramiko.Transport | None = None) -> HostKey:
    """Ask a host for its key and log in nowhere; the key proves nothing by itself.

    Raises:
        HostKeyError: Its key is revoked.
        HostUnavailableError: It does not answer.
    """
    try:
        connection = _shake_hands(target, through, _known_keys(target))
    except FAILURES as error:
        raise translate_failure(error, target) from error
    try:
        return _shown_key(connection, target)
    finally:
        connection.close()


def _shake_hands(
    target: SshTarget, through: paramiko.Transport | None, known: list[HostKey]
) -> Connection:
    line = _open_line(target, through)
    connection = Connection(line)
    try:
        _make_offer(connection, target, known)
        connection.banner_timeout = CONNECT_SECONDS
        connection.handshake_timeout = CONNECT_SECONDS
        connection.packetizer.REKEY_BYTES = _REKEY_BYTES
        connection.start_client(timeout=CONNECT_SECONDS)
        connection.get_remote_server_key()
    except BaseException:
        connection.close()
        raise
    return connection


def _open_line(target: SshTarget, through: paramiko.Transport | None) -> Any:
    place = (target.address, target.port)
    if through is not None:
        start = ("127.0.0.1", 0)
        return through.open_channel("direct-tcpip", place, start, timeout=CONNECT_SECONDS)
    line = socket.create_connection(place, CONNECT_SECONDS)
    line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    line.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    line.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, SILENCE_SECONDS * 1000)
    return line


def _make_offer(connection: Connection, target: SshTarget, known: list[HostKey]) -> None:
    """Offer strong algorithms, and first the kinds of host key that are on record."""
    options = connection.get_security_options()
    everything = Offer(
        *(
            tuple(getattr(connection, table))
            for table in ("_cipher_info", "_mac_info", "_key_info", "_kex_info")
        )
    )
    offer = decide_offer(target.legacy, datetime.now(UTC).date(), everything)
    on_record = {key.kind for key in known}
    options.ciphers = offer.ciphers
    options.digests = offer.macs
    options.kex = offer.exchanges
    options.key_types = tuple(
        sorted(offer.host_keys, key=lambda kind: _kind_on_record(kind) not in on_record)
    )


def _kind_on_record(algorithm: str) -> str:
    return "ssh-rsa" if algorithm.startswith("rsa-sha2-") else algorithm


def _shown_key(connection: Connection, target: SshTarget) -> HostKey:
    key = connection.get_remote_server_key()
    shown = HostKey(key.get_name(), key.asbytes())
    with _reading_table(target):
        revoked = read_revoked_keys(target.known_hosts)
    if any(key.blob == shown.blob for key in revoked):
        raise make_revoked_key(target, shown)
    return shown


def _known_keys(target: SshTarget) -> list[HostKey]:
    with _reading_table(target):
        return read_keys(target.known_hosts, target.known_name)


@contextlib.contextmanager
def _reading_table(target: SshTarget) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise HostRefusedError(
            REFUSED,
            why="the table of host keys {file} cannot be read: {reason}",
            data=UNTOUCHED,
            next_step="let the service's user read it",
            **about(target),
            file=target.known_hosts,
            reason=error.strerror or "",
        ) from error


def wants_passphrase(key_file: Path) -> bool:
    """Tell whether a file is a private key that opens with a passphrase only."""
    try:
        paramiko.Ed25519Key.from_private_key_file(str(key_file))
    except paramiko.PasswordRequiredException:
        return True
    except (paramiko.SSHException, OSError, ValueError):
        return False
    return False


def read_identity(target: SshTarget) -> paramiko.Ed25519Key:
    """Read our key before anything is sent.

    Raises:
        HostRefusedError: There is none, or not one that we use.
    """
    if target.identity is None:
        raise HostRefusedError(
            REFUSED,
            why="no key of ours is named for it",
            data=UNTOUCHED,
            next_step='make one with `ssh-keygen -t ed25519 -N ""` and name it as `identity`',
            **about(target),
        )
    try:
        return paramiko.Ed25519Key.from_private_key_file(str(target.identity), target.passphrase)
    except (paramiko.SSHException, OSError, ValueError) as error:
        unfit = "no ed25519 key without passphrase"
        if target.passphrase is not None:
            unfit = "no ed25519 key, or another passphrase"
        next_step = 'make one with `ssh-keygen -t ed25519 -N ""` and name it as `identity`'
        if isinstance(error, PermissionError):  # root's tasks, too, read as the service's user
            next_step = (
                "lend this user a copy for this run: `install -o {reader} -m 600 {file}"
                " /dev/shm/khoa-quan-tri`, name that, and `shred -u` it afterwards"
            )
        raise OwnKeyError(
            "there is no key to enter the host {host} with",
            why="our key {file} cannot be used: {reason}",
            data=UNTOUCHED,
            next_step=next_step,
            reader=os.geteuid(),
            **about(target),
            file=target.identity,
            reason=error.strerror if isinstance(error, OSError) else unfit,
        ) from error
