"""What can be done from the console: tasks, and which of their flags a form may fill.

The one list: forms, rights and tests come from it. A flag that names a file or a folder of the
server is never among the fields: what is uploaded, and where results go, the office itself decides.
"""

import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Literal

from ops.errors import WrongUseError
from ops.language.text import N_, make_visible
from ops.parts import Seam
from ops.terminal.task import OperatorTask

Kind = Literal["text", "long", "yes", "number", "date", "moment", "hidden", "upload"]

TASK_MODULES: Seam[ModuleType] = Seam("task-modules")
"""The modules that hold tasks."""

_LONG = frozenset({"note", "reason", "text", "risk", "result"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """A task that a form runs.

    Attributes:
        task: Its full name.
        label: What the button says.
        fields: Its flags that the form fills, in order.
        kinds: How a field is filled, where its type and name do not say.
        proof: The flag that takes password and code, where the person proves anew.
        names_person: Whether `--person` is who acts.
        upload: The flag that takes what is uploaded.
        out: The flag that says where its files go; they can be downloaded after it.
        always: Flags that are always given.
    """

    task: str
    label: str
    fields: tuple[str, ...] = ()
    kinds: Mapping[str, Kind] | None = None
    proof: str = ""
    names_person: bool = False
    upload: str = ""
    out: str = ""
    always: Mapping[str, object] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """A field of a form.

    Attributes:
        name: The task's parameter.
        kind: How it is filled.
        help: What it is, as the task's own help says; not translated.
        is_required: Whether it may not be left out.
    """

    name: str
    kind: Kind
    help: str
    is_required: bool


_LISTED = (
    Act(task="monitor.ack", label=N_("Take up"), fields=("alert", "note")),
    Act(
        task="approval.approve", label=N_("Approve"), fields=("id", "reason"),
        proof="password_file", names_person=True,
    ),
    Act(
        task="approval.refuse", label=N_("Refuse"), fields=("id", "reason"),
        proof="password_file", names_person=True,
    ),
    Act(task="service.trigger", label=N_("Run now"), fields=("job",)),
)  # fmt: skip

ACTS: Mapping[str, Act] = {act.task: act for act in _LISTED}
"""By task."""


def find_act(task: str) -> Act:
    """Give an act.

    Raises:
        WrongUseError: The console does no such thing.
    """
    if task not in ACTS:
        raise WrongUseError(
            "the console has no act {task}",
            data="nothing was changed",
            next_step="go back to the page and use its buttons",
            task=task[:80],
        )
    return ACTS[task]


def find_task(name: str) -> OperatorTask:
    """Give a task by its full name, `area.verb`.

    Raises:
        LookupError: There is none.
    """
    area, _dot, verb = name.partition(".")
    for module in TASK_MODULES.parts():
        if area == module.AREA and (found := _find_in(module, verb)):
            return found
    raise LookupError(name)


def _find_in(module: ModuleType, verb: str) -> OperatorTask | None:
    for value in vars(module).values():
        is_own = isinstance(value, OperatorTask) and value.__module__ == module.__name__
        if is_own and value.entry.name.partition(".")[2] == verb:
            return value  # type: ignore[no-any-return]
    return None


def fields_of(act: Act) -> list[Field]:
    """Give the fields of an act's form, in order."""
    entry = find_task(act.task).entry
    parameters = inspect.signature(entry.body).parameters
    return [
        Field(
            name=name,
            kind=_kind_of(act, name, parameters[name]),
            help=entry.help.get(name.strip("_"), ""),
            is_required=parameters[name].default is inspect.Parameter.empty,
        )
        for name in act.fields
    ]


def can_rehearse(act: Act) -> bool:
    """Say whether the task has a dry run, which a form offers before the act."""
    return "dry_run" in inspect.signature(find_task(act.task).entry.body).parameters


def _kind_of(act: Act, name: str, parameter: inspect.Parameter) -> Kind:
    if act.kinds and name in act.kinds:
        return act.kinds[name]
    if isinstance(parameter.default, bool):
        return "yes"
    if isinstance(parameter.default, int):
        return "number"
    return "long" if name in _LONG else "text"


_LONGEST_VALUE, _LONGEST_PROOF = 4_000, 200
_DIGITS = 6


def read_values(act: Act, form: Mapping[str, Any]) -> dict[str, object]:
    """Read what a form sent, as the task's parameters.

    Args:
        act: What is to be done.
        form: As sent: texts, whatever their names.

    Raises:
        WrongUseError: A field is missing, too long, or of another kind.
    """
    read = {field.name: _read_value(field, form.get(field.name, "")) for field in fields_of(act)}
    return {**(act.always or {}), **{name: it for name, it in read.items() if it is not None}}


def read_proof(given: Mapping[str, Any]) -> tuple[str, str]:
    """Read password and code, as a form sent them.

    Raises:
        WrongUseError: One of them is too long, or has more than one line.
    """
    password, code = str(given.get("password", "")), str(given.get("code", ""))
    if max(len(password), len(code)) > _LONGEST_PROOF or "\n" in password + code:
        raise WrongUseError("password or code cannot be read", data="nothing was changed")
    return password, code


def _read_value(field: Field, given: object) -> object:
    """Read one field; None where nothing was filled in."""
    if not isinstance(given, str) or len(given) > _LONGEST_VALUE:
        raise _unfit(field)
    text = given.replace("\r\n", "\n").strip()
    if make_visible(text, one_line=field.kind != "long") != text:
        raise _unfit(field)
    if field.is_required and not text:
        raise WrongUseError(
            "this field must be filled: {field}",
            data="nothing was changed",
            next_step="go back and fill it",
            field=field.name,
        )
    if field.kind == "yes":
        return text in {"1", "on", "true"}
    if field.kind == "number" and text:
        return _read_number(field, text)
    return text or None


def _read_number(field: Field, text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= _DIGITS):
        raise _unfit(field)
    return int(text)


def _unfit(field: Field) -> WrongUseError:
    return WrongUseError(
        "this field cannot be read: {field}",
        data="nothing was changed",
        next_step="go back and correct it",
        field=field.name,
    )
