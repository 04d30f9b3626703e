"""Where a repository's password comes from: a file, a command, the environment, the terminal."""

import sys
from collections.abc import Mapping
from typing import NamedTuple

from backup.errors import UsageError

_WHITE_SPACE = " \t\n\v\f\r\x85\xa0"


class PasswordSource(NamedTuple):
    """How to get at one password.

    Attributes:
        file: Path, or "".
        command: Program and arguments in one text, or "".
        variable: Name of the environment variable that may hold it.
        file_flag: Name of the flag for the file, for error texts.
        subject: Whose password it is, for the question on a terminal.
    """

    file: str
    command: str
    variable: str = "RESTIC_PASSWORD"
    file_flag: str = "--password-file"
    subject: str = "repository"


def read_password(
    source: PasswordSource, environment: Mapping[str, str], *, stdin_is_taken: bool = False
) -> bytes:
    """Get a password; white space around it does not count, except in the environment.

    Raises:
        UsageError: No way leads to a password, or it is empty.
    """
    if source.file and source.command:
        raise UsageError(
            "a password file and a password command cannot be used together",
            next_step="keep one of them",
        )
    if source.command:
        password = _run_command(source.command)
    elif source.file:
        password = read_password_file(source.file)
    elif environment.get(source.variable):
        password = environment[source.variable]
    else:
        password = _ask(source, stdin_is_taken=stdin_is_taken)
    if not password:
        raise UsageError(
            "the password is empty",
            why="{flag} or {variable} gives nothing",
            data="nothing was read or written",
            next_step="write the password into a file and pass it as {flag}",
            flag=source.file_flag,
            variable=source.variable,
        )
    return password.encode("utf-8", "surrogateescape")


def read_password_file(path: str) -> str:
    """Read a password file; white space around its content does not count.

    Raises:
        UsageError: It cannot be read.
    """
    try:
        with open(path, encoding="utf-8-sig", errors="surrogateescape") as file:
            return file.read().strip(_WHITE_SPACE)
    except OSError as error:
        raise UsageError(
            "cannot read the password file {path}",
            why="{reason}",
            data="nothing was read or written",
            next_step="check its path and who may read it",
            path=path,
            reason=error.strerror or type(error).__name__,
        ) from error


def ask_new_password(subject: str) -> bytes:
    """Ask for a new password twice on the terminal, or read one line where there is none.

    Raises:
        UsageError: The two differ, or it is empty.
    """
    source = PasswordSource("", "", file_flag="--new-password-file", subject=subject)
    password = _ask(source, stdin_is_taken=False)
    if not password:
        raise UsageError("an empty password is not allowed", data="nothing was changed")
    if sys.stdin.isatty() and _prompt("enter the same password again: ") != password:
        raise UsageError(
            "the two passwords differ", data="nothing was changed", next_step="try again"
        )
    return password.encode("utf-8", "surrogateescape")


def _run_command(command: str) -> str:
    import shlex
    import subprocess

    try:
        finished = subprocess.run(shlex.split(command), stdout=subprocess.PIPE, check=True)
    except (OSError, ValueError, IndexError, subprocess.CalledProcessError) as error:
        status = getattr(error, "returncode", None)
        raise UsageError(
            "the password command gave no password",
            why="it ended with status {status}" if status is not None else "it cannot be started",
            data="nothing was read or written",
            next_step="run that command by hand to see why",
            status=status,
        ) from error
    return finished.stdout.decode("utf-8", "surrogateescape").strip(_WHITE_SPACE)


def _ask(source: PasswordSource, *, stdin_is_taken: bool) -> str:
    if stdin_is_taken:
        raise UsageError(
            "no password was given, and stdin is taken by the data",
            next_step="pass {flag}, or set {variable}",
            flag=source.file_flag,
            variable=source.variable,
        )
    if sys.stdin is not None and sys.stdin.isatty():
        return _prompt(f"enter password for {source.subject}: ")
    return sys.stdin.readline().rstrip("\r\n") if sys.stdin is not None else ""


def _prompt(question: str) -> str:
    import getpass

    try:
        return getpass.getpass(question)
    except EOFError:
        return ""
