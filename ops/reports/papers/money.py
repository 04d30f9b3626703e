"""Amounts of đồng as papers write them: figures with dots, and in words."""

from typing import Literal

MOST = 10**15
"""The greatest amount that is written in words."""

Lone = Literal["lẻ", "linh"]

_DIGITS = ("không", "một", "hai", "ba", "bốn", "năm", "sáu", "bảy", "tám", "chín")
_GROUPS = ("", "nghìn", "triệu")
_BILLION = 10**9


def amount_in_words(amount: int, *, lone: Lone = "lẻ") -> str:
    """Give `Mười hai triệu năm trăm nghìn đồng`, beginning with a capital letter.

    Args:
        amount: Đồng, from 0 to `MOST`.
        lone: The word before a lone digit after hundreds: southern `lẻ`, northern `linh`.

    Raises:
        ValueError: It is below 0 or above `MOST`.
    """
    if not 0 <= amount <= MOST:
        raise ValueError(f"{amount} is not between 0 and {MOST}")
    words = _words(amount, lone)
    return f"{words[0].upper()}{words[1:]} đồng"


def _words(amount: int, lone: Lone) -> str:
    billions, rest = divmod(amount, _BILLION)
    said = [_words(billions, lone), "tỷ"] if billions else []
    for place in (2, 1, 0):
        group = rest // 1000**place % 1000
        if group:
            # Below the first group hundreds are always said: `một triệu không trăm lẻ năm`.
            said += [*_group(group, lone, whole=bool(said)), _GROUPS[place]]
    return " ".join(word for word in said if word) or _DIGITS[0]


def _group(group: int, lone: Lone, *, whole: bool) -> list[str]:
    """Say a number below a thousand; `whole` with its hundreds even where they are none."""
    hundreds, rest = divmod(group, 100)
    tens, ones = divmod(rest, 10)
    said = [_DIGITS[hundreds], "trăm"] if hundreds or whole else []
    if tens > 1:
        said += [_DIGITS[tens], "mươi"]
    elif tens == 1:
        said.append("mười")
    elif ones and said:
        said.append(lone)
    if ones:
        said.append(_last(tens, ones))
    return said


def _last(tens: int, ones: int) -> str:
    """Say the last digit: mốt after mươi, lăm after mười and mươi, tư after mươi."""
    if tens > 1 and ones == 1:
        return "mốt"
    if tens > 1 and ones == 4:  # noqa: PLR2004 - the digit
        return "tư"
    if tens >= 1 and ones == 5:  # noqa: PLR2004 - the digit
        return "lăm"
    return _DIGITS[ones]
