"""Cut a runbook's text into prose, numbered items and fences; pure, and every piece keeps its line.

A small strict reader of our own instead of a Markdown library: the runner has to know exactly which
line becomes a command, and a reader that accepts six ways to write a list would leave that to
chance. What it accepts is a subset of CommonMark, so that any viewer shows the same.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

_NUMBERED = re.compile(r"(\d+)\. +(\S.*)$")
_HEADING = re.compile(r"(#{1,6}) +(\S.*)$")
_FENCE = re.compile(r"(\s*)```(.*)$")


@dataclass(frozen=True, slots=True)
class Block:
    """One piece of text.

    Attributes:
        kind: What it is; an `open` fence was never ended.
        line: Number of its first line, from 1.
        text: Its text; of a fence what stands between its lines, without the indent.
        info: Of a fence what follows the three backticks.
        number: Of an item its number, of a heading its level.
    """

    kind: Literal["heading", "paragraph", "item", "fence", "open"]
    line: int
    text: str
    info: str = ""
    number: int = 0


def cut_blocks(lines: list[str], first: int) -> Iterator[Block]:
    """Cut lines into blocks.

    Args:
        lines: All lines of the file.
        first: Number of the first line to read, from 1.
    """
    at = first - 1
    while at < len(lines):
        line = lines[at]
        fence = _FENCE.match(line)
        if not line.strip():
            at += 1
        elif fence:
            block, at = _read_fence(lines, at, len(fence[1]), fence[2].strip())
            yield block
        elif heading := _HEADING.match(line):
            yield Block("heading", at + 1, heading[2].strip(), number=len(heading[1]))
            at += 1
        else:
            block, at = _read_paragraph(lines, at)
            yield block


def _read_fence(lines: list[str], at: int, indent: int, info: str) -> tuple[Block, int]:
    held: list[str] = []
    for number in range(at + 1, len(lines)):
        if lines[number].strip() == "```":
            return Block("fence", at + 1, "\n".join(held), info), number + 1
        blank = len(lines[number]) - len(lines[number].lstrip(" "))
        held.append(lines[number][min(indent, blank) :].rstrip())
    return Block("open", at + 1, "", info), len(lines)


def _read_paragraph(lines: list[str], at: int) -> tuple[Block, int]:
    end = at + 1
    while end < len(lines) and not _begins_block(lines[end]):
        end += 1
    text = " ".join(line.strip() for line in lines[at:end])
    item = _NUMBERED.match(text) if not lines[at].startswith(" ") else None
    if item:
        return Block("item", at + 1, item[2], number=int(item[1])), end
    return Block("paragraph", at + 1, text), end


def _begins_block(line: str) -> bool:
    patterns = (_FENCE, _HEADING, _NUMBERED)
    return not line.strip() or any(pattern.match(line) for pattern in patterns)
