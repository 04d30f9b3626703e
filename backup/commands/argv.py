"""A command line taken apart as restic takes it: flags in any order, in any of their spellings.

``--flag value``, ``--flag=value``, ``-fvalue``, ``-f=value``, ``-f value``, several short flags in
one word; a flag that takes a value takes the next word whatever it looks like; behind ``--`` stand
operands only.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from backup.errors import UsageError

_SHORTEST_LONG_FLAG = 3


class Word(NamedTuple):
    """One flag with its value, or one operand.

    Attributes:
        at: Place in the command line.
        flag: With its dashes, as written; "" for an operand.
        value: Of the flag, None where it has none; the operand's text.
    """

    at: int
    flag: str
    value: str | None


Rest = Iterator[tuple[int, str]]


def split_words(arguments: Sequence[str], takes_value: Mapping[str, bool]) -> Iterator[Word]:
    """Take a command line apart.

    Args:
        arguments: The command line without the program.
        takes_value: For each known flag, with its dashes, whether it takes a value.

    Yields:
        Flags and operands in their order.

    Raises:
        UsageError: A flag is unknown, lacks its value, or has one it does not take.
    """
    rest = iter(enumerate(arguments))
    for at, text in rest:
        if text == "--":
            yield from (Word(place, "", operand) for place, operand in rest)
        elif len(text) >= _SHORTEST_LONG_FLAG and text.startswith("--"):
            yield _split_long(at, text, rest, takes_value)
        elif len(text) > 1 and text.startswith("-"):
            yield from _split_short(at, text, rest, takes_value)
        else:
            yield Word(at, "", text)


def _split_long(at: int, text: str, rest: Rest, takes_value: Mapping[str, bool]) -> Word:
    flag, equals, value = text.partition("=")
    _refuse_unknown(flag, takes_value)
    if takes_value[flag]:
        return Word(at, flag, value if equals else _next_value(flag, rest))
    if equals and flag != "--verbose":
        raise UsageError(
            "the flag {flag} takes no value",
            next_step="leave out what stands behind the equals sign",
            flag=flag,
        )
    return Word(at, flag, value if equals else None)


def _split_short(
    place: int, text: str, rest: Rest, takes_value: Mapping[str, bool]
) -> Iterator[Word]:
    at = 1
    while at < len(text):
        flag = "-" + text[at]
        _refuse_unknown(flag, takes_value)
        at += 1
        if takes_value[flag]:
            joined = text[at:].removeprefix("=")
            yield Word(place, flag, joined if at < len(text) else _next_value(flag, rest))
            return
        if text[at : at + 1] == "=":  # -v=2
            yield Word(place, flag, text[at + 1 :])
            return
        yield Word(place, flag, None)


def _next_value(flag: str, rest: Rest) -> str:
    for _, value in rest:
        return value
    raise UsageError(
        "the flag {flag} lacks its value", next_step="write the value behind it", flag=flag
    )


def _refuse_unknown(flag: str, known: Mapping[str, bool]) -> None:
    if flag in known:
        return
    from difflib import get_close_matches

    close = get_close_matches(flag, known, n=1)
    raise UsageError(
        "there is no flag {flag} here",
        why="you may mean {close}" if close else "",
        data="nothing was read or written",
        next_step="add --help to see the flags of this command",
        flag=flag,
        close=close[0] if close else "",
    )
