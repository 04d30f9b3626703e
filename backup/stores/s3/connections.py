"""Connections to one HTTP server, kept for the next request; through a proxy where one is set.

The variables HTTPS_PROXY, HTTP_PROXY and NO_PROXY count, as for every other program.
"""

import base64
import http.client
import os
import select
import socket
import ssl
import threading
import weakref
from collections import deque
from collections.abc import Callable
from functools import cached_property
from urllib.parse import unquote, urlsplit

_LONGEST_CONNECT = 20.0


class Connections:
    """Connections to one server. Several threads may use it at once.

    Attributes:
        host: As the header Host says it.
        is_safe: Whether they are encrypted.
    """

    def __init__(
        self, url: str, *, most: int, timeout: float, make_context: Callable[[], ssl.SSLContext]
    ) -> None:
        """Set up; nothing is touched yet.

        Args:
            url: The server's, without a path.
            most: How many are kept.
            timeout: Seconds without a byte after which one counts as hung.
            make_context: Says whom to trust; called once, where TLS is spoken.
        """
        parts = urlsplit(url)
        self._host = parts.hostname or ""
        self.is_safe = parts.scheme == "https"
        self._port = parts.port or (443 if self.is_safe else 80)
        self._timeout = timeout
        self._make_context = make_context
        self._idle: deque[http.client.HTTPConnection] = deque(maxlen=most)
        self._making = threading.Lock()
        weakref.finalize(self, _close_all, self._idle)
        name = f"[{self._host}]" if ":" in self._host else self._host
        usual = self._port == (443 if self.is_safe else 80)
        self.host = name if usual else f"{name}:{self._port}"

    @property
    def start(self) -> str:
        """What stands before the path in a request: a proxy for plain HTTP wants it whole."""
        return "" if self.is_safe or not self._proxy else f"http://{self.host}"

    @property
    def extra_headers(self) -> dict[str, str]:
        """What a proxy for plain HTTP wants to know; not signed."""
        return {} if self.is_safe else _credential_of(self._proxy)

    def take(self) -> http.client.HTTPConnection:
        """Give a connection that nobody else uses; a kept one unless it has ended.

        Raises:
            OSError: It cannot be made.
        """
        while self._idle:
            try:
                connection = self._idle.pop()
            except IndexError:  # another thread was faster
                break
            if not _has_ended(connection):
                return connection
            connection.close()
        return self._connect()

    def give_back(self, connection: http.client.HTTPConnection) -> None:
        """Keep a connection whose answer was read to its end."""
        if connection.sock is None or len(self._idle) == self._idle.maxlen:
            connection.close()
        else:
            self._idle.append(connection)

    def _connect(self) -> http.client.HTTPConnection:
        patience = min(self._timeout, _LONGEST_CONNECT)
        host, port = self._host, self._port
        if self._proxy:
            parts = urlsplit(self._proxy)
            host, port = parts.hostname or "", parts.port or 80
        connection: http.client.HTTPConnection
        if self.is_safe:
            connection = http.client.HTTPSConnection(
                host, port, timeout=patience, context=self._context
            )
            if self._proxy:
                connection.set_tunnel(self._host, self._port, _credential_of(self._proxy))
        else:
            connection = http.client.HTTPConnection(host, port, timeout=patience)
        connection.connect()
        connection.sock.settimeout(self._timeout)
        connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        return connection

    @cached_property
    def _proxy(self) -> str:
        if not any(name.lower().endswith("_proxy") for name in os.environ):
            return ""
        from urllib.request import getproxies_environment, proxy_bypass

        proxies = getproxies_environment()
        if proxy_bypass(self.host):
            return ""
        url = proxies.get("https" if self.is_safe else "http", "")
        return url if "://" in url or not url else f"http://{url}"

    @property
    def _context(self) -> ssl.SSLContext:
        with self._making:
            return self._made_context

    @cached_property
    def _made_context(self) -> ssl.SSLContext:
        return self._make_context()


def _close_all(idle: deque[http.client.HTTPConnection]) -> None:
    while idle:
        idle.pop().close()


def _has_ended(connection: http.client.HTTPConnection) -> bool:
    """Whether the server closed a connection that waits: there is something to read, its end."""
    waiting = select.poll()
    waiting.register(connection.sock, select.POLLIN)
    return bool(waiting.poll(0))


def _credential_of(proxy: str) -> dict[str, str]:
    parts = urlsplit(proxy)
    if not parts.username:
        return {}
    text = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
    return {"Proxy-Authorization": f"Basic {base64.b64encode(text.encode()).decode()}"}
