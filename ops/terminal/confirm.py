"""Ask before something is overwritten or deleted: `--confirm NAME`, or a typed answer."""

import sys

from ops.errors import WrongUseError
from ops.language.text import _, make_visible
from ops.terminal.progress import bar_away


class NotConfirmedError(WrongUseError):
    """Nobody has said that this is meant."""


def need_confirmation(name: str, confirm: str, question: str) -> None:
    """Go on only when somebody has typed the thing's name.

    Args:
        name: What has to be typed.
        confirm: Value of `--confirm`; empty when it was not given.
        question: What will happen, in the reader's language.

    Raises:
        NotConfirmedError: Another name was given, or there is nobody to ask.
    """
    if not confirm and sys.stdin.isatty():
        asked = _("Type {name} to go on: ").format(name=name)
        with bar_away():
            sys.stderr.write(make_visible(f"{question}\n{asked}"))
            sys.stderr.flush()
            confirm = sys.stdin.readline().strip()
    if confirm != name:
        raise NotConfirmedError(
            'this needs to be confirmed: "{name}"',
            why='"{given}" was given' if confirm else "",
            next_step="look first with --dry-run, then add `--confirm {name}`",
            name=name,
            given=confirm,
        )
