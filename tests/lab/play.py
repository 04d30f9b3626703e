"""Plays: events in the lab, and what must be told, shown, printed, restored.

A play is a module of `tests.lab.plays` with `play(lab)`; its docstring's first line says what it
is about. It asserts what must hold, and says each of its steps. Where it needs minutes it says so
by `IS_LONG = True`, and `.ci/run` leaves it out; by `IS_LAST = True` that none can be played after
it. One with `begin(lab)`, which lets the incident happen and nothing more, can be practised; where
that changes more than its site, `take_back(lab)` puts it as it was, however far somebody got.
"""

import importlib
import pkgutil
import time
from types import ModuleType

from tests.lab import plays
from tests.lab.lab import Lab


def list_plays() -> list[str]:
    """Give the names of all plays, in their order."""
    names = sorted(it.name for it in pkgutil.iter_modules(plays.__path__))
    return sorted(names, key=lambda it: getattr(_load(it), "IS_LAST", False))


def list_short() -> list[str]:
    """Give the names of those that `.ci/run` has."""
    return [it for it in list_plays() if not getattr(_load(it), "IS_LONG", False)]


def run_play(name: str, lab: Lab) -> None:
    """Run one, and say what it is about and how long it took.

    Raises:
        AssertionError: Something did not hold.
    """
    module, started = _load(name), time.monotonic()
    print(f"{name}: {(module.__doc__ or '').partition(chr(10))[0]}", flush=True)
    module.play(lab)
    print(f"{name}: as it must be, after {time.monotonic() - started:.0f} s", flush=True)


def begin_play(name: str, lab: Lab) -> None:
    """Have what a play is about happen, and nothing more: for who practises."""
    begun = lab.folder / "begun"
    before = _load(begun.read_text()) if begun.exists() else None
    if take_back := getattr(before, "take_back", None):
        step(f"first everything is put as it was before {begun.read_text()}")
        take_back(lab)
    begun.write_text(name)
    _load(name).begin(lab)


def step(text: str) -> None:
    """Say what a play does next."""
    print(f"  {time.strftime('%H:%M:%S')} {text}", flush=True)


def _load(name: str) -> ModuleType:
    return importlib.import_module(f"{plays.__name__}.{name}")
