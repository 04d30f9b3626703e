"""The page for the public: which sites answer. No login, no cookie; asked of the office rarely."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from jinja2 import Environment
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from ops.console.frames import OfficeAwayError, ask
from ops.console.web.shown import render
from ops.language.text import speaking

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
