"""A look into an SQLite file that may be somebody's trap: by a process of its own, with bounds.

A file brings expressions along (constraints, computed columns, indexes), and one step of one of
them can take for ever or all the memory there is, where SQLite's own interrupt does not come by.
The kernel's bounds do: of memory and processor time for the child, of time for whoever waits.

Run as a program, this file reads one database and prints what it found as JSON. It needs nothing
but Python's own library, so that it starts at once.
"""

import json
import resource
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Check = Literal["integrity_check", "quick_check"]

MEMORY_BYTES = 1_000_000_000
_LEAST_SECONDS = 60
_BYTES_A_SECOND = 4_000_000
"""A disk that is slower than this is not waited for."""

_MOST_PROBLEMS = 5
_MOST_LETTERS = 1000
_MOST_TOLD = 16_000_000
_NO_MEMORY = 3


@dataclass(frozen=True, slots=True)
class Examination:
    """What was found in a database.

    Attributes:
        problems: What the check has found, a few lines at most; empty for a sound file.
        tables: Rows by table, names ascending; None where the rows cannot be counted here.
    """

    problems: tuple[str, ...]
    tables: Mapping[str, int | None]


def examine(
    path: Path, check: Check, *, seconds: int = 0, memory_bytes: int = MEMORY_BYTES
) -> Examination:
    """Check a database that nobody writes, and count its rows; what ends the look is a problem.

    Args:
        path: The file.
        check: How thoroughly.
        seconds: It may take; 0 for what a file of that size is given.
        memory_bytes: It may take.
    """
    seconds = seconds or _LEAST_SECONDS + path.stat().st_size // _BYTES_A_SECOND
    words = [sys.executable, "-I", __file__, str(path), check, str(seconds), str(memory_bytes)]
    try:
        done = subprocess.run(words, capture_output=True, check=False, timeout=seconds)
    except subprocess.TimeoutExpired:
        return _ended(f"it was not over after {seconds} seconds")
    if done.returncode == -signal.SIGXCPU:
        return _ended(f"it was not over after {seconds} seconds")
    if done.returncode == _NO_MEMORY:
        return _ended(f"it takes more than {memory_bytes} bytes of memory")
    if done.returncode != 0:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()
        return _ended(said[-1] if said else f"exit status {done.returncode}")
    found = json.loads(done.stdout)
    return Examination(tuple(found["problems"]), found["tables"])


def _ended(why: str) -> Examination:
    return Examination((f"the check was broken off: {why}",), {})


# In the process of its own --------------------------------------------------------------------


def distrust(connection: sqlite3.Connection) -> None:
    """Let what the file brings along call nothing that does more than compute."""
    connection.execute("PRAGMA trusted_schema = OFF")


def count_rows(copy: sqlite3.Connection) -> dict[str, int | None]:
    """Count each table's rows; a table whose module this library lacks cannot be counted."""
    names = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%'"
    counts: dict[str, int | None] = {}
    try:
        found = copy.execute(f"{names} ESCAPE '\\' ORDER BY name").fetchall()
    except sqlite3.DatabaseError:
        return counts  # the check has told of it
    for (name,) in found:
        quoted = str(name).replace('"', '""')
        try:
            (rows,) = copy.execute(f'SELECT count(*) FROM "{quoted}"').fetchone()  # noqa: S608 - a quoted name
            counts[str(name)] = int(rows)
        except sqlite3.DatabaseError:
            counts[str(name)] = None
    return counts


def _find_problems(copy: sqlite3.Connection, check: str) -> list[str]:
    try:
        rows = copy.execute(f"PRAGMA {check}({_MOST_PROBLEMS})").fetchall()
    except sqlite3.DatabaseError as error:
        return [str(error)[:_MOST_LETTERS]]
    return [str(row[0])[:_MOST_LETTERS] for row in rows if row[0] != "ok"]


def _main(path: str, check: str, seconds: str, memory_bytes: str) -> None:
    _bound(resource.RLIMIT_DATA, int(memory_bytes))
    _bound(resource.RLIMIT_CPU, int(seconds))
    _bound(resource.RLIMIT_CORE, 0)
    try:
        url = f"{Path(path).absolute().as_uri()}?mode=ro&immutable=1"
        with closing(sqlite3.connect(url, uri=True)) as copy:
            distrust(copy)
            copy.execute("PRAGMA temp_store = MEMORY")  # bounded, as files are not
            problems, tables = _find_problems(copy, check), count_rows(copy)
        told = json.dumps({"problems": problems, "tables": tables})
    except MemoryError:
        sys.exit(_NO_MEMORY)
    if len(told) > _MOST_TOLD:
        sys.exit(_NO_MEMORY)
    sys.stdout.write(told)


def _bound(what: int, most: int) -> None:
    _soft, hard = resource.getrlimit(what)
    end = most if hard == resource.RLIM_INFINITY else min(most, hard)
    resource.setrlimit(what, (end, hard))


if __name__ == "__main__":
    _main(*sys.argv[1:])
