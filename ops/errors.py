"""The service's errors. Same shape as the engine's: what, why, is data safe, what to type next.

::

    OpsError                    exit 1
    ├── WrongUseError           exit 2    the command or its arguments make no sense
    ├── SecretError             exit 1    a reference to a secret cannot be resolved
    └── EstateError             exit 1    the estate file has mistakes; carries all of them

The four parts are templates in English with named placeholders and `params` fills them, so that
`ops.language.text.render_error` can say the same in the reader's language. The engine's errors have
the same attributes by protocol, not by inheritance: `ops.language.text.ExplainedError` names it.
Write templates as plain string literals, without `_()`: `make messages` finds them in the calls.
None holds a secret.
"""

from collections.abc import Iterable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Literal

UNCHANGED = "nothing was changed"
DONE = "what was reported as done before is done"
DEEDS: ContextVar[list[str] | None] = ContextVar("deeds", default=None)
"""What the act that runs has journaled: who refuses after that cannot say that nothing changed."""


class OpsError(Exception):
    """Root of the service's errors.

    Attributes:
        what: What failed; names the thing and gives the number.
        why: The cause, as far as it is known; may be empty.
        data: Whether data is safe; may be empty where no data was touched.
        next_step: The next command to type; may be empty. `{program}` stands for the
            program the reader uses (`fab` or `giucong`).
        params: Values for the placeholders of the four templates.
    """

    exit_code: ClassVar[int] = 1

    def __init__(
        self, what: str, *, why: str = "", data: str = "", next_step: str = "", **params: object
    ) -> None:
        self.what = what
        self.why = why
        self.data = DONE if data == UNCHANGED and _has_done_something() else data
        self.next_step = next_step
        self.params = params
        super().__init__(what)

    def __str__(self) -> str:
        return self.what.format(**self.params)


class WrongUseError(OpsError):
    """The command or its arguments make no sense; unless it says otherwise, nothing was changed."""

    exit_code = 2

    def __init__(
        self, what: str, *, why: str = "", data: str = "", next_step: str = "", **params: object
    ) -> None:
        super().__init__(what, why=why, data=data or UNCHANGED, next_step=next_step, **params)


def _has_done_something() -> bool:
    return any(it != "approval.request" for it in DEEDS.get() or ())  # who only asked has not


def unknown(what: str, name: object, known: Iterable[str], **params: object) -> WrongUseError:
    """Give the refusal of a name that is none; `what` holds `{name}`."""
    params |= {"name": name, "known": ", ".join(known)}
    return WrongUseError(what, why="", data="", next_step="use one of: {known}", **params)


class SecretError(OpsError):
    """A reference to a secret cannot be resolved."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake in the estate, or one thing about it that deserves a look.

    Attributes:
        key: Dotted key, `sites[cong-chinh].files[www].path`; empty for the file as a whole.
        what: Template: what is wrong.
        fix: Template: what to do about it.
        params: Values for the placeholders of both.
        file: The file that holds the key; None when no file does.
        severity: An `error` keeps the estate from being used, a `warning` does not.
    """

    key: str
    what: str
    fix: str
    params: Mapping[str, object] = field(default_factory=dict)
    file: Path | None = None
    severity: Literal["error", "warning"] = "error"


def make_warning(key: str, what: str, fix: str, /, **params: object) -> Problem:
    """Give a problem that keeps nothing from being used; arguments as `Problem` has them."""
    return Problem(key, what, fix, params, severity="warning")


class EstateError(OpsError):
    """The estate file has mistakes; holds every one of them, in the order of the file."""

    def __init__(self, path: Path, problems: Iterable[Problem]) -> None:
        self.path = path
        self.problems = tuple(problems)
        super().__init__(
            'the estate file "{path}" cannot be used; problems found: {count}',
            data="nothing was changed; backups already taken are not affected",
            next_step="correct the lines above, then run `{program} estate.check`",
            path=path,
            count=len(self.problems),
        )
