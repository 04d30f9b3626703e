"""What a person types about an item of the plan, read and bounded; pure."""

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any

from ops.assets.sheet import read_whole
from ops.errors import unknown
from ops.language.text import N_
from ops.planning.item import CHOICES, MOST_MONEY, MOST_QUANTITY, QUOTATION, Item, refuse
from ops.told_text import one_line

MOST_TEXT = 2_000
TYPED_PRICE = "Giá tạm tính do đơn vị nhập"
"""Basis of a price that a person typed."""

_NUMBERS: Mapping[str, tuple[int, int]] = {
    "quarter": (1, 4),
    "quantity": (1, MOST_QUANTITY),
    "unit_price": (0, MOST_MONEY),
    "vat_percent": (0, 100),
}
_YES, _NO = {"yes", "true", "co", "có", "1"}, {"no", "false", "khong", "không", "0"}
CHANGEABLE = tuple(it.name for it in fields(Item) if it.name not in {"evidence", "causes"})
"""What `plan.edit --set` takes."""


def change_item(item: Item, given: Mapping[str, str]) -> Item:
    """Give an item with texts that a person typed in the place of what it says.

    A price that is typed is no longer the one of a quotation, and says so unless its basis is typed
    with it.
    """
    values: dict[str, Any] = {name: _read(name, text) for name, text in given.items()}
    price = values.get("unit_price", item.unit_price)
    if price != item.unit_price:
        values.setdefault("price_basis", "" if price is None else TYPED_PRICE)
        values["evidence"] = tuple(it for it in item.evidence if it.kind != QUOTATION)
    return check_item(replace(item, **values))


def check_item(item: Item) -> Item:
    """Give the item back where its words and money make sense."""
    if not item.title.strip():
        raise refuse(N_("an item says what is done"), N_("give `--set title=…`"))
    if item.asked > MOST_MONEY:
        raise refuse(
            N_("an item costs more than {most} đồng"),
            N_("look at its quantity and price"),
            most=MOST_MONEY,
        )
    return item


def _read(name: str, text: str) -> object:
    if name not in CHANGEABLE:
        raise unknown('an item has nothing called "{name}"', name, CHANGEABLE)
    clean = read_text(text)
    if name in CHOICES:
        return _choose(name, clean)
    if name in _NUMBERS:
        return _count(name, clean)
    if name == "is_recurrent":
        if clean.casefold() in _YES | _NO:
            return clean.casefold() in _YES
        raise refuse(N_("is_recurrent is yes or no"), N_("type yes or no"))
    return " ".join(clean.replace(",", " ").split()) if name == "asset" else clean


def read_text(text: str) -> str:
    """Read what a person typed: NFC, in one line, bounded."""
    clean = one_line(text)
    if len(clean) > MOST_TEXT:
        raise refuse(
            N_("a text is too long: at most {most} characters"),
            N_("say it shorter"),
            most=MOST_TEXT,
        )
    return clean


def _choose(name: str, text: str) -> str:
    if text in CHOICES[name]:
        return text
    raise unknown('"{name}" is no {field}', text, CHOICES[name], field=name)


def _count(name: str, text: str) -> int | None:
    if name == "unit_price" and not text:
        return None
    least, most = _NUMBERS[name]
    number = read_whole(text, most)
    if number is not None and number >= least:
        return number
    raise refuse(
        N_('"{text}" is no {name}'),
        N_("use a whole number from {least} to {most}"),
        text=text,
        name=name,
        least=least,
        most=most,
    )
