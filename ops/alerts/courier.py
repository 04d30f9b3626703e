"""The courier of the outbox: one target at a time, through apprise, again until it arrives.

Order, for each notice (`deliver_waiting`):

1. Claim it (`_claim`): one UPDATE that names the state it leaves, so of two couriers one gets it.
   The claim ends by itself after some minutes, so that a killed courier leaves nothing stuck.
2. Send it (`send`).
3. Record that it was sent, or when to try again (`_record_failure`).

Killed between 2 and 3 it is sent once more: told twice is better than never.
"""

import logging
import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from urllib.parse import quote
from uuid import UUID

from sqlalchemy import and_, func, or_, select, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from ops.alerts.notice_wording import Message, NoticeRow, find_wording
from ops.alerts.outbox import RELAY, escalate, find_estate
from ops.catalog.open import Catalog
from ops.catalog.tables.core import JournalRow, Notice
from ops.errors import OpsError
from ops.estate.model.estate import Estate
from ops.estate.model.references import reveal
from ops.language.text import N_, speaking
from ops.parts import Seam
from ops.told_text import clean_text

_LONGEST = 200
_UNREACHED = re.compile(r"connection error", re.IGNORECASE)
_REFUSED = re.compile(r"\berror=(\d+)")
_URL = re.compile(r"\S+://\S+")


class NotDeliveredError(Exception):
    """A message did not get through; as text in English, for the catalog.

    Attributes:
        what: Template: why; `ops.language.text.fill` says it in the reader's language.
        params: Values for its placeholders.
        is_final: Whether trying again is of no use.
    """

    def __init__(
        self, what: str, params: Mapping[str, object] | None = None, *, is_final: bool = False
    ) -> None:
        super().__init__(what)
        self.what = what
        self.params = dict(params or {})
        self.is_final = is_final

    def __str__(self) -> str:
        return self.what.format(**self.params)


def address_mail(relay: str, mail: str) -> str:
    """Give the relay's URL with one recipient; one that stands in it already is replaced."""
    kept, _question, query = relay.partition("?")
    others = [it for it in query.split("&") if it and not it.startswith("to=")]
    return f"{kept}?{'&'.join([*others, f'to={quote(mail)}'])}"


def send(url: str, message: Message) -> None:
    """Send a message to one target.

    Apprise answers with one boolean for everything it was given, so each target is sent on its own.
    What went wrong is told without secrets.

    Args:
        url: An apprise URL of one target; may hold a password.
        message: What to send.

    Raises:
        NotDeliveredError: It did not get through.
    """
    from apprise import Apprise, LogCapture, NotifyFormat

    target = Apprise()
    capture = LogCapture(level=logging.WARNING, fmt="%(message)s")  # type: ignore[no-untyped-call] # apprise has no types
    with capture as told:
        if not target.add(url):
            raise NotDeliveredError(N_("the relay's address is not understood"), is_final=True)
        if not target.notify(title=message.title, body=message.body, body_format=NotifyFormat.TEXT):
            raise explain(told.getvalue())


def explain(told: str) -> NotDeliveredError:
    """Give the error for what apprise wrote into its log; pure."""
    lines = [line.strip() for line in told.splitlines() if line.strip()]
    if not lines:
        return NotDeliveredError(N_("the relay did not take it, and says nothing more"))
    answer = _URL.sub("…", clean_text(lines[0]))[:_LONGEST]
    if _UNREACHED.search(answer):
        return NotDeliveredError(N_("the relay cannot be reached"))
    code = _REFUSED.search(answer)
    if code is not None:
        return NotDeliveredError(N_("the relay refused it with code {code}"), {"code": code[1]})
    what = N_("the relay did not take it, and says: {answer}")
    return NotDeliveredError(what, {"answer": answer})


log = logging.getLogger(__name__)

LOOK_EVERY = timedelta(seconds=5)
JUDGE_EVERY = timedelta(minutes=1)
CLAIM_LASTS = timedelta(minutes=5)
MOST_TRIES = 80
"""After so many tries, three days, a notice is given up; `giucong` shows it."""

Chore = Callable[[Catalog, datetime], object]
DAILY_CHORES: Seam[Chore] = Seam("daily-chores")
FREQUENT_CHORES: Seam[Chore] = Seam("frequent-chores")
"""Every `JUDGE_EVERY`, and after something was journaled."""
CONSTANT_CHORES: Seam[Chore] = Seam("constant-chores")
"""Before each look into the outbox."""

_PAUSES = (1, 2, 5, 10, 30, 60)
_LONGEST_PAUSE = timedelta(hours=2)
_AT_ONCE = 20


def pause_after(attempts: int) -> timedelta:
    """Give how long to wait after so many tries."""
    return timedelta(minutes=_PAUSES[min(attempts, len(_PAUSES)) - 1])


def deliver_waiting(catalog: Catalog, now: datetime) -> int:
    """Try what is due in the outbox; give how many notices arrived."""
    with catalog.reading() as session:
        if not _due_ids(session, now):
            return 0
        estate = find_estate(session)
    if estate is None:
        return 0
    with catalog.writing() as session:
        claimed = [it for it in _due_ids(session, now) if _claim(session, it, now)]
    return sum(_deliver(catalog, notice_id, estate, now) for notice_id in claimed)


def _due_ids(session: Session, now: datetime) -> list[UUID]:
    """Give what can be tried now, oldest first.

    A time that lies further ahead than any pause was set before the clock jumped back.
    """
    has_come = or_(Notice.next_try_at <= now, Notice.next_try_at > now + _LONGEST_PAUSE)
    query = (
        select(Notice.id)
        .where(Notice.state.in_(("waiting", "sending")), has_come)
        .order_by(Notice.created_at, Notice.id)
        .limit(_AT_ONCE)
    )
    return list(session.execute(query).scalars())


def _claim(session: Session, notice_id: UUID, now: datetime) -> bool:
    has_come = or_(Notice.next_try_at <= now, Notice.next_try_at > now + _LONGEST_PAUSE)
    changed = session.execute(
        update(Notice)
        .where(and_(Notice.id == notice_id, Notice.state.in_(("waiting", "sending")), has_come))
        .values(state="sending", attempts=Notice.attempts + 1, next_try_at=now + CLAIM_LASTS)
        .returning(Notice.id),
        execution_options={"synchronize_session": False},
    )
    return changed.first() is not None


def _deliver(catalog: Catalog, notice_id: UUID, estate: Estate, now: datetime) -> bool:
    with catalog.reading() as session:
        notice = session.get(Notice, notice_id)
    if notice is None:
        return False
    try:
        send(find_address(estate, notice.target), _word(estate, notice))
    except NotDeliveredError as error:
        _record_failure(catalog, notice, error, now)
        return False
    except OpsError as error:
        _record_failure(catalog, notice, NotDeliveredError(error.what, error.params), now)
        return False
    with catalog.writing() as session:
        values = {"state": "sent", "sent_at": now, "next_try_at": None, "error": ""}
        session.execute(update(Notice).where(Notice.id == notice_id).values(**values))
    log.info("notice-sent", extra={"fields": _fields(notice, "sent", "")})
    return True


def find_address(estate: Estate, target: str) -> str:
    """Give the apprise URL of a target.

    Raises:
        NotDeliveredError: The estate names no relay, or nobody of that name with an address.
        SecretError: The relay's address cannot be read.
    """
    if estate.notices.relay is None:
        raise NotDeliveredError(N_("the estate names no relay"))
    relay = reveal(estate.notices.relay)
    if target == RELAY or not relay.startswith("mailto"):
        return relay
    person = next((it for it in estate.people if it.name == target), None)
    if person is None or not person.mail:
        told = N_("{person} has no mail address in the estate")
        raise NotDeliveredError(told, {"person": target}, is_final=True)
    return address_mail(relay, person.mail)


def _word(estate: Estate, notice: Notice) -> Message:
    told = NoticeRow(
        severity=notice.severity,
        code=notice.code,
        params=notice.params,
        job=notice.job,
        site=notice.site,
        created_at=notice.created_at,
        title=estate.title_at(notice.site, notice.created_at),
    )
    with speaking(estate.organisation.language):
        word, name = find_wording(notice.code), estate.name_at(notice.created_at)
        return word(told, organisation=name, zone=estate.organisation.timezone)


def _fields(notice: Notice, outcome: str, reason: str) -> dict[str, object]:
    about = {"job": notice.job, "site": notice.site, "outcome": outcome, "reason": reason}
    return {**about, "code": notice.code, "target": notice.target}


def _record_failure(
    catalog: Catalog, notice: Notice, error: NotDeliveredError, now: datetime
) -> None:
    is_over = error.is_final or notice.attempts >= MOST_TRIES
    outcome = "given-up" if is_over else "not-sent"
    fields = _fields(notice, outcome, str(error))
    log.warning("notice-%s", outcome, extra={"fields": fields})
    with catalog.writing() as session:
        session.execute(
            update(Notice)
            .where(Notice.id == notice.id)
            .values(
                state="failed" if is_over else "waiting",
                next_try_at=None if is_over else now + pause_after(notice.attempts),
                error=str(error),
            )
        )


@dataclass(slots=True)
class Courier:
    """A thread of the service: delivers, escalates, sums up the night, sees who is late.

    Attributes:
        catalog: Of its own.
    """

    catalog: Catalog
    _done: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread = field(init=False)

    def __post_init__(self) -> None:
        self._thread = threading.Thread(target=self._work, name="courier", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop after what is being sent just now; waits a little for it."""
        self._done.set()
        self._thread.join(timeout=5)

    def _work(self) -> None:
        looked_at, seen = datetime.min.replace(tzinfo=UTC), -1
        reminded_on = looked_at.date()
        while not self._done.wait(LOOK_EVERY.total_seconds()):
            now = datetime.now(UTC)
            newest = self._read_newest()
            is_time = abs(now - looked_at) >= JUDGE_EVERY
            if is_time or newest != seen:
                looked_at, seen = now, newest
                for look in FREQUENT_CHORES.parts():
                    self._attempt(look, now)
            if is_time and now.date() != reminded_on:
                daily = [self._attempt(work, now) for work in DAILY_CHORES.parts()]
                reminded_on = now.date() if all(daily) else reminded_on
            for work in (escalate, *CONSTANT_CHORES.parts(), deliver_waiting):
                self._attempt(work, now)

    def _read_newest(self) -> int:
        """Give the number of the journal's newest row; it moves with each batch of events."""
        try:
            with self.catalog.reading() as session:
                return session.execute(select(func.max(JournalRow.sequence))).scalar() or 0
        except (DBAPIError, OpsError):
            return -1  # the works say what is wrong

    def _attempt(self, work: Chore, now: datetime) -> bool:
        """Do one of the works; what keeps failing must not keep the others from being done."""
        fields = {"work": work.__name__}
        try:
            work(self.catalog, now)
        except DBAPIError as error:
            fields["error"] = type(error).__name__
            log.warning("courier-waits", extra={"fields": fields})
        except Exception as error:  # noqa: BLE001 - the courier must go on whatever happens
            fields["error"] = type(error).__name__
            log.error("courier-failed", extra={"fields": fields})  # noqa: TRY400 - tracebacks may hold addresses
        else:
            return True
        return False
