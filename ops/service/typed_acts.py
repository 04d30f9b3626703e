"""What people have typed and runs now in the service, so that others see it."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from secrets import token_urlsafe

import msgspec

from ops.console.office.order import Order

_END = ".act.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class TypedAct:
    """An act that runs.

    Attributes:
        task: Its name.
        person: Who typed it; the login of who is nobody in the estate.
        started_at: When, in UTC.
        line_is_cut: Whether the terminal has gone, and it goes on without.
    """

    task: str
    person: str
    started_at: datetime
    line_is_cut: bool = False


@dataclass(slots=True)
class Noted:
    """An act that others see.

    Attributes:
        path: Where it stands.
        act: What stands there.
    """

    path: Path
    act: TypedAct

    def write(self) -> None:
        """Let others see it."""
        with suppress(OSError):  # a full disk ends nothing
            self.path.write_bytes(msgspec.json.encode(self.act))

    def note_cut(self) -> None:
        """Note that its terminal has gone."""
        self.act = replace(self.act, line_is_cut=True)
        self.write()


@contextmanager
def note_act(place: Path, order: Order, *, changes: bool) -> Iterator[Noted]:
    """Let others see an act while it runs.

    Args:
        place: Folder of the acts' files.
        order: What is done.
        changes: Whether it changes something; what only looks is not worth telling.
    """
    person = order.caller.person or order.caller.login
    act = TypedAct(task=order.task, person=person, started_at=datetime.now(UTC))
    noted = Noted(place / f"{token_urlsafe(12)}{_END}", act)
    if changes:
        noted.write()
    try:
        yield noted
    finally:
        noted.path.unlink(missing_ok=True)


def list_typed(place: Path) -> list[TypedAct]:
    """Give what runs, the oldest first."""
    found = []
    for path in place.glob(f"*{_END}"):
        with suppress(OSError, msgspec.MsgspecError):
            found.append(msgspec.json.decode(path.read_bytes(), type=TypedAct))
    return sorted(found, key=lambda it: it.started_at)
