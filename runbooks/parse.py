r"""Read a runbook: Markdown that people read and the service executes; all mistakes at once.

A step is a numbered sentence and one fence below it::

    1. [hai người] Đưa trang về chỗ cũ.

       ```run deadline=600
       giucong backup.restore --site {{site}} --in-place
       ```

Marks stand in brackets before the sentence, where the reader sees them. A fence's first line is its
kind; then of an `ask` the variable it fills; then `deadline=SECONDS` and, of a `wait`,
`every=SECONDS`; of a `run` whose output is a secret `private`; where a person may decide that exit
code 3, done but incomplete, is enough: `incomplete`. Each line of a fence is one command; `#`
begins a remark, `\\` at the end goes on. No shell stands behind it.
"""

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any
from unicodedata import normalize

from runbooks.blocks import Block, cut_blocks
from runbooks.command_lines import check_names, find_names, read_commands
from runbooks.errors import Problem, RunbookTextError
from runbooks.front_matter import FrontMatter, read_front_matter
from runbooks.procedure import KINDS, Kind, Prose, Runbook, Step

TWO_PEOPLE_MARKS = ("hai người", "two people")
PRIVATE = "private"
INCOMPLETE = "incomplete"
_JUDGED = frozenset({"check", "run", "verify", "rollback"})
_SECONDS: Mapping[Kind, tuple[str, ...]] = {"ask": (), "wait": ("deadline", "every")}
_MARK = re.compile(r"\[([^\]]*)\] *")


def load_runbook(path: Path) -> Runbook:
    """Read a file; a mark of byte order before its text, as some editors write, is passed over.

    Raises:
        RunbookTextError: It has mistakes.
        OSError: It cannot be read.
    """
    content = path.read_bytes()
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        problem = Problem(str(line), "this line is not UTF-8", "save the file as UTF-8", file=path)
        raise RunbookTextError(path, [problem]) from error
    return read_runbook(text, path)


@lru_cache(128)
def read_runbook(text: str, path: Path) -> Runbook:
    """Read a text.

    Args:
        text: The file's content.
        path: Named in the mistakes.

    Raises:
        RunbookTextError: It has mistakes; names all of them.
    """
    lines = text.splitlines()
    front, problems = read_front_matter(lines)
    parts: list[Prose | Step] = []
    for piece in _read_parts(list(cut_blocks(lines, front.body_line)), front):
        (problems if isinstance(piece, Problem) else parts).append(piece)  # type: ignore[arg-type]  # each list gets its own kind
    steps = [part for part in parts if isinstance(part, Step)]
    if not steps and not problems:
        problems.append(
            Problem(
                str(len(lines)), "there is no step", "write `1. A sentence.` and a fence below it"
            )
        )
    problems += [*_check_order(steps), *check_names(lines, front, steps)]
    if problems:
        ordered = sorted(problems, key=lambda it: int(it.key))
        raise RunbookTextError(
            path, [Problem(it.key, it.what, it.fix, it.params, path) for it in ordered]
        )
    values = front.values
    return Runbook(
        id=values["id"],
        title=values["title"],
        owner=values["owner"],
        systems=tuple(values["systems"]),
        rto_hours=values.get("rto_hours"),
        rpo_hours=values.get("rpo_hours"),
        variables=front.variables,
        parts=tuple(parts),
        text=text,
        language=path.stem.rpartition(".")[2] if "." in path.stem else "",
    )


def _read_parts(blocks: list[Block], front: FrontMatter) -> Iterator[Prose | Step | Problem]:
    item: Block | None = None
    for block in blocks:
        if block.kind == "open":
            yield Problem(
                str(block.line), "this fence has no end", "write a line of three backticks below it"
            )
            item = None
        elif block.kind == "fence":
            yield from _read_step(item, block, front)
            item = None
        else:
            if item is not None:
                yield _bare(item)
            item = block if block.kind == "item" else None
            if item is None:
                yield Prose(block.line, block.text, block.number)
    if item is not None:
        yield _bare(item)


def _bare(item: Block) -> Problem:
    return Problem(
        str(item.line),
        "step {number} has no fence below its sentence",
        "write one of {kinds} right below it, indented by three blanks",
        {"number": item.number, "kinds": ", ".join(KINDS)},
    )


def _read_step(item: Block | None, fence: Block, front: FrontMatter) -> Iterator[Step | Problem]:
    words = fence.info.split()
    kind = next((it for it in KINDS if words and it == words[0]), None)
    if item is None:
        yield Problem(
            str(fence.line),
            "this fence belongs to no step",
            "write a numbered sentence above it, `1. A sentence.`; one fence a step",
        )
    elif kind is None:
        yield Problem(
            str(fence.line),
            'nobody knows the kind of fence "{kind}"',
            "write one of {kinds} after the backticks",
            {"kind": words[0] if words else "", "kinds": ", ".join(KINDS)},
        )
    else:
        yield from _make_step(item, fence, kind, front)


def _make_step(
    item: Block, fence: Block, kind: Kind, front: FrontMatter
) -> Iterator[Step | Problem]:
    sentence, marks = _read_marks(item.text)
    yield from _check_marks(item, marks)
    options, problems = _read_options(fence, kind, front)
    yield from problems
    if not fence.text.strip():
        yield Problem(
            str(fence.line), "this fence is empty", "write what is to be asked, or the commands"
        )
    commands: tuple[tuple[str, ...], ...] = ()
    if kind != "ask":
        commands, mistakes = read_commands(fence, front.variables)
        yield from mistakes
    yield Step(
        item.number,
        item.line,
        sentence,
        kind,
        fence.text,
        commands,
        bool(marks),
        **options,
    )


def _read_marks(text: str) -> tuple[str, list[str]]:
    marks = []
    while found := _MARK.match(text):
        marks.append(normalize("NFC", found[1]).strip().lower())
        text = text[found.end() :]
    return text, marks


def _check_marks(item: Block, marks: list[str]) -> Iterator[Problem]:
    for mark in marks:
        if mark not in TWO_PEOPLE_MARKS:
            yield Problem(
                str(item.line),
                'nobody knows the mark "{mark}"',
                "write `[hai người]` or `[two people]`, or leave it out",
                {"mark": mark},
            )


def _read_options(
    fence: Block, kind: Kind, front: FrontMatter
) -> tuple[dict[str, Any], list[Problem]]:
    """Read what stands behind a fence's kind, by the step's fields."""
    options: dict[str, Any] = {}
    problems = []
    for word in fence.info.split()[1:]:
        name, equals, value = word.partition("=")
        if kind == "ask" and not equals and word in front.variables:
            options["variable"] = word
        elif kind == "run" and word == PRIVATE:
            options["private"] = True
        elif kind in _JUDGED and word == INCOMPLETE:
            options["may_be_incomplete"] = True
        elif name in _SECONDS.get(kind, ("deadline",)) and value.isdecimal() and int(value) > 0:
            options[name] = float(value)
        else:
            problems.append(
                Problem(
                    str(fence.line),
                    '"{word}" cannot stand after `{kind}`',
                    "write `deadline=SECONDS`, or `incomplete` where exit code 3 may be enough; of"
                    " a wait also `every=SECONDS`; of a run also `private`; of an ask only the"
                    " variable from the front matter that it fills",
                    {"word": word, "kind": kind},
                )
            )
    return options, problems


def _check_order(steps: list[Step]) -> Iterator[Problem]:
    for expected, step in enumerate(steps, 1):
        if step.number != expected:
            yield Problem(
                str(step.line),
                "this step has the number {number}",
                "write {expected}: numbers run from 1 without gaps",
                {"number": step.number, "expected": expected},
            )
    if steps and steps[0].kind == "rollback":
        yield Problem(
            str(steps[0].line),
            "a rollback cannot come first",
            "write it below the step that it undoes",
        )
    for step in steps:
        for name in find_names(step.body) if step.kind == "ask" else ():
            if name == step.variable:
                yield Problem(
                    str(step.line),
                    'the question names "{name}", which it is about to fill',
                    "leave it out of the question",
                    {"name": name},
                )
