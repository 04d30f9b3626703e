"""What an entry of the register is, and which change of one makes sense; pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from ops.errors import WrongUseError
from ops.language.text import N_

Kind = Literal["remark", "support", "restore", "incident", "difficulty"]
State = Literal["received", "acknowledged", "restored", "closed"]
LinkKind = Literal["run", "alert", "finding", "drill"]

KINDS: Mapping[Kind, str] = {
    "remark": N_("remark"),
    "support": N_("request for support"),
    "restore": N_("request for a restore"),
    "incident": N_("incident"),
    "difficulty": N_("difficulty"),
}
"""What is entered: the Regulation's Điều 12, 13 (remarks, requests), 14 (incidents) and 16(2)."""

STATES: Mapping[State, str] = {
    "received": N_("received"),
    "acknowledged": N_("acknowledged"),
    "restored": N_("works again"),
    "closed": N_("closed"),
}

LINK_WORDS: Mapping[LinkKind, str] = {
    "run": N_("run"),
    "alert": N_("alert"),
    "finding": N_("finding"),
    "drill": N_("drill"),
}
"""What can belong to an entry."""

MOST_TITLE = 200
MOST_TEXT = 4000


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """Something of the catalog that belongs to an entry: its kind, and its id in hexadecimal."""

    kind: LinkKind
    ref: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NewEntry:
    """What is written down first; fields as in `ops.catalog.tables.register.RegisterEntry`."""

    kind: Kind
    title: str
    occurred_at: datetime
    received_at: datetime
    unit: str = ""
    site: str = ""
    reporter: str = ""
    document: str = ""
    is_serious: bool = False
    has_personal_data: bool = False
    links: tuple[Link, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """An entry as it stands; fields as in `ops.catalog.tables.register.RegisterEntry`.

    Attributes:
        id: In hexadecimal.
        called: What people call it, `2026-017`.
    """

    id: str
    called: str
    kind: Kind
    title: str
    unit: str
    site: str
    reporter: str
    document: str
    is_serious: bool
    has_personal_data: bool
    occurred_at: datetime
    received_at: datetime
    acknowledged_at: datetime | None
    restored_at: datetime | None
    closed_at: datetime | None
    cause: str
    result: str
    opened_by: str
    closed_by: str

    @property
    def state(self) -> State:
        """How far it has come."""
        if self.closed_at is not None:
            return "closed"
        if self.restored_at is not None:
            return "restored"
        return "acknowledged" if self.acknowledged_at is not None else "received"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What is added to an entry; None and empty for what stays.

    Attributes:
        acknowledged_at, restored_at, closed_at: Moments that are noted for the first time.
        cause, result, document: Texts that take the place of those before.
        is_serious, has_personal_data: Whether it has turned out to be so; never taken back, since
            a clock that ran once has run.
        note: What was done or found.
        links: What belongs to it.
    """

    acknowledged_at: datetime | None = None
    restored_at: datetime | None = None
    closed_at: datetime | None = None
    cause: str = ""
    result: str = ""
    document: str = ""
    is_serious: bool = False
    has_personal_data: bool = False
    note: str = ""
    links: tuple[Link, ...] = ()

    def as_values(self) -> dict[str, object]:
        """Give what is set, as JSON values."""
        values: dict[str, object] = {}
        for name in ("acknowledged_at", "restored_at", "closed_at"):
            moment = getattr(self, name)
            if moment is not None:
                values[name] = moment.isoformat()
        for name in ("cause", "result", "document", "is_serious", "has_personal_data", "note"):
            if getattr(self, name):
                values[name] = getattr(self, name)
        if self.links:
            values["links"] = [f"{it.kind}:{it.ref}" for it in self.links]
        return values


def check_new(new: NewEntry, now: datetime) -> None:
    """Refuse what cannot be so."""
    _check_text("title", new.title, MOST_TITLE)
    if not new.title.strip():
        raise WrongUseError("an entry says what it is about", next_step="give `--title`")
    if (new.is_serious or new.has_personal_data) and new.kind != "incident":
        raise WrongUseError(
            "only an incident is serious or touches personal data", next_step="use --kind incident"
        )
    if max(new.occurred_at, new.received_at) > now:
        raise WrongUseError(
            "a moment has not come yet", next_step="look at the dates and type it again"
        )
    if new.occurred_at > new.received_at:
        raise WrongUseError(
            "it was received before it happened", next_step="look at the dates and type it again"
        )


def check_change(entry: Entry, change: Change, now: datetime) -> None:
    """Refuse a change that does not follow from how the entry stands."""
    if entry.state == "closed":
        raise WrongUseError(
            "the entry is closed, and stays as it is",
            next_step="add another one that names it: `{program} register.add`",
        )
    if not change.as_values():
        raise WrongUseError(
            "nothing would change", next_step="say what is new: `--note`, `--acknowledged`, …"
        )
    if (change.is_serious or change.has_personal_data) and entry.kind != "incident":
        raise WrongUseError(
            "only an incident is serious or touches personal data", next_step="add an incident"
        )
    for name in ("cause", "result", "note"):
        _check_text(name, getattr(change, name), MOST_TEXT)
    _check_moments(entry, change, now)


def _check_moments(entry: Entry, change: Change, now: datetime) -> None:
    before = entry.received_at
    for name in ("acknowledged_at", "restored_at", "closed_at"):
        known, given = getattr(entry, name), getattr(change, name)
        if known is not None and given is not None:
            raise WrongUseError(
                "that moment is noted already", next_step="`{program} register.show` shows it"
            )
        # Something may work again before anybody has answered for it.
        earliest = entry.occurred_at if name == "restored_at" else before
        if given is not None and not earliest <= given <= now:
            raise WrongUseError(
                "the moments are out of order, or one has not come yet",
                next_step="`{program} register.show` shows those that are noted",
            )
        if name != "restored_at":
            before = given or known or before


def _check_text(name: str, text: str, most: int) -> None:
    if len(text) > most:
        raise WrongUseError(
            "the text of --{flag} is too long",
            why="{count} characters, and {most} are kept",
            next_step="say it shorter, and name the document that holds the rest",
            flag=name,
            count=len(text),
            most=most,
        )
