"""Completion: the scripts with which a shell asks for it, and what may stand after a flag.

A script of ours asks the program, and expands nothing. Invoke's own hand the program's answer to
`compgen -W`, which runs `$(…)` in it as who types.
"""

import re
from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import NamedTuple

from ops.cli.client import ask_completion
from ops.cli.door import become_owner, refuse_borrowed
from ops.errors import WrongUseError
from ops.service.completion import list_values
from ops.terminal.task import all_tasks

_PLAIN = re.compile(r"[\w.:@/+][\w.:@/+-]*")
"""What may be a value: what a shell would expand, or take for a flag, is none of ours."""

_BASH = r"""# Completion of NAME for bash.
_complete_NAME() {
    local candidate
    COMPREPLY=()
    while IFS= read -r candidate; do
        [[ $candidate == "$2"* ]] && COMPREPLY+=("$candidate")
    done < <(NAME --complete -- "${COMP_WORDS[@]}" 2> /dev/null)
}
complete -F _complete_NAME -o default NAME
"""

_ZSH = r"""# Completion of NAME for zsh.
_complete_NAME() {
    reply=("${(@f)$(NAME --complete -- "${(@)words}" 2> /dev/null)}")
    reply=("${(@)reply:#}")
}
compctl -K _complete_NAME + -f NAME
"""

_FISH = r"""# Completion of NAME for fish.
function __complete_NAME
    NAME --complete -- (commandline --tokenize) 2> /dev/null
end
complete --command NAME --no-files --arguments '(__complete_NAME)'
"""

_SCRIPTS = {"bash": _BASH, "zsh": _ZSH, "fish": _FISH}


class Typing(NamedTuple):
    """A flag whose value is being typed, and what the other flags of its task were given."""

    task: str
    flag: str
    given: Mapping[str, str]


def flag_being_typed(line: str) -> Typing | None:
    """Give the flag of a task that ends a line, perhaps with a value that has begun."""
    words = [it for it in line.split()[1:] if it != "="]
    task = next((it for it in words if it in all_tasks()), "")
    flag = next((it.lstrip("-") for it in words[:-3:-1] if it.startswith("-")), "")
    if flag not in value_flags(task):
        return None
    given = {it.lstrip("-"): value for it, value in pairwise(words) if it.startswith("--")}
    return Typing(task, flag, given)


def list_fitting(typing: Typing) -> Iterable[str]:
    """Give what may stand there; the service knows, or this process.

    Raises:
        NotAllowedError: Somebody types with the rights of the service's user.
    """
    told = ask_completion(*typing)
    if told is None:
        refuse_borrowed()
        told = list_values(*typing, become_owner)
    return filter(_PLAIN.fullmatch, told)


def value_flags(task: str) -> list[str]:
    """Give the flags of a task that take a value; none where there is no such task."""
    flags = all_tasks()[task].flags.values() if task in all_tasks() else ()
    return [it.written for it in flags if it.kind is not bool]


def completion_script(shell: str, program: str) -> str:
    """Give a shell's script for a program.

    Raises:
        WrongUseError: There is none for that shell.
    """
    if shell not in _SCRIPTS:
        raise WrongUseError(
            "there is no completion for the shell {shell}",
            next_step="name one of these: {shells}",
            shell=shell,
            shells=", ".join(_SCRIPTS),
        )
    return _SCRIPTS[shell].replace("NAME", program).rstrip()
