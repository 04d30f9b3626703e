"""Which values nobody gives a runbook: places of this machine that are none of their shape.

A step's command runs as the service, and a path of one's own choice would reach what no role
opens: a key, another estate file, a folder of the service's own. At the console a role is all that
somebody has: only what a list offers is taken there. With rights that are lent a place has a shape
that is looked at (`ops.runbooks.held`), and a text goes to our own tasks alone.
"""

import os
from collections.abc import Mapping
from pathlib import Path

from ops.access.caller import is_at_console
from ops.estate.load.load import load_estate
from ops.language.text import N_
from ops.runbooks.bare_machine import where_estate_is
from ops.runbooks.choices import NEW_FOLDERS, TARGET_PREFIX, list_choices
from ops.runbooks.commands import TASKS
from ops.runbooks.held import are_rights_lent
from ops.runbooks.new_folders import find_fault, is_at_places, list_roots
from runbooks.command_lines import find_names
from runbooks.errors import RunbookUseError
from runbooks.procedure import Runbook, Variable
from runbooks.shapes import names_place

__all__ = ["names_place", "refuse_folder", "refuse_places"]


def refuse_places(runbook: Runbook, given: Mapping[str, str], known: Mapping[str, str]) -> None:
    """Refuse values that name a place, where somebody at the console gives them.

    Args:
        runbook: Whose values.
        given: Name → value.
        known: All values that are known, for the lists that depend on others.
    """
    if not are_rights_lent():
        return
    for name, value in given.items():
        variable = runbook.variables.get(name)
        if variable is None or value == variable.default or not _may_reach(runbook, name, value):
            continue
        if not is_at_console() and variable.shape != "text":
            continue
        if _is_offered(name, value, known):
            continue
        raise RunbookUseError(
            'the value of "{name}" names a place on the server',
            why="{value} is none that is offered to you",
            data="nothing was changed",
            next_step="choose from the list; or on the server as root: `{program} runbook.run --id"
            " {id}`",
            name=name,
            value=value[:200],
            id=runbook.id,
        )


def refuse_folder(variable: Variable, value: str) -> None:
    """Refuse a folder that is to be new, and is not, or lies where who acts could not read it."""
    if variable.shape != "new-folder" or not value:
        return
    what = why = ""
    params: dict[str, object] = {}
    if fault := find_fault(value):
        what = N_('the folder for "{name}" cannot be made: {value}')
        why, params = fault
    elif is_at_places() and os.path.lexists(value):
        what = N_('the folder for "{name}" is there already: {value}')
    elif os.path.lexists(value) and (not Path(value).is_dir() or any(Path(value).iterdir())):
        what = N_('the folder for "{name}" is there already, and is not empty: {value}')
    if what:
        raise RunbookUseError(
            what,
            why=why,
            data="nothing was changed",
            next_step="name one that is not there yet: `--set {name}=FOLDER`",
            name=variable.name,
            value=value,
            **params,
        )


def _may_reach(runbook: Runbook, name: str, value: str) -> bool:
    """Say whether a value is a path to a command: it looks like one, or a stranger might think so.

    Our own tasks know which of their flags are paths.
    """
    commands = (it for step in runbook.steps for it in step.commands if it[0] not in TASKS)
    is_strange = any(name in find_names(word) for words in commands for word in words)
    text = runbook.variables[name].shape == "text"
    return names_place(value) or (text and is_strange and "/" in value)


def _is_offered(name: str, value: str, known: Mapping[str, str]) -> bool:
    """Say whether a list has it; a new folder is named by its moment, which has passed since."""
    path = Path(value)
    if path.name.startswith(TARGET_PREFIX) and where_estate_is():
        is_well = path.parent in list_roots(load_estate()) and not os.path.lexists(path)
        return name in NEW_FOLDERS and is_well
    return any(it.value == value for it in list_choices(name, known))
