"""The commands of the record, read from `commands.txt`: data in the order in which they are typed.

A line begins at the left with who types, the language, `tty` where it is at a terminal, what is
meant to come of it, and the task with its flags. Lines below it that are set in say more:

    $ WORDS             typed in a shell of the estate's folder before it; not recorded
    ? PIECE | ANSWER    what is typed once a question with this piece waits for it
    < TEXT              standard input, where there is no terminal; \\n ends a line of it
    ! PIECE             interrupted as by Ctrl-C, once it has said this
    = NAME REGEX        what later commands call `{NAME}`: the group in what this one told
    later HOURS         the clock moves on by so many hours before it

`{here}` is the estate's folder, `{out}` a folder of the command's own for what it makes, `{usb}`
one on another disk, `{proof}` a file with which who types proves it (`{proof:lvc}`: another).
"""

import re
import shlex
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, cast

Meant = Literal["done", "refused", "asked"]
_TASK = re.compile(r"[a-z]+\.[a-z-]+")
COMMANDS = Path(__file__).with_name("commands.txt")


@dataclass(frozen=True)
class Command:
    """What somebody types.

    Attributes:
        number: Its place in the list, from 1.
        who: A person of the estate, or root.
        language: `vi` or `en`.
        terminal: Whether it is typed at one.
        meant: What it is there to show; what comes of it is recorded, and not expected.
        words: The task and its flags, with names to be filled in.
        prepared: Lines of a shell before it.
        answers: Piece of a question → what is typed.
        given: Standard input, where there is no terminal.
        captures: Name → regular expression.
        until: What it says before it is interrupted; none: it ends by itself.
        later: So many hours pass before.
        part: Of which part of the list it is.
    """

    number: int
    who: str
    language: str
    terminal: bool
    meant: Meant
    words: tuple[str, ...]
    part: str
    prepared: list[str] = field(default_factory=list)
    answers: list[tuple[str, str]] = field(default_factory=list)
    given: list[str] = field(default_factory=list)
    captures: dict[str, str] = field(default_factory=dict)
    until: list[str] = field(default_factory=list)
    later: list[float] = field(default_factory=list)

    @property
    def task(self) -> str:
        """What is recorded of: the task's name."""
        return next((it for it in self.words if _TASK.fullmatch(it)), self.words[0])

    @property
    def name(self) -> str:
        """Of the file that keeps it."""
        return f"{self.number:03}-{self.task}-{self.meant}.txt"


def read_script(path: Path = COMMANDS) -> list[Command]:
    """Read the list.

    Raises:
        ValueError: A line says nothing that is known; the text names it.
    """
    return list(_read(path.read_text(encoding="utf-8").splitlines()))


def _read(lines: Iterable[str]) -> Iterator[Command]:
    command, part, number = None, "", 0
    for line in lines:
        if not line.strip() or line.startswith("##"):
            continue
        if line.startswith("# "):
            part = line[2:]
        elif not line.startswith(" "):
            if command:
                yield command
            number += 1
            command = _begin(number, part, line)
        elif command:
            _add(command, line.strip())
    if command:
        yield command


def _begin(number: int, part: str, line: str) -> Command:
    who, language, *rest = shlex.split(line)
    terminal = rest[0] == "tty"
    meant, *words = rest[terminal:]
    if meant not in {"done", "refused", "asked"} or language not in {"vi", "en"}:
        raise ValueError(line)
    return Command(number, who, language, terminal, cast("Meant", meant), tuple(words), part)


def _add(command: Command, line: str) -> None:
    mark, _blank, text = line.partition(" ")
    if mark == "$":
        command.prepared.append(text)
    elif mark == "?":
        piece, _bar, answer = text.partition(" | ")
        command.answers.append((piece, answer))
    elif mark == "<":
        command.given.append(text.replace("\\n", "\n"))
    elif mark == "!":
        command.until.append(text)
    elif mark == "=":
        name, _blank, pattern = text.partition(" ")
        command.captures[name] = pattern
    elif mark == "later":
        command.later.append(float(text))
    else:
        raise ValueError(line)
