"""Run a task for who acts: what its rights and its proof are looked at for, wherever it runs."""

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from ops.access.caller import note_task
from ops.access.identity import check_door
from ops.terminal.task import PROOF_FLAG, Task


def carry_out(
    task: Task,
    values: Mapping[str, Any],
    placed: AbstractContextManager[Mapping[str, Any]] | None = None,
) -> int | None:
    """Run a task; gives its exit code, None for 0.

    Args:
        task: Which.
        values: What was given, by field; the file that proves among them.
        placed: Gives them with files of who types in their places; entered for who may run it.

    Raises:
        NotAllowedError: The person's roles do not reach.
    """
    note_task(task.name)
    if task.as_owner:
        check_door(task.name, values)
    with placed or nullcontext(values) as given:
        if PROOF_FLAG not in given:
            return task.run(given)
        from ops.access.requester import proving_with

        with proving_with(given[PROOF_FLAG]):
            return task.run(given)
