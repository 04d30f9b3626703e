"""What an item of each shape must have. What lacks is told, and the item is kept all the same.

A portal shows what it has; an archive that refused an article because its author wrote no date
would lose it. Refused is only what holds nothing at all. Fields are as `archive.capture` names
them; Decree 43/2011 (articles 10 to 16) says what a legal document and a draft show. Pure.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import date

from archive.metadata.item import MISSING, UNTITLED, Item, Shape, is_unknown

SEVEN = ("kind", "issuer", "number", "issued", "effective", "abstract")
"""Fields of a legal document; the seventh is its file."""

_DAYS = ("issued", "effective", "expires", "opens", "closes", "approved")


def lacks_of_shape(item: Item) -> Iterator[str]:
    """Give what an item of its shape should have and has not; also days that are none."""
    yield from _LACKS.get(item.shape, _nothing)(item)
    for name in _DAYS:
        if (told := item.fields.get(name)) and not _is_day(told):
            yield f"{name} is no day: {told[:40]}"


def lacks_of_core(item: Item) -> Iterator[str]:
    """Give which of the six fields that TT 24/2011/TT-BTTTT requires an item has not.

    Its address stands for the identifier where the portal gave none. What nobody knows is lacking.
    """
    if item.title == UNTITLED:
        yield "title"
    if all(map(is_unknown, item.creators)):
        yield "creator"
    if not (item.published or item.created):
        yield "date"
    if not item.description.strip():
        yield "description"
    if not item.publisher.strip():
        yield "publisher"
    if not (item.identifier.strip() or item.addresses):
        yield "identifier"


def is_empty(item: Item) -> bool:
    """Say whether an item holds nothing that could be kept, nor names what it once held."""
    return not item.parts and not any(it.startswith(MISSING) for it in item.fields)


def _nothing(_item: Item) -> Iterator[str]:
    yield from ()


def _news(item: Item) -> Iterator[str]:
    yield from _body(item)
    if item.published is None:
        yield "published"


def _statement(item: Item) -> Iterator[str]:
    yield from _news(item)
    if not any(it.role == "spokesperson" or it.organisation for it in item.creators):
        yield "spokesperson, or a body that speaks"


def _draft(item: Item) -> Iterator[str]:
    if not _has(item, "body", "attachment"):
        yield "the draft itself"
    yield from _fields(item, "opens", "closes", "status")
    if item.fields.get("status") == "closed" and not item.fields.get("outcome"):
        yield "outcome"


def _question(item: Item) -> Iterator[str]:
    bodies = sum(it.role == "body" for it in item.parts)
    steps = [status for _moment, status, _note in item.trail]
    if not bodies:
        yield "the question itself"
    if "received" not in steps:
        yield "when it was received"
    is_answered = "answered" in steps
    if is_answered and bodies == 1:
        yield "the answer"
    if bodies > 1 and not is_answered:
        yield "when it was answered"


def _legal_document(item: Item) -> Iterator[str]:
    yield from _fields(item, *SEVEN)
    if not _has(item, "body", "attachment"):
        yield "file"
    if not any(it.role in {"signer", "issuer"} for it in item.creators):
        yield "signer"


def _media(item: Item) -> Iterator[str]:
    if not _has(item, "attachment", "picture", "body"):
        yield "the file itself"
    if not (item.description or item.fields.get("alternative_text")):
        yield "description"


def _body(item: Item) -> Iterator[str]:
    if not _has(item, "body"):
        yield "text"


def _fields(item: Item, *names: str) -> Iterator[str]:
    return (name for name in names if not item.fields.get(name, "").strip())


def _has(item: Item, *roles: str) -> bool:
    return any(it.role in roles for it in item.parts)


def _is_day(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


_LACKS: Mapping[Shape, Callable[[Item], Iterator[str]]] = {
    "news": _news, "statement": _statement, "draft-law": _draft, "question": _question,
    "legal-document": _legal_document, "media": _media, "page": _body,
}  # fmt: skip
