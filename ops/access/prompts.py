"""Ask a person for secrets: at the terminal without echo, or from a file; never on a command line.

A file holds the password on its first line and, where one is needed, the code on its second.
`-` is standard input, `/dev/fd/3` an open descriptor. What a form of the console has taken
(`typed_before`) is not asked for.
"""

import getpass
import stat
import sys
from collections.abc import Mapping
from contextlib import AbstractContextManager
from contextvars import ContextVar
from pathlib import Path

from ops.access.caller import is_at_console
from ops.access.credentials import Proof
from ops.access.factors import check_new_password
from ops.errors import SecretError, WrongUseError
from ops.estate.model.references import is_open_to_others
from ops.language.text import N_, _
from ops.meanwhile import meanwhile
from ops.terminal.exit_codes import report
from ops.terminal.progress import bar_away

_MOST_CHARACTERS = 4_096
_TRIES = 3
_AT_A_TERMINAL = N_(
    "run this at a terminal, or give `--{flag} FILE`: password on the first"
    " line, code on the second"
)
_IN_A_FORM = N_("fill in password and code where the page asks you to prove who you are")
_TYPED: ContextVar[Mapping[str, str] | None] = ContextVar("typed", default=None)


def typed_before(values: Mapping[str, str]) -> AbstractContextManager[None]:
    """Take new secrets from a form, in place of a terminal's prompts.

    Args:
        values: `new_password`; `secret`, a factor that the form has shown, with `new_code` for it.
    """
    return meanwhile(_TYPED, values)


def typed(name: str) -> str:
    """Give what a form has taken; empty where it has not, or there is none."""
    return (_TYPED.get() or {}).get(name, "")


def ask_proof(person: str, password_file: str, *, flag: str = "password-file") -> Proof:
    """Ask somebody for password and code.

    Args:
        person: Who proves.
        password_file: The file; empty to ask at the terminal.
        flag: The flag that names the file.
    """
    lines = _read_lines(password_file) if password_file else []
    password = lines[0] if lines else _ask(_("Password of {person}: ").format(person=person), flag)
    text = _("Code from the authenticator app, or a recovery code: ")
    code = lines[1] if len(lines) > 1 else _ask(text, flag)
    return Proof(password, code)


def ask_code(prompt: str) -> str:
    """Ask for a code at the terminal, without echo."""
    return _ask(prompt)


def ask_new_password(person: str, password_file: str) -> str:
    """Ask somebody for a new password, twice at a terminal; after a slip it is asked for again."""
    if password_file or typed("new_password"):
        lines = _read_lines(password_file) if password_file else [typed("new_password")]
        password = lines[0] if lines else ""
        check_new_password(password, person)
        return password
    for _slip in range(_TRIES - 1):
        try:
            return _ask_twice(person)
        except WrongUseError as error:
            if not sys.stdin.isatty():
                raise
            report(error)
    return _ask_twice(person)


def _ask_twice(person: str) -> str:
    password = _ask(_("New password of {person}: ").format(person=person))
    if _ask(_("Once more: ")) != password:
        raise WrongUseError("the two passwords differ", next_step="try again")
    check_new_password(password, person)
    return password


def _ask(prompt: str, flag: str = "password-file") -> str:
    if not sys.stdin.isatty():
        raise WrongUseError(
            "a password or code is needed, and there is nobody to ask",
            next_step=_IN_A_FORM if is_at_console() else _AT_A_TERMINAL,
            flag=flag,
        )
    try:
        with bar_away():
            return getpass.getpass(prompt).strip("\r\n")
    except EOFError as error:  # Ctrl-D
        raise WrongUseError("nothing was typed", next_step="try again") from error


def _read_lines(name: str) -> list[str]:
    if name == "-":
        return sys.stdin.read(_MOST_CHARACTERS).splitlines()
    path = Path(name)
    try:
        if stat.S_ISREG(path.stat().st_mode) and is_open_to_others(path):
            raise SecretError(
                "others may read the password file {path}",
                data="nothing was changed",
                next_step="type `chmod 600 {path}`, and take another password",
                path=path,
            )
        with path.open(encoding="utf-8") as file:
            return file.read(_MOST_CHARACTERS).splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise SecretError(
            "the password file {path} cannot be read",
            why="{reason}",
            data="nothing was changed",
            next_step="write a text file that only you can read",
            path=path,
            reason=getattr(error, "strerror", None) or type(error).__name__,
        ) from error
