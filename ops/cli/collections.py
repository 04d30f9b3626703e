"""The operators' tasks as collections, in the order operators meet them.

Each slice's `tasks.py` names its collection in `AREA`; the first one of a collection may hold
`TITLE = N_("...")`, the head of its group in `--list`. These modules import nothing heavy at their
top: listing all tasks takes next to no time.
"""

from importlib import import_module
from types import ModuleType

from invoke.collection import Collection

from ops.cli.door import pass_door
from ops.terminal.task import OperatorTask
from ops.wiring import TASKS


def load_tasks() -> Collection:
    """Give the root collection with one collection an area."""
    OperatorTask.door = staticmethod(pass_door)
    root = Collection()
    for module in map(import_module, TASKS):
        if module.AREA not in root.collections:
            collection = Collection(module.AREA)
            collection.__doc__ = getattr(module, "TITLE", "")
            root.add_collection(collection)
        for task in _tasks_of(module):
            root.collections[module.AREA].add_task(task)
    return root


def _tasks_of(module: ModuleType) -> list[OperatorTask]:
    """Give the tasks a module defines itself, in the order of its text."""
    return [
        value
        for value in vars(module).values()
        if isinstance(value, OperatorTask) and value.__module__ == module.__name__
    ]
