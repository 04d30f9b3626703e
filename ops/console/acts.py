"""What can be done from the console: tasks, and which of their flags a form may fill.

The one list: forms, rights and tests come from it. What names a file or a folder of the server is
never a field: what is uploaded, and where results go, the office itself decides.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Literal, get_args

from ops.errors import WrongUseError
from ops.terminal.task import DeclaredFlag, Form, Task, all_tasks

Kind = Literal[
    "text", "long", "lines", "pairs", "yes", "number", "date", "moment", "hidden", "upload", "path"
]


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


@dataclass(frozen=True, slots=True)
class Act:
    """A task that a form runs."""

    declared: Task
    form: Form

    @property
    def task(self) -> str:
        """Its full name."""
        return self.declared.name

    @property
    def proof(self) -> str:
        """The flag that takes password and code, where the person proves anew."""
        return self.declared.proof if self.form.proves else ""

    @property
    def can_rehearse(self) -> bool:
        """Whether the task has a dry run, which the form offers before the act."""
        return "dry_run" in self.declared.flags and not self.form.renews

    @property
    def needs_file(self) -> bool:
        """Whether the task does nothing without an upload."""
        return bool(self.form.upload) and self.declared.flags[self.form.upload].is_required

    def fields(self) -> list[Field]:
        """Give the fields of its form, in order."""
        needs = self.form.needs.split()
        return [
            Field(
                name=it.name,
                kind=_kind_of(it),
                help=it.label or it.help,
                is_required=it.name in needs or it.is_required,
            )
            for it in self.declared.fields_of(self.form)
        ]


@cache
def all_acts() -> Mapping[str, Act]:
    """Give every act by what forms call it."""
    acts = (Act(task, form) for task in all_tasks().values() for form in task.forms)
    return {act.form.name or act.task: act for act in acts}


def find_act(name: str) -> Act:
    """Give an act.

    Raises:
        WrongUseError: The console does no such thing.
    """
    if name not in all_acts():
        raise WrongUseError(
            "the console has no act {task}",
            next_step="go back to the page and use its buttons",
            task=name[:80],
        )
    return all_acts()[name]


def _kind_of(flag: DeclaredFlag) -> Kind:
    if flag.shape in get_args(Kind):
        return flag.shape  # type: ignore[return-value]  # just looked
    return "lines" if flag.kind is tuple else "text"
