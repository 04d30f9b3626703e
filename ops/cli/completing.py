"""What a terminal shows before a task runs: completion in a shell, lists of tasks, their help.

A script of ours asks the program, and expands nothing. Invoke's own hand the program's answer to
`compgen -W`, which runs `$(…)` in it as who types.
"""

import re
import shutil
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

from invoke.collection import Collection
from invoke.parser.context import ParserContext
from invoke.tasks import Task

from ops.cli.client import ask_completion
from ops.cli.door import become_owner, refuse_borrowed
from ops.errors import WrongUseError
from ops.language.text import _, program_name
from ops.service.completion import list_values
from ops.terminal.task import DeclaredFlag, all_tasks
from ops.terminal.task import Task as Declared

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
    """Give what may stand there; the service knows, or this process."""
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
    """Give a shell's script for a program."""
    if shell not in _SCRIPTS:
        raise WrongUseError(
            "there is no completion for the shell {shell}",
            next_step="name one of these: {shells}",
            shell=shell,
            shells=", ".join(_SCRIPTS),
        )
    return _SCRIPTS[shell].replace("NAME", program).rstrip()


_GAP = 2
_NARROWEST_TEXT = 30


EVERYDAY = (
    "backup.status", "monitor.alerts", "monitor.ack", "backup.run", "backup.list", "backup.files",
    "backup.restore", "runbook.run", "service.jobs", "estate.check",
)  # fmt: skip
"""What operators type every day, in the order of a morning; the rest stands in its group."""


def write_everyday(root: Collection) -> None:
    """Write the tasks of every day, then a line for each group."""
    write_out(f"{_('every day')}:")
    write_columns((task, _first_sentence(root[task])) for task in EVERYDAY)
    write_out("", f"{_('more')}:")
    program = program_name()
    write_columns(
        (f"{program} --list {name}", f"{_(collection.__doc__ or '')} ({len(collection.tasks)})")
        for name, collection in root.collections.items()
    )


def write_group(root: Collection, name: str) -> None:
    """Write all tasks of a group, one line each."""
    collection = root.collections[name]
    title = collection.__doc__
    write_out(f"{name} · {_(title)}" if title else name)
    write_columns((f"{name}.{it}", _first_sentence(task)) for it, task in collection.tasks.items())


def _first_sentence(task: Task) -> str:  # type: ignore[type-arg]  # of whatever body
    return (task.__doc__ or "").split("\n\n")[0]


def write_task_help(name: str, documentation: str, pairs: Sequence[tuple[str, str]]) -> None:
    """Write usage, explanation and flags of one task."""
    usage = f"{program_name()} {name}" + (f" [{_('flags')}]" if pairs else "")
    write_out(f"{_('usage')}: {usage}", "")
    for paragraph in documentation.split("\n\n"):
        write_out(*textwrap.wrap(paragraph, _terminal_width()), "")
    if pairs:
        write_out(f"{_('flags')}:")
        write_columns(pairs)


def flag_pairs(
    flags: ParserContext, names: Sequence[str] = (), task: Declared | None = None
) -> list[tuple[str, str]]:
    """Give each flag as typed and what it means, in the order of the task's arguments."""
    pairs = []
    declared = {it.written: it for it in task.flags.values()} if task else {}
    for argument in flags.args.values():
        if names and argument.name not in names:
            continue
        value = "" if argument.kind is bool else f" {_('VALUE')}"
        start = "--no-" if argument.kind is bool and argument.default is True else "--"
        told = tell_choices(argument.help or "", declared.get(argument.names[0]))
        pairs.append((f"{start}{argument.names[0]}{value}", told))
    return pairs


def tell_choices(text: str, flag: DeclaredFlag | None) -> str:
    """Add to what a flag means what it may be, unless that says it already."""
    choices = flag.choices() if flag else {}
    if all(it in text for it in choices):
        return text
    told = [it if it == title else f"{it} ({_(title)})" for it, title in choices.items()]
    return f"{text} " + _("One of: {known}.").format(known=", ".join(told))


def write_columns(pairs: Iterable[tuple[str, str]]) -> None:
    """Write two columns, the second one wrapped to the terminal."""
    pairs = list(pairs)
    width = max((len(name) for name, _text in pairs), default=0)
    room = max(_terminal_width() - width - 2 * _GAP, _NARROWEST_TEXT)
    for name, text in pairs:
        first, *others = textwrap.wrap(text, room) or [""]
        write_out(f"{'':{_GAP}}{name:{width}}{'':{_GAP}}{first}".rstrip())
        write_out(*(f"{'':{width + 2 * _GAP}}{line}" for line in others))


def write_out(*lines: str | None) -> None:
    """Write lines to standard output; None writes nothing."""
    import sys

    for line in lines:
        if line is not None:
            sys.stdout.write(f"{line}\n")


def _terminal_width() -> int:
    return min(shutil.get_terminal_size((100, 25)).columns, 120)
