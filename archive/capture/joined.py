"""Join the rows of several queries while they come, each in the order of the item they belong to.

No query's rows are held: of each, only those of the item that is being made.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from archive.capture.captured import Captured, Portal, Row, Tally
from archive.capture.values import Cells, as_number
from archive.errors import ItemRefusedError, NotCapturedError

_MOST = 50_000

Order = Callable[[object], Any]
"""Gives what rows are ordered by, from the value of their key; None where it is no key."""


@dataclass(frozen=True, slots=True)
class Key:
    """What items are told apart by.

    Attributes:
        column: Has it.
        name_of: Gives an item's `source_key` from its value.
        order: Of the rows.
    """

    column: str
    name_of: Callable[[object], str]
    order: Order = as_number


class Followers:
    """Rows that belong to items, taken item by item."""

    def __init__(self, rows: Iterable[Row], column: str, order: Order = as_number) -> None:
        self._rows, self._column, self._order = iter(rows), column, order
        self._next = next(self._rows, None)

    def of(self, key: Any) -> list[Row]:
        """Give the rows of an item; those of items before it, which nobody asked for, are left.

        Raises:
            ItemRefusedError: It has more rows than can be held.
        """
        found = []
        while self._next is not None:
            its = self._order(self._next.get(self._column))
            if its is not None and its > key:
                break
            if its == key:
                found.append(self._next)
            self._next = next(self._rows, None)
            if len(found) > _MOST:
                raise NotCapturedError(why="it has more than {most} rows", most=_MOST)
        return found


def rows_of(rows: Mapping[str, Iterable[Row]], name: str) -> Iterable[Row]:
    """Give a query's rows; none where the query was not asked for."""
    return rows.get(name, ())


def each_item(
    rows: Iterable[Row],
    make: Callable[[Any, Cells], Captured | None],
    portal: Portal,
    tally: Tally,
    key: Key,
) -> Iterator[Captured]:
    """Make an item of each row; what cannot be made is refused by name, and the run goes on.

    Args:
        rows: In the order of their key.
        make: Gives the item of a key and a row; None where the portal does not show it.
        portal: Whose it is.
        tally: Counts.
        key: What the rows are ordered by.
    """
    last: Any = None
    for row in rows:
        cells = Cells(row, portal.time_zone)
        number = key.order(row.get(key.column))
        source_key = key.name_of("?" if number is None else number)
        try:
            if number is None:
                raise NotCapturedError(why="its number cannot be read")
            if last is not None and number <= last:
                raise NotCapturedError(why="it came twice, or out of order")
            last = number
            captured = make(number, cells)
        except ItemRefusedError as error:
            tally.refuse(portal.site, source_key, error)
        except (ArithmeticError, LookupError, TypeError, ValueError, OSError) as error:
            reason = NotCapturedError(
                why="its values cannot be read: {kind}", kind=type(error).__name__
            )
            tally.refuse(portal.site, source_key, reason)
        else:
            if captured is not None:
                yield tally.take(captured)
