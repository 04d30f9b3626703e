"""Include and exclude patterns over paths of bytes: restic's language, compiled.

What a pattern means (restic's manual, "Excluding files"; confirmed against restic 0.18 by
``tests/property/test_patterns.py``):

- Within one part of the path ``*``, ``?`` and ``[a-z]`` as `backup.patterns.wildcards` says.
- ``**`` as a whole part: any number of parts, none included.
- A pattern that begins with ``/`` must match from the root, any other one anywhere in the path.
  Either way whatever lies below a match matches too.
- ``!`` in front takes back what earlier patterns matched.

Paths are absolute, with ``/`` between their parts, no empty part and no slash at the end.
"""

import functools
import posixpath
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import groupby

from backup.errors import UsageError
from backup.patterns.wildcards import WITHIN_PART, MalformedWildcardError, translate_part

_ANY_PARTS = b"**"
_END = rb"(?:/|\Z)"
# What a part may hold that stands for something else; of a class nothing is told.
_WILD = re.compile(rb"\[.*|[*?\\]")


@dataclass(frozen=True, slots=True)
class _Pattern:
    """One pattern, taken apart.

    Attributes:
        is_negated: Whether it takes back.
        is_anchored: Whether it has to match from the root.
        parts: The parts between its slashes without the root; may be empty for the root alone.
    """

    is_negated: bool
    is_anchored: bool
    parts: tuple[bytes, ...]

    @property
    def is_deep(self) -> bool:
        """Whether something follows a ``**``; see `_matches_deep`."""
        return _ANY_PARTS in self.parts[:-1]


@dataclass(frozen=True, slots=True)
class _Run:
    """Patterns that stand one after another and all add, or all take back.

    Attributes:
        is_negated: Whether they take back.
        plain: Matches what the patterns that are not deep match; None without such patterns.
        below: Matches the folders below which an anchored pattern could match; None if all float.
        deep: The other patterns.
        is_floating: Whether any pattern can match at any depth.
    """

    is_negated: bool
    plain: re.Pattern[bytes] | None
    below: re.Pattern[bytes] | None
    deep: tuple[_Pattern, ...]
    is_floating: bool

    def matches(self, path: bytes) -> bool:
        if self.plain is not None and self.plain.search(path):
            return True
        return any(_matches_deep(pattern, path) for pattern in self.deep)

    def may_match_below(self, path: bytes) -> bool:
        return self.is_floating or (self.below is not None and self.below.match(path) is not None)


@dataclass(frozen=True, slots=True)
class _PatternList:
    """Patterns that are looked at in their order, with or without regard to case."""

    runs: tuple[_Run, ...]
    ignores_case: bool

    def match(self, path: bytes) -> bool:
        folded = _fold_case(path) if self.ignores_case else path
        matched = False
        for run in self.runs:
            if matched == run.is_negated and run.matches(folded):
                matched = not matched
        return matched

    def child_match(self, path: bytes) -> bool:
        folded = _fold_case(path) if self.ignores_case else path
        possible = False
        for run in self.runs:
            if run.is_negated:
                possible = possible and not run.matches(folded)
            else:
                possible = possible or run.may_match_below(folded)
        return possible


@dataclass(frozen=True, slots=True)
class Patterns:
    """A set of compiled patterns; false when there are none, so that callers can skip it.

    Attributes:
        sensitive: The patterns as given.
        insensitive: The patterns that ignore case, as given.
    """

    sensitive: tuple[bytes, ...]
    insensitive: tuple[bytes, ...]
    _lists: tuple[_PatternList, ...]

    def __bool__(self) -> bool:
        return bool(self._lists)

    def match(self, path: bytes) -> bool:
        """Say whether a path, or a folder above it, is matched."""
        for patterns in self._lists:  # noqa: SIM110 -- asked of every entry, and any() takes twice as long
            if patterns.match(path):
                return True
        return False

    def child_match(self, path: bytes) -> bool:
        """Say whether something below the folder at `path` could be matched."""
        return any(patterns.child_match(path) for patterns in self._lists)

    @property
    def literals(self) -> tuple[bytes, ...] | None:
        """Bytes of which some stand in every name that is matched by itself; None for unknown.

        A name that is matched only for the folder it lies in need not hold them.
        """
        if self.insensitive:
            return None
        adding = [pattern for pattern in map(_parse, self.sensitive) if not pattern.is_negated]
        found = [max(_WILD.split(pattern.parts[-1]), key=len) for pattern in adding]
        return tuple(found) if all(found) else None


NO_PATTERNS = Patterns((), (), ())


def compile_patterns(
    patterns: Iterable[bytes | str], insensitive: Iterable[bytes | str] = ()
) -> Patterns:
    """Compile patterns; empty ones are left out.

    Those that ignore case form a list of their own: a ``!`` takes back within its list only.

    Raises:
        UsageError: Patterns are not well formed; names each of them.
    """
    sensitive_texts = _encode(patterns)
    insensitive_texts = _encode(insensitive)
    _refuse_malformed(sensitive_texts + insensitive_texts)
    lists = (
        _PatternList(_make_runs(sensitive_texts), ignores_case=False),
        _PatternList(_make_runs(map(_fold_case, insensitive_texts)), ignores_case=True),
    )
    used = tuple(patterns for patterns in lists if patterns.runs)
    return Patterns(sensitive_texts, insensitive_texts, used) if used else NO_PATTERNS


def _encode(patterns: Iterable[bytes | str]) -> tuple[bytes, ...]:
    encoded = (
        text.encode("utf-8", "surrogateescape") if isinstance(text, str) else text
        for text in patterns
    )
    return tuple(text for text in encoded if text)


def _fold_case(path: bytes) -> bytes:
    """Lower the case character by character; bytes that are not UTF-8 become U+FFFD."""
    if path.isascii():
        return path.lower()
    characters = path.decode("utf-8", "surrogateescape")
    # U+0130 alone has a lower form of two characters; its first one is what restic uses.
    return "".join(
        "\ufffd" if "\udc80" <= character <= "\udcff" else character.lower()[0]
        for character in characters
    ).encode()


def _refuse_malformed(texts: Iterable[bytes]) -> None:
    malformed = []
    for text in texts:
        try:
            for part in _parse(text).parts:
                translate_part(part)
        except MalformedWildcardError:
            malformed.append(text.decode("utf-8", "backslashreplace"))
    if malformed:
        raise UsageError(
            "cannot read the patterns {patterns}",
            why="a class is not closed or empty, or a backslash escapes nothing",
            next_step="write a backslash before [ ? * and \\ where the sign itself is meant",
            patterns=", ".join(f'"{text}"' for text in malformed),
        )


def _parse(text: bytes) -> _Pattern:
    is_negated = text.startswith(b"!")
    path = posixpath.normpath(text[is_negated:])
    is_anchored = path.startswith(b"/")
    relative = path.lstrip(b"/")
    # The root alone stands for everything below it.
    parts = tuple(relative.split(b"/")) if relative else (_ANY_PARTS,)
    if not is_anchored and parts[0] == _ANY_PARTS and parts.count(_ANY_PARTS) == 1:
        parts = parts[1:] or parts  # what may begin anywhere does so already
    return _Pattern(is_negated, is_anchored, parts)


def _make_runs(texts: Iterable[bytes]) -> tuple[_Run, ...]:
    parsed = [_parse(text) for text in texts]
    return tuple(
        _make_run(is_negated, tuple(patterns))
        for is_negated, patterns in groupby(parsed, key=lambda pattern: pattern.is_negated)
    )


def _make_run(is_negated: bool, patterns: tuple[_Pattern, ...]) -> _Run:
    shallow = [pattern for pattern in patterns if not pattern.is_deep]
    anchored = [pattern for pattern in patterns if pattern.is_anchored]
    return _Run(
        is_negated=is_negated,
        plain=_compile_all(
            [(pattern.is_anchored, pattern.parts) for pattern in shallow],
        ),
        below=re.compile(b"|".join(map(_translate_below, anchored))) if anchored else None,
        deep=tuple(pattern for pattern in patterns if pattern.is_deep),
        is_floating=len(anchored) < len(patterns),
    )


def _compile_all(patterns: Iterable[tuple[bool, tuple[bytes, ...]]]) -> re.Pattern[bytes] | None:
    """Compile the given (is anchored, parts) to one expression to search paths with."""
    sources: dict[bool, list[bytes]] = {False: [], True: []}
    for is_anchored, parts in patterns:
        sources[is_anchored].append(_translate_parts(parts))
    floating, anchored = b"|".join(sources[False]), b"|".join(sources[True])
    if floating and anchored:
        # Beginning with a plain slash lets the search skip ahead from slash to slash.
        return re.compile(rb"/(?:" + floating + rb"|(?<=\A/)(?:" + anchored + rb"))" + _END)
    if floating:
        return re.compile(rb"/(?:" + floating + rb")" + _END)
    return re.compile(rb"\A/(?:" + anchored + rb")" + _END) if anchored else None


def _translate_parts(parts: tuple[bytes, ...]) -> bytes:
    """Turn the parts behind the first slash into an expression; ``**`` at the end adds nothing."""
    named = parts[:-1] if parts[-1] == _ANY_PARTS else parts
    return b"/".join(map(translate_part, named)) or WITHIN_PART


def _translate_below(pattern: _Pattern) -> bytes:
    """Make an expression for folders that an anchored pattern's fixed beginning allows."""
    fixed = pattern.parts
    if _ANY_PARTS in fixed:
        fixed = fixed[: fixed.index(_ANY_PARTS)]
    # One behind another, for a pattern is as deep as somebody likes: whoever is at the end stays.
    parts = (rb"(?:\Z|" + translate_part(part) + rb"(?:/|\Z))" for part in fixed)
    return rb"\A/" + b"".join(parts)


def _matches_deep(pattern: _Pattern, path: bytes) -> bool:
    """Match a pattern part by part: paths may be deep, and made so by somebody hostile.

    restic lets each ``**`` in turn take parts while every one to its right still has one left for
    itself, so that ``/**/x/**`` does not match ``/a/x``. That is felt at the first places only.
    """
    parts = path.split(b"/")[1:]
    masks = {each: _places_of(each, parts) for each in {*pattern.parts} - {_ANY_PARTS}}
    if pattern.is_anchored:
        return _reaches(pattern, masks, len(parts), first=0)
    felt = min(max(0, pattern.parts.count(_ANY_PARTS) - 2), len(parts))
    return any(_reaches(pattern, masks, len(parts), first=at) for at in range(felt)) or _reaches(
        pattern, masks, len(parts), starts=(1 << len(parts)) - (1 << felt)
    )


def _places_of(part: bytes, parts: list[bytes]) -> int:
    """Give the numbers of the parts that a pattern's part matches, as bits."""
    match = _compile_part(part).fullmatch
    return sum(1 << place for place, each in enumerate(parts) if match(each))


@functools.lru_cache(maxsize=1024)
def _compile_part(part: bytes) -> re.Pattern[bytes]:
    return re.compile(translate_part(part))


def _reaches(
    pattern: _Pattern, masks: Mapping[bytes, int], depth: int, *, first: int = -1, starts: int = 0
) -> bool:
    """Whether a pattern can be followed to its end; one step a part, for all ways at once.

    Args:
        pattern: With ``**`` in it.
        masks: For its other parts, the places where each matches.
        depth: How many parts the path has.
        first: The only place where it may begin, what each ``**`` leaves to others minded; or
        starts: all places where it may begin, as bits.
    """
    reached, waiting = starts if first < 0 else 1 << first, pattern.parts.count(_ANY_PARTS)
    # Where a `**` may end at most if all that follows it takes no more than one part each.
    last = first + depth + 1 - pattern.is_anchored - (len(pattern.parts) - waiting)
    for part in pattern.parts:
        if part == _ANY_PARTS:
            waiting -= 1
            end = depth if first < 0 else min(depth, last - waiting)
            reached = (1 << end + 1) - (reached & -reached) if end >= 0 else 0
        else:
            reached = (reached & masks[part]) << 1
            last += 1
        if reached <= 0:
            return False
    return True
