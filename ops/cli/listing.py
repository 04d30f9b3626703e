"""Write the list of tasks, and the help of one, in the reader's language."""

import shutil
import textwrap
from collections.abc import Iterable, Sequence

from invoke.collection import Collection
from invoke.parser.context import ParserContext
from invoke.tasks import Task

from ops.language.text import _, program_name

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


def write_task_help(name: str, documentation: str, flags: ParserContext) -> None:
    """Write usage, explanation and flags of one task."""
    pairs = flag_pairs(flags)
    usage = f"{program_name()} {name}" + (f" [{_('flags')}]" if pairs else "")
    write_out(f"{_('usage')}: {usage}", "")
    for paragraph in documentation.split("\n\n"):
        write_out(*textwrap.wrap(paragraph, _terminal_width()), "")
    if pairs:
        write_out(f"{_('flags')}:")
        write_columns(pairs)


def flag_pairs(flags: ParserContext, names: Sequence[str] = ()) -> list[tuple[str, str]]:
    """Give each flag as typed and what it means, in the order of the task's arguments."""
    pairs = []
    for argument in flags.args.values():
        if names and argument.name not in names:
            continue
        value = "" if argument.kind is bool else f" {_('VALUE')}"
        start = "--no-" if argument.kind is bool and argument.default is True else "--"
        pairs.append((f"{start}{argument.names[0]}{value}", argument.help or ""))
    return pairs


def write_columns(pairs: Iterable[tuple[str, str]], width: int = 0) -> None:
    """Write two columns, the second one wrapped to the terminal."""
    pairs = list(pairs)
    width = width or max((len(name) for name, _text in pairs), default=0)
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
