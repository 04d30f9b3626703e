"""Which values nobody gives a runbook at the console: places of this machine that no list offers.

A step's command runs as the service. Who types at a terminal works with the service's rights
anyway; at the console a role is all that somebody has, and a path of one's own choice would reach
what no role opens: a key, another estate file, a folder of the service's own.
"""

import os
from collections.abc import Mapping
from pathlib import Path

from ops.access.caller import current_caller
from ops.runbooks.choices import PLACES, TARGET_PREFIX, list_choices
from runbooks.errors import RunbookUseError
from runbooks.procedure import Runbook


def refuse_places(runbook: Runbook, given: Mapping[str, str], known: Mapping[str, str]) -> None:
    """Refuse values that name a place, where somebody at the console gives them.

    Args:
        runbook: Whose values.
        given: Name → value.
        known: All values that are known, for the lists that depend on others.

    Raises:
        RunbookUseError: One does, and is neither the runbook's own nor in the list for it.
    """
    if current_caller() is None:
        return
    for name, value in given.items():
        variable = runbook.variables.get(name)
        is_own = variable is None or value == variable.default
        if is_own or not names_place(value) or _is_offered(name, value, known):
            continue
        raise RunbookUseError(
            'the value of "{name}" is given at a terminal alone',
            why="it names a place on the server, and {value} is none that the console offers",
            data="nothing was changed",
            next_step="on the server: `{program} runbook.run --id {id}`",
            name=name,
            value=value[:200],
            id=runbook.id,
        )


def names_place(value: str) -> bool:
    """Decide whether a value names a place of a machine, or leads out of a folder; pure."""
    text = value.strip()
    return text.startswith(("/", "~")) or ".." in text.split("/")


def _is_offered(name: str, value: str, known: Mapping[str, str]) -> bool:
    """Say whether a list has it; a new folder is named by its moment, which has passed since."""
    path = Path(value)
    if path.parent in PLACES and path.name.startswith(TARGET_PREFIX):
        return name == "target" and not os.path.lexists(path)
    return any(it.value == value for it in list_choices(name, known))
