"""Read the command lines of a fence, and the variables that stand in a text; pure."""

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence

from runbooks.blocks import Block
from runbooks.errors import Problem
from runbooks.front_matter import FrontMatter
from runbooks.procedure import Step, Variable
from runbooks.shapes import is_place

VARIABLE = re.compile(r"\{\{ *([^{}]*?) *\}\}")
_SHELL_WORDS = re.compile(r"[0-9]?(?:[|;&]+|[<>]+&?[0-9]?)")


def find_names(text: str) -> list[str]:
    """List the variables that a text names."""
    return VARIABLE.findall(text)


def read_commands(
    fence: Block, variables: Mapping[str, Variable]
) -> tuple[tuple[tuple[str, ...], ...], list[Problem]]:
    """Split the lines of a fence into commands; variables stay in their words."""
    commands, problems = [], []
    for line, text in _join_lines(fence):
        try:
            words = shlex.split(text)
        except ValueError:
            problems.append(
                Problem(str(line), "a quotation mark is not closed", "close it on the same line")
            )
            continue
        problems += _check_words(line, words, variables)
        commands.append(tuple(words))
    if not commands and fence.text.strip() and not problems:
        problems.append(
            Problem(str(fence.line), "no command stands in this fence", "write one command a line")
        )
    return tuple(commands), problems


def _join_lines(fence: Block) -> Iterator[tuple[int, str]]:
    """Give each command with the number of its first line."""
    begun, held = 0, ""
    for number, line in enumerate(fence.text.splitlines(), fence.line + 1):
        begun = begun if held else number
        if line.endswith("\\"):
            held += line[:-1] + " "
            continue
        text = (held + line).strip()
        held = ""
        if text and not text.startswith("#"):
            yield begun, text
    if held.strip():
        yield begun, held.strip()


def _check_words(
    line: int, words: list[str], variables: Mapping[str, Variable]
) -> Iterator[Problem]:
    for word in words:
        if _SHELL_WORDS.fullmatch(word):
            yield Problem(
                str(line),
                '"{word}" means nothing here: no shell stands behind it',
                "write each command on its own line; what needs a shell becomes a script",
                {"word": word},
            )
        for name in find_names(word):
            if name in variables and variables[name].secret and not VARIABLE.fullmatch(word):
                yield Problem(
                    str(line),
                    'the secret "{name}" stands inside a word',
                    "let it stand alone: the command gets the path of a file that holds it",
                    {"name": name},
                )
            elif name in variables and is_place(variables[name].shape) and not _leads(name, word):
                yield Problem(
                    str(line),
                    'the place "{name}" stands inside a word',
                    "let it stand alone, or begin the word: `{{{{{name}}}}}/more`",
                    {"name": name},
                )


def _leads(name: str, word: str) -> bool:
    """Tell whether a word begins with a variable, and names it once."""
    found = VARIABLE.match(word)
    rest = word[found.end() :] if found else word
    begins = found is not None and found[1] == name and name not in find_names(rest)
    return begins and (not rest or rest.startswith("/"))


def check_names(lines: Sequence[str], front: FrontMatter, steps: Sequence[Step]) -> list[Problem]:
    """Name the variables that nobody declared, that nobody uses, and that come too late."""
    return [
        *_find_unclosed(lines, front),
        *_find_unknown(lines, front),
        *_find_unused(lines, front, steps),
        *_find_early(front, steps),
    ]


def _find_unclosed(lines: Sequence[str], front: FrontMatter) -> Iterator[Problem]:
    for number, line in enumerate(lines, 1):
        rest = VARIABLE.sub("", line) if number >= front.body_line else ""
        if "{{" in rest or "}}" in rest:
            yield Problem(
                str(number),
                "two braces stand here without a variable between them",
                "write `{{{{name}}}}`, both pairs on one line",
            )


def _find_unknown(lines: Sequence[str], front: FrontMatter) -> Iterator[Problem]:
    for number, line in enumerate(lines, 1):
        if number < front.body_line:
            continue
        for name in find_names(line):
            if name not in front.variables:
                yield Problem(
                    str(number),
                    'nobody declared the variable "{name}"',
                    "write `[variables.{name}]` in the front matter, or correct the name",
                    {"name": name},
                )


def _find_unused(
    lines: Sequence[str], front: FrontMatter, steps: Sequence[Step]
) -> Iterator[Problem]:
    used = {name for line in lines[front.body_line - 1 :] for name in find_names(line)}
    used |= {step.variable for step in steps}
    for name in front.variables:
        if name not in used:
            line = next((n for n, it in enumerate(lines, 1) if f"variables.{name}" in it), 1)
            yield Problem(
                str(line), 'nobody uses the variable "{name}"', "leave it out", {"name": name}
            )


def _find_early(front: FrontMatter, steps: Sequence[Step]) -> Iterator[Problem]:
    filled_at = {step.variable: step.number for step in reversed(steps) if step.variable}
    for step in steps:
        for name in dict.fromkeys(find_names(f"{step.sentence} {step.body}")):
            if name in front.variables and step.number < filled_at.get(name, 0):
                yield Problem(
                    str(step.line),
                    'step {number} uses "{name}", which step {later} fills',
                    "ask for it in an earlier step",
                    {"number": step.number, "name": name, "later": filled_at[name]},
                )
