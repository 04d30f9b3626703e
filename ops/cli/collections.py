"""The operators' tasks as Fabric's, in collections, in the order operators meet them.

The first module of a collection may hold `TITLE = N_("...")`, the head of its group in `--list`.
"""

import inspect
from typing import Any

import fabric
from invoke.collection import Collection
from invoke.context import Context
from invoke.exceptions import Exit

from ops import wiring as _wiring  # noqa: F401 - lists the modules that hold tasks
from ops.cli.door import check_flags, pass_door
from ops.language.text import _
from ops.terminal.exit_codes import attempt
from ops.terminal.flags import number_reader
from ops.terminal.task import TASK_MODULES, DeclaredFlag, Task, tasks_of


class FabricTask(fabric.Task):  # type: ignore[misc]  # fabric has no types
    """A task as Fabric has it.

    Attributes:
        declared: As it is declared; set once it is made.
    """

    declared: Task

    def arg_opts(self, name: str, default: Any, taken_names: set[str]) -> dict[str, Any]:
        """Say what one flag takes; numbers are read by us, since invoke lets every int pass."""
        options: dict[str, Any] = super().arg_opts(name, default, taken_names)
        if self.body.__annotations__[name] is int:
            options["kind"] = number_reader(options["names"][0])
        return options

    @property
    def required(self) -> tuple[str, ...]:
        """The flags that must be given, as fields of the wish."""
        return tuple(it.name for it in self.declared.flags.values() if it.is_required)


def load_tasks() -> Collection:
    """Give the root collection with one collection an area."""
    root = Collection()
    for module in TASK_MODULES.parts():
        for task in tasks_of(module):
            if task.area not in root.collections:
                collection = Collection(task.area)
                collection.__doc__ = getattr(module, "TITLE", "")
                root.add_collection(collection)
            root.collections[task.area].add_task(make_fabric_task(task))
    return root


def make_fabric_task(task: Task) -> FabricTask:
    """Make Fabric's task of a declared one; it takes flags only."""

    def body(context: Context, **values: Any) -> None:
        code = _run(task, context, values)
        if code:
            raise Exit(code=code)

    flags = task.flags.values()
    body.__signature__ = inspect.Signature(  # type: ignore[attr-defined]  # inspect reads it
        [
            inspect.Parameter("context", inspect.Parameter.POSITIONAL_OR_KEYWORD),
            *map(_parameter, flags),
        ]
    )
    body.__annotations__ = {it.name: it.kind for it in flags}
    body.__doc__ = "\n\n".join(_(paragraph) for paragraph in task.about)
    made: FabricTask = fabric.task(
        klass=FabricTask,
        name=task.name.partition(".")[2],
        positional=[],  # with positional flags `--dry` would be taken for a value
        auto_shortflags=False,  # short names would change whenever a flag is added
        iterable=[it.name for it in flags if it.kind is tuple],
        help={it.written.replace("-", "_"): _(it.help) for it in flags},
    )(body)
    made.declared = task
    return made


def _parameter(flag: DeclaredFlag) -> inspect.Parameter:
    default = inspect.Parameter.empty if flag.is_required else flag.default
    if flag.kind is tuple:  # invoke makes lists of those
        default = None
    return inspect.Parameter(flag.name, inspect.Parameter.KEYWORD_ONLY, default=default)


def _run(task: Task, context: Context, values: dict[str, Any]) -> int:
    code = attempt(lambda: check_flags(task, context, values))
    if code:
        return code
    from ops.cli.client import ask_task

    asked = ask_task(task, values)
    if asked is not None:
        return asked
    from ops.terminal.document import tell_as_asked

    return tell_as_asked(lambda: pass_door(task, values), values)
