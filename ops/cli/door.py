"""What every operator's task has in common: `@operator_task`.

    @operator_task(help={"site": "Name of the site."})
    def run(context: Context, site: str, dry_run: bool = False, json: bool = False) -> int | None:
        '''Back up one site now.'''

The docstring's first paragraph is the line in `--list`, all of it is the task's help; both and the
help of the flags are messages (see ops.language.text). Arguments without a default are flags that
must be given. The value given back is the exit code; None is 0. Import what is heavy inside the
task.
"""

import sys
from collections.abc import Callable, Sequence
from typing import Any

from invoke.context import Context

from ops.access.identity import check_door
from ops.errors import WrongUseError
from ops.terminal.task import PROOF_FLAG


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
    from ops.access.requester import proving_with

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
    from ops.cli.owner import act_as_owner
    from ops.estate.load.read import find_estate_path

    try:
        path = find_estate_path()
    except WrongUseError:
        return  # a task that needs the estate says so itself
    act_as_owner(path)


def _task_name(body: Callable[..., object]) -> str:
    area = getattr(sys.modules.get(body.__module__), "AREA", body.__module__.rpartition(".")[2])
    return f"{area}.{body.__name__.strip('_').replace('_', '-')}"
