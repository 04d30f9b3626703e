"""The runbooks' errors. Same shape as the engine's: what, why, is data safe, what to type next.

::

    RunbookError                exit 1
    ├── RunbookTextError        exit 1    a runbook's text has mistakes; carries all of them
    ├── RunbookUseError         exit 2    a value is missing or makes no sense, no such run
    │   └── ValuesMissingError  exit 2    values are missing; names all of them
    ├── RunbookPausedError      exit 4    a step waits for another person
    └── SamePersonError         exit 1    the second person is the first one again

The parts are templates in English with named placeholders, filled from `params`. None holds a
secret.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar


def N_(message: str) -> str:  # noqa: N802 - the name gettext users know
    """Mark a template that is translated where it is shown; gives it back unchanged."""
    return message


class RunbookError(Exception):
    """Root of the runbooks' errors.

    Attributes:
        what: What failed; names the thing and gives the number.
        why: The cause, as far as it is known; may be empty.
        data: Whether data is safe; may be empty.
        next_step: The next command to type; `{program}` stands for the program; may be empty.
        params: Values for the placeholders.
    """

    exit_code: ClassVar[int] = 1

    def __init__(
        self, what: str, *, why: str = "", data: str = "", next_step: str = "", **params: object
    ) -> None:
        self.what = what
        self.why = why
        self.data = data
        self.next_step = next_step
        self.params = params
        super().__init__(what)

    def __str__(self) -> str:
        return self.what.format(**self.params)


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake in a runbook's text.

    Attributes:
        key: Number of the line, from 1, as text.
        what: Template: what is wrong.
        fix: Template: what is expected there.
        params: Values for the placeholders of both.
        file: The runbook's file.
    """

    key: str
    what: str
    fix: str
    params: Mapping[str, object] = field(default_factory=dict)
    file: Path | None = None


class RunbookTextError(RunbookError):
    """A runbook's text has mistakes; holds every one of them, in the order of the lines."""

    def __init__(self, path: Path, problems: Iterable[Problem]) -> None:
        self.path = path
        self.problems = tuple(problems)
        super().__init__(
            "the runbook {path} cannot be used; problems found: {count}",
            data="nothing was changed",
            next_step="correct the lines above, then run `{program} runbook.list`",
            path=path.name,
            count=len(self.problems),
        )

    def __str__(self) -> str:
        lines = (f"{it.key}: {it.what.format(**it.params)}" for it in self.problems)
        return "\n".join((super().__str__(), *lines))


class RunbookUseError(RunbookError):
    """What was asked for makes no sense."""

    exit_code = 2


class ValuesMissingError(RunbookUseError):
    """Values that a runbook begins with are missing; holds every one of them."""

    def __init__(self, runbook: str, missing: Iterable[tuple[str, str]]) -> None:
        self.problems = tuple(
            Problem(name, "{title}", N_("give it as `--set {name}=VALUE`"),
                    {"name": name, "title": title})
            for name, title in missing
        )  # fmt: skip
        super().__init__(
            "values that the runbook {id} needs are missing: {count}",
            data="nothing was changed",
            next_step=N_(
                "type the command again with all of them; on a terminal they are asked for"
            ),
            id=runbook,
            count=len(self.problems),
        )

    def __str__(self) -> str:
        lines = (f"{it.key}: {it.what.format(**it.params)}" for it in self.problems)
        return "\n".join((super().__str__(), *lines))


def no_such_run(run_id: str) -> RunbookUseError:
    """Make the error of a run that nobody knows."""
    return RunbookUseError(
        'there is no run "{run}"',
        data="nothing was changed",
        next_step="`{program} runbook.list` lists the runs that are not over",
        run=run_id,
    )


class RunbookPausedError(RunbookError):
    """A step waits for another person's approval."""

    exit_code = 4


class SamePersonError(RunbookError):
    """The second person is the first one again."""

    def __init__(self, number: int, person: str) -> None:
        super().__init__(
            "step {number} takes two people, and {person} would be both",
            why="who carries a step out may not be the one who approved it",
            data="the step was not begun",
            next_step="have the one who asked for it, or a third person, type the same command",
            number=number,
            person=person,
        )
