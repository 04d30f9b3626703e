"""How each host is reached: plain values that somebody else reads from somewhere.

Which SSH algorithms a host is offered: strong ones, and old ones by dated exception only.
"""

from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import NamedTuple

LONGEST_SILENCE_SECONDS = 1800.0
"""A dump prints as it goes; what comes first, a plan or a sort, seldom takes minutes."""


@dataclass(frozen=True, slots=True)
class LegacyAlgorithms:
    """Old algorithms that one host may still use, until a day.

    Attributes:
        names: As OpenSSH writes them, e.g. `hmac-sha1`.
        reason: Why they are needed.
        until: The last day on which they are offered.
    """

    names: tuple[str, ...]
    reason: str
    until: date


@dataclass(frozen=True, slots=True)
class SshTarget:
    """One host, and the way to it.

    Attributes:
        name: What people call it.
        address: Address or DNS name.
        port: TCP port.
        user: Account there.
        identity: File with the private ed25519 key.
        silence_seconds: So long a command whose time is not limited may say nothing while somebody
            waits for it.
        passphrase: Of that key; the service's own keys have none, an administrator's may.
        known_hosts: File with the host keys that are trusted; no other is consulted.
        jump: The host to go through, itself reached in the same way.
        line: What it shares with others; empty for none.
        legacy: Old algorithms it may still use.
        has_shell: Whether a POSIX shell takes its commands; a switch takes the line as it is.
    """

    name: str
    address: str
    port: int = 22
    user: str = "giucong"
    identity: Path | None = None
    known_hosts: Path | None = None
    jump: "SshTarget | None" = None
    line: str = ""
    legacy: LegacyAlgorithms | None = None
    has_shell: bool = True
    silence_seconds: float = LONGEST_SILENCE_SECONDS
    passphrase: str | None = field(default=None, repr=False)

    @property
    def known_name(self) -> str:
        """What known_hosts calls it: the address, in brackets with its port unless that is 22."""
        return self.address if self.port == 22 else f"[{self.address}]:{self.port}"  # noqa: PLR2004 - SSH's own port


# GCM first: measured here it is the fastest by far, and it needs no separate MAC.
CIPHERS = (
    "aes128-gcm@openssh.com",
    "aes256-gcm@openssh.com",
    "aes256-ctr",
    "aes192-ctr",
    "aes128-ctr",
)
MACS = (
    "hmac-sha2-256-etm@openssh.com",
    "hmac-sha2-512-etm@openssh.com",
    "hmac-sha2-256",
    "hmac-sha2-512",
)
HOST_KEYS = (
    "ssh-ed25519",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "rsa-sha2-512",
    "rsa-sha2-256",
)
EXCHANGES = (
    "mlkem768x25519-sha256",
    "curve25519-sha256@libssh.org",
    "ecdh-sha2-nistp256",
    "ecdh-sha2-nistp384",
    "ecdh-sha2-nistp521",
    "diffie-hellman-group16-sha512",
    "diffie-hellman-group-exchange-sha256",
    "diffie-hellman-group14-sha256",
)


class Offer(NamedTuple):
    """Algorithms in the order in which they are preferred."""

    ciphers: tuple[str, ...]
    macs: tuple[str, ...]
    host_keys: tuple[str, ...]
    exchanges: tuple[str, ...]


def decide_offer(legacy: LegacyAlgorithms | None, today: date, known: Offer) -> Offer:
    """Decide what a host is offered today.

    Args:
        legacy: The host's exception, if it has one.
        today: An exception whose last day is past counts no more.
        known: All that the SSH library can do; what it cannot is never offered.

    Returns:
        The strong ones, then those of the exception.
    """
    names = legacy.names if legacy and today <= legacy.until else ()
    strong = Offer(CIPHERS, MACS, HOST_KEYS, EXCHANGES)
    return Offer(
        *(
            tuple(name for name in dict.fromkeys((*ours, *names)) if name in possible)
            for ours, possible in zip(strong, known, strict=True)
        )
    )
