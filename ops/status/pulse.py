"""Show that the service lives: a thread that writes the heartbeat file and calls the URL.

The service says `beat` after each healthy look, which only sets a flag: neither a slow disk nor a
dead network can hold it up. When the looks fail or stop, so do the signs of life, and somebody
else alarms.
"""

import logging
import threading
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy.exc import DBAPIError

from ops.alerts.outbox import find_estate
from ops.catalog.open import Catalog
from ops.errors import OpsError
from ops.estate.model.estate import Estate
from ops.estate.model.references import reveal
from ops.language.text import N_
from ops.status.heartbeat import (
    Call,
    describe_heartbeat,
    gather_beats,
    read_journal_head,
    write_heartbeat,
)

log = logging.getLogger(__name__)

WRITE_EVERY = timedelta(seconds=15)
CALL_EVERY = timedelta(seconds=60)
CALL_LASTS = timedelta(seconds=10)
_NO_ADDRESS = N_("its address cannot be read; `estate.check` says why")


class NotCalledError(Exception):
    """The heartbeat URL could not be called; the text never holds the URL."""


def call_url(url: str, timeout: timedelta = CALL_LASTS) -> None:
    """Call a URL with GET.

    Raises:
        NotCalledError: It did not answer with success.
    """
    if not url.startswith(("https://", "http://")):
        raise NotCalledError("it is no http or https address")
    try:
        with urllib.request.urlopen(url, timeout=timeout.total_seconds()) as answer:  # noqa: S310 - looked at above
            answer.read(1)
    except urllib.error.HTTPError as error:
        error.close()
        raise NotCalledError(f"HTTP {error.code}") from None
    except (OSError, ValueError) as error:
        cause = getattr(error, "reason", error)
        raise NotCalledError(getattr(cause, "strerror", None) or type(cause).__name__) from None
    except Exception as error:  # noqa: BLE001 - whatever else answers there, it is no success
        raise NotCalledError(type(error).__name__) from None


@dataclass(slots=True)
class Pulse:
    """The thread.

    Attributes:
        catalog: Of its own.
        state: The service's state folder.
        write_every, call_every: Shortest pauses between two files and two calls.
    """

    catalog: Catalog
    state: Path
    write_every: timedelta = WRITE_EVERY
    call_every: timedelta = CALL_EVERY
    _healthy: threading.Event = field(default_factory=threading.Event)
    _done: bool = field(init=False, default=False)
    _thread: threading.Thread = field(init=False)
    _written: float = field(init=False, default=float("-inf"))
    _called: float = field(init=False, default=float("-inf"))
    _call: Call | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        self._thread = threading.Thread(target=self._work, name="pulse", daemon=True)
        self._thread.start()

    def beat(self) -> None:
        """Say that the service has just looked and all was well; returns at once."""
        self._healthy.set()

    def close(self) -> None:
        """Stop; waits a little for what is under way."""
        self._done = True
        self._healthy.set()
        self._thread.join(timeout=5)

    def _work(self) -> None:
        while True:
            self._healthy.wait()
            self._healthy.clear()
            if self._done:
                return
            try:
                self._show_life()
            except (DBAPIError, OSError, OpsError) as error:
                log.warning("heartbeat-waits", extra={"fields": {"error": type(error).__name__}})
            except Exception as error:  # noqa: BLE001 - the pulse must go on whatever happens
                log.error("heartbeat-failed", extra={"fields": {"error": type(error).__name__}})  # noqa: TRY400 - tracebacks may hold the URL

    def _show_life(self) -> None:
        steady = time.monotonic()
        if steady - self._written < self.write_every.total_seconds():
            return
        self._written = steady
        with self.catalog.reading() as session:
            estate = find_estate(session)
            if estate is None:
                return
            sites, head = gather_beats(session, estate), read_journal_head(session)
        now = datetime.now(UTC)
        write_heartbeat(self.state, describe_heartbeat(now, sites, head, self._call))
        if steady - self._called >= self.call_every.total_seconds():
            self._called = steady
            self._call_out(estate)

    def _call_out(self, estate: Estate) -> None:
        if estate.notices.heartbeat_url is None:
            self._call = None
            return
        try:
            call_url(reveal(estate.notices.heartbeat_url))
        except NotCalledError as error:
            self._call = Call(datetime.now(UTC), str(error))
            log.warning("heartbeat-not-called", extra={"fields": {"error": str(error)}})
        except OpsError as error:
            self._call = Call(datetime.now(UTC), _NO_ADDRESS)
            log.warning("heartbeat-not-called", extra={"fields": {"error": str(error)}})
        else:
            self._call = Call(datetime.now(UTC))
