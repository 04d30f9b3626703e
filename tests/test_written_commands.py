"""Every command that a page or a message tells somebody to type is one that exists."""

import argparse
import importlib
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from backup.commands.parser import VERBS, FlagParser, add_global_flags
from ops.cli.collections import FabricTask, load_tasks

ROOT = Path(__file__).parent.parent
PAGES = sorted(
    path for of in ("*.md", "docs/**/*.md", "runbooks/procedures/*.md") for path in ROOT.glob(of)
)
PACKAGES = ("archive", "backup", "examples", "ops", "provisioning", "runbooks")

CODE_BLOCK = re.compile(r"^ *```\w+[^`\n]*\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
CODE_SPAN = re.compile(r"`([^`\n]+)`")
TASK_COMMAND = re.compile(r"^ *(?:\$ +|ExecStart=)?(?:[\w./]*/)?(?:fab|giucong) +(.*)")
ENGINE_COMMAND = re.compile(r"^ *(?:\$ +)?(?:[\w./]*/)?python -m backup +(.*)")
CORE_FLAGS = {
    "--list", "--help", "--version", "--estate", "--debug", "--print-completion-script",
}  # fmt: skip


@dataclass(frozen=True)
class Command:
    """A written command: the rest of its line, and whether it is there to be typed as it stands."""

    text: str
    is_whole: bool

    def words(self) -> list[str]:
        """Split as a shell does, up to a redirection or another command."""
        lexer = shlex.shlex(self.text, posix=True, punctuation_chars=True)
        lexer.whitespace_split = True
        found: list[str] = []
        for word in lexer:
            if set(word) <= set("();<>|&"):
                break
            found.append(word)
        return found


@cache
def tasks() -> dict[str, FabricTask]:
    """Give all tasks by their full names."""
    return {
        f"{name}.{collection.transform(task.name)}": task
        for name, collection in load_tasks().collections.items()
        for task in collection.tasks.values()
    }


def find_in_page(page: Path, pattern: re.Pattern[str]) -> Iterator[Command]:
    """Yield the commands in a page's code, blocks and spans."""
    text = page.read_text(encoding="utf-8")
    for block in CODE_BLOCK.findall(text):
        for line in block.replace("\\\n", " ").splitlines():
            if found := pattern.search(line):
                yield Command(found[1], is_whole=True)
    for span in CODE_SPAN.findall(re.sub(r"(?ms)^ *```.*?^ *```$", "", text)):
        if (found := pattern.match(span)) and "…" not in span:
            yield Command(found[1], is_whole=False)


def judge_task_command(command: Command) -> str:
    """Say what is wrong with a task's name or flags; empty when nothing is."""
    typed = command.words()
    if typed[:1] == ["--estate"]:
        typed = typed[2:]
    words = [word for word in typed if word.startswith("--") or "." in word]
    flags = {word.partition("=")[0] for word in words if word.startswith("--")}
    name = next((word for word in typed if not word.startswith("--")), "")
    if name in {"", "TASK"} or "--estate" in flags or "--help" in flags:
        return "" if flags <= CORE_FLAGS else f"unknown flags {flags - CORE_FLAGS}"
    if "--list" in flags and name in {"GROUP", *load_tasks().collections}:
        return ""
    if name not in tasks():
        return f'no task "{name}"'
    task = tasks()[name]
    known = {
        f"--{(argument.name or '').strip('_').replace('_', '-')}"
        for argument in task.get_arguments()
    }
    needed = {f"--{flag.strip('_').replace('_', '-')}" for flag in task.required}
    if unknown := flags - known - CORE_FLAGS:
        return f"{name} has no {', '.join(sorted(unknown))}"
    if command.is_whole and needed - flags:
        return f"{name} needs {', '.join(sorted(needed - flags))}"
    return ""


def judge_engine_command(command: Command) -> str:
    """Say what is wrong with a verb or its flags; empty when nothing is."""
    shared = argparse.ArgumentParser(add_help=False)
    add_global_flags(shared, {})
    valued = {
        option
        for action in shared._actions
        for option in action.option_strings
        if action.nargs != 0
    }
    words, plain = command.words(), []
    while words:
        word = words.pop(0)
        if word in valued:
            words = words[1:]
        elif not word.startswith("-"):
            plain.append(word)
    verb = plain[0] if plain else ""
    if verb in {"", "VERB"}:
        return ""
    if verb not in VERBS:
        return f'no verb "{verb}"'
    parser = FlagParser(f"python -m backup {verb}")
    importlib.import_module(f"backup.commands.{verb}").configure(parser)
    known = {*shared._option_string_actions, *parser._option_string_actions}
    flags = {word.partition("=")[0] for word in command.words() if word.startswith("-")}
    return f"{verb} has no {', '.join(sorted(flags - known))}" if flags - known else ""


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_pages_tell_to_type_only_what_exists(page: Path) -> None:
    wrong = [
        *map(judge_task_command, find_in_page(page, TASK_COMMAND)),
        *map(judge_engine_command, find_in_page(page, ENGINE_COMMAND)),
    ]

    assert [what for what in wrong if what] == []


def test_messages_tell_to_type_only_what_exists() -> None:
    wrong = []
    for package in PACKAGES:
        for path in (ROOT / package).rglob("*.py"):
            for span in CODE_SPAN.findall(path.read_text(encoding="utf-8")):
                found = re.match(r"\{program\} ([a-z].*)", span)
                judged = judge_task_command(Command(found[1], is_whole=False)) if found else ""
                if judged and "{task}" not in span:
                    wrong.append(f"{path.relative_to(ROOT)}: {judged}")

    assert wrong == []


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ("backup.run --site cong-xa", ""),
        ("backup.run", "backup.run needs --site"),
        ("backup.runn --site a", 'no task "backup.runn"'),
        ("backup.run --site a --fast", "backup.run has no --fast"),
        ("--estate /a/estate.toml backup.run", "backup.run needs --site"),
        ("estate.sample > estate.toml", ""),
        ("--list", ""),
    ],
)
def test_a_wrong_task_is_found(text: str, verdict: str) -> None:
    assert judge_task_command(Command(text, is_whole=True)) == verdict


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ("-r near/cong-xa --password-file key snapshots", ""),
        ("-r near snapshot", 'no verb "snapshot"'),
        ("-r near check --read-all", "check has no --read-all"),
    ],
)
def test_a_wrong_verb_is_found(text: str, verdict: str) -> None:
    assert judge_engine_command(Command(text, is_whole=True)) == verdict
