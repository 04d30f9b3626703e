"""A person's new second factor at the terminal: shown once, and proved by a code before it counts.

Order:
1. The secret is made and shown, as a square to scan and as text; nothing is stored yet.
2. A code from the app proves that it has arrived there; a wrong one is asked for again.
3. The caller stores it; only then are the recovery codes shown.
"""

import sys
from dataclasses import replace
from datetime import UTC, datetime

from ops.access.credentials import Issued, make_factor
from ops.access.factors import find_step, totp_address
from ops.access.prompts import ask_code, typed
from ops.errors import OpsError
from ops.estate.model.estate import Estate
from ops.language.text import _
from ops.terminal.output import write_line, write_square

_TRIES = 3


class FactorNotProvedError(OpsError):
    """No code came that only the new factor makes."""


def enrol(estate: Estate, person: str) -> Issued:
    """Make a factor, show it, and have a code prove it where somebody sits at the terminal.

    A form of the console has shown one already, and taken the code with it.

    Raises:
        FactorNotProvedError: No right code was typed.
    """
    issued = make_factor()
    if secret := typed("secret"):
        step = find_step(secret, typed("new_code"), datetime.now(UTC), 0)
        if step is None:
            raise _not_proved()
        return replace(issued, secret=secret, step=step)
    _show(totp_address(issued.secret, person, estate.name_at()), person, issued.secret)
    return replace(issued, step=_prove(issued.secret)) if sys.stdin.isatty() else issued


def write_recovery_codes(issued: Issued) -> None:
    """Show the recovery codes, once."""
    write_line(_("Recovery codes for when the app is not at hand; each works once. Keep on paper:"))
    for code in issued.codes:
        write_line(f"  {code}")


def _show(address: str, person: str, secret: str) -> None:
    write_line(_("The second factor of {person}; it is shown only now:").format(person=person))
    write_square(address)
    write_line("  " + address)
    write_line("  " + _("scan it, or type it into an authenticator app: {secret}").format(
        secret=secret
    ))  # fmt: skip


def _prove(secret: str) -> int:
    for _try in range(_TRIES):
        code = ask_code(_("The code that the app shows now: "))
        step = find_step(secret, code, datetime.now(UTC), 0)
        if step is not None:
            return step
        write_line("  " + _("that is not its code; wait for the next one, and look at the clocks"))
    raise _not_proved()


def _not_proved() -> FactorNotProvedError:
    return FactorNotProvedError(
        "no code proved the new second factor",
        why="the app holds another one, or its clock and ours differ",
        data="nothing was changed; an approval that was given still holds",
        next_step="compare the clocks, remove the entry from the app, then type the same command"
        " again",
    )
