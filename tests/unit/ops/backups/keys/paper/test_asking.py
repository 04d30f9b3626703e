"""Shares are asked for until there are enough, as the first one says."""

import pytest

from ops.backups.keys.paper.shares import (
    collect_shares,
    combine_shares,
    split_password,
    split_shares,
)

KEY = "lúa vàng"


@pytest.mark.parametrize("threshold", [2, 3, 5])
def test_as_many_are_asked_for_as_the_key_takes(threshold: int) -> None:
    shares = split_password(KEY, threshold=threshold, count=6).shares
    asked: list[int] = []

    def ask(number: int) -> str:
        asked.append(number)
        if len(asked) == 2:
            return "mistyped words"
        return " ".join(word[:4].upper() for word in shares[number])

    typed = collect_shares(ask)

    assert asked == [1, 2, *range(2, threshold + 1)]
    assert combine_shares(split_shares(" / ".join(typed))).password == KEY


def test_nobody_answers() -> None:
    assert collect_shares(lambda _number: "") == []
    assert split_shares(" \n") == []


def test_a_sheet_with_dates_is_one_share() -> None:
    sheet = "Ngày 24/11/2026\n01. academic 02. acid\n"

    assert split_shares(sheet) == [sheet.strip()]
