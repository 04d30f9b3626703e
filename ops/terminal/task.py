"""An operator's task as a value: its flags, its rights, its forms, declared once.

A task is a frozen dataclass, its wish. Each field is a flag, and says what it means::

    @task("register.show", "ops.register.cli_show:show_entry", roles=OFFICE)
    class Show:
        \"\"\"Show an entry: how it stands, its clocks, what belongs to it.\"\"\"

        id: Annotated[str, Flag("The entry, as `register.list` shows it.")]
        json: Json = False

The act is a function that takes the wish and gives the exit code. A field without a default must be
given. Terminal, help, completion, forms, JSON, rights and the reference derive from this; modules
that hold tasks import nothing heavy at their top, since `--list` loads them all. Two flags no wish
has to name: `--json` every task takes but one that runs until it is ended, `--proof-file` each that
may ask for a second person.
"""

import inspect
from collections.abc import Callable, Collection, Mapping
from dataclasses import KW_ONLY, MISSING, dataclass, field, fields
from functools import cache, cached_property
from types import ModuleType
from typing import (
    Annotated,
    Any,
    Literal,
    TypeVar,
    cast,
    dataclass_transform,
    get_args,
    get_origin,
    get_type_hints,
)

from ops.errors import unknown
from ops.language.text import N_, paragraphs_of
from ops.parts import Seam, find

TASK_MODULES: Seam[ModuleType] = Seam("task-modules")
"""The modules that hold tasks, in the order operators meet them."""

JSON_FLAG, PROOF_FLAG = "json", "proof_file"

Named = Literal[
    "site",
    "store",
    "host",
    "person",
    "snapshot",
    "job",
    "drill",
    "hold",
    "alert",
    "run",
    "request",
    "runbook",
    "place",
]
"""Names of the estate and ids of the catalog: a terminal completes them.

A place is a folder that the estate names; its path, and one below it, mean it as well.
"""

Typed = Literal["text", "long", "lines", "pairs", "yes", "number", "date", "moment"]
"""What a person types; left out, the field's type tells."""

OfCaller = Literal[
    "input-file",
    "input-folder",
    "output-file",
    "output-folder",
    "output-secret",
    "output-secrets",
    "secret",
    "proof",
    "own-folder",
]
"""Files and folders of whoever types: opened with that person's rights, never with the service's.

A secret is a file that nobody else may read; a proof is one with password and code. What holds
secrets (a file, a folder of them) touches no disk of the service on its way. A folder of one's own
is never the service's to open: the task's part there (`Task.there`) works in it.
"""

ONE_FILE = frozenset({"output-file", "output-secret"})
"""Shapes of what is one file that an act makes."""

Shape = Named | Typed | OfCaller | Literal["path", "hidden"]
"""`path` is one of a snapshot; what is hidden, a page fills."""


@dataclass(frozen=True, slots=True)
class Flag:
    """What a wish's field is as a flag; within `Annotated`.

    Attributes:
        help: What it means, for who reads `--help`; not translated, like `label`.
        label: What a form calls it; empty where it says the same.
        shape: What its value is; left out, the field's type tells.
        roles: Who may give it, where that is fewer than may run the task.
        endings: Of a folder that files are made in, how their names end: only such files are taken
            into one that is there; without any, it has to be new or empty. Of a file that is made,
            how the names of others beside it end.
        one_of: What it may be, where that is a fixed list; as "module:NAME" where it is not light.
            Help, forms and completion list it, and nothing else is taken.
    """

    help: str
    label: str = ""
    _: KW_ONLY
    one_of: str | Collection[str] = ()
    shape: Shape | None = None
    roles: frozenset[str] | None = None
    endings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Form:
    """An act of the console: a task that a form runs.

    Attributes:
        label: What the button says.
        about: What it does, where that is less than the task does.
        fields: The flags that it fills, in order, with blanks between; None for all of them but
            files and folders, and what is always given.
        needs: Those that may not be left out here, though the task does without; the same.
        name: What forms call it, where the task has several; else they call it by its task.
        proves: Whether who acts proves anew, where the task may ask for that.
        names_person: Whether `--person` is who acts.
        upload: The flag that takes what is uploaded.
        out: The flag that says where its files go; they can be downloaded after it.
        out_name: The name of the one file that `out` takes; empty where it takes a folder.
        always: Flags that are always given.
        renews: Whether it gives who acts new secrets; what it says is shown once and kept nowhere.
    """

    label: str
    about: str = ""
    _: KW_ONLY
    fields: str | None = None
    needs: str = ""
    name: str = ""
    proves: bool = True
    names_person: bool = False
    upload: str = ""
    out: str = ""
    out_name: str = ""
    always: Mapping[str, object] = field(default_factory=dict)
    renews: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclaredFlag(Flag):
    """A flag of a task.

    Attributes:
        name: Of the wish's field.
        kind: Type of its value: str, int, bool, or tuple for one that may be given several times.
        default: What it is when it is not given; `dataclasses.MISSING` where it must be.
        shape: What its value is.
    """

    name: str
    kind: type
    default: object
    shape: Shape

    @property
    def written(self) -> str:
        """The flag as it is typed, without the hyphens before it."""
        return self.name.strip("_").replace("_", "-")

    @property
    def is_required(self) -> bool:
        """Whether it must be given."""
        return self.default is MISSING

    def choices(self) -> Mapping[str, str]:
        """Give what it may be, with what people call it, not translated; empty where it is free."""
        known = find(self.one_of) if isinstance(self.one_of, str) else self.one_of
        if not isinstance(known, Mapping):
            return {it: it for it in get_args(known) or known}
        return {it: told if isinstance(told, str) else told.title for it, told in known.items()}

    def refuse_unknown(self, value: object) -> None:
        """Refuse what is none of the choices; what a flag that is left out has is none to refuse.

        Raises:
            WrongUseError: There is no such choice.
        """
        for it in value if isinstance(value, (list, tuple)) else (value,):
            if self.one_of and it not in (None, self.default) and it not in self.choices():
                what = '--{flag} takes no "{name}"'
                raise unknown(what, it, self.choices(), flag=self.written)


@dataclass(frozen=True, kw_only=True)
class Task:
    """A task as it is declared.

    Attributes:
        name: As it is typed: `backup.run-all`.
        act: What it does, as "module:function": takes the wish and gives the exit code, or None.
        wish: Its flags.
        roles: Who may run it; None where nobody is asked at the door, for a reason that stands
            beside it.
        there: The part of it that the process of who types does, as "module:function": takes the
            wish, then what `ops.terminal.there.Work` takes; empty where there is none.
        own_sites: Whether a unit's contact may run it for sites of that unit alone.
        when_asked: Whether everybody with a role may run it whom the estate's routes or roster
            name: who is told of something red, and waited for, may answer.
        second: The actions (`ops.access.rights.ACTIONS`) for which it may ask a second person.
        as_owner: Whether it touches the estate's folders, and so has to run as their owner.
        is_looking: Whether it may read any estate file, for it does nothing that the file says.
        as_oneself: Whether it reads and writes wherever it is told; with lent rights it is refused.
        is_foreground: Whether it runs until it is ended, so that it has no result.
        keeps: Whether it writes down what it did though it takes no `--dry-run`, as a paper's
            number is; without both it only looks.
        forms: The console's acts.
    """

    name: str
    act: str | Callable[[Any], int | None]
    wish: type[Any]
    roles: frozenset[str] | None
    there: str = ""
    own_sites: bool = False
    when_asked: bool = False
    second: tuple[str, ...] = ()
    as_owner: bool = True
    is_looking: bool = False
    as_oneself: bool = False
    is_foreground: bool = False
    keeps: bool = False
    forms: tuple[Form, ...] = ()

    @property
    def area(self) -> str:
        """The group it is listed in."""
        return self.name.partition(".")[0]

    @property
    def about(self) -> list[str]:
        """What it does, in paragraphs, not translated; the first one is one line."""
        return paragraphs_of(inspect.getdoc(self.wish) or "")

    @cached_property
    def flags(self) -> Mapping[str, DeclaredFlag]:
        """By field, in order; those that every such task takes are the last."""
        hints = get_type_hints(self.wish, include_extras=True)
        found = {
            it.name: _declared(it.name, hints[it.name], default=it.default)
            for it in fields(self.wish)
        }
        if self.second and PROOF_FLAG not in found:
            hint = Annotated[str, Flag(_PROOF_HELP, shape="proof")]
            found[PROOF_FLAG] = _declared(PROOF_FLAG, hint, default="")
        if not self.is_foreground and JSON_FLAG not in found:
            found[JSON_FLAG] = _declared(JSON_FLAG, Annotated[bool, Flag(JSON)], default=False)
        return found

    def looks_only(self, values: Mapping[str, object]) -> bool:
        """Say whether it changes nothing with these values, so that ending it loses nothing."""
        return bool(values.get("dry_run")) or not (self.keeps or "dry_run" in self.flags)

    def run(self, values: Mapping[str, object]) -> int | None:
        """Do it with what was given, see `make`; gives the exit code, None for 0."""
        act = find(self.act) if isinstance(self.act, str) else self.act
        code: int | None = act(self.make(values))
        return code

    def fields_of(self, form: Form) -> list[DeclaredFlag]:
        """Give the flags that a form fills, in order."""
        if form.fields is not None:
            return [self.flags[it] for it in form.fields.split()]
        never = {"dry_run", JSON_FLAG, *form.always}
        return [
            it
            for it in self.flags.values()
            if it.name not in never and it.shape not in get_args(OfCaller)
        ]

    @property
    def proof(self) -> str:
        """The flag with which who acts proves who it is; empty where nobody is asked."""
        return next((it.name for it in self.flags.values() if it.shape == "proof"), "")

    def make(self, values: Mapping[str, object]) -> Any:
        """Make the wish of what was given; flags that every such task takes are no part of it.

        Args:
            values: By field; a list is as good as a tuple.

        Raises:
            WrongUseError: A value is none of its flag's choices.
        """
        for name, value in values.items():
            if name in self.flags:
                self.flags[name].refuse_unknown(value)
        own = {it.name for it in fields(self.wish)}
        return self.wish(
            **{
                name: tuple(it) if isinstance(it, list) else it
                for name, it in values.items()
                if name in own or name not in self.flags
            }
        )


JSON = N_("Print the result as JSON.")
_PROOF_HELP = N_(
    "File with your password and, on its second line, a code, should you have to prove who you are;"
    " left out: asks."
)

_Made = TypeVar("_Made", bound=type[Any])


@dataclass_transform(frozen_default=True, kw_only_default=True)
def task(
    name: str, act: str, *, roles: frozenset[str] | None, **more: Any
) -> Callable[[_Made], _Made]:
    """Declare a class, its fields and docstring, to be the wish of a task.

    Args:
        name: As it is typed.
        act: What it does, as "module:function".
        roles: Who may run it.
        more: The other attributes of `Task`.
    """

    def declare(wish: _Made) -> _Made:
        made = cast("_Made", dataclass(frozen=True, kw_only=True)(wish))
        made.declared = Task(name=name, act=act, wish=made, roles=roles, **more)
        return made

    return declare


def _declared(name: str, hint: Any, *, default: object) -> DeclaredFlag:
    flag = getattr(hint, "__metadata__", (None,))[-1]
    own = getattr(hint, "__origin__", hint)
    kind = get_origin(own) or own
    if kind not in _SHAPES or not isinstance(flag, Flag):
        raise TypeError(f"{name}: a flag is Annotated text, number, yes or no, or tuple of texts")
    return DeclaredFlag(
        flag.help,
        flag.label,
        shape=flag.shape or _SHAPES[kind],
        roles=flag.roles,
        endings=flag.endings,
        one_of=flag.one_of,
        name=name,
        kind=kind,
        default=default,
    )


_SHAPES: Mapping[type, Shape] = {str: "text", int: "number", bool: "yes", tuple: "lines"}


def tasks_of(module: ModuleType) -> list[Task]:
    """Give the tasks that a module declares, in the order of its text."""
    own = (it for it in vars(module).values() if isinstance(it, type))
    return [
        it.__dict__["declared"]
        for it in own
        if it.__module__ == module.__name__ and "declared" in it.__dict__
    ]


@cache
def all_tasks() -> Mapping[str, Task]:
    """Give every task by its name, in the order operators meet them."""
    return {it.name: it for module in TASK_MODULES.parts() for it in tasks_of(module)}


def find_task(name: str) -> Task:
    """Give a task by its name.

    Raises:
        LookupError: There is none.
    """
    return all_tasks()[name]
