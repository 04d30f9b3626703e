#!/usr/bin/python3 -I
"""Stands before every command that the backup service sends to this host; lets through a few.

sshd starts it as the forced command of the service's key. A command runs only if exactly its words
are on the list `allowed` beside this file, or if it loads a program, from stdin, that is on it. No
shell takes part. Needs Python 3.6. Lines of the list, each a word and a SHA-256:

    command   of the words of a command, joined by null bytes
    loader    of the words of a command that reads a program's length, a newline and the program
    program   of such a program
"""

import hashlib
import os
import shlex
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
REFUSED = 126
LONGEST_PROGRAM = 1 << 17
LONGEST_NUMBER = 9
START = [b"exec", b"env", b"LC_ALL=C.UTF-8"]
LIMIT = [b"timeout", b"-k", b"5"]


def refuse(why: str) -> None:
    """End without having run anything."""
    sys.stderr.write(f"giucong gate: refused, {why}\n")
    sys.exit(REFUSED)


def read_list() -> "set[tuple[str, str]]":
    """Read what is allowed."""
    with (HERE / "allowed").open() as file:
        return {(kind, number) for kind, number in map(str.split, file)}


def digest(data: bytes) -> str:
    """Give the SHA-256 in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def split(line: str) -> "tuple[list[bytes], list[bytes]]":
    """Give the words of the deadline and of the command."""
    try:
        words = [os.fsencode(word) for word in shlex.split(line)]
    except ValueError:
        words = []
    if words[: len(START)] != START:
        refuse("this account runs a few commands only, and no shell")
    words = words[len(START) :]
    if words[:3] == LIMIT and words[3:4] and words[3].replace(b".", b"", 1).isdigit():
        return words[:4], words[4:]
    return [], words


def read_exactly(size: int) -> bytes:
    """Read from stdin and leave there what follows."""
    data = b""
    while len(data) < size:
        more = os.read(0, size - len(data))
        if not more:
            refuse("its program was cut off")
        data += more
    return data


def read_program() -> bytes:
    """Read a program as a loader would."""
    number = b""
    while not number.endswith(b"\n"):
        number += read_exactly(1)
        if len(number) > LONGEST_NUMBER:
            refuse("its program has no length")
    if not number.strip().isdigit() or int(number) > LONGEST_PROGRAM:
        refuse("its program has no length")
    return read_exactly(int(number))


def find_python() -> bytes:
    """Give the Python that may read everything, if there is one, else our own."""
    own = HERE / "python3"
    return os.fsencode(str(own) if os.access(own, os.X_OK) else sys.executable)


def main() -> None:
    """Judge the command, and become it."""
    limit, words = split(os.environ.get("SSH_ORIGINAL_COMMAND", ""))
    allowed = read_list()
    wanted = digest(b"\0".join(words))
    if ("loader", wanted) in allowed:
        program = read_program()
        if ("program", digest(program)) not in allowed:
            refuse("this program is not on the list; the service is newer or older than it")
        words = [find_python(), b"-I", b"-c", program]
    elif ("command", wanted) not in allowed:
        refuse("this command is not on the list")
    environment = {b"LC_ALL": b"C.UTF-8", b"PATH": b"/usr/sbin:/usr/bin:/sbin:/bin"}
    words = limit + words
    os.execvpe(words[0], words, environment)  # noqa: S606 -- no shell is the point


main()
