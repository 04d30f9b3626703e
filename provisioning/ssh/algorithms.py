"""Which SSH algorithms a host is offered: strong ones, and old ones by dated exception only."""

from datetime import date
from typing import NamedTuple

from provisioning.ssh.inventory import LegacyAlgorithms

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
