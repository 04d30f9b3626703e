"""`python -m tests.record run FOLDER`, `… compare OLD NEW`, `… asserts BASE`."""

import difflib
import re
import resource
import shutil
import sys
import time
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from tests.record.asserts import removed_asserts
from tests.record.kept import Standing, look, write_down
from tests.record.script import Command, read_script
from tests.record.world import (
    BASE,
    World,
    as_person,
    begin_again_with_a_clock,
    later,
    make_world,
    run_shell,
)

_MINUTES = 10
_SLOW_SECONDS = 10


def main() -> None:
    """Make a record, or hold two against each other."""
    match sys.argv[1:]:
        case ["run", folder, *parts]:
            begin_again_with_a_clock("tests.record")
            record(Path(folder), parts)
        case ["compare", old, new]:
            sys.exit(compare(Path(old), Path(new)))
        case ["asserts", base]:
            print(*removed_asserts(base), sep="\n")
        case _:
            sys.exit("python -m tests.record run FOLDER [PART…] | compare OLD NEW | asserts BASE")


def record(folder: Path, parts: Iterable[str] = ()) -> None:
    """Type all commands, or those of some parts and of the founding, and keep what came of them.

    Args:
        folder: What is there of an earlier record goes.
        parts: Names of parts of the list, and `pages` for what stands there at the end; none: all.
    """
    began, wanted = time.monotonic(), {*parts}
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    needed = {"founding"} if wanted == {"founding"} else {"founding", "first", *wanted}
    commands = [it for it in read_script() if not wanted or it.part in needed]
    with make_world() as world:
        minutes, captured, standing = 0.0, dict[str, str](), look(world)
        for command in commands:
            minutes += _MINUTES + sum(command.later) * 60
            world.set_clock(later(BASE, minutes))
            typed = time.monotonic()
            text, standing = carry_out(world, command, captured, standing)
            if (took := time.monotonic() - typed) > _SLOW_SECONDS:
                print(f"{command.name}: {took:.0f} s", flush=True)
            (folder / command.name).write_text(text, encoding="utf-8", errors="surrogateescape")
        if not wanted or "pages" in wanted:
            from tests.record.texts import write_pages, write_texts

            write_pages(world, captured, folder / "pages")
            write_texts(world, folder / "texts")
    used = [resource.getrusage(it) for it in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    seconds = sum(it.ru_utime + it.ru_stime for it in used)
    print(f"{len(commands)} commands in {time.monotonic() - began:.0f} s,"
          f" {seconds:.0f} s of processors: {folder}")  # fmt: skip


def carry_out(
    world: World, command: Command, captured: dict[str, str], before: Standing
) -> tuple[str, Standing]:
    """Type one command; gives what is kept and how things stand, and notes what later ones need."""
    out = world.here / "out" / f"{command.number:03}"
    names = {"here": str(world.here), "out": str(out), "usb": str(world.usb), **captured}
    names |= {it.lower(): port for port, it in world.known.items() if it.startswith("port_")}
    failed = [run_shell(world, _fill(it, names)) for it in command.prepared]
    for person in ("nva", "lvc", "tvo", "hve", "ptd", "moi"):
        name = "proof" if person == command.who else f"proof:{person}"
        if any(f"{{{name}}}" in it for it in command.words):
            names[name] = world.proof_of(person)
    words = [_fill(it, names) for it in command.words]
    told = as_person(
        world, command.who, words, language=command.language, terminal=command.terminal,
        answers=[(piece, _fill(it, names)) for piece, it in command.answers],
        given="".join(f"{_fill(it, names)}\n" for it in command.given),
        until=next(iter(command.until), ""),
    )  # fmt: skip
    whole = told.stdout + told.stderr
    for person in ("nva", "lvc", "tvo", "hve", "ptd", "moi"):
        if person in command.words:
            world.note(person, whole)
    for name, pattern in command.captures.items():
        found = _search(pattern, whole)
        captured[name] = found or captured.get(name, f"no-{name}")
    where = "at a terminal" if command.terminal else "by a script"
    head = f"{command.who} ({command.language}, {where}): giucong {' '.join(command.words)}"
    numbers = "monitor.check" not in command.words
    told = replace(told, stderr="\n".join(filter(None, (*failed, told.stderr))))
    now = look(world)
    return write_down(world, head, told, before, now, out, numbers=numbers), now


def _fill(text: str, names: dict[str, str]) -> str:
    for name, value in names.items():
        text = text.replace(f"{{{name}}}", value)
    return text


def _search(pattern: str, text: str) -> str:
    found = re.findall(pattern, text)
    return str(found[-1]) if found else ""


def compare(old: Path, new: Path) -> int:
    """Print what differs, file by file; gives 1 where something does."""
    names = sorted({str(it.relative_to(place)) for place in (old, new)
                    for it in place.rglob("*") if it.is_file()})  # fmt: skip
    differs = False
    for name in names:
        was, now = (_lines_of(it / name) for it in (old, new))
        lines = list(difflib.unified_diff(was, now, f"old/{name}", f"new/{name}"))
        differs = differs or bool(lines)
        sys.stdout.writelines(it if it.endswith("\n") else f"{it}\n" for it in lines)
    return int(differs)


def _lines_of(path: Path) -> list[str]:
    text = path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""
    return text.splitlines(keepends=True)


if __name__ == "__main__":
    main()
