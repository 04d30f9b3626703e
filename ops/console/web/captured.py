"""The second port: captured pages as citizens saw them, and nothing else.

An application of its own: it knows no cookie, no form and no template. The path begins with a
ticket of the office; below it lies one month of one site, each link to that site led back below the
ticket, every other one dead. What keeps a hostile page from the console is the browser's sandbox
(`CAPTURED_POLICY`: no script, no form, no window, an origin of its own); that links are rewritten
and scripts are left out serves who looks, not safety.
"""

import asyncio
import base64
import re
from collections.abc import Iterator, Mapping
from html import escape, unescape
from pathlib import Path
from typing import Any
from urllib.parse import quote, urljoin, urlsplit

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from ops.console.frames import OfficeAwayError, ask
from ops.console.web.app import Guarded
from ops.console.web.guard import CAPTURED_HEADERS, Pace
from ops.language.text import speaking
from ops.terminal.document import describe_error

_SECONDS = 30.0
_LARGEST_PAGE = 2 * 1024 * 1024
_MOST_LINKS, _LONGEST_LINK = 20_000, 2_000
_HTML = frozenset({"text/html", "application/xhtml+xml"})
_SHOWN = frozenset({
    "text/plain", "image/png", "image/jpeg", "image/gif", "image/webp", "image/avif", "image/bmp",
    "image/x-icon", "image/vnd.microsoft.icon", "image/svg+xml", "font/woff", "font/woff2",
    "font/ttf", "font/otf", "audio/mpeg", "video/mp4", "video/webm",
})  # fmt: skip
"""What a browser is told to show; all else is handed to be kept, and scripts not at all."""

_SCRIPTS = frozenset({"text/javascript", "application/javascript", "application/x-javascript"})
_DROPPED = frozenset({"script", "iframe", "frame", "object", "embed", "applet", "base", "portal",
                      "fencedframe", "template"})  # fmt: skip
_WITHOUT_END = frozenset({"base", "embed", "frame"})
_LINKS = frozenset(
    {"href", "src", "poster", "background", "data", "xlink:href", "cite", "longdesc"}
)
_URL = re.compile(r"""url\(\s*(["']?)([^"'()\s]{1,2000})\1\s*\)""", re.IGNORECASE)
_IMPORT = re.compile(r"""@import\s+(["'])([^"'\n]{1,2000})\1""", re.IGNORECASE)
_CHARSET = re.compile(r"""charset\s*=\s*["']?([A-Za-z0-9_.:-]{1,40})""", re.IGNORECASE)
_PORTS = {"http": 80, "https": 443}


class Captured:
    """Answers browsers on the second port.

    Args:
        socket: Where the office is.
    """

    def __init__(self, socket: Path) -> None:
        self._socket = socket

    async def show(self, request: Request) -> Response:
        """Show what was captured of a path."""
        ticket = request.path_params["ticket"]
        raw = request.scope.get("raw_path", b"").decode("latin-1").partition("?")[0]
        target = raw[len(ticket) + 1 :] or "/"
        if query := request.url.query:
            target += f"?{query}"
        asked = {"ask": "captured", "ticket": ticket, "target": target[:4000], "language": "vi"}
        try:
            answer = await ask(self._socket, asked, _SECONDS)
        except OfficeAwayError as error:
            with speaking("vi"):
                answer = {"error": describe_error(error)}
        if "error" in answer:
            told = answer["error"]
            text = "\n".join(filter(None, (told["what"], told["why"], told["next_step"])))
            return Response(text, 404, media_type="text/plain; charset=utf-8")
        return await asyncio.to_thread(give, answer, ticket)


def give(answer: Mapping[str, Any], ticket: str) -> Response:
    """Give a browser what was captured.

    Args:
        answer: Of the office: `status`, `content_type`, `location`, `body` in base64, `address`
            that was asked for, `origin` of the site.
        ticket: Below which the site lies.
    """
    here = Below(ticket, answer["origin"], answer["address"])
    if answer["location"]:
        lead = here.lead(answer["location"])
        if lead:
            return RedirectResponse(lead, 302)
        return Response(answer["location"][:500], 404, media_type="text/plain; charset=utf-8")
    return _give_body(answer, here)


def _give_body(answer: Mapping[str, Any], here: "Below") -> Response:
    body = base64.b64decode(answer["body"])
    kind = answer["content_type"].partition(";")[0].strip().lower()
    status = answer["status"] if answer["status"] >= 400 else 200  # noqa: PLR2004 - errors stay
    if kind in _HTML:
        text = rewrite_page(_decode(body[:_LARGEST_PAGE], answer["content_type"]), here)
        return Response(text, status, media_type="text/html; charset=utf-8")
    if kind == "text/css":
        text = rewrite_style(_decode(body[:_LARGEST_PAGE], answer["content_type"]), here)
        return Response(text, status, media_type="text/css; charset=utf-8")
    if kind in _SCRIPTS:
        return Response("", 404)
    if kind in _SHOWN:
        return Response(body, status, media_type=kind)
    name = quote(urlsplit(answer["address"]).path.rpartition("/")[2][-100:] or "file", safe="")
    return Response(
        body,
        status,
        {"Content-Disposition": f"attachment; filename*=UTF-8''{name}"},
        "application/octet-stream",
    )


def _decode(body: bytes, content_type: str) -> str:
    """Give a text: as its header says, else as its beginning says, else UTF-8."""
    found = _CHARSET.search(content_type) or _CHARSET.search(body[:2048].decode("latin-1"))
    try:
        return body.decode(found[1] if found else "utf-8", "replace")
    except (LookupError, ValueError):
        return body.decode("utf-8", "replace")


class Below:
    """Leads links of a captured site below a ticket.

    Args:
        ticket: The first part of the path.
        origin: Of the site, as `https://host`.
        address: Of the page that links stand in.
    """

    def __init__(self, ticket: str, origin: str, address: str) -> None:
        self._ticket, self._origin, self.base = ticket, _split(origin), address
        self._left = _MOST_LINKS

    def lead(self, link: str) -> str:
        """Give where a link leads below the ticket; empty where it leads elsewhere."""
        link = link.strip()
        if link.startswith("#") or link[:5].lower() == "data:":
            return link
        self._left -= 1
        if self._left < 0 or len(link) > _LONGEST_LINK:
            return ""
        try:
            parts = urlsplit(urljoin(self.base, link))
            is_own = parts.scheme in _PORTS and _split(parts.geturl())[1:] == self._origin[1:]
        except ValueError:
            return ""
        if not is_own and not self._is_same_site(parts.scheme, parts.hostname, parts.port):
            return ""
        path = quote(parts.path or "/", safe="%/:=&~+!$,;'@()*")
        query = f"?{quote(parts.query, safe='%/:=&?~+!$,;@()*')}" if parts.query else ""
        fragment = f"#{quote(parts.fragment, safe='%')}" if parts.fragment else ""
        return f"/{self._ticket}{path}{query}{fragment}"

    def _is_same_site(self, scheme: str, host: str | None, port: int | None) -> bool:
        """Say whether it is the site by the other scheme, both at their usual port."""
        own_scheme, own_host, own_port = self._origin
        usual = port in {None, _PORTS.get(scheme)} and own_port == _PORTS.get(own_scheme)
        return scheme in _PORTS and host == own_host and usual


def _split(address: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(address)
    return parts.scheme, parts.hostname, parts.port or _PORTS.get(parts.scheme)


def rewrite_style(text: str, here: Below) -> str:
    """Lead what a style sheet names below the ticket; what lies elsewhere becomes empty."""
    text = _URL.sub(lambda it: f'url("{_quoted(here.lead(it[2]))}")', text)
    return _IMPORT.sub(lambda it: f'@import "{_quoted(here.lead(it[2]))}"', text)


def _quoted(link: str) -> str:
    return re.sub(r"[\"\\\n\r<]", "", link)


def rewrite_page(text: str, here: Below) -> str:
    """Lead a page's links below the ticket; scripts, frames and what runs alone are left out.

    What it takes grows with the length of the text, whatever the text is: each sign is read once,
    and what no browser would see the end of is left out to the end.
    """
    return "".join(_Page(here).rewrite(text))


_MARK = re.compile(
    r"<(?:(?P<end>/?)(?P<tag>[A-Za-z][^\s/>]{0,60})|(?P<comment>!--)|(?P<type>!doctype)|[!?/])",
    re.IGNORECASE,
)
_ATTRIBUTE = re.compile(
    r"""[\s/]*([^\s/>][^\s/>=]*)(?:\s*=\s*("[^"]*"|'[^']*'|[^\s>"'][^\s>]*|))?"""
)
_TAG_END = re.compile(r"[\s/]*>")
_DOCTYPE_LENGTH = 500


class _Page:
    """Writes a page anew while it is read."""

    def __init__(self, here: Below) -> None:
        self._here = here

    def rewrite(self, text: str) -> Iterator[str]:
        """Yield the page's pieces."""
        at = 0
        while mark := _MARK.search(text, at):
            yield text[at : mark.start()].replace("<", "&lt;")
            at = mark.end()
            if mark["tag"] is None:
                end = text.find("-->" if mark["comment"] else ">", at)
                if end < 0:
                    return
                if mark["type"] and end - at < _DOCTYPE_LENGTH:
                    yield f"<!doctype{text[at:end]}>"
                at = end + (3 if mark["comment"] else 1)
                continue
            tag = mark["tag"].lower()
            values, at = _read_attributes(text, at)
            if at < 0:
                return
            if mark["end"]:
                yield "" if tag in _DROPPED else f"</{tag}>"
                continue
            yield self._open(tag, values)
            if tag == "style" or (tag in _DROPPED and tag not in _WITHOUT_END):
                is_open = text[at - 2] != "/"  # XHTML ends them at once
                end = _find_end(text, at, tag) if is_open else at
                yield rewrite_style(text[at:end], self._here) if tag == "style" else ""
                at = end
        yield text[at:].replace("<", "&lt;")

    def _open(self, tag: str, values: Mapping[str, str]) -> str:
        if tag in _DROPPED or (tag == "meta" and "http-equiv" in values):
            return ""
        kept = "".join(f' {name}="{escape(value)}"' for name, value in self._kept(tag, values))
        return f"<{tag}{kept}>"

    def _kept(self, tag: str, values: Mapping[str, str]) -> Iterator[tuple[str, str]]:
        for name, value in values.items():
            if not re.fullmatch(r"[a-z][a-z0-9:._-]{0,60}", name) or name.startswith("on"):
                continue
            if name in {"srcdoc", "action", "formaction", "ping", "target", "nonce", "integrity"}:
                continue
            if name in _LINKS:
                if lead := self._here.lead(value):
                    yield name, lead
            elif name == "srcset":
                yield name, self._srcset(value)
            else:
                yield name, rewrite_style(value, self._here) if name == "style" else value
        if tag == "a" and "href" in values and not self._here.lead(values["href"]):
            yield "title", values["href"][:500]  # where it led; nobody gets there from here

    def _srcset(self, value: str) -> str:
        found = (it.split() for it in value[:4000].split(","))
        return ", ".join(
            " ".join((lead, *it[1:])) for it in found if it and (lead := self._here.lead(it[0]))
        )


def _read_attributes(text: str, at: int) -> tuple[dict[str, str], int]:
    """Read a tag's attributes, the first of each name; -1 where the tag never ends."""
    values = dict[str, str]()
    while not (end := _TAG_END.match(text, at)):
        found = _ATTRIBUTE.match(text, at)
        if found is None:
            return values, -1
        value = found[2] or ""
        if value[:1] in {'"', "'"}:
            value = value[1:-1]
        values.setdefault(found[1].lower(), _unescape(value))
        at = found.end()
    return values, end.end()


def _unescape(value: str) -> str:
    try:
        return unescape(value)
    except ValueError:  # the number of a sign with thousands of digits
        return value


def _find_end(text: str, at: int, tag: str) -> int:
    """Give where an element's end tag begins; the text's end where there is none."""
    found = re.compile(f"</{re.escape(tag)}", re.IGNORECASE).search(text, at)
    return found.start() if found else len(text)


def make_captured_app(socket: Path) -> Starlette:
    """Give the application of the second port."""
    captured = Captured(socket)
    around = [Middleware(Guarded, pace=Pace(600.0, 200.0), headers=CAPTURED_HEADERS)]
    return Starlette(
        routes=[
            Route("/{ticket:str}", captured.show, methods=["GET"]),
            Route("/{ticket:str}/{path:path}", captured.show, methods=["GET"]),
        ],
        middleware=around,
    )
