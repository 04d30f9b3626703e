r"""A dump as a script in which the client sees no text of triggers, routines and events.

The dumper writes each as it is, between marks that the client is told of, and the text itself may
hold the same lines. So what is taken for a text is what stands before the first end mark: the whole
of it, or, where somebody has imitated that mark, a beginning that ends within a comment, a string
or a block. Such a beginning is no whole statement to any server, and its refusal ends the load
before anything that follows is read. (Comments that only some releases see would break that; see
`make_definition`.)

Where a text begins is told by the settings around the mark. Names can hold lines, but none has as
many characters as these; all other text of a dump is escaped.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import NamedTuple

from backup.errors import SourceError
from backup.sources.databases.mariadb_definitions import (
    DEFINER,
    make_definition,
    put_to_sleep,
    show,
)

_LONGEST_NAME = 256
"""Characters of an alias within a view, and of an option of an engine: the longest there are."""
_AROUND = 1 << 14
"""Bytes kept to look at before a text and behind it; its settings take less than 1 000."""
_LONGEST = 1 << 28
"""Bytes of a text; no server takes as much."""

_BEGIN = re.compile(rb"\nDELIMITER ([^\n]*)\n")
_MARK = re.compile(rb";;+")
_SETTINGS = rb"((?:/\*!50003 SET [ -_a-~]+ \*/ %s\n){5,})"
_ALTERED = rb"(?:ALTER DATABASE [^\n]+ %s\n)?"
_WRAPPED = re.compile(
    rb"/\*!\d{5,6} CREATE(?: ?\*/ /\*!\d{5,6}( " + DEFINER + rb") ?\*/ /\*!\d{5,6})? (.*)\*/",
    re.DOTALL,
)


class _Begun(NamedTuple):
    """A text that has begun.

    Attributes:
        before: The dump up to it, for the client.
        rest: What has been read of it.
        end: What ends it; the group is what is to be set after it.
    """

    before: bytes
    rest: bytes
    end: re.Pattern[bytes]


def dump_script(
    pieces: Iterable[bytes], *, prepares: bool, on_asleep: Callable[[str], None]
) -> Iterator[bytes]:
    """Yield a dump for the client, each trigger, routine and event as a statement of its own.

    Events are switched off.

    Args:
        pieces: The dump.
        prepares: Whether the server prepares whatever makes a routine.
        on_asleep: Is told the name of each event that was enabled.

    Raises:
        SourceError: It has a text where the dumper writes none, or one that can be read in two
            ways.
    """
    held, last = b"\n", b""
    begun: _Begun | None = None
    for piece in chain(pieces, [b""]):
        searched = max(0, len(held) - _AROUND)
        held += piece
        while True:
            if begun is None:
                begun = _find_begin(held, last, is_end=not piece)
                if begun is None:
                    yield held[: -2 * _AROUND]
                    held = held[-2 * _AROUND :]
                    break
                yield begun.before
                held, searched = begun.rest, 0
            ended = begun.end.search(held, searched)
            if ended is None:
                break
            last = held[:80]
            text = put_to_sleep(_unwrap(held[: ended.start()].strip()), on_asleep)
            yield make_definition(text, prepares=prepares)
            yield _for_client(ended[1])
            held, begun = b"\n" + held[ended.end() :], None
        if begun and len(held) > _LONGEST:
            break
    if begun:
        raise _misplaced(held[:80])
    yield held


def _find_begin(held: bytes, last: bytes, *, is_end: bool) -> _Begun | None:
    """Find where a text begins: behind its settings, or, as most dumpers have events, before them.

    Raises:
        SourceError: There is a mark without them.
    """
    found = _BEGIN.search(held)
    if found is None or (not is_end and len(held) - found.end() < _AROUND):
        return None
    at, mark = found.start() + 1, found[1]
    settings = re.compile(_SETTINGS % b";" + rb"\Z").search(held, max(0, at - _AROUND), at)
    if _MARK.fullmatch(mark) and settings and len(settings[1]) > _LONGEST_NAME:
        end = re.compile(mark + rb"\n()DELIMITER ;\n")
        return _Begun(held[:at], held[found.end() :], end)
    within = re.compile((_ALTERED + _SETTINGS) % (mark, mark)).match(held, found.end())
    if _MARK.fullmatch(mark) and within and len(within[1]) > _LONGEST_NAME:
        tail = (_SETTINGS + _ALTERED) % (mark, mark)
        end = re.compile(b" " + mark + rb"\n(" + tail + rb")DELIMITER ;\n")
        return _Begun(held[:at] + _for_client(within[0]), held[within.end() :], end)
    raise _misplaced(last)


def _for_client(settings: bytes) -> bytes:
    """End settings by the mark that the client knows."""
    return re.sub(rb" ;;+\n", b" ;\n", settings)


def _unwrap(text: bytes) -> bytes:
    """Give a text without the comments in which the dumper hides it from very old servers."""
    found = _WRAPPED.fullmatch(text)
    return b"CREATE" + (found[1] or b"") + b" " + found[2].rstrip() if found else text


def _misplaced(last: bytes) -> SourceError:
    return SourceError(
        "the dump holds a mark of a definition where the dumper writes none",
        why="somebody has put it into a name, or into a trigger, routine or event; the last that"
        " was read begins so: {last}",
        data="nothing behind it was carried out, and no other database was touched",
        next_step="keep the snapshot for whoever looks into it, and load an older one; or have the"
        " site take that out, and back up anew",
        last=show(last) or "-",
    )
