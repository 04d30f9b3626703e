"""Run a task for who acts: what its rights and its proof are looked at for, wherever it runs."""

from collections.abc import Mapping
from typing import Any

from ops.access.identity import check_door
from ops.terminal.task import PROOF_FLAG, Task
from ops.terminal.waiting import note_task


def carry_out(task: Task, values: Mapping[str, Any]) -> int | None:
    """Run a task; gives its exit code, None for 0.

    Args:
        task: Which.
        values: What was given, by field; the file that proves among them.

    Raises:
        NotAllowedError: The person's roles do not reach.
    """
    note_task(task.name)
    if task.as_owner:
        check_door(task.name, values)
    if PROOF_FLAG not in values:
        return task.run(values)
    from ops.access.requester import proving_with

    with proving_with(values[PROOF_FLAG]):
        return task.run(values)
