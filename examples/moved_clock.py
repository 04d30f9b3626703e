"""A clock that the demo moves: a year is lived through in a minute, by the real code.

Only this process sees it. Our modules ask `datetime.now`; here each of them, once it is imported,
gets a `datetime` whose `now` is moved, and which is the real one in all else. What measures
(`time.monotonic`) stays.
"""

import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from types import ModuleType
from typing import Any

_OURS = ("ops", "backup", "archive", "provisioning")

_ahead = timedelta(0)


class _LikeTheRealOne(type):
    """Lets `isinstance(value, datetime)` find real moments, and calls make real ones."""

    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, datetime)

    def __subclasscheck__(cls, subclass: type) -> bool:
        return issubclass(subclass, datetime)


class _Moved(datetime, metaclass=_LikeTheRealOne):
    """Makes real moments; only what `now` is differs."""

    def __new__(cls, *parts: Any, **named: Any) -> Any:
        return datetime(*parts, **named)  # noqa: DTZ001 - whoever calls gives the zone

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> Any:
        """Give the moved moment."""
        return datetime.now(tz) + _ahead


def move_to(moment: datetime) -> None:
    """Let it be a moment, from where time goes on; never back once it was moved.

    Raises:
        ValueError: It is later already.
    """
    global _ahead  # noqa: PLW0603 - a process has one clock
    if _ahead and moment < now():
        raise ValueError(f"it is past {moment} already")
    if not _ahead:
        _begin()
    _ahead = moment - datetime.now(UTC)


def now() -> datetime:
    """Give the moved moment, in UTC."""
    return datetime.now(UTC) + _ahead


class _Covering(SourceFileLoader):
    """Imports a module of ours, then covers its clock."""

    def exec_module(self, module: ModuleType) -> None:
        """Run the module; what it defines meanwhile is made of the real `datetime`."""
        super().exec_module(module)
        _cover(module)


class _Finder(PathFinder):
    @classmethod
    def find_spec(
        cls, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Find a module of ours."""
        if fullname.partition(".")[0] not in _OURS:
            return None
        spec = super().find_spec(fullname, path, target)
        if spec is not None and type(spec.loader) is SourceFileLoader:
            spec.loader = _Covering(spec.loader.name, spec.loader.path)
        return spec


def _begin() -> None:
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] in _OURS:
            _cover(module)
    sys.meta_path.insert(0, _Finder)


def _cover(module: ModuleType) -> None:
    if getattr(module, "datetime", None) is datetime:
        vars(module)["datetime"] = _Moved
