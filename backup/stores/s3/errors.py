"""What an S3 server or the way to it says, in the engine's words. The one place for it.

What `backup.stores.s3.requests` raises is translated without botocore; its errors can only come up
where it was imported.
"""

import ssl
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http.client import HTTPException
from typing import TYPE_CHECKING, Any

from backup.errors import (
    BackupError,
    ObjectNotFoundError,
    StoreDeniedError,
    StoreError,
    StoreFullError,
    StoreUnavailableError,
)
from backup.stores.unreached import reason_of, unavailable_by

if TYPE_CHECKING:
    from botocore.exceptions import BotoCoreError

_FULL = frozenset(
    {"QuotaExceeded", "XMinioStorageFull", "InsufficientStorage", "StorageFull", "NotEnoughSpace"}
)
_PASSING = frozenset(
    {
        "BadDigest",  # bytes changed on the way
        "ConditionalRequestConflict",
        "IncompleteBody",
        "InternalError",
        "OperationAborted",
        "RequestTimeout",
        "ServiceUnavailable",
        "SlowDown",
        "Throttling",
        "TooManyRequests",
    }
)
_NO_SUCH_KEY = frozenset({"NoSuchKey", "NotFound", "404", "NoSuchVersion"})
_SKEWED = frozenset({"RequestTimeTooSkewed", "RequestExpired"})
_PASSING_STATUS = frozenset({408, 429, 500, 502, 503, 504})
_FORBIDDEN = frozenset({401, 403})
_NO_ROOM = 507
_ELSEWHERE = frozenset({301, 307, 400})
_NOTHING_DONE = "what was stored before is untouched"


class AnswerError(Exception):
    """The server refused.

    Attributes:
        code: Its word for why; empty where it says none, as in the answer to HEAD.
        status: Of the answer.
        headers: Of the answer, by lower-case name.
    """

    def __init__(self, code: str, status: int, headers: Mapping[str, str]) -> None:
        super().__init__(code, status)
        self.code = code
        self.status = status
        self.headers = headers


@contextmanager
def translated(what: str, *, key: str, place: str) -> Iterator[None]:
    """Translate what the line, or botocore, raises inside the block.

    Args:
        what: What failed, with {key} and {place}.
        key: The object's key, or the folder listed.
        place: Where the store is.

    Raises:
        StoreError: Instead of any of their errors.
    """
    params = {"key": key, "place": place}
    try:
        yield
    except AnswerError as error:
        raise _translate_answer(error, what, params) from error
    except ssl.SSLCertVerificationError as error:
        raise _untrusted(what, params) from error
    except (HTTPException, OSError) as error:
        raise _cut(error, what, params) from error
    except BackupError:
        raise
    except Exception as error:
        found = _translate_vendor(error, what, params)
        if found is None:
            raise
        raise found from error


def _translate_vendor(error: Exception, what: str, params: dict[str, Any]) -> StoreError | None:
    if "botocore" not in sys.modules:
        return None
    from botocore.exceptions import BotoCoreError, ClientError
    from urllib3.exceptions import HTTPError

    if isinstance(error, ClientError):
        answer: Any = error.response
        outer = answer.get("ResponseMetadata", {})
        code = str(answer.get("Error", {}).get("Code", ""))
        status = int(outer.get("HTTPStatusCode", 0))
        return _translate_answer(
            AnswerError(code, status, outer.get("HTTPHeaders", {})), what, params
        )
    if isinstance(error, BotoCoreError):
        return _translate_way(error, what, params)
    return _cut(error, what, params) if isinstance(error, HTTPError) else None


def _translate_answer(error: AnswerError, what: str, params: dict[str, Any]) -> StoreError:
    code, status = error.code or str(error.status), error.status
    params = {**params, "code": code, "status": status}
    if code == "NoSuchBucket":
        return StoreError(
            what,
            why="the server has no such bucket",
            data="nothing was read or written",
            next_step="check the address, or have the bucket made",
            **params,
        )
    if code in _NO_SUCH_KEY:
        return ObjectNotFoundError("{key} is not in {place}", **params)
    if code in _SKEWED:
        return _skewed(error, what, params)
    if (region := error.headers.get("x-amz-bucket-region")) and status in _ELSEWHERE:
        return StoreError(
            what,
            why="the bucket lies in the region {region}",
            data="nothing was read or written",
            next_step="name that region, with -o s3.region= or in AWS_DEFAULT_REGION",
            region=region,
            **params,
        )
    return _translate_status(code, status, what, params)


def _translate_status(code: str, status: int, what: str, params: dict[str, Any]) -> StoreError:
    if status in _FORBIDDEN and code not in _PASSING:
        return StoreDeniedError(
            what,
            why="the server refuses our credential ({code})",
            data=_NOTHING_DONE,
            next_step="check the access key, its secret and what it may do, then run again",
            **params,
        )
    if status == _NO_ROOM or code in _FULL:
        return StoreFullError(
            "no room is left in {place}",
            why="{key} could not be written; the server says: {code}",
            data=_NOTHING_DONE,
            next_step="make room there or raise the quota, then run again",
            **params,
        )
    if status in _PASSING_STATUS or code in _PASSING:
        return StoreUnavailableError(
            what,
            why="the server answered {status} {code}",
            data=_NOTHING_DONE,
            next_step="try again later; if it stays so, look at the server",
            **params,
        )
    return StoreError(what, why="the server answered {status} {code}", data=_NOTHING_DONE, **params)


def _skewed(error: AnswerError, what: str, params: dict[str, Any]) -> StoreError:
    try:
        behind = parsedate_to_datetime(error.headers["date"]) - datetime.now(UTC)
        seconds = f"{behind.total_seconds():+.0f}"
    except (KeyError, ValueError, TypeError):
        seconds = "?"
    return StoreError(
        what,
        why="the clocks differ: the server's is {seconds} seconds from ours",
        data=_NOTHING_DONE,
        next_step="set both clocks by the same time server, then run again",
        seconds=seconds,
        **params,
    )


def _translate_way(error: "BotoCoreError", what: str, params: dict[str, Any]) -> StoreError:
    from botocore import exceptions

    if isinstance(error, exceptions.SSLError):
        return _untrusted(what, params)
    if isinstance(error, exceptions.NoCredentialsError | exceptions.PartialCredentialsError):
        return StoreDeniedError(
            what,
            why="there is no access key for it",
            data="nothing was read or written",
            next_step="set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
            **params,
        )
    if isinstance(error, exceptions.ParamValidationError):
        return StoreError(what, why="the request makes no sense to the client library", **params)
    return _cut(error, what, params)


def _untrusted(what: str, params: dict[str, Any]) -> StoreError:
    return StoreError(
        what,
        why="the server's certificate is not trusted",
        data="nothing was read or written",
        next_step="name the file of its root certificate with --cacert",
        **params,
    )


def _cut(error: Exception, what: str, params: dict[str, Any]) -> StoreError:
    return unavailable_by(error)(
        what,
        why="the connection failed: {reason}",
        data=_NOTHING_DONE,
        next_step="check the network and the server, then run again",
        reason=reason_of(error),
        **params,
    )
