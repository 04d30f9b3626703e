"""Take a secret: from a file, from standard input, or typed twice without echo."""

import getpass
import sys
from pathlib import Path

from ops.errors import WrongUseError
from ops.estate.model.references import MAXIMUM_BYTES
from ops.language.text import N_, _

STANDARD_INPUT = "-"


def read_secret(file: str) -> bytes:
    """Take the secret from a file, from standard input, or from the person, typed twice.

    Raises:
        WrongUseError: It is empty, too long, no text, or was typed in two ways.
    """
    try:
        if file and file != STANDARD_INPUT:
            with Path(file).open("rb") as source:
                content = source.read(MAXIMUM_BYTES + 1)
        elif file == STANDARD_INPUT or not sys.stdin.isatty():
            content = sys.stdin.buffer.read(MAXIMUM_BYTES + 1)
        else:
            content = _ask()
    except OSError as error:
        raise _refused(N_("the file with the secret cannot be read: {reason}"),
                       reason=error.strerror or "") from error  # fmt: skip
    content = content.rstrip(b"\r\n")
    if not content or len(content) > MAXIMUM_BYTES:
        raise _refused(N_("a secret has to have 1 to {limit} bytes"))
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        raise _refused(N_("a secret has to be text")) from None
    if b"\0" in content:
        raise _refused(N_("a secret has to be text"))
    return content + b"\n"


def _ask() -> bytes:
    first = getpass.getpass(_("The secret (nothing is shown while you type): "))
    if getpass.getpass(_("Once more: ")) != first:
        raise _refused(N_("the two were not the same"))
    return first.encode("utf-8", "surrogateescape")


def _refused(what: str, *, reason: str = "") -> WrongUseError:
    return WrongUseError(
        what,
        data="nothing was stored",
        next_step="give it again; `--file -` reads it from standard input",
        reason=reason,
        limit=MAXIMUM_BYTES,
    )
