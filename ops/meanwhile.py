"""Set what belongs to this thread of work for a while."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeVar

Value = TypeVar("Value")


@contextmanager
def meanwhile(variable: ContextVar[Value], value: Value) -> Iterator[None]:
    """Have a variable hold a value, and what it held before afterwards."""
    before = variable.set(value)
    try:
        yield
    finally:
        variable.reset(before)
