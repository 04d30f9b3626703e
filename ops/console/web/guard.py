"""What a browser is allowed to do, and who may ask how often.

Every answer carries the same headers: nothing inline runs, nothing comes from elsewhere, no other
page shows ours in a frame. A form proves that it is ours by a token that only a page of this
session could hold, and by the browser's own word where it comes from (Sec-Fetch-Site, Origin).
"""

import hmac
import time
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256

from starlette.requests import Request

COOKIE = "__Host-giucong"
LANGUAGE_COOKIE = "__Host-giucong-lang"

POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:;"
    " connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
CAPTURED_POLICY = (
    "sandbox; default-src 'none'; img-src 'self' data:; media-src 'self' data:; font-src 'self'"
    " data:; style-src 'self' 'unsafe-inline'; form-action 'none'; frame-ancestors 'none';"
    " base-uri 'none'"
)
"""For pages of others: no script, no form, no window, an origin of its own (CSP 3, `sandbox`)."""

HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Cache-Control": "no-store",
}

CAPTURED_HEADERS: Mapping[str, str] = {
    **HEADERS,
    "Content-Security-Policy": CAPTURED_POLICY,
    "Cross-Origin-Resource-Policy": "cross-origin",
    "Referrer-Policy": "no-referrer",
}
"""A page in a sandbox is of no origin, so that its own pictures come from elsewhere: they may."""

_BURST, _PER_SECOND, _MOST_ADDRESSES = 60.0, 20.0, 10_000


def csrf_of(token: str) -> str:
    """Give what forms of a session hold; who knows it knows nothing of the session's token."""
    return sha256(b"giucong form\0" + token.encode()).hexdigest()


def is_ours(request: Request, token: str, given: str) -> bool:
    """Decide whether a form that was sent comes from a page of this session.

    Args:
        request: The browser's.
        token: The session's; empty for the login form.
        given: What the form held.
    """
    site = request.headers.get("sec-fetch-site", "same-origin")
    if site not in {"same-origin", "none"}:
        return False
    origin = request.headers.get("origin")
    if origin is not None and origin.partition("://")[2] != request.headers.get("host", ""):
        return False
    return not token or hmac.compare_digest(csrf_of(token).encode(), given.encode())


@dataclass(slots=True)
class Pace:
    """How often each address has asked: a bucket of tokens that fills up again.

    Attributes:
        burst, per_second: How large a bucket is, and how fast it fills up.
    """

    burst: float = _BURST
    per_second: float = _PER_SECOND
    _buckets: "OrderedDict[str, tuple[float, float]]" = field(
        init=False, default_factory=OrderedDict
    )

    def may(self, address: str) -> bool:
        """Say whether an address may ask once more, and count it."""
        now = time.monotonic()
        left, seen = self._buckets.pop(address, (self.burst, now))
        left = min(left + (now - seen) * self.per_second, self.burst)
        is_allowed = left >= 1
        self._buckets[address] = (left - 1 if is_allowed else left, now)
        while len(self._buckets) > _MOST_ADDRESSES:
            self._buckets.popitem(last=False)
        return is_allowed
