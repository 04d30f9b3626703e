"""The page of commands: the operators' tasks and the engine's command line."""

import argparse
import importlib
from collections.abc import Iterable
from importlib.util import find_spec

from invoke.collection import Collection
from invoke.parser.argument import Argument

from backup.commands.parser import VERBS, FlagParser, add_global_flags
from ops.cli.collections import FabricTask, load_tasks
from ops.cli.completing import tell_choices

_HEAD = """# Commands

<!-- written by `make docs` from the tasks and the engine's command line; change those instead -->

Exit codes stand on [the page of errors](errors.md#exit-codes).

## The operators' tasks

`fab TASK` or `giucong TASK`, one program; in a checkout `.venv/bin/fab TASK`. `fab --list` lists
those of every day and the groups, `fab --list GROUP` a group, `fab --help TASK` explains one; in
Vietnamese or, with `GIUCONG_LANG=en`, in English.
Without a task it says what is red. The estate is the file that `GIUCONG_ESTATE` names, else
`./estate.toml`, else `/etc/giucong/estate.toml`; `giucong` also takes `--estate FILE`. Who acts
with the rights of the service's user, by `sudo`, gets the last one or none, and so does root
without `--estate` where the service is installed. None is believed that others could have written.

A flag in brackets may be left out.

Every task but `service.run` takes `--json`; what it then writes stands on [a page of its
own](json.md).
"""
_ENGINE = """## The engine

`python -m backup VERB` speaks restic's command line for the verbs and flags below: same names,
environment and `--json` messages, so that [restic's documentation](https://restic.readthedocs.io)
applies. It needs no service, no estate file and no catalog.
"""


def render_commands() -> str:
    """Render the page."""
    return "\n".join([_HEAD, *_render_collections(load_tasks()), _ENGINE, *_render_verbs()])


def _render_collections(root: Collection) -> Iterable[str]:
    for name, collection in root.collections.items():
        yield f"### {name}\n\n{_sentence(collection.__doc__ or '')}\n"
        for task in collection.tasks.values():
            full_name = f"{name}.{collection.transform(task.name)}"
            yield f"#### `{full_name}`\n\n{(task.__doc__ or '').strip()}\n"
            yield _render_table(
                (f"`{_written_flag(argument, task)}`", _told(argument, task))
                for argument in task.get_arguments()
            )


def _field(argument: Argument) -> str:
    return argument.attr_name or argument.name or ""  # the first where a flag is written otherwise


def _told(argument: Argument, task: FabricTask) -> str:
    flag = task.declared.flags.get(_field(argument))
    return tell_choices(str(argument.help or ""), flag)


def _written_flag(argument: Argument, task: FabricTask) -> str:
    """Write a flag as somebody would type it."""
    name = (argument.name or "").strip("_").replace("_", "-")
    flag = f"--{name} {name.rpartition('-')[2].upper()}" if argument.takes_value else f"--{name}"
    return flag if _field(argument) in task.required else f"[{flag}]"


def _render_verbs() -> Iterable[str]:
    shared = argparse.ArgumentParser(add_help=False)
    add_global_flags(shared, {})
    yield "### Flags of all verbs\n"
    yield _render_flags(shared, set())
    known = set(shared._option_string_actions)  # noqa: SLF001 - argparse offers no other way
    for verb, meaning in VERBS.items():
        if find_spec(f"backup.commands.{verb}") is None:
            continue
        parser = FlagParser(f"python -m backup {verb}")
        importlib.import_module(f"backup.commands.{verb}").configure(parser)
        yield f"### `{verb}`\n\n{_sentence(meaning)}\n\n```\n{parser.usage}\n```\n"
        yield _render_flags(parser, known | {"--help"})


def _render_flags(parser: argparse.ArgumentParser, known: set[str]) -> str:
    return _render_table(
        (f"`{', '.join(action.option_strings)}{_value(action)}`", action.help or "")
        for action in parser._actions  # noqa: SLF001 - argparse offers no other way
        if not known & set(action.option_strings) and action.help != argparse.SUPPRESS
    )


def _value(action: argparse.Action) -> str:
    if action.nargs == 0:
        return ""
    return f" {action.metavar or action.dest.upper()}"


def _render_table(rows: Iterable[tuple[str, str]]) -> str:
    lines = [f"| {flag} | {meaning.replace('|', chr(92) + '|')} |" for flag, meaning in rows]
    return "\n".join(["| flag | meaning |", "|---|---|", *lines, ""]) if lines else ""


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:].rstrip('.')}." if text else ""
