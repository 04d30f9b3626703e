"""Templates, how values of the office's JSON are shown in them, and the page without a login.

Everything is escaped where it is put into a page; what would turn the writing round is made visible
before. Texts are the catalogues' own. The page for the public says which sites answer: no login,
no cookie; the office is asked of it rarely.
"""

import asyncio
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from markupsafe import Markup, escape
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from ops.console.frames import OfficeAwayError, ask
from ops.language.formats import (
    DEFAULT_ZONE,
    format_date,
    format_duration,
    format_id,
    format_moment,
    format_number,
    format_size,
)
from ops.language.text import _, language, make_visible, ngettext, speaking

_COMMAND = re.compile(
    r"giucong (?P<task>[a-z]+\.[a-z-]+) --(?:site|drill|id|alert) (?P<name>[\w.:-]+)$"
)
_BY_COMMAND: Mapping[str, str] = {
    **dict.fromkeys(("backup.run", "backup.check", "backup.list"), "/site?site="),
    "backup.restore": "/restore?site=",
    "drill.run": "/drills?site=",
    "drill.show": "/drill?drill=",
    "monitor.ack": "/alerts?alert=",
    "register.show": "/entry?id=",
}
"""Task → page with the same for what its first flag names."""

_UNITS = (timedelta(days=1), timedelta(hours=1), timedelta(minutes=1))
_FOLDER = Path(__file__).parent / "templates"


def make_templates() -> Environment:
    """Give the environment that renders all pages."""
    found = Environment(
        loader=FileSystemLoader(_FOLDER),
        autoescape=select_autoescape(["html"], default=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_finalize,
    )
    found.filters.update(
        here=keep_here,
        told=show_told,
        moment=show_moment,
        day=show_day,
        duration=show_duration,
        ago=show_ago,
        size=format_size,
        number=format_number,
        id=format_id,
        oneline=show_one_line,
        plainmoment=show_plain_moment,
    )
    found.globals.update({"_": _, "ngettext": ngettext, "language": language})
    return found


def _finalize(value: Any) -> Any:
    """Show nothing for nothing, and what could forge a page as what it is."""
    if value is None:
        return ""
    return make_visible(value) if type(value) is str else value


def show_told(text: str | None) -> Markup:
    """Give a sentence with what is to be typed, between backticks, set as code."""
    if _COMMAND.match(text or ""):
        return _show_command(text or "")
    parts = make_visible(text or "").split("`")
    if len(parts) % 2 == 0:
        return escape(make_visible(text or ""))
    return Markup("").join(
        _show_command(part) if number % 2 else escape(part) for number, part in enumerate(parts)
    )


def _show_command(text: str) -> Markup:
    """Give what is to be typed; it leads to the page where the same is done by a button."""
    found = _COMMAND.match(text)
    path = _BY_COMMAND.get(found["task"], "") if found else ""
    if not found or not path:
        return Markup("<code>{}</code>").format(text)
    return Markup('<a href="{}"><code>{}</code></a>').format(path + quote(found["name"], ""), text)


def keep_here(path: str) -> str:
    """Give a path of ours as it is, and the first page in place of what leads elsewhere."""
    return path if path.startswith("/") and not path.startswith(("//", "/\\")) else "/today"


def parse_moment(text: str) -> datetime:
    """Read a moment of the office's JSON."""
    moment = datetime.fromisoformat(text)
    try:
        return moment.astimezone(UTC)
    except OverflowError:  # at the calendar's edge
        return moment.replace(tzinfo=UTC)


def show_moment(text: str | None, zone: str = DEFAULT_ZONE) -> Markup:
    """Give `24/11/2026 01:03` with its offset for who asks, as a `time` element."""
    if not text:
        return Markup("–")
    told = format_moment(parse_moment(text), zone)
    return Markup('<time datetime="{}" title="{}">{}</time>').format(
        text, told, told.rpartition(" ")[0]
    )


def show_plain_moment(text: str, zone: str = DEFAULT_ZONE) -> str:
    """Give `24/11/2026 01:03` to stand within a sentence."""
    return format_moment(parse_moment(text), zone).rpartition(" ")[0]


def show_one_line(text: str) -> str:
    """Give a name on one line, whatever it holds."""
    return make_visible(text, one_line=True)


def show_day(text: str | None) -> str:
    """Give `24/11/2026` for a day."""
    return format_date(date.fromisoformat(text[:10])) if text else "–"


def show_duration(seconds: float | None) -> str:
    """Give a duration in words."""
    return "–" if seconds is None else format_duration(timedelta(seconds=seconds))


def show_ago(text: str | None) -> Markup:
    """Give how long ago a moment is, with the moment itself for who asks."""
    if not text:
        return Markup("–")
    moment = parse_moment(text)
    passed = max(datetime.now(UTC) - moment, timedelta(0))
    unit = next((it for it in _UNITS if passed >= 2 * it), timedelta(seconds=1))
    age = _("{age} ago").format(age=format_duration(passed - passed % unit))
    return Markup('<time datetime="{}" title="{}">{}</time>').format(
        text, format_moment(moment), age
    )


def render(templates: Environment, name: str, values: Mapping[str, Any]) -> str:
    """Give a page's text."""
    return templates.get_template(name).render(values)


_KEPT_SECONDS = 30.0
_SECONDS = 20.0


@dataclass(slots=True)
class PublicPage:
    """Answers everybody.

    Attributes:
        socket: Where the office is.
        templates: Render the page.
    """

    socket: Path
    templates: Environment
    _kept: Mapping[str, Any] | None = None
    _until: float = 0.0
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    def routes(self) -> list[Route]:
        """Give the addresses."""
        return [
            Route("/trang-thai", self.show_in_vietnamese),
            Route("/status", self.show_in_english),
            Route("/trang-thai.json", self.give),
        ]

    async def show_in_vietnamese(self, _request: Request) -> Response:
        """Show the page."""
        return await self._show("vi")

    async def show_in_english(self, _request: Request) -> Response:
        """Show the page in English."""
        return await self._show("en")

    async def give(self, _request: Request) -> Response:
        """Give the figures to programs."""
        found = await self._look()
        headers = {"Cache-Control": "public, max-age=30"}
        return JSONResponse({"schema": 1, **found}, headers=headers) if found else _nothing()

    async def _show(self, language: Literal["vi", "en"]) -> Response:
        found = await self._look()
        if not found:
            return _nothing()
        with speaking(language):
            text = await asyncio.to_thread(render, self.templates, "public.html", {"data": found})
        return HTMLResponse(text, headers={"Cache-Control": "public, max-age=30"})

    async def _look(self) -> Mapping[str, Any] | None:
        """Give the office's figures, at most half a minute old; None where there are none."""
        async with self._lock:
            if time.monotonic() >= self._until:
                try:
                    answer = await ask(self.socket, {"ask": "public"}, _SECONDS)
                except OfficeAwayError:
                    answer = {"error": "away"}
                self._kept = None if "error" in answer else answer
                self._until = time.monotonic() + _KEPT_SECONDS
        return self._kept


def _nothing() -> Response:
    return Response("404\n", 404, media_type="text/plain; charset=utf-8")
