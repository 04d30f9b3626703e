"""A new second factor that a page offers: made from a key of this process, kept nowhere.

A page shows the secret and its form holds what it was made from; the secret is made anew from that
when the form comes back. So nobody chooses it, and what nobody takes up was never there.
"""

import base64
import hmac
import secrets

_KEY = secrets.token_bytes(32)
_SECRET_BYTES = 20
"""160 bits, as `ops.access.factors.make_totp_secret`."""


def make_offer() -> str:
    """Give what a form holds of a factor that nobody else is offered."""
    return secrets.token_urlsafe(16)


def offered_secret(person: str, offer: str) -> str:
    """Give the secret of an offer to a person, in base32."""
    made = hmac.digest(_KEY, f"{person}\0{offer}".encode(), "sha256")
    return base64.b32encode(made[:_SECRET_BYTES]).decode()
