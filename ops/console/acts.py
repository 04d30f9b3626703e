"""What can be done from the console: tasks, and which of their flags a form may fill.

The one list: forms, rights and tests come from it. What names a file or a folder of the server is
never a field: what is uploaded, and where results go, the office itself decides.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from functools import cache
from itertools import chain
from typing import Literal, get_args

from ops.errors import WrongUseError
from ops.terminal.task import DeclaredFlag, Task, all_tasks, find_task

Kind = Literal[
    "text", "long", "lines", "pairs", "yes", "number", "date", "moment", "hidden", "upload", "path"
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """A task that a form runs.

    Attributes:
        task: Its full name.
        label: What the button says.
        name: What forms call it, where the task has several; else they call it by its task.
        fields: Its flags that the form fills, in order.
        needs: Fields that may not be left out here, though the task does without.
        proof: The flag that takes password and code, where the person proves anew.
        names_person: Whether `--person` is who acts.
        upload: The flag that takes what is uploaded.
        out: The flag that says where its files go; they can be downloaded after it.
        out_name: The name of the one file that `out` takes; empty where it takes a folder.
        always: Flags that are always given.
        renews: Whether it gives who acts new secrets; what it says is shown once and kept nowhere.
    """

    task: str
    label: str
    name: str = ""
    fields: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    proof: str = ""
    names_person: bool = False
    upload: str = ""
    out: str = ""
    out_name: str = ""
    always: Mapping[str, object] | None = None
    renews: bool = False
    about: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """A field of a form.

    Attributes:
        name: The task's parameter.
        kind: How it is filled. A `path` is one of a snapshot, percent-encoded: the task gets the
            pattern that means it alone.
        help: What it is; not translated.
        is_required: Whether it may not be left out.
    """

    name: str
    kind: Kind
    help: str
    is_required: bool


def _acts_of(task: Task) -> Iterable[Act]:
    for form in task.forms:
        own = {it.name: getattr(form, it.name) for it in fields(form)}
        own["fields"] = tuple(it.name for it in task.fields_of(form))
        own["needs"] = tuple(form.needs.split())
        proof = task.proof if own.pop("proves") else ""
        yield Act(task=task.name, proof=proof, **own)


@cache
def all_acts() -> Mapping[str, Act]:
    """Give every act by what forms call it."""
    declared = chain.from_iterable(map(_acts_of, all_tasks().values()))
    return {act.name or act.task: act for act in declared}


def find_act(name: str) -> Act:
    """Give an act.

    Raises:
        WrongUseError: The console does no such thing.
    """
    if name not in all_acts():
        raise WrongUseError(
            "the console has no act {task}",
            data="nothing was changed",
            next_step="go back to the page and use its buttons",
            task=name[:80],
        )
    return all_acts()[name]


def fields_of(act: Act) -> list[Field]:
    """Give the fields of an act's form, in order."""
    task = find_task(act.task)
    return [
        Field(
            name=name,
            kind=_kind_of(flag),
            help=flag.label or flag.help,
            is_required=name in act.needs or flag.is_required,
        )
        for name, flag in ((name, task.flags[name]) for name in act.fields)
    ]


def can_rehearse(act: Act) -> bool:
    """Say whether the task has a dry run, which a form offers before the act."""
    return "dry_run" in find_task(act.task).flags and not act.renews


def needs_file(act: Act) -> bool:
    """Say whether the task does nothing without an upload."""
    return bool(act.upload) and find_task(act.task).flags[act.upload].is_required


def _kind_of(flag: DeclaredFlag) -> Kind:
    if flag.shape in get_args(Kind):
        return flag.shape  # type: ignore[return-value]  # just looked
    return "lines" if flag.kind is tuple else "text"
