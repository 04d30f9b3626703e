"""The sign of life: up to when each site is saved, in a file that others fetch, and a URL called.

The file `heartbeat.json` lies in the service's state folder, readable by everybody: it holds names
of sites and moments, no secrets. `examples/dead-man` reads it on another machine, so its keys keep
their meaning.
"""

import json
import logging
import os
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from ops.alerts.drafts import grace_of
from ops.alerts.outbox import find_estate
from ops.backups.copies.seen import find_newer, read_newest_alone
from ops.catalog.open import Catalog
from ops.catalog.tables.core import Occurrence
from ops.catalog.tables.index import Snapshot, is_believed, is_of_whole_site
from ops.errors import OpsError
from ops.estate.model.estate import Estate
from ops.estate.model.references import reveal
from ops.journal.journal import Head, read_head
from ops.language.causes import tell_cause
from ops.language.formats import format_duration
from ops.language.text import N_, _


def newest_moments(session: Session, estate: Estate) -> dict[str, datetime]:
    """Give up to when each site is saved in the primary store, as `find_newer` counts it."""
    store = estate.primary_store.name
    whole, alone = newest_snapshots(session, store), read_newest_alone(session)
    found = {}
    for site in (*estate.sites, estate.own_site):
        saved = find_newer(site, whole.get(site.name), alone.get((site.name, store), {}))
        if saved.whole is not None:
            found[site.name] = saved.whole
    return found


def newest_snapshots(session: Session, store: str) -> dict[str, datetime]:
    """Give when the newest snapshot of each whole site was taken, by name of the site."""
    rows = session.execute(
        select(Snapshot.site, func.max(Snapshot.taken_at))
        .where(
            Snapshot.store == store,
            Snapshot.hostname == Snapshot.site,
            is_of_whole_site(),
            is_believed(),
        )
        .group_by(Snapshot.site)
    )
    return {site: taken_at for site, taken_at in rows}  # noqa: C416 - dict() loses the types


def first_dues(session: Session, sites: Iterable[str]) -> dict[str, datetime]:
    """Give when these sites were first due, by name; one that never was is not among them."""
    names = {f"backup/{site}": site for site in sites}
    if not names:
        return {}
    rows = session.execute(
        select(Occurrence.job, func.min(Occurrence.due_at))
        .where(Occurrence.job.in_(names))
        .group_by(Occurrence.job)
    )
    return {names[job]: due_at for job, due_at in rows}


FORMAT = "giucong-heartbeat-1"
FILE = "heartbeat.json"


@dataclass(frozen=True, slots=True)
class SiteBeat:
    """How a site's newest backup stands.

    Attributes:
        newest: When it was taken; None when there is none.
        due_since: When the site was first due; None when it never was.
        rpo: How old its newest backup may be.
    """

    newest: datetime | None
    due_since: datetime | None
    rpo: timedelta


@dataclass(frozen=True, slots=True)
class Call:
    """How the last call of the heartbeat URL ended.

    Attributes:
        at: When.
        error: Empty when it was answered; never holds the URL.
    """

    at: datetime
    error: str = ""


def gather_beats(session: Session, estate: Estate) -> dict[str, SiteBeat]:
    """Give how each site stands, by name, in the order of the estate; the service itself last."""
    sites, newest = (*estate.sites, estate.own_site), newest_moments(session, estate)
    due = first_dues(session, (it.name for it in sites if it.name not in newest))
    return {
        site.name: SiteBeat(
            newest=newest.get(site.name),
            due_since=due.get(site.name),
            rpo=timedelta(hours=site.targets.rpo_hours),
        )
        for site in sites
    }


def read_journal_head(session: Session) -> Head:
    """Give the journal's newest number and hash."""
    return read_head(session.connection())


def describe_heartbeat(
    now: datetime, sites: Mapping[str, SiteBeat], head: Head, call: Call | None
) -> dict[str, Any]:
    """Give the file's content as JSON values; moments in UTC, durations in seconds."""
    return {
        "format": FORMAT,
        "at": _moment(now),
        "sites": {
            name: {
                "newest": _moment(site.newest),
                "due_since": _moment(site.due_since),
                "rpo_seconds": int(site.rpo.total_seconds()),
                "grace_seconds": int(grace_of(site.rpo).total_seconds()),
            }
            for name, site in sites.items()
        },
        "journal": {"sequence": head.sequence, "hash": head.hash},
        "call": {"at": _moment(call.at), "error": call.error} if call else None,
    }


def write_heartbeat(state: Path, document: Mapping[str, Any]) -> None:
    """Put the file in its place, whole.

    Order: write the new file beside the old one, make it durable, put it in its place. Whoever
    reads sees one whole file or the other.
    """
    fresh = state / f".{FILE}.new"
    with fresh.open("w", encoding="utf-8") as file:
        json.dump(document, file, ensure_ascii=False, indent=1)
        file.write("\n")
        file.flush()
        os.fchmod(file.fileno(), 0o644)
        os.fsync(file.fileno())
    fresh.replace(state / FILE)


def read_heartbeat(state: Path) -> dict[str, Any] | None:
    """Give what the file says; None where there is none that can be read."""
    try:
        document = json.loads((state / FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    is_ours = isinstance(document, dict) and document.get("format") == FORMAT
    return document if is_ours else None


def tell_heartbeat(document: Mapping[str, Any] | None, now: datetime) -> Iterator[str]:
    """Say when the service last showed that it lives, and whether the URL answered."""
    if document is None:
        yield _("it has shown no sign of life yet")
        return
    age = format_duration(now - datetime.fromisoformat(document["at"]))
    yield _("last sign of life: {age} ago").format(age=age)
    call = document.get("call")
    if call is None:
        return
    age = format_duration(now - datetime.fromisoformat(call["at"]))
    if call["error"]:
        text = _("the heartbeat URL did not answer {age} ago: {error}")
        yield text.format(age=age, error=tell_cause(str(call["error"])))
    else:
        yield _("the heartbeat URL answered {age} ago").format(age=age)


def _moment(moment: datetime | None) -> str | None:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}" if moment else None


log = logging.getLogger(__name__)

WRITE_EVERY = timedelta(seconds=15)
CALL_EVERY = timedelta(seconds=60)
CALL_LASTS = timedelta(seconds=10)
_NO_ADDRESS = N_("its address cannot be read; `estate.check` says why")


class NotCalledError(Exception):
    """The heartbeat URL could not be called; the text never holds the URL."""


def call_url(url: str, timeout: timedelta = CALL_LASTS) -> None:
    """Call a URL with GET."""
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
    """A thread that shows that the service lives: writes the heartbeat file and calls the URL.

    The service says `beat` after each healthy look, which only sets a flag: neither a slow disk nor
    a dead network can hold it up. When the looks fail or stop, so do the signs of life, and
    somebody else alarms.

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
