r"""One part of a path pattern as a regular expression over bytes.

The language is that of Go's ``filepath.Match``, which restic uses for each part between slashes:

- ``*`` any run of bytes, ``?`` one character, ``\c`` the character c itself;
- ``[abc]``, ``[a-z]``, ``[^a-z]`` one character of a class (``!`` does not negate); in a class
  ``]``, ``-`` and ``\`` must be escaped;
- a character is what UTF-8 makes of the bytes; a byte that is not UTF-8 is one, taken as U+FFFD.

A run between two ``*`` is matched at its first place and stays there, which is why the expressions
are atomic: a pattern with many ``*`` takes no more than quadratic time.
"""

import re
from collections.abc import Iterator

WITHIN_PART = rb"[^/]*"

_CONTINUATION = (0x80, 0xBF)
_VALID_CHARACTER = (
    rb"(?:[\x00-.0-\x7f]|[\xc2-\xdf][\x80-\xbf]|\xe0[\xa0-\xbf][\x80-\xbf]"
    rb"|[\xe1-\xec\xee\xef][\x80-\xbf]{2}|\xed[\x80-\x9f][\x80-\xbf]"
    rb"|\xf0[\x90-\xbf][\x80-\xbf]{2}|[\xf1-\xf3][\x80-\xbf]{3}"
    rb"|\xf4[\x80-\x8f][\x80-\xbf]{2})"
)
_STRAY_BYTE = rb"(?!" + _VALID_CHARACTER + rb")[\x80-\xff]"
_CHARACTER = rb"(?>" + _VALID_CHARACTER + rb"|[\x80-\xff])"
_REPLACEMENT = 0xFFFD
# Code points whose UTF-8 forms have one length, without the slash, which is in no part, and without
# the surrogates, which have no form.
_ENCODED_RANGES = (
    (0x0, ord("/") - 1),
    (ord("/") + 1, 0x7F),
    (0x80, 0x7FF),
    (0x800, 0xD7FF),
    (0xE000, 0xFFFF),
    (0x10000, 0x10FFFF),
)

_TOKEN = re.compile(
    rb"(?P<stars>\*+)|(?P<one>\?)|(?P<class>\[)|\\(?P<escaped>.)|(?P<plain>[^\\*?\[]+)", re.DOTALL
)


class MalformedWildcardError(ValueError):
    """The part of a pattern is not well formed."""


def translate_part(part: bytes) -> bytes:
    """Turn one part of a pattern into the source of a regular expression over bytes.

    The expression never crosses a slash, and has to be followed by one or by the end.

    Raises:
        MalformedWildcardError: A class is open or empty, an escape escapes nothing, a class holds
            bytes that are not UTF-8.
    """
    runs = [b""]
    at = 0
    while at < len(part):
        token = _TOKEN.match(part, at)
        if token is None:
            raise MalformedWildcardError
        at = token.end()
        if token["stars"]:
            runs.append(b"")
        elif token["one"]:
            runs[-1] += _CHARACTER
        elif token["class"]:
            source, at = _translate_class(part, at)
            runs[-1] += source
        else:
            runs[-1] += re.escape(token["plain"] or token["escaped"])
    return _join_runs(runs)


def _join_runs(runs: list[bytes]) -> bytes:
    """Join the expressions of what stands between the stars."""
    first, *middle = runs
    if not middle:
        return first
    *middle, last = middle
    placed = b"".join(rb"(?>[^/]*?" + run + rb")" for run in middle if run)
    return first + placed + (rb"[^/]*?" + last if last else WITHIN_PART)


def _translate_class(part: bytes, at: int) -> tuple[bytes, int]:
    """Turn the class that was opened just before `at` into an expression; also give its end."""
    is_negated = part[at : at + 1] == b"^"
    at += is_negated
    alternatives: list[bytes] = []
    is_first = True
    while is_first or part[at : at + 1] != b"]":
        is_first = False
        low, at = _read_class_character(part, at)
        high = low
        if part[at : at + 1] == b"-":
            high, at = _read_class_character(part, at + 1)
        alternatives += _encode_range(low, high)
    matching = rb"(?:" + (b"|".join(alternatives) or rb"(?!)") + rb")"
    return (rb"(?!" + matching + rb")" + _CHARACTER if is_negated else matching), at + 1


def _read_class_character(part: bytes, at: int) -> tuple[int, int]:
    """Read one character of a class and give its code point and where the next one begins."""
    if part[at : at + 1] in {b"-", b"]"}:
        raise MalformedWildcardError
    if part[at : at + 1] == b"\\":
        at += 1
    found = re.compile(_VALID_CHARACTER).match(part, at)
    # Something has to follow: at least the bracket that closes the class.
    if found is None or found.end() == len(part):
        raise MalformedWildcardError
    return ord(found[0].decode()), found.end()


def _encode_range(low: int, high: int) -> Iterator[bytes]:
    """Give expressions that together match the UTF-8 forms of the code points of a range."""
    for first, last in _ENCODED_RANGES:
        start, end = max(low, first), min(high, last)
        if start <= end:
            yield from _encode_same_length(chr(start).encode(), chr(end).encode())
    if low <= _REPLACEMENT <= high:
        yield _STRAY_BYTE


def _encode_same_length(low: bytes, high: bytes) -> Iterator[bytes]:
    """The same for a range whose ends have forms of one length."""
    if len(low) == 1:
        yield _byte_range(low[0], high[0])
    elif low[0] == high[0]:
        for rest in _encode_same_length(low[1:], high[1:]):
            yield _byte_range(low[0], low[0]) + rest
    else:
        lowest, highest = (bytes([bound]) * (len(low) - 1) for bound in _CONTINUATION)
        yield from _encode_same_length(low, low[:1] + highest)
        if low[0] + 1 < high[0]:
            following = _byte_range(*_CONTINUATION) * (len(low) - 1)
            yield _byte_range(low[0] + 1, high[0] - 1) + following
        yield from _encode_same_length(high[:1] + lowest, high)


def _byte_range(low: int, high: int) -> bytes:
    return b"[\\x%02x-\\x%02x]" % (low, high)
