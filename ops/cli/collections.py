"""The operators' tasks: every module here that defines tasks is one collection, named like it.

A module may hold `TITLE = N_("...")`, the head of its group in `--list`. One that holds `AREA`
adds its tasks to the collection of that name, which another module opens. Modules import nothing
heavy at their top: listing all tasks takes next to no time.
"""

import pkgutil
from collections.abc import Iterator
from importlib import import_module
from types import ModuleType
from typing import Any

from invoke.collection import Collection
from invoke.tasks import Task

ORDER = (
    "estate",
    "backup",
    "backup_repair",
    "backup_keys",
    "backup_media",
    "backup_watch",
    "backup_lookback",
    "backup_loading",
    "service",
    "approval",
    "user",
    "duty",
    "drill",
    "runbook",
)


def load_tasks() -> Collection:
    """Give the root collection with one collection a module, in the order operators meet them."""
    root = Collection()
    for module in _task_modules():
        tasks = _tasks_of(module)
        area = getattr(module, "AREA", "")
        for task in tasks if area else ():
            root.collections[area].add_task(task)
        if tasks and not area:
            collection = Collection(module.__name__.rpartition(".")[2], *tasks)
            collection.__doc__ = getattr(module, "TITLE", "")
            root.add_collection(collection)
    return root


def _task_modules() -> Iterator[ModuleType]:
    names = [module.name for module in pkgutil.iter_modules(__path__)]
    rank = {name: number for number, name in enumerate(ORDER)}
    for name in sorted(names, key=lambda name: (rank.get(name, len(ORDER)), name)):
        yield import_module(f"{__name__}.{name}")


def _tasks_of(module: ModuleType) -> list[Task[Any]]:
    """Give the tasks a module defines itself, in the order of its text."""
    return [
        value
        for value in vars(module).values()
        if isinstance(value, Task) and value.__module__ == module.__name__
    ]
