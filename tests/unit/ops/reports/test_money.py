"""Amounts in figures and in words."""

import pytest

from ops.planning.money import MOST_IN_WORDS, amount_in_words, format_amount


@pytest.mark.parametrize(
    ("amount", "words"),
    [
        (0, "Không đồng"),
        (1, "Một đồng"),
        (5, "Năm đồng"),
        (10, "Mười đồng"),
        (11, "Mười một đồng"),
        (14, "Mười bốn đồng"),
        (15, "Mười lăm đồng"),
        (20, "Hai mươi đồng"),
        (21, "Hai mươi mốt đồng"),
        (24, "Hai mươi tư đồng"),
        (25, "Hai mươi lăm đồng"),
        (100, "Một trăm đồng"),
        (101, "Một trăm lẻ một đồng"),
        (105, "Một trăm lẻ năm đồng"),
        (110, "Một trăm mười đồng"),
        (1_000, "Một nghìn đồng"),
        (1_005, "Một nghìn không trăm lẻ năm đồng"),
        (1_015, "Một nghìn không trăm mười lăm đồng"),
        (12_500_000, "Mười hai triệu năm trăm nghìn đồng"),
        (1_000_001, "Một triệu không trăm lẻ một đồng"),
        (375_000_000, "Ba trăm bảy mươi lăm triệu đồng"),
        (1_000_000_000, "Một tỷ đồng"),
        (2_021_000_000, "Hai tỷ không trăm hai mươi mốt triệu đồng"),
        (1_000_000_000_000, "Một nghìn tỷ đồng"),
        (1_500_000_000_000, "Một nghìn năm trăm tỷ đồng"),
        (MOST_IN_WORDS, "Một triệu tỷ đồng"),
    ],
)
def test_amounts_in_words(amount: int, words: str) -> None:
    assert amount_in_words(amount) == words


def test_the_northern_word_and_the_bounds() -> None:
    assert amount_in_words(105, lone="linh") == "Một trăm linh năm đồng"
    for amount in (-1, MOST_IN_WORDS + 1):
        with pytest.raises(ValueError, match="not between"):
            amount_in_words(amount)


def test_figures_have_dots() -> None:
    assert format_amount(12_500_000) == "12.500.000"
    assert format_amount(-1_000) == "-1.000"
    assert format_amount(7) == "7"
