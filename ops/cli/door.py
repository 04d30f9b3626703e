"""What every task passes before it runs: its flags, the owner, the person's rights, the proof."""

import os
from typing import Any

from invoke.context import Context

from ops.access.caller import current_caller
from ops.access.identity import NotAllowedError, carry_out, kernel_login
from ops.errors import OpsError, WrongUseError
from ops.estate.load.read import INSTALLED_PATH, find_estate_path
from ops.estate.owner import BY_ROOT, is_borrowed
from ops.language.text import program_name
from ops.terminal.task import Task


def check_flags(task: Task, context: Context, values: dict[str, Any]) -> None:
    """Refuse what can be seen from the flags alone; note a rehearsal among them."""
    missing = [
        it.written for it in task.flags.values() if it.is_required and values.get(it.name) is None
    ]
    if missing:
        raise WrongUseError(
            "the flag --{flag} must be given",
            next_step="`{program} {task} --help` lists all flags",
            flag=missing[0],
            task=task.name,
        )
    _mind_invokes_dry(context, values)


def pass_door(task: Task, values: dict[str, Any]) -> int | None:
    """Run a task in this process, for who may run it, as who has to run it."""
    if task.as_owner:
        _run_as_owner(task)
    elif task.as_oneself and is_borrowed():
        raise WrongUseError(
            "the task {task} is not typed with the rights of another user",
            why="it reads and writes as whoever types it",
            next_step="type it as yourself or as root: `{program} {task}`",
            task=task.name,
        )
    return carry_out(task, values)


def _mind_invokes_dry(context: Context, values: dict[str, Any]) -> None:
    """Take invoke's own `--dry` for `--dry-run`; refuse it where there is no plan to print."""
    if not context.config.run.dry:
        return
    if "dry_run" not in values:
        raise WrongUseError(
            "--dry does nothing here: this task changes nothing that could be planned first",
            next_step="leave --dry out",
        )
    values["dry_run"] = True


def refuse_borrowed(task: str = "", *, is_foreground: bool = False) -> None:
    """Refuse who types with the rights of the service's user: the service does it for that person.

    Args:
        task: What is typed; empty without a task.
        is_foreground: Whether it is the service itself: a session that somebody logged in to may
            start that, rights that were lent may not.
    """
    is_ours = current_caller() is not None or bool(os.environ.get(BY_ROOT))
    try:
        is_installed = find_estate_path() == INSTALLED_PATH
    except OpsError:
        return  # what needs the estate says so itself
    if is_ours or os.geteuid() == 0 or not is_installed:
        return
    if is_borrowed() or (kernel_login() and not is_foreground):
        raise NotAllowedError(
            "nobody's command line runs with the rights of the service any more",
            why="the service itself does what you type, for you and with your files",
            data="nothing was changed",
            next_step="type it as yourself, without `sudo`: `{command}`; root takes the rule away"
            " that lent the rights",
            command=f"{program_name()} {task}".rstrip(),
        )


def _run_as_owner(task: Task) -> None:
    try:
        find_estate_path()
    except WrongUseError:
        return  # a task that needs the estate says so itself
    refuse_borrowed(task.name, is_foreground=task.is_foreground)
    become_owner()


def become_owner() -> None:
    """Act as the catalog's owner: a file that root makes beside it would stop the service."""
    from ops.cli.owner import act_as_owner

    act_as_owner(find_estate_path())
