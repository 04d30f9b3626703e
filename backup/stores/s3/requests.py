"""Requests to an S3 server: signed, sent over kept connections, answered whole.

These few lines carry what every run does: read, write, look, list, delete. What is done now and
then, and needs more of the protocol, goes through boto3's client (`backup.stores.s3.settings`),
whose import alone takes longer than an unchanged backup.
"""

import hashlib
import http.client
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from ipaddress import ip_address
from typing import NamedTuple
from urllib.parse import urlsplit

from backup.stores.base import Buffer
from backup.stores.s3.connections import Connections
from backup.stores.s3.errors import AnswerError
from backup.stores.s3.settings import S3Settings
from backup.stores.s3.signing import (
    UNSIGNED,
    Request,
    encode_path,
    encode_query,
    find_credential,
    sign,
)

# A server is hung when it takes none of so many bytes within the timeout.
_PIECE = 1 << 18
_TAKEN_ALONG = 1 << 16
_LEAST_BAD = 300
# A page of a listing has at most 1000 names of 1 KiB, each byte written as three.
_LONGEST_ANSWER = 8 << 20
_CODE = re.compile(rb"<Code>\s*([^<\s]+)\s*</Code>")
# Names that a certificate for *.SERVER covers, and that are labels of DNS.
_LABEL = re.compile(r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]")


class Answer(NamedTuple):
    """What the server said.

    Attributes:
        headers: By lower-case name.
        body: The whole of it.
    """

    headers: Mapping[str, str]
    body: bytes


class TooLongAnswer(http.client.HTTPException):
    """The server sent more than was asked for."""


class S3Line:
    """The way to one bucket. Several threads may use it at once."""

    def __init__(self, settings: S3Settings) -> None:
        """Set up; nothing is touched yet."""
        self._settings = settings
        url, self._folder = place_of(settings)
        self._connections = Connections(
            url, most=settings.connections, timeout=settings.timeout, make_context=settings.tls
        )
        self._credential = find_credential(settings)

    def ask(
        self,
        method: str,
        name: str = "",
        *,
        query: Sequence[tuple[str, str]] = (),
        headers: Mapping[str, str] | None = None,
        body: Buffer = b"",
        most: int | None = _LONGEST_ANSWER,
    ) -> Answer:
        """Ask the server and wait for the whole answer.

        Args:
            method: GET, PUT, HEAD or DELETE.
            name: The object's full name in the bucket; empty for the bucket.
            query: What is asked of it.
            headers: By lower-case name.
            body: Of an upload; bytes, or a view of single ones.
            most: The answer has at most so many bytes; None for an object's whole content.

        Raises:
            AnswerError: The server refused.
            OSError: The line failed; the request may have been carried out all the same.
            HTTPException: As above.
            StoreDeniedError: There is no access key.
        """
        path = self._folder + encode_path(name)
        asked = encode_query(query)
        is_proven = self._connections.is_safe and "content-md5" in (headers or {})
        body_hash = UNSIGNED if is_proven else hashlib.sha256(body).hexdigest()
        request = Request(
            method, self._connections.host, path, asked, dict(headers or {}), body_hash
        )
        signed = sign(request, self._credential(), self._settings.region, datetime.now(UTC))
        signed["user-agent"] = "giucong"
        if method == "PUT":
            signed["content-length"] = str(len(body))
        target = self._connections.start + path + (f"?{asked}" if asked else "")
        return self._exchange(method, target, signed, body, most)

    def _exchange(
        self,
        method: str,
        target: str,
        headers: Mapping[str, str],
        body: Buffer,
        most: int | None,
    ) -> Answer:
        connection = self._connections.take()
        try:
            response = self._send(connection, method, target, headers, body)
            if response.status >= _LEAST_BAD:
                most = _LONGEST_ANSWER
            content = response.read() if most is None else _read_at_most(response, most)
        except BaseException:
            connection.close()
            raise
        if response.will_close:
            connection.close()
        else:
            self._connections.give_back(connection)
        said = {key.lower(): value for key, value in response.getheaders()}
        if response.status >= _LEAST_BAD:
            found = _CODE.search(content)
            code = found[1].decode("ascii", "replace") if found else ""
            raise AnswerError(code, response.status, said)
        return Answer(said, content)

    def _send(
        self,
        connection: http.client.HTTPConnection,
        method: str,
        target: str,
        headers: Mapping[str, str],
        body: Buffer,
    ) -> http.client.HTTPResponse:
        connection.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
        for name, value in {**headers, **self._connections.extra_headers}.items():
            connection.putheader(name, value)
        try:
            connection.endheaders(body[:_TAKEN_ALONG] or None)
            rest = memoryview(body)[_TAKEN_ALONG:]
            for start in range(0, len(rest), _PIECE):
                connection.send(rest[start : start + _PIECE])
        except (BrokenPipeError, ConnectionResetError) as error:
            # Who refuses an upload may hang up before its end; what was said before counts.
            try:
                return connection.getresponse()
            except (OSError, http.client.HTTPException):
                raise error from None
        return connection.getresponse()


def _read_at_most(response: http.client.HTTPResponse, most: int) -> bytes:
    """Read an answer to its end.

    Raises:
        HTTPException: It is longer.
    """
    content = response.read(most + 1)
    if len(content) > most:
        raise TooLongAnswer
    if response.length:  # only read() itself complains of an answer that was cut
        raise http.client.IncompleteRead(content, response.length)
    return content


def place_of(settings: S3Settings) -> tuple[str, str]:
    """Give the server's URL and the bucket's path there, by how buckets are looked up."""
    parts = urlsplit(settings.endpoint)
    by_name = settings.lookup == "dns" or (
        settings.lookup == "auto"
        and _LABEL.fullmatch(settings.bucket) is not None
        and not _is_address(parts.hostname or "")
    )
    if by_name:
        return f"{parts.scheme}://{settings.bucket}.{parts.netloc}", "/"
    return settings.endpoint, f"/{encode_path(settings.bucket)}/"


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
