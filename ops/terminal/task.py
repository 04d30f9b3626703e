"""An operator's task, described: its name, flags and help."""

import functools
import inspect
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from invoke.context import Context
from invoke.exceptions import Exit
from invoke.tasks import Task

from ops.language.text import N_, _, paragraphs_of
from ops.terminal.exit_codes import attempt
from ops.terminal.flags import JSON, NumberReader

PROOF_FLAG, JSON_FLAG = "proof_file", "json"
_PROOF_HELP = N_(
    "File with your password and, on its second line, a code, should you have to prove who you are;"
    " left out: asks."
)


class Door(Protocol):
    """What every task passes before it runs: flags, owner, rights, proof."""

    def __call__(self, entry: "Entry", context: Context, values: dict[str, Any], /) -> int | None:
        """Run what lies behind the door; gives its exit code."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What the door is told of a task.

    Attributes:
        body: The function behind the task.
        required: Parameters that must be given.
        as_owner: Whether it has to run as the owner of the estate's folders.
        help: A message for each flag, not translated yet.
    """

    body: Callable[..., int | None]
    required: tuple[str, ...]
    as_owner: bool
    help: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The task as it is typed: `backup.run-all`."""
        area = sys.modules[self.body.__module__].__dict__["AREA"]
        return f"{area}.{self.body.__name__.strip('_').replace('_', '-')}"


class OperatorTask(Task[Callable[..., None]]):
    """A task that takes flags only; `required` names those that must be given."""

    door: Door
    """Set once for all tasks by who gathers them (`ops.cli.collections`)."""
    required: tuple[str, ...] = ()
    entry: Entry
    """What lies behind the door, for who runs it behind another one."""

    def arg_opts(self, name: str, default: Any, taken_names: set[str]) -> dict[str, Any]:
        """Say what one flag takes; numbers are read by us, since invoke lets every int pass."""
        options = super().arg_opts(name, default, taken_names)
        if options.get("kind") is int:
            options["kind"] = NumberReader(options["names"][0])
        return options


def operator_task(
    *,
    name: str | None = None,
    help: Mapping[str, str] | None = None,  # noqa: A002 - invoke's own word
    iterable: Sequence[str] = (),
    as_owner: bool = True,
    two_people: bool = False,
    foreground: bool = False,
) -> Callable[[Callable[..., int | None]], OperatorTask]:
    """Make a task of a function.

    Args:
        name: The task's name where it cannot be the function's.
        help: A message for each flag.
        iterable: Flags that may be given several times.
        as_owner: Whether the task touches the estate's folders, and so has to run as their owner
            and by somebody whose roles allow it (`ops.access.rights`).
        two_people: Whether it may ask for a second person: then it takes `--proof-file`, with which
            the one who asks proves who it is where the system cannot tell.
        foreground: Whether it runs until it is ended, so that it has no result; every other task
            takes `--json` (`ops.terminal.document`).
    """

    def make(body: Callable[..., int | None]) -> OperatorTask:
        entry = Entry(body, _required_flags(body), as_owner, dict(help or {}))

        @functools.wraps(body)
        def run(context: Context, **values: Any) -> None:
            as_json = values[JSON_FLAG] if has_own_json else values.pop(JSON_FLAG, False)
            code = _run(lambda: OperatorTask.door(entry, context, values), values, as_json)
            if code:
                raise Exit(code=code)

        added = {PROOF_FLAG: _PROOF_HELP} if two_people else {}
        has_own_json = JSON_FLAG in inspect.signature(body).parameters
        if not has_own_json and not foreground:
            added[JSON_FLAG] = JSON
        run.__signature__ = _with_flags(body, added)  # type: ignore[attr-defined]  # inspect reads it
        told = {**(help or {}), **added}
        paragraphs = paragraphs_of(inspect.getdoc(body) or "")
        run.__doc__ = "\n\n".join(_(paragraph) for paragraph in paragraphs)
        made = OperatorTask(
            run,
            name=name,
            positional=[],  # with positional flags `--dry` would be taken for a value
            auto_shortflags=False,  # short names would change whenever a flag is added
            iterable=list(iterable),
            help={flag: _(text) for flag, text in told.items()},
        )
        made.required, made.entry = entry.required, entry
        return made

    return make


def _run(action: Callable[[], int | None], values: Mapping[str, Any], as_json: bool) -> int:
    if not as_json:
        return attempt(action)
    from ops.terminal.document import write_document

    return write_document(action, dry_run=bool(values.get("dry_run")))


def _with_flags(body: Callable[..., object], added: Mapping[str, str]) -> inspect.Signature:
    """Give a task's signature with flags that its body does not take: a file, or yes and no."""
    signature = inspect.signature(body)
    parameters = [
        inspect.Parameter(
            name, inspect.Parameter.KEYWORD_ONLY, default="" if name == PROOF_FLAG else False
        )
        for name in added
    ]
    return signature.replace(parameters=[*signature.parameters.values(), *parameters])


def _required_flags(body: Callable[..., object]) -> tuple[str, ...]:
    parameters = list(inspect.signature(body).parameters.values())[1:]
    return tuple(item.name for item in parameters if item.default is inspect.Parameter.empty)
