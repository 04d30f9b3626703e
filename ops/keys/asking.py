"""Have the holders of a key give their shares, one after another, until there are enough."""

import re
from collections.abc import Callable

from ops.errors import OpsError
from ops.keys.shares import read_share
from ops.tasks.running import report

_PARTED = re.compile(r"[a-z ]+(?:/[a-z ]+)+")
"""Bare words and slashes: a whole sheet may have slashes of its own."""


def collect_shares(ask: Callable[[int], str]) -> list[str]:
    """Collect as many shares as the first one says it takes; a mistyped one is asked for again.

    Args:
        ask: Gives the words of a share, by its number from 1; empty where nobody answers.

    Returns:
        The full words of each; fewer where nobody answered any more.
    """
    typed: list[str] = []
    needed = 1
    while len(typed) < needed:
        words = ask(len(typed) + 1).strip()
        if not words:
            break
        try:
            share = read_share(words, len(typed) + 1)
        except OpsError as error:
            report(error)
            continue
        needed = share.member_threshold
        typed.append(share.mnemonic())
    return typed


def split_shares(text: str) -> list[str]:
    """Give the shares of a text: one, or several parted by a slash; none of an empty text."""
    whole = text.strip()
    if not _PARTED.fullmatch(whole):
        return [whole] if whole else []
    return [it.strip() for it in whole.split("/")]
