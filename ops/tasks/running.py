"""What every operator's task has in common: `@operator_task`.

    @operator_task(help={"site": "Name of the site."})
    def run(context: Context, site: str, dry_run: bool = False, json: bool = False) -> int | None:
        '''Back up one site now.'''

The docstring's first paragraph is the line in `--list`, all of it is the task's help; both and the
help of the flags are messages (see ops.text). Arguments without a default are flags that must be
given. The value given back is the exit code; None is 0. Import what is heavy inside the task.
"""

import functools
import inspect
import os
import re
import select
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from invoke.context import Context
from invoke.exceptions import Exit
from invoke.tasks import Task

from ops.errors import OpsError, WrongUseError
from ops.people.acting import check_door
from ops.tasks.numbers import NumberReader
from ops.text import N_, _, paragraphs_of, render_error

EXIT_INTERRUPTED = 130
PROOF_FLAG = "proof_file"
_PROOF_HELP = N_(
    "File with your password and, on its second line, a code, should you have to prove who you are;"
    " left out: asks."
)

EXIT_BROKEN_PIPE = 141  # what the shell reports of a program that SIGPIPE has ended
_PASSWORD_IN_URL = re.compile(r"(\w+://[^\s:/@]*:)[^\s@]+@")


class OperatorTask(Task[Callable[..., None]]):
    """A task that takes flags only; `required` names those that must be given."""

    required: tuple[str, ...] = ()

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
) -> Callable[[Callable[..., int | None]], OperatorTask]:
    """Make a task of a function.

    Args:
        name: The task's name where it cannot be the function's.
        help: A message for each flag.
        iterable: Flags that may be given several times.
        as_owner: Whether the task touches the estate's folders, and so has to run as their owner
            and by somebody whose roles allow it (`ops.people.rights`).
        two_people: Whether it may ask for a second person: then it takes `--proof-file`, with which
            the one who asks proves who it is where the system cannot tell.
    """

    def make(body: Callable[..., int | None]) -> OperatorTask:
        required = _required_flags(body)

        @functools.wraps(body)
        def run(context: Context, **values: Any) -> None:
            code = attempt(lambda: _start(body, context, values, required, as_owner))
            if code:
                raise Exit(code=code)

        if two_people:
            run.__signature__ = _with_proof(body)  # type: ignore[attr-defined]  # inspect reads it
        told = {**(help or {}), **({PROOF_FLAG: _PROOF_HELP} if two_people else {})}
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
        made.required = required
        return made

    return make


def _with_proof(body: Callable[..., object]) -> inspect.Signature:
    signature = inspect.signature(body)
    proof = inspect.Parameter(PROOF_FLAG, inspect.Parameter.KEYWORD_ONLY, default="")
    return signature.replace(parameters=[*signature.parameters.values(), proof])


def _required_flags(body: Callable[..., object]) -> tuple[str, ...]:
    parameters = list(inspect.signature(body).parameters.values())[1:]
    return tuple(item.name for item in parameters if item.default is inspect.Parameter.empty)


def _start(
    body: Callable[..., int | None],
    context: Context,
    values: dict[str, Any],
    required: Sequence[str],
    as_owner: bool,
) -> int | None:
    missing = [flag.strip("_").replace("_", "-") for flag in required if values.get(flag) is None]
    if missing:
        raise WrongUseError(
            "the flag --{flag} must be given",
            next_step="`{program} {task} --help` lists all flags",
            flag=missing[0],
            task=_task_name(body),
        )
    _mind_invokes_dry(context, values)
    if as_owner:
        _run_as_owner()
        check_door(_task_name(body), values)
    if PROOF_FLAG not in values:
        return body(context, **values)
    from ops.people.requester import proving_with

    with proving_with(values.pop(PROOF_FLAG)):
        return body(context, **values)


def _mind_invokes_dry(context: Context, values: dict[str, Any]) -> None:
    """Take invoke's own `--dry` for `--dry-run`; refuse it where there is no plan to print."""
    if not context.config.run.dry:
        return
    if "dry_run" not in values:
        raise WrongUseError(
            "--dry does nothing here: this task changes nothing that could be planned first",
            data="nothing was changed",
            next_step="leave --dry out",
        )
    values["dry_run"] = True


def _run_as_owner() -> None:
    from ops.estate.read import find_estate_path
    from ops.ownership import act_as_owner

    try:
        path = find_estate_path()
    except WrongUseError:
        return  # a task that needs the estate says so itself
    act_as_owner(path)


def _task_name(body: Callable[..., object]) -> str:
    area = getattr(sys.modules.get(body.__module__), "AREA", body.__module__.rpartition(".")[2])
    return f"{area}.{body.__name__.strip('_').replace('_', '-')}"


def attempt(action: Callable[[], int | None]) -> int:
    """Run something for the operator and give its exit code; every failure becomes a text."""
    try:
        code = action()
        sys.stdout.flush()
    except KeyboardInterrupt:
        sys.stderr.write(f"\n{_('interrupted')}\n")
        return EXIT_INTERRUPTED
    except Exit as ending:
        return int(ending.code)
    except Exception as error:  # noqa: BLE001 - here a task ends, whatever happened
        if isinstance(error, BrokenPipeError) and _nobody_reads():
            _drop_output()
            return EXIT_BROKEN_PIPE
        return report(error)
    return code or 0


def report(error: Exception) -> int:
    """Write an error for the operator to standard error and give its exit code."""
    if os.environ.get("GIUCONG_DEBUG"):
        import traceback

        traceback.print_exception(error)
    if all(hasattr(error, part) for part in ("what", "why", "data", "next_step", "params")):
        sys.stderr.write(f"{render_error(error)}\n")  # type: ignore[arg-type]  # just looked
        return int(getattr(error, "exit_code", 1))
    sys.stderr.write(f"{render_error(UnexpectedError(error))}\n")
    return 1


class UnexpectedError(OpsError):
    """Something the program was not prepared for: a bug, or a machine in a strange state."""

    def __init__(self, error: Exception) -> None:
        text = _PASSWORD_IN_URL.sub(r"\1***@", str(error))
        super().__init__(
            "something unexpected happened: {kind}",
            why="{text}" if text else "",
            data="what was reported as done before is done",
            next_step="run the command again with --debug and send its output to the maintainers",
            kind=type(error).__name__,
            text=text,
        )


def _nobody_reads() -> bool:
    """Tell whether the reader of standard output has gone, as `head` does when it has enough."""
    try:
        descriptor = sys.stdout.fileno()
    except (OSError, ValueError):
        return False
    poll = select.poll()
    poll.register(descriptor, select.POLLOUT)
    return any(event & (select.POLLERR | select.POLLHUP) for _fd, event in poll.poll(0))


def _drop_output() -> None:
    """Point standard output to nowhere, so that the interpreter's last flush does not complain."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
