"""Captured pages for the console's second port: tickets, and what was captured below them.

A ticket is given to a session, is good for ten minutes and for one month of one site; it ends with
the session. Whoever has it sees that month's pages and nothing else. Nothing is rewritten here:
what is foreign is taken apart by the web process, which holds neither keys nor catalog.
"""

import base64
import secrets
import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from archive.errors import ArchiveError
from archive.ocfl.root import StoredObject
from archive.web.address import Place
from archive.web.cdxj import REVISIT, Capture
from archive.web.lookup import MonthIndex, Said, read_answer
from ops.access.identity import check_right
from ops.archives.pages import INDEX, LARGEST_INDEX, WARC, place_of_site
from ops.archives.replay import find_month
from ops.console.office.desk import Desk, EstateKeeper
from ops.console.office.server import Answer, Handler, text_of
from ops.console.office.sessions import Sessions
from ops.errors import OpsError, WrongUseError
from ops.estate.model.estate import Estate

RIGHT = "archive.replay"
GOOD_FOR = timedelta(minutes=10)
_MOST_TICKETS, _MOST_MONTHS = 1_000, 3
_MOST_BYTES = 16 * 1024 * 1024
_STAMP = "%Y%m%d%H%M%S"


class NotCapturedError(OpsError):
    """Nothing of that address was captured in this month, or the ticket is over."""

    def __init__(self) -> None:
        super().__init__(
            "this was not captured, or the time for looking at it is over",
            data="nothing was changed",
            next_step="go back to the console and open the page again from there",
        )


@dataclass(frozen=True, slots=True)
class Ticket:
    """Who may see which month of which site, near which moment, until when."""

    session: str
    site: str
    month: str
    moment: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class Month:
    """A month that is looked at: its object and its index."""

    stored: StoredObject
    index: MonthIndex


@dataclass(slots=True)
class Months:
    """The months that were looked at last; safe for threads."""

    _kept: "OrderedDict[tuple[str, str], Month]" = field(init=False, default_factory=OrderedDict)
    _lock: threading.Lock = field(init=False, default_factory=threading.Lock)

    def get(self, estate: Estate, site: str, month: str) -> tuple[str, Month]:
        """Give a month of a site, the newest when none is named, and its object and index.

        Raises:
            WrongUseError: It was not captured.
            ArchiveError: It is damaged.
        """
        chosen, stored = find_month(estate, site, month)
        with self._lock:
            kept = self._kept.pop((site, chosen), None)
            if kept is None or kept.stored.inventory.head != stored.inventory.head:
                names = (
                    it for it in stored.inventory.version().state if it.startswith(f"{INDEX}/")
                )
                index = MonthIndex(stored.read(it, limit=LARGEST_INDEX) for it in names)
                kept = Month(stored, index)
            self._kept[site, chosen] = kept
            while len(self._kept) > _MOST_MONTHS:
                self._kept.popitem(last=False)
        return chosen, kept


MONTHS = Months()
"""Of this process: the page that lists and the window that shows read the same ones."""


@dataclass(slots=True)
class CapturedWindow:
    """Gives tickets, and what lies below them.

    Attributes:
        keeper: Keeps estate and catalog.
        sessions: Who is logged in.
    """

    keeper: EstateKeeper
    sessions: Sessions
    _tickets: dict[str, Ticket] = field(init=False, default_factory=dict)
    _lock: threading.Lock = field(init=False, default_factory=threading.Lock)

    def handlers(self) -> Mapping[str, Handler]:
        """Give what answers to what."""
        return {"captured-open": self.open, "captured": self.show}

    def session_of(self, request: Mapping[str, Any]) -> str:
        """Give the token of the session that the ticket of a request was given to; else empty."""
        ticket = self._tickets.get(text_of(request, "ticket"))
        return ticket.session if ticket else ""

    def open(self, request: Mapping[str, Any]) -> Answer:
        """Give a ticket for a page, and the path of the page below it.

        Raises:
            WrongUseError: The page is none of that site's.
        """
        session = text_of(request, "token")
        site, month = text_of(request, "site"), text_of(request, "month")
        with self.keeper.at_desk(self._login(session)) as desk:
            check_right(desk.catalog, desk.estate, RIGHT, {"site": site})
            place = _place(desk, site)
            address = place.own(text_of(request, "address"), place.base)
            moment = _read_stamp(text_of(request, "at")) or desk.now
            chosen, kept = MONTHS.get(desk.estate, site, month)
            if not address or kept.index.find(address, moment) is None:
                raise NotCapturedError
        now, key = self.sessions.clock(), secrets.token_urlsafe(32)
        with self._lock:
            for old in [it for it, one in self._tickets.items() if one.until < now]:
                del self._tickets[old]
            while len(self._tickets) >= _MOST_TICKETS:
                del self._tickets[next(iter(self._tickets))]
            self._tickets[key] = Ticket(session, site, chosen, moment, now + GOOD_FOR)
        return Answer({"ticket": key, "target": place.target(address)})

    def show(self, request: Mapping[str, Any]) -> Answer:
        """Give what was captured of a path, as it was said.

        Raises:
            NotCapturedError: The ticket is over, or nothing was captured there.
        """
        ticket = self._tickets.get(text_of(request, "ticket"))
        if ticket is None or ticket.until < self.sessions.clock():
            raise NotCapturedError
        with self.keeper.at_desk(self._login(ticket.session)) as desk:
            check_right(desk.catalog, desk.estate, RIGHT, {"site": ticket.site})
            place = _place(desk, ticket.site)
            address = place.own(f"{place.origin}{text_of(request, 'target')}")
            _month, kept = MONTHS.get(desk.estate, ticket.site, ticket.month)
        said, found = _read(kept, address, ticket.moment)
        return Answer(
            {
                "status": said.status,
                "content_type": said.content_type,
                "location": said.location,
                "body": base64.b64encode(said.body).decode(),
                "address": found.url,
                "origin": place.origin,
            }
        )

    def _login(self, session: str) -> Any:
        _estate, catalog = self.keeper.get()
        with catalog.reading() as reading:
            return self.sessions.find(reading, session).caller


def _place(desk: Desk, site: str) -> Place:
    return place_of_site(desk.estate.site(site))


def _read_stamp(text: str) -> datetime | None:
    try:
        return datetime.strptime(text, _STAMP).replace(tzinfo=UTC) if text else None
    except ValueError as error:
        raise WrongUseError("this is no moment") from error


def _read(kept: Month, address: str, moment: datetime) -> tuple[Said, Capture]:
    """Read an answer; of one that is as before, where it was stored first."""
    capture = kept.index.find(address, moment) if address else None
    lies = kept.index.original_of(capture) if capture and capture.mime == REVISIT else capture
    if capture is None or lies is None:
        raise NotCapturedError
    logical = f"{WARC}/{lies.filename}"
    try:
        content = kept.stored.inventory.content_path(logical)
        return read_answer(kept.stored.path / content, lies, _MOST_BYTES), capture
    except (KeyError, ValueError, OSError, ArchiveError) as error:
        raise NotCapturedError from error
