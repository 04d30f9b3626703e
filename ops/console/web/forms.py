"""Read what a browser sends in a form: bounded in length, number and time before it is believed."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

from starlette.datastructures import FormData, UploadFile
from starlette.requests import ClientDisconnect, Request

from ops.console.frames import CHUNK, MOST_UPLOADED
from ops.errors import OpsError
from ops.language.text import N_

_MOST_TYPED = 256 * 1024
_MOST_OF_STRANGERS = 16 * 1024
_MOST_FIELDS = 200
_LONGEST_NAME = 300
_SECONDS = 30.0
_SECONDS_BETWEEN = 1.0
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


@asynccontextmanager
async def reading_form(
    request: Request, is_known: Callable[[], Awaitable[bool]]
) -> AsyncIterator[dict[str, Any]]:
    """Read a form; a file in it stands under `upload`, and is there to its end.

    Args:
        request: The browser's.
        is_known: Whether somebody is logged in; asked before anything long is read.
    """
    length = request.headers.get("content-length", "")
    if not (length.isascii() and length.isdigit()):
        raise UnreadFormError(NO_LENGTH)
    is_upload = request.headers.get("content-type", "").startswith("multipart/form-data")
    size = int(length[:12])
    if size > (MOST_UPLOADED if is_upload else _MOST_TYPED):
        await _let_pass(request)
        raise UnreadFormError(TOO_LARGE)
    if size > _MOST_OF_STRANGERS and not await is_known():
        await _let_pass(request)
        raise UnreadFormError(NOT_LOGGED_IN)
    try:
        async with asyncio.timeout(_SECONDS + size / _SLOWEST):
            sent = await request.form(
                max_files=1, max_fields=_MOST_FIELDS, max_part_size=_MOST_TYPED
            )
    except TimeoutError as error:
        raise UnreadFormError(TOO_SLOW) from error
    except UnicodeDecodeError as error:
        raise UnreadFormError(UNREADABLE) from error
    try:
        yield _read(sent)
    finally:
        await sent.close()


async def _let_pass(request: Request) -> None:
    """Take what is being sent and keep none of it: cut off in it, a browser shows no answer."""
    passed, pieces = 0, aiter(request.stream())
    with suppress(TimeoutError, StopAsyncIteration, ClientDisconnect):
        async with asyncio.timeout(_SECONDS):
            while passed < MOST_UPLOADED:
                passed += len(await asyncio.wait_for(anext(pieces), _SECONDS_BETWEEN))


def _read(sent: FormData) -> dict[str, Any]:
    form, typed = dict[str, Any](), 0
    for name, value in sent.multi_items():
        if name in form:
            raise UnreadFormError(UNREADABLE)
        if isinstance(value, str):
            form[name] = value
            typed += len(name) + len(value)
        else:
            form["upload"] = value
            form["upload_name"] = (value.filename or "")[:_LONGEST_NAME]
    if typed > _MOST_TYPED:
        raise UnreadFormError(TOO_LARGE)
    return form


async def pieces_of(upload: object) -> AsyncIterator[bytes]:
    """Give the bytes of an uploaded file in pieces; none for what is no file."""
    while isinstance(upload, UploadFile) and (piece := await upload.read(CHUNK)):
        yield piece
