"""Who acts through the console: known by a session there and not by the login of this process.

Reads are answered by threads of one process, so the caller belongs to the thread.
"""

from contextlib import AbstractContextManager
from contextvars import ContextVar
from dataclasses import dataclass

from ops.meanwhile import meanwhile


@dataclass(frozen=True, slots=True)
class Caller:
    """A person who has logged in at the console.

    Attributes:
        person: Name in the estate.
        login: What the person typed to log in.
        address: Where from.
    """

    person: str
    login: str
    address: str


_CALLER: ContextVar[Caller | None] = ContextVar("caller", default=None)


def acting_for(caller: Caller) -> AbstractContextManager[None]:
    """Have this thread act for somebody, in place of who sits at a terminal."""
    return meanwhile(_CALLER, caller)


def current_caller() -> Caller | None:
    """Give for whom this thread acts; None at a terminal."""
    return _CALLER.get()
