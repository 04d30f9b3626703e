"""What every task passes before it runs: its flags, the owner, the person's rights, the proof."""

from typing import Any

from invoke.context import Context

from ops.access.identity import check_door
from ops.errors import WrongUseError
from ops.estate.owner import is_borrowed
from ops.terminal.task import PROOF_FLAG, Task
from ops.terminal.waiting import note_task


def pass_door(task: Task, context: Context, values: dict[str, Any]) -> int | None:
    """Run a task for who may run it, as who has to run it.

    Raises:
        WrongUseError: A flag is missing, `--dry` is given where nothing can be planned, or the task
            is nothing for lent rights.
        OtherOwnerError: The estate's folders belong to somebody this process cannot become.
        NotAllowedError: The person's roles do not reach.
    """
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
    note_task(task.name)
    if task.as_owner:
        _run_as_owner()
        check_door(task.name, values)
    elif task.as_oneself and is_borrowed():
        raise WrongUseError(
            "the task {task} is not typed with the rights of another user",
            why="it reads and writes as whoever types it",
            data="nothing was changed",
            next_step="type it as yourself or as root: `{program} {task}`",
            task=task.name,
        )
    if PROOF_FLAG not in values:
        return task.run(values)
    from ops.access.requester import proving_with

    with proving_with(values[PROOF_FLAG]):
        return task.run(values)


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
    from ops.cli.owner import act_as_owner
    from ops.estate.load.read import find_estate_path

    try:
        path = find_estate_path()
    except WrongUseError:
        return  # a task that needs the estate says so itself
    act_as_owner(path)
