"""The web application: each address asks the office once and shows what it says.

It holds no state but how often an address has asked. Who somebody is stands in a cookie that only
the office can read.
"""

import asyncio
import logging
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote, unquote, urlencode

from jinja2 import Environment
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Receive, Scope, Send

from ops.console.frames import OfficeAwayError, ask, ask_for_file, plain_address, whose_address
from ops.console.web.forms import UnreadFormError, pieces_of, reading_form
from ops.console.web.guard import COOKIE, HEADERS, LANGUAGE_COOKIE, Pace, csrf_of, is_ours
from ops.console.web.shown import PublicPage, make_templates, render
from ops.errors import OpsError
from ops.language.text import N_, speaking
from ops.terminal.document import describe_error

log = logging.getLogger(__name__)

_STATIC = Path(__file__).parent / "static"
_SECONDS = 30.0
_LOGINS_AT_ONCE = 2
"""Each takes a tenth of a second and 64 MiB (argon2id)."""

_FAILED_LOGIN_SECONDS = 0.7
"""So long each failure takes, whether there is such a name or not."""

_STATUS = {
    "LoggedOutError": 401,
    "NotAllowedError": 403,
    "NotLetInError": 403,
    "PausedError": 429,
    "OfficeAwayError": 503,
    "TooManyActsError": 503,
    "NothingHereError": 404,
}
_TOLD = {
    404: N_("there is no such page"),
    405: N_("this address takes no such request"),
    500: N_("the console itself has failed; its log says where"),
}


_HOST = re.compile(rb"(\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9._-]{1,253})(:[0-9]{1,5})?")
"""What a browser says it asks; it goes into addresses of ours."""


@dataclass(slots=True)
class Web:
    """Answers browsers.

    Attributes:
        socket: Where the office is.
        captured: Where captured pages are: `https://NAME`, or a port of this name.
    """

    socket: Path
    captured: str = ""
    templates: Environment = field(default_factory=make_templates)
    pace: Pace = field(default_factory=Pace)
    greeting: Mapping[str, Any] = field(default_factory=dict)
    logins: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_LOGINS_AT_ONCE))

    def routes(self) -> list[Route | Mount]:
        """Give the addresses."""
        return [
            Mount("/static", StaticFiles(directory=_STATIC)),
            Route("/", self.begin),
            Route("/login", self.show_login, methods=["GET"]),
            Route("/login", self.log_in, methods=["POST"]),
            Route("/logout", self.log_out, methods=["POST"]),
            Route("/language", self.choose_language, methods=["POST"]),
            Route("/act/{task}", self.act, methods=["POST"]),
            Route("/doing/{id}", self.show_act),
            Route("/doing/{id}/{name:path}", self.download),
            Route("/captured", self.show_captured),
            *PublicPage(self.socket, self.templates).routes(),
            Route("/{page}", self.show),
        ]

    async def begin(self, _request: Request) -> Response:
        """Send to the first page."""
        return RedirectResponse("/today", 303)

    async def show_login(self, request: Request) -> Response:
        """Show the form that lets in."""
        wanted = _own_path(request.query_params.get("next", ""))
        return await self._page(request, "login.html", {"error": None, "next": wanted})

    async def log_in(self, request: Request) -> Response:
        """Let somebody in."""
        if not is_ours(request, "", ""):
            return await self._refuse(request)
        async with self._reading(request) as form:
            given = {it: form.get(it, "") for it in ("name", "password", "code")}
        began = asyncio.get_running_loop().time()
        async with self.logins:
            answer = await self._ask(request, "login", **given)
        if "error" in answer:
            taken = asyncio.get_running_loop().time() - began
            await asyncio.sleep(max(_FAILED_LOGIN_SECONDS - taken, 0))
            values = {"error": answer["error"], "next": form.get("next", "")}
            return await self._page(request, "login.html", values, _status_of(answer))
        response = RedirectResponse(_own_path(form.get("next", "")), 303)
        _set_cookie(response, COOKIE, answer["token"])
        return response

    async def log_out(self, request: Request) -> Response:
        """End the session."""
        if not is_ours(request, "", ""):
            return await self._refuse(request)
        async with self._reading(request) as form:
            if not is_ours(request, _token_of(request), form.get("csrf", "")):
                return await self._refuse(request)
        await self._ask(request, "logout", everywhere="everywhere" in form)
        response = RedirectResponse("/login", 303)
        response.delete_cookie(COOKIE, secure=True, httponly=True, samesite="lax")
        return response

    async def choose_language(self, request: Request) -> Response:
        """Note in which language somebody reads."""
        if not is_ours(request, "", ""):
            return await self._refuse(request)
        async with self._reading(request) as form:
            response = RedirectResponse(_own_path(form.get("next", "")), 303)
        chosen = "en" if form.get("language") == "en" else "vi"
        _set_cookie(response, LANGUAGE_COOKIE, chosen)
        return response

    async def show(self, request: Request) -> Response:
        """Show a page."""
        name = request.path_params["page"]
        arguments = dict(request.query_params)
        answer = await self._ask(request, "page", page=name, arguments=arguments)
        if name == "today" and answer.get("kind") == "NotAllowedError":
            return RedirectResponse("/unit", 303)  # where a unit's contact begins
        if "error" in answer:
            return await self._fail(request, answer)
        values = {**answer, "data": answer["page"], "arguments": arguments}
        return await self._page(request, f"pages/{name}.html", values)

    async def act(self, request: Request) -> Response:
        """Have something done, and send to the page that says what became of it."""
        if not is_ours(request, "", ""):
            return await self._refuse(request)
        async with self._reading(request) as form:
            if not is_ours(request, _token_of(request), form.pop("csrf", "")):
                return await self._refuse(request)
            upload, upload_name = form.pop("upload", None), form.pop("upload_name", "")
            proven = [it for it in form if it.startswith("proof_")]
            proof = {it.removeprefix("proof_"): form.pop(it) for it in proven}
            answer = await self._ask(
                request,
                "act",
                pieces_of(upload),
                task=request.path_params["task"],
                form=form,
                proof=proof,
                rehearse="rehearse" in form,
                upload_name=upload_name,
            )
        if "error" in answer:
            return await self._fail(request, answer)
        if "page" in answer:  # shown once, here
            told = {**answer, "data": answer["page"], "back": _own_path(form.get("back", ""))}
            return await self._page(request, "doing.html", told)
        back = urlencode({"back": _own_path(form.get("back", ""))})
        return RedirectResponse(f"/doing/{quote(answer['id'])}?{back}", 303)

    async def show_captured(self, request: Request) -> Response:
        """Show what is known of a captured page, and the way to it on the port that shows those."""
        arguments = dict(request.query_params)
        answer = await self._ask(request, "page", page="captured", arguments=arguments)
        way, told = "", None
        if "error" not in answer and answer["page"]["address"]:
            asked = {it: answer["page"][it] for it in ("site", "month", "address", "at")}
            opened = await self._ask(request, "captured-open", **asked)
            told = opened.get("error")
            way = "" if told else f"{self._place(request)}/{opened['ticket']}{opened['target']}"
        if "error" in answer:
            return await self._fail(request, answer)
        values = {**answer, "data": answer["page"], "arguments": arguments}
        values |= {"way": way, "problem": told}
        return await self._page(request, "pages/captured.html", values)

    def _place(self, request: Request) -> str:
        if self.captured.startswith("https://"):
            return self.captured
        return f"{request.url.scheme}://{request.url.hostname}:{self.captured}"

    async def show_act(self, request: Request) -> Response:
        """Show how an act goes, or what became of it."""
        answer = await self._ask(request, "act-state", id=request.path_params["id"])
        if "error" in answer:
            return await self._fail(request, answer)
        back = _own_path(request.query_params.get("back", ""))
        return await self._page(
            request, "doing.html", {**answer, "data": answer["page"], "back": back}
        )

    async def download(self, request: Request) -> Response:
        """Hand out a file that an act has made."""
        asked = {it: request.path_params[it] for it in ("id", "name")}
        request_body = self._request(request, "act-file", **asked)
        try:
            answer, chunks = await ask_for_file(self.socket, request_body, _SECONDS)
        except OfficeAwayError as error:
            return await self._fail(request, self._away(request, error))
        if "error" in answer:
            return await self._fail(request, answer)
        name = unquote(asked["name"].rpartition("/")[2], errors="replace")
        return _attachment(name, answer["bytes"], chunks)

    async def tell(self, request: Request, error: Exception) -> Response:
        """Show what went wrong with a request that no page has answered."""
        status = error.status if isinstance(error, UnreadFormError) else 500
        if isinstance(error, HTTPException):
            status = error.status_code
        if not isinstance(error, OpsError):
            error = OpsError(_TOLD.get(status, N_("what was sent cannot be read")))
        with speaking(self._language(request)):
            told = describe_error(error)
        response = await self._page(request, "error.html", {"error": told}, status)
        response.headers["Connection"] = "close"  # what was not read is not taken for a request
        return response

    def _reading(self, request: Request) -> AbstractAsyncContextManager[dict[str, Any]]:
        async def is_known() -> bool:
            return "error" not in await self._ask(request, "session")

        return reading_form(request, is_known)

    async def _ask(
        self, request: Request, what: str, file: AsyncIterator[bytes] | None = None, **values: Any
    ) -> dict[str, Any]:
        asked = self._request(request, what, file=file is not None, **values)
        try:
            answer = await ask(self.socket, asked, _SECONDS, file)
        except OfficeAwayError as error:
            return self._away(request, error)
        return answer if isinstance(answer, dict) else {}

    def _request(self, request: Request, what: str, **values: Any) -> dict[str, Any]:
        address = plain_address(request.client.host) if request.client else ""
        return {
            "ask": what,
            "token": _token_of(request),
            "address": address,
            "language": self._language(request),
            "by_itself": "hx-trigger" in request.headers or "hx-request" in request.headers,
            **values,
        }

    def _language(self, request: Request) -> Literal["vi", "en"]:
        chosen = request.cookies.get(LANGUAGE_COOKIE) or self.greeting.get("language", "vi")
        return "en" if chosen == "en" else "vi"

    def _away(self, request: Request, error: OfficeAwayError) -> dict[str, Any]:
        with speaking(self._language(request)):
            return {"error": describe_error(error), "kind": "OfficeAwayError"}

    async def _fail(self, request: Request, answer: Mapping[str, Any]) -> Response:
        """Show what went wrong; who is not logged in goes to the form for it."""
        status = _status_of(answer)
        if answer.get("kind") == "LoggedOutError" and request.method == "GET":
            return RedirectResponse(f"/login?{urlencode({'next': _path_of(request)})}", 303)
        return await self._page(request, "error.html", {"error": answer["error"]}, status)

    async def _refuse(self, request: Request) -> Response:
        return await self._page(request, "error.html", {"error": None}, 403)

    async def _page(
        self, request: Request, template: str, values: Mapping[str, Any], status: int = 200
    ) -> Response:
        if not self.greeting:
            answer = await self._ask(request, "greeting")
            self.greeting = {} if "error" in answer else answer
        token = _token_of(request)
        whole = {
            "way": "", "problem": None, "me": None, "nav": [], "acts": {}, "awaiting": {},
            "name": "", "title": "",
            "organisation": self.greeting.get("organisation", ""),
            "zone": self.greeting.get("zone", "Asia/Ho_Chi_Minh"),
            "csrf": csrf_of(token) if token else "", "path": _path_of(request), **values,
        }  # fmt: skip
        with speaking(self._language(request)):
            text = await asyncio.to_thread(render, self.templates, template, whole)
        return HTMLResponse(text, status)


class Guarded:
    """Around the application: headers on every answer, and nobody asks without end."""

    def __init__(self, app: ASGIApp, pace: Pace, headers: Mapping[str, str] = HEADERS) -> None:
        self._app, self._pace = app, pace
        self._headers = [(name.lower().encode(), it.encode()) for name, it in headers.items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_guarded(message: Any) -> None:
            if message["type"] == "http.response.start":
                named = {name for name, _value in message["headers"]}
                is_static = scope["path"].startswith("/static/")
                message["headers"] += [
                    (name, b"max-age=86400" if is_static and name == b"cache-control" else value)
                    for name, value in self._headers
                    if name not in named
                ]
            await send(message)

        answer = self._refuse(scope) or self._app
        await answer(scope, receive, send_guarded)

    def _refuse(self, scope: Scope) -> Response | None:
        """Give the answer to a request that nobody reads; None for every other."""
        headers = dict[bytes, bytes](scope["headers"])
        if not _HOST.fullmatch(headers.get(b"host", b"localhost")):
            return Response("400", 400, {"Connection": "close"})
        if b"transfer-encoding" in headers:
            # Two ways to say where a request ends are one too many, with a proxy before us.
            return Response("411", 411, {"Connection": "close"})
        address = whose_address(scope["client"][0]) if scope.get("client") else ""
        if scope["path"].startswith("/static/") or self._pace.may(address):
            return None
        return Response("429", 429, {"Retry-After": "3"})


def make_app(socket: Path, captured: str = "") -> ASGIApp:
    """Give the application for an office; `captured` is where captured pages are shown."""
    web = Web(socket, captured)
    # Around all of it, also around what Starlette answers itself.
    return Guarded(
        Starlette(
            routes=web.routes(),
            middleware=[Middleware(GZipMiddleware, minimum_size=1_000)],
            exception_handlers=dict.fromkeys((HTTPException, UnreadFormError, Exception), web.tell),
        ),
        web.pace,
    )


def _token_of(request: Request) -> str:
    return request.cookies.get(COOKIE, "")[:200]


def _set_cookie(response: Response, name: str, value: str) -> None:
    response.set_cookie(name, value, path="/", secure=True, httponly=True, samesite="lax")


def _path_of(request: Request) -> str:
    return request.url.path + (f"?{request.url.query}" if request.url.query else "")


def _own_path(path: str) -> str:
    """Give a path of ours, and the first page in place of anything else."""
    is_own = path.startswith("/") and not path.startswith(("//", "/\\"))
    is_plain = is_own and path.isprintable() and "\\" not in path
    return path if is_plain and not path.startswith(("/login", "/logout")) else "/today"


def _status_of(answer: Mapping[str, Any]) -> int:
    usual = 400 if answer.get("is_wrong_use") else 500
    return _STATUS.get(answer.get("kind", ""), usual)


def _attachment(name: str, size: int, chunks: AsyncIterator[bytes]) -> StreamingResponse:
    """Give a file to be kept, never to be shown: it may come from a restored site."""
    return StreamingResponse(
        chunks,
        media_type="application/octet-stream",
        headers={
            "Content-Length": str(size),
            "Content-Disposition": f"attachment; filename*=UTF-8''{quote(name, safe='')}",
            "Content-Security-Policy": "sandbox; default-src 'none'",
        },
    )
