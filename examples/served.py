"""Serves the example sites at their addresses; `python -m examples.served` until it is ended."""

import contextlib
import signal
import threading
from collections.abc import Iterator, Mapping
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

from examples.failure import DemoFailedError
from ops.estate.load.load import load_estate
from ops.estate.model.estate import Estate
from ops.language.text import _

MAIN, WARD, DEPARTMENT = SITES = ("cong-xa", "phuong-tan-lap", "so-cong-thuong")


@contextlib.contextmanager
def served(estate: Estate, *, only: str = "", but: str = "") -> Iterator[None]:
    """Serve the sites of the demo's estate.

    Args:
        estate: The demo's.
        only: Name of the one site that is served, where it is not all of them.
        but: Name of a site that is down.

    Raises:
        DemoFailedError: A port is taken.
    """
    with contextlib.ExitStack() as stack:
        for name, folder in roots_of(estate).items():
            if name != but and only in {"", name}:
                stack.enter_context(_serve(urlsplit(estate.site(name).url).port or 0, folder))
        yield


def roots_of(estate: Estate) -> Mapping[str, Path]:
    """Give what each site serves."""
    return {it.name: Path(it.files[0].path) for it in estate.sites}


@contextlib.contextmanager
def _serve(port: int, folder: Path) -> Iterator[None]:
    handler = partial(_QuietHandler, directory=str(folder))
    try:
        server = ThreadingHTTPServer(("127.0.0.1", port), handler)
    except OSError as error:
        text = _("the demo stops: nothing can listen on 127.0.0.1:{port}: {reason}")
        raise DemoFailedError(text.format(port=port, reason=error.strerror)) from None
    with server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            thread.join()  # whoever forks next has no other thread


class _QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, *_arguments: object) -> None:
        """Stay silent."""


def main() -> None:
    """Serve the sites of the estate that the environment names, until SIGTERM or Ctrl-C."""
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda _signal, _frame: stop.set())
    with contextlib.suppress(KeyboardInterrupt), served(load_estate()):
        stop.wait()


if __name__ == "__main__":
    main()
