"""Signing a request to an S3 server, as AWS Signature Version 4 asks. Pure.

Source: "Authenticating Requests: Using the Authorization Header", Amazon S3 API Reference. S3
encodes a path once and keeps it otherwise as it is.

Which credential signs: the one given, that of the environment, or what botocore finds.
"""

import hashlib
import hmac
import os
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple
from urllib.parse import quote

from backup.errors import StoreDeniedError
from backup.stores.s3.settings import S3Settings

_ALGORITHM = "AWS4-HMAC-SHA256"
# In place of a body's hash: TLS and a signed Content-MD5 say as much.
UNSIGNED = "UNSIGNED-PAYLOAD"
_UNRESERVED = "-_.~"


@dataclass(frozen=True, slots=True)
class Credential:
    """What signs; shows nothing that is secret.

    Attributes:
        access_key: Its name.
        secret_key: Never sent.
        token: Of a credential that lasts a while; else empty.
    """

    access_key: str
    secret_key: str = field(repr=False)
    token: str = field(default="", repr=False)


class Request(NamedTuple):
    """What is signed.

    Attributes:
        method: GET and the like.
        host: As the header Host says it.
        path: Encoded, with a slash in front.
        query: Encoded and sorted, as `encode_query` gives it.
        headers: By lower-case name; all of them are signed.
        body_hash: SHA-256 of the body, hexadecimal, or `UNSIGNED`.
    """

    method: str
    host: str
    path: str
    query: str
    headers: Mapping[str, str]
    body_hash: str


def encode_path(name: str) -> str:
    """Encode an object's name for a path."""
    return quote(name, safe="/" + _UNRESERVED)


def encode_query(query: Sequence[tuple[str, str]]) -> str:
    """Encode a query in the order in which it is signed."""
    encoded = [(quote(k, safe=_UNRESERVED), quote(v, safe=_UNRESERVED)) for k, v in query]
    return "&".join(f"{key}={value}" for key, value in sorted(encoded))


def sign(request: Request, credential: Credential, region: str, now: datetime) -> dict[str, str]:
    """Give all headers to send, Host and Authorization among them.

    Args:
        request: What is asked.
        credential: Who asks.
        region: Of the bucket.
        now: Aware, in UTC.
    """
    stamp = f"{now:%Y%m%dT%H%M%SZ}"
    headers = {
        **request.headers,
        "host": request.host,
        "x-amz-content-sha256": request.body_hash,
        "x-amz-date": stamp,
    }
    if credential.token:
        headers["x-amz-security-token"] = credential.token
    names = sorted(headers)
    signed = ";".join(names)
    lines = "".join(f"{name}:{' '.join(headers[name].split())}\n" for name in names)
    canonical = (
        f"{request.method}\n{request.path}\n{request.query}\n{lines}\n{signed}\n{request.body_hash}"
    )
    scope = f"{stamp[:8]}/{region}/s3/aws4_request"
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    text = f"{_ALGORITHM}\n{stamp}\n{scope}\n{digest}"
    key = f"AWS4{credential.secret_key}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    signature = hmac.digest(key, text.encode(), "sha256").hex()
    headers["authorization"] = (
        f"{_ALGORITHM} Credential={credential.access_key}/{scope},"
        f"SignedHeaders={signed},Signature={signature}"
    )
    return headers


def find_credential(settings: S3Settings) -> Callable[[], Credential]:
    """Give what tells the credential whenever a request is signed; touches nothing yet.

    Where neither the settings nor the environment hold one, botocore looks into its configuration
    files and asks the machine; what it finds there it renews by itself.

    Args:
        settings: An access key in them counts alone.
    """
    variable = os.environ.get
    given = Credential(settings.access_key, settings.secret_key)
    if not settings.access_key and not settings.secret_key:
        given = Credential(
            variable("AWS_ACCESS_KEY_ID", ""),
            variable("AWS_SECRET_ACCESS_KEY", ""),
            variable("AWS_SESSION_TOKEN", ""),
        )
    if given.access_key and given.secret_key:
        return lambda: given
    if given.access_key or given.secret_key:
        return _refuse
    return _Searched().tell


class _Searched:
    """What botocore finds, looked for once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._found: Any = None

    def tell(self) -> Credential:
        """Give it as it is now.

        Raises:
            StoreDeniedError: There is none.
        """
        from botocore.exceptions import BotoCoreError
        from botocore.session import Session

        try:
            with self._lock:
                if self._found is None:
                    self._found = Session().get_credentials()
            if self._found is None:
                return _refuse()
            frozen = self._found.get_frozen_credentials()
        except BotoCoreError as error:
            raise _denied() from error
        return Credential(frozen.access_key, frozen.secret_key, frozen.token or "")


def _refuse() -> Credential:
    raise _denied()


def _denied() -> StoreDeniedError:
    return StoreDeniedError(
        "cannot sign what is asked of the S3 server",
        why="there is no access key for it",
        data="nothing was read or written",
        next_step="set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
    )
