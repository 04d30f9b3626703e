"""What may be changed without root: fields of the estate with a mark; all others are root's.

A mark stands at the field itself and nowhere else. Who may write the changeable part must not gain
root's rights by it, nor those of another person: no field with a command, a key, a store, a host, a
source, a path, an address of a server, a login or a unit of people gets one.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from ops.estate.model.values import fields_of, is_list_of_tables, model_of

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Mark:
    """A field may stand in the changeable part.

    Attributes:
        is_whole: Whether with all that is in it; else its entries may be new ones, and of each what
            is marked.
    """

    is_whole: bool = True


Changeable = Annotated[T, Mark()]
"""A value, or a whole list or table."""

Addable = Annotated[T, Mark(is_whole=False)]
"""A list of entries with names: some may be added, and what is in them has marks of its own."""

Place = tuple[str | int, ...]


def mark_of(field: FieldInfo) -> Mark | None:
    """Give a field's mark; None where it is root's."""
    return next((it for it in field.metadata if isinstance(it, Mark)), None)


def is_whole(field: FieldInfo) -> bool:
    """Tell whether a field may be changed with all that is in it."""
    mark = mark_of(field)
    return mark is not None and mark.is_whole


def is_open(field: FieldInfo) -> bool:
    """Tell whether a field, or one inside it, may be changed."""
    model = model_of(field)
    inside = model.model_fields.values() if model else ()
    return mark_of(field) is not None or any(is_open(it) for it in inside)


def find_refused(
    data: Mapping[str, Any], model: type[BaseModel], at: Place = ()
) -> Iterator[Place]:
    """Yield the place of everything in a table that is root's; what no model knows is among it.

    Wrong shapes yield nothing: the models report them.
    """
    known = fields_of(model)
    for key, value in data.items():
        field = known.get(key)
        if field is None or not is_open(field):
            yield (*at, key)
            continue
        inner, is_list = model_of(field), is_list_of_tables(field)
        if inner is None or is_whole(field):
            continue
        entries = enumerate(value) if is_list and isinstance(value, list) else [("", value)]
        for number, entry in entries:
            place = (*at, key, number) if is_list else (*at, key)
            if isinstance(entry, dict):
                named = {it: entry[it] for it in entry if not (is_list and it == "name")}
                yield from find_refused(named, inner, place)


def list_open(model: type[BaseModel], at: str = "") -> Iterator[str]:
    """Yield the dotted keys that may be changed, as the reference and errors name them."""
    for key, field in fields_of(model).items():
        inner, path = model_of(field), f"{at}.{key}" if at else key
        if is_whole(field):
            yield path
        elif inner is not None and is_open(field):
            yield from list_open(inner, f"{path}[]" if is_list_of_tables(field) else path)
