import random
from fractions import Fraction

import pytest

from backup.errors import UsageError
from backup.quantities import (
    PackPart,
    PackShare,
    PackSubset,
    PackVolume,
    UnusedLimit,
    parse_size,
    parse_subset,
    parse_unused_limit,
    select_packs,
)

PACKS = {bytes([first]) + bytes(31): 1000 for first in range(256)}


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("0", 0),
        ("12", 12),
        ("12b", 12),
        ("500M", 500 << 20),
        ("3k", 3 << 10),
        ("1G", 1 << 30),
        ("2T", 2 << 40),
        ("+5", 5),
    ],
)
def test_a_size_is_read(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "M", "-1", "1.5G", "5 M", "5MB", "8388608T", "٣", "5%"])
def test_a_wrong_size_is_refused_by_name(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_size(text)

    assert f'"{text}"' in str(caught.value)


@pytest.mark.parametrize(
    ("text", "used", "allowed"),
    [
        ("unlimited", 1000, None),
        ("5%", 1900, 100),
        ("0%", 1900, 0),
        ("50%", 1900, 1900),
        ("2.5%", 3900, 100),
        (" 1K ", 7, 1024),
        ("0", 7, 0),
    ],
)
def test_a_limit_of_unused_data_allows_so_many_bytes(
    text: str, used: int, allowed: int | None
) -> None:
    assert parse_unused_limit(text).allowed_bytes(used) == allowed


def test_a_share_counts_of_all_stored_data() -> None:
    limit = UnusedLimit(percent=Fraction(20))

    assert limit.allowed_bytes(80) == 20


@pytest.mark.parametrize("text", ["", "100%", "-1%", "%", "x%", "5%%", "Unlimited", "1e1%"])
def test_a_wrong_limit_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        parse_unused_limit(text)


@pytest.mark.parametrize(
    ("text", "subset"),
    [
        ("1/1", PackPart(1, 1)),
        ("7/256", PackPart(7, 256)),
        ("2.5%", PackShare(Fraction("2.5"))),
        ("100%", PackShare(Fraction(100))),
        ("10M", PackVolume(10 << 20)),
    ],
)
def test_a_subset_is_read(text: str, subset: PackSubset) -> None:
    assert parse_subset(text) == subset


@pytest.mark.parametrize("text", ["0/5", "6/5", "1/257", "1/", "1/2/3", "0%", "101%", "0", "x"])
def test_a_wrong_subset_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        parse_subset(text)


def test_the_parts_together_are_all_packs_and_none_twice() -> None:
    parts = [
        select_packs(PackPart(number, 7), PACKS, chance=random.Random()) for number in range(1, 8)
    ]
    together = [pack for part in parts for pack in part]

    assert sorted(together) == sorted(PACKS)
    assert parts[0][:2] == [bytes(32), b"\x07" + bytes(31)]


@pytest.mark.parametrize(
    ("subset", "count"),
    [
        (PackShare(Fraction(50)), 128),
        (PackShare(Fraction("0.01")), 1),
        (PackShare(Fraction(100)), 256),
        (PackVolume(64_000), 64),
        (PackVolume(1), 1),
        (PackVolume(10**9), 256),
    ],
)
def test_a_random_subset_has_its_share_of_packs(subset: PackSubset, count: int) -> None:
    chosen = select_packs(subset, PACKS, chance=random.Random(1))

    assert len(chosen) == len(set(chosen) & set(PACKS)) == count


@pytest.mark.parametrize("subset", [PackPart(1, 2), PackShare(Fraction(5)), PackVolume(5)])
def test_of_no_packs_none_is_chosen(subset: PackSubset) -> None:
    assert select_packs(subset, {}, chance=random.Random()) == []
