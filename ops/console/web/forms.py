"""Read what a browser sends in a form: bounded in length, number and time before it is believed."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.requests import Request

from ops.errors import OpsError
from ops.language.text import N_

MOST_UPLOADED = 32 * 1024 * 1024
_MOST_TYPED = 256 * 1024
_MOST_OF_STRANGERS = 16 * 1024
_MOST_FIELDS = 200
_LONGEST_NAME = 300
_SECONDS = 30.0
_SLOWEST = 20_000
"""Bytes a second; who sends more slowly is not waited for."""

TOO_LARGE, TOO_SLOW, NO_LENGTH, UNREADABLE, NOT_LOGGED_IN = 413, 408, 411, 400, 401


class UnreadFormError(OpsError):
    """What was sent is not read.

    Attributes:
        status: The answer's, as RFC 9110 has it.
    """

    def __init__(self, status: int) -> None:
        what, next_step = _TOLD[status]
        super().__init__(what, data="nothing was changed", next_step=next_step)
        self.status = status


_TOLD = {
    TOO_LARGE: (N_("what was sent is too large"), N_("a file may have 32 MiB; give a smaller one")),
    TOO_SLOW: (N_("what was sent came too slowly"), N_("try again over a better line")),
    NO_LENGTH: (N_("what was sent does not say how long it is"), N_("use the page's own form")),
    UNREADABLE: (N_("what was sent cannot be read"), N_("use the page's own form")),
    NOT_LOGGED_IN: (N_("you are not logged in any more"), N_("log in again")),
}


async def read_form(request: Request, is_known: Callable[[], Awaitable[bool]]) -> dict[str, Any]:
    """Read a form; of a file its bytes stand under `upload`.

    Args:
        request: The browser's.
        is_known: Whether somebody is logged in; asked before anything long is read.

    Raises:
        UnreadFormError: It is too long, too slow, or no form; a field stands there twice.
    """
    length = request.headers.get("content-length", "")
    if not (length.isascii() and length.isdigit()):
        raise UnreadFormError(NO_LENGTH)
    is_upload = request.headers.get("content-type", "").startswith("multipart/form-data")
    size = int(length[:12])
    if size > (MOST_UPLOADED if is_upload else _MOST_TYPED):
        raise UnreadFormError(TOO_LARGE)
    if size > _MOST_OF_STRANGERS and not await is_known():
        raise UnreadFormError(NOT_LOGGED_IN)
    try:
        async with asyncio.timeout(_SECONDS + size / _SLOWEST):
            return await _read(request)
    except TimeoutError as error:
        raise UnreadFormError(TOO_SLOW) from error
    except UnicodeDecodeError as error:
        raise UnreadFormError(UNREADABLE) from error


async def _read(request: Request) -> dict[str, Any]:
    form = dict[str, Any]()
    async with request.form(max_files=1, max_fields=_MOST_FIELDS) as sent:
        for name, value in sent.multi_items():
            if name in form:
                raise UnreadFormError(UNREADABLE)
            if isinstance(value, str):
                form[name] = value
            else:
                form["upload"] = await value.read(MOST_UPLOADED)
                form["upload_name"] = (value.filename or "")[:_LONGEST_NAME]
    return form
