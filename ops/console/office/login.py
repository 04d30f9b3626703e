"""Let somebody in: password and code, as `user.add` gave them."""

import logging
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache

from ops.access.caller import Caller, acting_for
from ops.access.credentials import (
    CredentialsChangedError,
    PausedError,
    Proof,
    ProofError,
    has_good_credentials,
    prove,
)
from ops.access.factors import hash_password, is_password_right
from ops.access.seal import load_credentials_key
from ops.access.session import person_at_terminal
from ops.catalog.open import Catalog
from ops.console.frames import whose_address
from ops.console.office.sessions import Sessions
from ops.errors import OpsError
from ops.estate.model.estate import Estate
from ops.journal import journal
from ops.journal.journal import Entry

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
    """Give the error after as much work as a wrong password takes."""
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
