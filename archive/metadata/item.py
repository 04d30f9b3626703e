"""An item of the portal as the archive keeps it: `item.json`, in every version of its object.

Fields follow Dublin Core as TT 24/2011/TT-BTTTT names it, and what TT 05/2025/TT-BNV asks of an
archived document. Times are aware and written in UTC; texts are kept as the portal had them (their
NFC form is a representation of its own). Pure.
"""

import secrets
import uuid
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from enum import IntEnum
from typing import Literal

import msgspec

from archive.errors import ItemRefusedError, ObjectDamagedError

ITEM_FILE = "item.json"
EVENTS_FILE = "events.jsonl"
MISSING = "missing."
"""Before the path of a file of an item that could not be captured, in its fields; says why."""
SCHEMA = 1
UNTITLED = "(không có tiêu đề)"
"""Title of an item that the portal gives none."""

_NAMESPACE = uuid.UUID("6f1d5a3e-0c55-5b4e-9f0e-2f6a3f4d7c11")
_NONCE_BYTES = 32
_BELONGS = {"public", "about"}  # as `archive.capture` relates a part to its item

Basis = Literal["own", "reprint", "exchange", "unknown"]
"""By what right an item stands on the portal: its own, reprinted with leave, given by an agency."""

Shape = Literal[
    "news", "statement", "draft-law", "question", "legal-document", "media", "page", "other"
]
"""What an item consists of; decides which fields and parts it has (`archive.metadata.shapes`)."""

Role = Literal["body", "attachment", "picture", "readable", "comments", "private", "record"]
"""What a file of an item is. `readable` is an NFC text made of an old encoding."""


class Grade(IntEnum):
    """Access grades (QCVN 12, 3.5.2.1.2); from RESTRICTED on, no plain copy elsewhere."""

    PUBLIC = 1
    INTERNAL = 2
    RESTRICTED = 3
    SECRET = 4


class Agent(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A person or body behind an item.

    Attributes:
        name: As the portal gives it; "unknown" only together with a reason and who says so.
        role: `author`, `signer`, `spokesperson`, `photographer`, …
        organisation: Its body; may be empty.
        unknown_because, unknown_by: Why the name is not known, and the officer who says so.
    """

    name: str
    role: str = "author"
    organisation: str = ""
    unknown_because: str = ""
    unknown_by: str = ""


class Source(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where an item comes from.

    Attributes:
        name: The portal, newspaper or body; never empty.
        url: Address at the source.
        published: Date of the item at the source.
        basis: By what right it is used.
        permission: Licence, agreement or document number that gives it.
        unknown_because, unknown_by: As `Agent` has them.
    """

    name: str
    url: str = ""
    published: date | None = None
    basis: Basis = "own"
    permission: str = ""
    unknown_because: str = ""
    unknown_by: str = ""


class Retention(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How long an item is kept, and by which row of which table.

    Attributes:
        row: Name of the row; empty is unmapped: kept, and asked about.
        table: Version of the table, as its rows name it.
        years: None is for ever.
        trigger: What the term counts from.
        due: First day after it; None: never, or the trigger has not come.
        basis: Which rule says so.
        action: What comes then: `keep`, `review`, `transfer`, `destroy`; never by itself.
    """

    row: str = ""
    table: str = ""
    years: int | None = None
    trigger: str = ""
    due: date | None = None
    basis: str = ""
    action: str = ""


class Part(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A file of an item.

    Attributes:
        path: Logical path inside the object, made by us.
        role: What it is.
        name: What the portal or the sender calls it; NFC, for people only.
        url: Its address on the portal.
        media_type: As declared; empty if nothing was.
        size, sha512, sha256: Of its bytes; 0 and empty before ingest.
        puid: PRONOM id; empty if not identified.
        format_basis: Tool, version and signatures that say so.
        malware: Verdict and database version; empty when not run.
        encoding: Of a text, where it was recognised.
        derived_from: Path of the part this one was made from.
    """

    path: str
    role: Role = "attachment"
    name: str = ""
    url: str = ""
    media_type: str = ""
    size: int = 0
    sha512: str = ""
    sha256: str = ""
    puid: str = ""
    format_basis: str = ""
    malware: str = ""
    encoding: str = ""
    derived_from: str = ""


class RefusedPart(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A file that the portal has with an item and the archive does not take.

    Attributes:
        part: Its description and digests; its bytes are nowhere in the archive.
        place: Where it stood among the files of the item, from 0.
        why: Which malware or kind of program it is, in English.
    """

    part: Part
    place: int
    why: str


class Item(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One item with what is known of it.

    Attributes:
        schema: Of this file.
        id: `urn:uuid:…`; stays through every version.
        site: Name of the site.
        source_key: What the portal calls it: `wordpress/post/12`; for by-hand items their number.
        content_class: As the estate's `[[classes]]` name it.
        shape: What it consists of.
        title, description, language, publisher, identifier: Dublin Core.
        creators: Never empty.
        source: Never empty.
        keywords: Subjects, in the portal's order.
        created, published, modified, withdrawn, superseded: On the portal.
        archived: When this version was; UTC.
        addresses: Every address it had, newest first.
        grade: Who may see it.
        retention: How long it stays.
        fields: What its shape has besides: document number, signer, status, deadline, …
        trail: Steps of a question or draft: (moment, status, note).
        parts: Files, body first.
        refused: Files of it that were not taken, in their order.
        related: Ids of objects that belong to it: private part, comments, media.
        nonce: 64 hex digits; a leaf of the journal says nothing of an item that is gone.
    """

    schema: int = SCHEMA
    id: str
    site: str
    source_key: str
    content_class: str
    shape: Shape
    title: str
    creators: tuple[Agent, ...]
    source: Source
    description: str = ""
    language: str = "vi"
    publisher: str = ""
    identifier: str = ""
    keywords: tuple[str, ...] = ()
    created: datetime | None = None
    published: datetime | None = None
    modified: datetime | None = None
    withdrawn: datetime | None = None
    superseded: datetime | None = None
    archived: datetime | None = None
    addresses: tuple[str, ...] = ()
    grade: Grade = Grade.PUBLIC
    retention: Retention = Retention()
    fields: Mapping[str, str] = {}
    trail: tuple[tuple[datetime, str, str], ...] = ()
    parts: tuple[Part, ...] = ()
    refused: tuple[RefusedPart, ...] = ()
    related: Mapping[str, str] = {}
    nonce: str = ""

    def as_json(self) -> bytes:
        """Give `item.json`: indented, for people who read it without us."""
        values = {"schema": SCHEMA} | msgspec.to_builtins(self)
        return msgspec.json.format(msgspec.json.encode(values), indent=1) + b"\n"


_decoder = msgspec.json.Decoder(Item)


def parse_item(data: bytes) -> Item:
    """Read an `item.json`.

    Raises:
        ObjectDamagedError: It is none, or of a newer schema.
    """
    try:
        item = _decoder.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError, ValueError) as error:
        raise ObjectDamagedError(
            "an item's description cannot be read",
            why="{reason}",
            data="its files were not touched",
            next_step="`{program} archive.verify`",
            reason=str(error),
        ) from error
    if item.schema > SCHEMA:
        raise ObjectDamagedError(
            "an item's description has the schema {schema}, this version knows {known}",
            data="its files were not touched",
            next_step="use a newer version of Giữ Cổng",
            schema=item.schema,
            known=SCHEMA,
        )
    return item


def make_id(site: str, source_key: str, part: str = "") -> str:
    """Give the id of what a portal calls so; the same one each time.

    A rebuilt index, and a run after a killed one, so find the object that is there. `part` parts
    the objects of one item: `private`, `comments`.
    """
    return uuid.uuid5(_NAMESPACE, f"{site}\n{source_key}\n{part}").urn


def new_nonce() -> str:
    """Give 256 random bits."""
    return secrets.token_hex(_NONCE_BYTES)


def lacks_of(item: Item) -> Iterator[str]:
    """Give the names of required fields that are empty, or unknown without reason and officer."""
    for name in ("id", "site", "source_key", "content_class", "title"):
        if not getattr(item, name).strip():
            yield name
    if not item.creators:
        yield "creators"
    behind: tuple[Agent | Source, ...] = (*item.creators, item.source)
    for agent in behind:
        kind = "source" if isinstance(agent, Source) else "creators"
        if not agent.name.strip():
            yield kind
        elif is_unknown(agent) and not (agent.unknown_because and agent.unknown_by):
            yield f"{kind}.unknown_because"
    used = item.source
    if used.basis in {"reprint", "exchange"} and not (used.url or used.permission):
        yield "source.permission"


def is_part(item: Item) -> bool:
    """Say whether an object belongs to another item: its private part, or what readers said."""
    return not item.related.keys().isdisjoint(_BELONGS)


def is_unknown(agent: Agent | Source) -> bool:
    """Say whether somebody or something is named as unknown."""
    return agent.name.strip().casefold() in {"unknown", "không rõ"}


def ensure_complete(item: Item) -> None:
    """Refuse an item that lacks what every archived item must have.

    Raises:
        ItemRefusedError: Fields are empty; names them.
    """
    lacks = sorted(set(lacks_of(item)))
    if lacks:
        raise ItemRefusedError(
            "{key} of {site} cannot be archived: {fields} missing",
            why="an archived item has an author and a source; unknown needs a reason and a name",
            data="nothing of it was written",
            next_step="add them, or say who does not know them and why",
            key=item.source_key,
            site=item.site,
            fields=", ".join(lacks),
        )
