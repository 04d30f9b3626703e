"""Who logs in, with password and code as `user.add` gave them; who is logged in, and from where.

Sessions are in memory, each bound to the credentials it began with. They end when nobody uses
them, after a working day, when the person's credentials change or are taken away, and with the
service. Nothing of them is kept: nobody finds one in a backup.
"""

import logging
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from hashlib import sha256

from sqlalchemy import select
from sqlalchemy.orm import Session

from ops.access.caller import Caller, acting_for
from ops.access.credentials import (
    CredentialsChangedError,
    PausedError,
    Proof,
    ProofError,
    has_good_credentials,
    prove,
)
from ops.access.factors import hash_password, is_password_right, load_credentials_key
from ops.access.session import person_at_terminal
from ops.catalog.open import Catalog
from ops.catalog.tables.access import Credential
from ops.console.frames import whose_address
from ops.errors import OpsError
from ops.estate.model.estate import Estate
from ops.journal import journal
from ops.journal.journal import Entry
from ops.journal.record_proofs import tell_credential

IDLE = timedelta(minutes=30)
LONGEST = timedelta(hours=12)
_MOST = 1_000
_TOKEN_BYTES = 32


class LoggedOutError(OpsError):
    """There is no such session, or it is over."""

    def __init__(self) -> None:
        super().__init__(
            "you are not logged in any more",
            why="nobody used this page for a while, or the credentials were changed",
            data="nothing was changed",
            next_step="log in again",
        )


@dataclass(slots=True)
class Login:
    """One session.

    Attributes:
        caller: Who, and from where.
        version: When the credentials were changed last, as it began.
        began, seen: When it began and was used last.
    """

    caller: Caller
    version: datetime
    began: datetime
    seen: datetime


@dataclass(slots=True)
class Sessions:
    """All of them, by the digest of their tokens; safe for threads."""

    clock: Callable[[], datetime] = field(default=lambda: datetime.now(UTC))
    _logins: dict[bytes, Login] = field(init=False, default_factory=dict)
    _lock: threading.Lock = field(init=False, default_factory=threading.Lock)

    def begin(self, session: Session, caller: Caller) -> str:
        """Begin one for somebody who has just proved who it is; gives its token."""
        version = read_version(session, caller.person)
        if version is None:
            raise LoggedOutError
        token, now = secrets.token_urlsafe(_TOKEN_BYTES), self.clock()
        with self._lock:
            while len(self._logins) >= _MOST:
                del self._logins[min(self._logins, key=lambda it: self._logins[it].seen)]
            self._logins[_digest(token)] = Login(caller, version, now, now)
        return token

    def find(self, session: Session, token: str, *, is_used: bool = True) -> Login:
        """Give a session that is still good.

        Args:
            session: Reading is enough.
            token: As `begin` gave it.
            is_used: Whether a person asks; a page that looks again by itself keeps nothing awake.

        Raises:
            LoggedOutError: It is not.
        """
        key, now = _digest(token), self.clock()
        with self._lock:
            login = self._logins.get(key)
            if login is None or now - login.seen > IDLE or now - login.began > LONGEST:
                self._logins.pop(key, None)
                raise LoggedOutError
            login.seen = now if is_used else login.seen
        if read_version(session, login.caller.person) != login.version:
            raise LoggedOutError
        return login

    def person_of(self, token: str) -> str:
        """Give whose session a token is or was, empty for none; it lets nobody in."""
        login = self._logins.get(_digest(token))
        return login.caller.person if login else ""

    def follow(self, session: Session, token: str, digest: object) -> None:
        """Go on with new credentials that the session's own act has made, if they are in force.

        Args:
            session: Reading is enough.
            token: Of the session.
            digest: As the act has journaled it (`ops.journal.record_proofs.tell_credential`).
        """
        login = self._logins.get(_digest(token))
        if login and digest in tell_credential(session, login.caller.person).values():
            login.version = read_version(session, login.caller.person) or login.version

    def of(self, session: Session, person: str) -> list[Login]:
        """Give somebody's sessions that are still good, used last first."""
        version, now = read_version(session, person), self.clock()
        with self._lock:
            own = [it for it in self._logins.values() if it.caller.person == person]
        good = [it for it in own if it.version == version and now - it.seen <= IDLE]
        return sorted(good, key=lambda it: it.seen, reverse=True)

    def end_all(self, person: str) -> None:
        """End somebody's sessions."""
        with self._lock:
            self._logins = {
                key: it for key, it in self._logins.items() if it.caller.person != person
            }

    def end(self, token: str) -> None:
        """End one, if there is one."""
        with self._lock:
            self._logins.pop(_digest(token), None)


def read_version(session: Session, person: str) -> datetime | None:
    """Give when a person's credentials were changed last; None where they prove nothing."""
    if not has_good_credentials(session, person):
        return None
    query = select(Credential.changed_at).where(Credential.person == person)
    return session.execute(query).scalar_one_or_none()


def _digest(token: str) -> bytes:
    return sha256(token.encode()).digest()


log = logging.getLogger(__name__)

_TRIES, _PER_SECONDS, _MOST_ADDRESSES = 10, 60.0, 10_000
_LONGEST = 200


class NotLetInError(OpsError):
    """Name, password or code is not right; which of them is not said."""

    def __init__(self) -> None:
        super().__init__(
            "name, password or code is not right",
            data="nothing was changed",
            next_step="wait for the next code and try again; after several failures there is a"
            " pause that grows",
        )


@cache
def _hash_of_nobody() -> str:
    return hash_password("nobody")


def _take_as_long(proof: Proof) -> NotLetInError:
    is_password_right(_hash_of_nobody(), proof.password)
    return NotLetInError()


@dataclass(slots=True)
class Door:
    """Lets people in.

    Attributes:
        sessions: Where they begin.
    """

    sessions: Sessions
    _tries: "OrderedDict[str, list[float]]" = field(init=False, default_factory=OrderedDict)
    _lock: threading.Lock = field(init=False, default_factory=threading.Lock)

    def let_in(
        self, estate: Estate, catalog: Catalog, *, name: str, proof: Proof, address: str
    ) -> str:
        """Check who somebody is, and give the token of a new session.

        Args:
            estate: Whose people.
            catalog: Open.
            name: The person's name or login.
            proof: Password and code.
            address: Where from.

        Raises:
            NotLetInError: One of the three is not right, or nobody is called so.
            PausedError: Too many tries came from that address.
        """
        self._count(address)
        if max(len(name), len(proof.password), len(proof.code)) > _LONGEST:
            raise NotLetInError
        found = [it for it in estate.people if name and name in {it.name, it.login}]
        caller = Caller(found[0].name, name, address) if len(found) == 1 else None
        if caller is None or not self._can_prove(catalog, caller.person):
            # Not the name: now and then it is a password, typed into the wrong field.
            log.warning("login-of-nobody", extra={"fields": {"address": address}})
            raise _take_as_long(proof)
        with acting_for(caller):
            origin = person_at_terminal(estate)
            key = load_credentials_key(estate)
            try:
                prove(catalog, key, caller.person, proof, origin=origin, now=datetime.now(UTC))
            except ProofError as error:
                raise NotLetInError from error
            except (PausedError, CredentialsChangedError) as error:
                # Only whose it is may know that; the log says it to who looks after the service.
                log.warning(
                    "login-refused",
                    extra={
                        "fields": {
                            "why": type(error).__name__,
                            "person": caller.person,
                            "address": address,
                        }
                    },
                )
                raise _take_as_long(proof) from error
        with catalog.writing() as session:
            token = self.sessions.begin(session, caller)
            journal.append(session, origin, [Entry("user.login", caller.person)])
        return token

    def _can_prove(self, catalog: Catalog, person: str) -> bool:
        with catalog.reading() as session:
            return has_good_credentials(session, person)

    def _count(self, address: str) -> None:
        now, sender = time.monotonic(), whose_address(address)
        with self._lock:
            tries = [it for it in self._tries.pop(sender, []) if now - it < _PER_SECONDS]
            if len(tries) < _TRIES:
                tries.append(now)
                is_too_many = False
            else:
                is_too_many = True
            self._tries[sender] = tries
            while len(self._tries) > _MOST_ADDRESSES:
                self._tries.popitem(last=False)
        if is_too_many:
            raise PausedError(
                "too many tries came from {address}",
                data="nothing was changed",
                next_step="wait a minute",
                address=address,
            )
