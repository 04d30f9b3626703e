"""Sign what an act says of the journal itself, so that a row alone convinces nobody.

Who can write to the catalog can append rows that are chained as they should be. A row that explains
a difference between journal and stores (what a recovery lost, what two people accepted, a new key)
therefore holds a signature by the signing key over its details and the row before it, and counts
only with that.
"""

from collections.abc import Mapping
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ops.canonical import digest_of
from ops.journal import Head
from ops.recovery.signing import is_signed_by, public_text

_FORMAT = "giucong-journal-attestation 1"
_SEAL = "attested"


def attest(key: Ed25519PrivateKey, before: Head, details: Mapping[str, Any]) -> dict[str, Any]:
    """Give the details with the signature for a row that follows `before` at once."""
    signature = key.sign(_message(before, details)).hex()
    return {**details, _SEAL: {"key": public_text(key), "signature": signature}}


def attester_of(details: Mapping[str, Any], before: Head) -> str:
    """Give the public key that signed these details for their place; empty for none."""
    seal = details.get(_SEAL)
    if not isinstance(seal, Mapping):
        return ""
    key, signature = str(seal.get("key", "")), str(seal.get("signature", ""))
    plain = {name: value for name, value in details.items() if name != _SEAL}
    return key if is_signed_by(key, signature, _message(before, plain)) else ""


def _message(before: Head, details: Mapping[str, Any]) -> bytes:
    return f"{_FORMAT}\n{before.sequence}\n{before.hash}\n{digest_of(details)}\n".encode()
