"""What of a page stays and what moves: counters, random blocks, clocks; pure.

A page's words are kept as short hashes, in order. What two readings of a page have in common in the
same order is found as a patient reader would: from runs of three words that stand once in both,
outwards, then within what is left between (B. Cohen, "patience diff", 2010). The time grows
with the pages' length, whatever stands in them. A run of fewer than three words is chance, and
counts for nothing.

What stays is what every reading has: both of one backup, and those of the last ones.
"""

import hashlib
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise

MOST_WORDS = 20_000
"""Words of a page that are looked at."""

MOVED = ""
"""Stands for a word that moves; no word is like it."""

_DIGITS = 6  # of a word's hash, hexadecimal: of a page's words two may fall together, none matter
_RUN = 3
_DEEPEST = 8
_KIN = 0.5

Words = Sequence[str]
Stretch = tuple[int, int]
"""Number of a stretch's first word, and how many words it has."""


def hash_words(text: str) -> str:
    """Give the hashes of a text's words, one after the other."""
    known: dict[str, str] = {}
    hashes = []
    for word in text.split()[:MOST_WORDS]:
        if word not in known:
            known[word] = hashlib.blake2b(word.encode(), digest_size=_DIGITS // 2).hexdigest()
        hashes.append(known[word])
    return "".join(hashes)


def read_words(hashes: str, moves: Iterable[Stretch] = ()) -> list[str]:
    """Give the hash of each word; those that move are `MOVED`."""
    words = [hashes[at : at + _DIGITS] for at in range(0, len(hashes), _DIGITS)][:MOST_WORDS]
    for first, count in moves:
        for at in range(max(first, 0), min(first + count, len(words))):
            words[at] = MOVED
    return words


def learn_moves(
    hashes: str, moves: Iterable[Stretch], again: str, earlier: Iterable[str]
) -> tuple[Stretch, ...]:
    """Give the stretches of a page that move.

    Args:
        hashes: Of the page.
        moves: Those that are known by now.
        again: Of the same page, fetched once more.
        earlier: Of the page at the last backups. One that has little in common with it is of
            another page, which this one has taken the place of, and teaches nothing.
    """
    words, known = read_words(hashes), read_words(hashes, moves)
    stays = _find_common(words, read_words(again))
    stays -= {at for at, word in enumerate(known) if word == MOVED}
    for it in earlier:
        other = read_words(it)
        common = _find_common(words, other)
        if len(common) >= _KIN * max(len(words), len(other)):
            stays &= common
    return tuple(_join(at for at in range(len(words)) if at not in stays))


def _join(numbers: Iterable[int]) -> Iterator[Stretch]:
    first = count = 0
    for number in numbers:
        if count and number == first + count:
            count += 1
            continue
        if count:
            yield first, count
        first, count = number, 1
    if count:
        yield first, count


def count_staying(hashes: str, moves: Iterable[Stretch]) -> tuple[int, int]:
    """Give how many words stay, and how many there are."""
    words = read_words(hashes, moves)
    return sum(it != MOVED for it in words), len(words)


def find_share(hashes: str, moves: Iterable[Stretch], found: str) -> float:
    """Give the share, 0 to 1, of what stays on a page that another reading has in the same order.

    Words that were lost count against it. So do words beyond what moves, and those that what moves
    has lost, as far as they are more than half of it: who takes a page's content away, or puts
    something in, does not pass because the rest stays.
    """
    wanted, there = read_words(hashes, moves), read_words(found)
    staying = sum(it != MOVED for it in wanted)
    moving = len(wanted) - staying
    kept = len(_find_common(wanted, there))
    others, slack = len(there) - kept, moving // 2
    grown = max(0, others - moving - slack - (staying - kept))
    shrunk = max(0, moving - others - slack)
    return kept / max(staying + grown + shrunk, 1)


def _find_common(one: Words, other: Words) -> set[int]:
    """Give the numbers of the words of one text that the other has in the same order."""
    blocks: list[tuple[int, int, int]] = []
    ranges = [(0, len(one), 0, len(other), 0)]
    while ranges:
        first, end, there, end_there, depth = ranges.pop()
        before = _count_alike(one, first, end, other, there, end_there, 1)
        blocks.append((first, there, before))
        first, there = first + before, there + before
        after = _count_alike(one, first, end, other, there, end_there, -1)
        end, end_there = end - after, end_there - after
        blocks.append((end, end_there, after))
        if first == end or there == end_there or depth == _DEEPEST:
            continue
        anchors = _find_anchors(one, (first, end), other, (there, end_there))
        if anchors:
            edges = [(first, there), *anchors, (end, end_there)]
            ranges += [
                (left[0], right[0], left[1], right[1], depth + 1) for left, right in pairwise(edges)
            ]
    least = min(_RUN, len(one), len(other))
    return {
        at
        for first, count in _join_blocks(blocks)
        if count >= least
        for at in range(first, first + count)
    }


def _join_blocks(blocks: Iterable[tuple[int, int, int]]) -> Iterator[Stretch]:
    """Join blocks that follow each other in both texts; gives their stretches in the first."""
    first = there = count = 0
    for at, at_there, length in sorted(it for it in blocks if it[2]):
        if count and (at, at_there) == (first + count, there + count):
            count += length
            continue
        if count:
            yield first, count
        first, there, count = at, at_there, length
    if count:
        yield first, count


def _count_alike(  # noqa: PLR0913, PLR0917 -- a range of each text, and a direction
    one: Words, first: int, end: int, other: Words, there: int, end_there: int, step: int
) -> int:
    """Count the words that two ranges begin with alike, or end with."""
    most = min(end - first, end_there - there)
    at, at_there = (first, there) if step > 0 else (end - 1, end_there - 1)
    count = 0
    while count < most and one[at] == other[at_there] != MOVED:
        at, at_there, count = at + step, at_there + step, count + 1
    return count


def _find_anchors(
    one: Words, its: tuple[int, int], other: Words, others: tuple[int, int]
) -> list[tuple[int, int]]:
    """Give where runs stand that are once in each range: the longest row that is in order."""
    there = _find_single_runs(other, *others)
    pairs = [
        (at, there[run])
        for run, at in _find_single_runs(one, *its).items()
        if there.get(run, -1) >= 0
    ]
    return _longest_rising(sorted(it for it in pairs if it[0] >= 0))


def _find_single_runs(words: Words, first: int, end: int) -> Mapping[tuple[str, ...], int]:
    """Give where each run begins; -1 for one that is there more than once."""
    found: dict[tuple[str, ...], int] = {}
    for at in range(first, end - _RUN + 1):
        run = tuple(words[at : at + _RUN])
        if MOVED not in run:
            found[run] = -1 if run in found else at
    return found


def _longest_rising(pairs: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Give the longest row of pairs, sorted by the first numbers, whose second numbers rise."""
    ends: list[int] = []
    numbers: list[int] = []
    before: list[int] = []
    for number, (_at, there) in enumerate(pairs):
        place = bisect_left(ends, there)
        before.append(numbers[place - 1] if place else -1)
        ends[place : place + 1] = [there]
        numbers[place : place + 1] = [number]
    row: list[tuple[int, int]] = []
    at = numbers[-1] if numbers else -1
    while at >= 0:
        row.append(pairs[at])
        at = before[at]
    return row[::-1]
