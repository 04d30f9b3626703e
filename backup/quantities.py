"""Quantities as they are typed: sizes, shares of used data, subsets of packs.

The forms are restic's: sizes in powers of 1024 with the letters B, K, M, G, T.
"""

import math
import random
import re
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from backup.errors import UsageError

_UNITS = {"": 1, "b": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}
_SIZE = re.compile(r"([+-]?[0-9]+)([bkmgt]?)", re.IGNORECASE | re.ASCII)
_SHARE = re.compile(r"([+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+))%", re.ASCII)
_PART = re.compile(r"([0-9]+)/([0-9]+)", re.ASCII)
_LARGEST_SIZE = (1 << 63) - 1
_MOST_PARTS = 256
_WHOLE = 100


@dataclass(frozen=True, slots=True)
class UnusedLimit:
    """How much unused data may stay when pruning; one of the two is set, or none for no limit.

    Attributes:
        size: Bytes.
        percent: Share of all stored data, from 0 to below 100.
    """

    size: int | None = None
    percent: Fraction | None = None

    def allowed_bytes(self, used: int) -> int | None:
        """Give how many bytes may stay beside `used` bytes in use; None without a limit."""
        if self.percent is not None:
            return math.floor(self.percent / (_WHOLE - self.percent) * used)
        return self.size


@dataclass(frozen=True, slots=True)
class PackPart:
    """One of several parts of all packs, told apart by the first byte of their ids.

    Attributes:
        number: Which part, from 1.
        total: How many parts, at most 256.
    """

    number: int
    total: int


@dataclass(frozen=True, slots=True)
class PackShare:
    """A random selection of packs by their number, at least one.

    Attributes:
        percent: How many of a hundred, above 0 and at most 100.
    """

    percent: Fraction


@dataclass(frozen=True, slots=True)
class PackVolume:
    """A random selection of packs of about so many bytes, at least one pack.

    Attributes:
        size: Bytes, above 0.
    """

    size: int


PackSubset = PackPart | PackShare | PackVolume


def parse_size(text: str) -> int:
    """Read a size such as ``500M``: a whole number and a letter for its unit, or bytes without.

    Raises:
        UsageError: The text is something else, negative, or 8 EiB and more.
    """
    found = _SIZE.fullmatch(text)
    size = int(found[1]) * _UNITS[found[2].lower()] if found else -1
    if not 0 <= size <= _LARGEST_SIZE:
        raise UsageError(
            'cannot read the size "{text}"',
            next_step="write a whole number and one of the letters K, M, G, T, like 500M",
            text=text,
        )
    return size


def parse_unused_limit(text: str) -> UnusedLimit:
    """Read the value of ``--max-unused``: a size, a share such as ``5%``, or ``unlimited``.

    Raises:
        UsageError: The text is something else, or a share below 0 or not below 100.
    """
    stripped = text.strip()
    if stripped == "unlimited":
        return UnusedLimit()
    if not stripped.endswith("%"):
        return UnusedLimit(size=parse_size(stripped))
    percent = _parse_share(stripped)
    if not 0 <= percent < _WHOLE:
        raise UsageError(
            "unused data cannot be limited to {text}",
            next_step="give a share from 0% to below 100%",
            text=stripped,
        )
    return UnusedLimit(percent=percent)


def parse_subset(text: str) -> PackSubset:
    """Read the value of ``--read-data-subset``: ``n/t``, a share such as ``2.5%``, or a size.

    Raises:
        UsageError: The text is something else or outside its bounds.
    """
    part = _PART.fullmatch(text)
    if part:
        number, total = int(part[1]), int(part[2])
        if not 1 <= number <= total <= _MOST_PARTS:
            raise UsageError(
                "there is no part {number} of {total}",
                next_step=f"write n/t with n from 1 to t, and t at most {_MOST_PARTS}",
                number=number,
                total=total,
            )
        return PackPart(number, total)
    if text.endswith("%"):
        percent = _parse_share(text)
        if not 0 < percent <= _WHOLE:
            raise UsageError(
                "cannot read {text} of the packs",
                next_step="give a share above 0% and at most 100%",
                text=text,
            )
        return PackShare(percent)
    size = parse_size(text)
    if size == 0:
        raise UsageError("cannot read packs of 0 bytes", next_step="give a size above 0")
    return PackVolume(size)


def select_packs(
    subset: PackSubset, packs: Mapping[bytes, int], *, chance: random.Random
) -> list[bytes]:
    """Choose the packs of a subset.

    Args:
        subset: Which packs.
        packs: Size in bytes by pack id.
        chance: Where the random choices come from; a `PackPart` makes none.

    Returns:
        Ids, all different, in no order; empty only if there are no packs or none is of that part.
    """
    if isinstance(subset, PackPart):
        return [pack for pack in packs if pack[0] % subset.total == subset.number - 1]
    if not packs:
        return []
    if isinstance(subset, PackShare):
        share = subset.percent / _WHOLE
    else:
        share = min(Fraction(subset.size, max(1, sum(packs.values()))), Fraction(1))
    return chance.sample(list(packs), max(1, math.floor(len(packs) * share)))


def _parse_share(text: str) -> Fraction:
    found = _SHARE.fullmatch(text)
    if found is None:
        raise UsageError(
            'cannot read the share "{text}"',
            next_step="write a number and a percent sign, like 2.5%",
            text=text,
        )
    return Fraction(found[1])
