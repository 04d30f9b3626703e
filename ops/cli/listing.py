"""Write the list of tasks, and the help of one, in the reader's language."""

import shutil
import textwrap
from collections.abc import Iterable, Sequence

from invoke.collection import Collection
from invoke.parser.context import ParserContext

from ops.language.text import _, program_name

_GAP = 2
_NARROWEST_TEXT = 30


def write_tasks(root: Collection, only: str = "") -> None:
    """Write all tasks in groups, one line each, or those of one collection."""
    names = [only] if only else list(root.collections)
    lines = {
        name: [
            (f"{name}.{task}", (body.__doc__ or "").split("\n\n")[0])
            for task, body in root.collections[name].tasks.items()
        ]
        for name in names
    }
    width = max((len(task) for group in lines.values() for task, _text in group), default=0)
    for number, name in enumerate(names):
        title = root.collections[name].__doc__
        write_out("" if number else None, f"{name} · {_(title)}" if title else name)
        write_columns(lines[name], width)


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
