"""Shares: any of them that are enough give the password; what is wrong is named, never shown."""

import itertools

import pytest
from shamir_mnemonic import combine_mnemonics

from ops.backups.keys.paper.shares import ShareError, combine_shares, split_password
from ops.errors import WrongUseError

PASSWORD = "5BCFVVYWQ5UVZPMLSFQ3YVQZ5F4JXJDIM5XJHV4DYOA4ZRHCLVVQ"  # noqa: S105 -- of the tests
TEXT = "mật khẩu một dòng, có dấu"


@pytest.mark.parametrize("password", [PASSWORD, TEXT], ids=["base32", "text"])
def test_any_three_of_five_give_the_password(password: str) -> None:
    made = split_password(password, threshold=3, count=5)
    texts = [" ".join(words) for words in made.shares]

    for some in itertools.combinations(texts, 3):
        assert combine_shares(some).password == password
    assert combine_shares(texts).identifier == made.identifier
    with pytest.raises(ShareError, match="too few: 3 are needed"):
        combine_shares(texts[:2])


def test_the_reference_implementation_alone_gives_the_documented_bytes() -> None:
    made = split_password(TEXT, threshold=2, count=3)
    secret = combine_mnemonics([" ".join(words) for words in made.shares[1:]])

    assert secret.rstrip(b"\n") == TEXT.encode()


def test_shares_are_read_as_people_type_them() -> None:
    made = split_password(PASSWORD, threshold=2, count=2)
    short = " ".join(word[:4].upper() for word in made.shares[0])
    numbered = [f"{place:02}. {word}" for place, word in enumerate(made.shares[1], start=1)]
    rows = ["  ".join(numbered[start : start + 4]) for start in range(0, len(numbered), 4)]
    page = "\n".join(["Cần 2 trong 2 mảnh", *rows, "Ký nhận: ......"])

    assert len(made.shares[0]) == 33
    assert combine_shares([short, page]).password == PASSWORD


def test_a_mistake_is_named_by_its_place_and_no_word_is_shown() -> None:
    made = split_password(PASSWORD, threshold=2, count=2)
    first, second = (list(words) for words in made.shares)

    with pytest.raises(ShareError, match="word 7 of share 2 is not in the list") as unknown:
        combine_shares([" ".join(first), " ".join([*second[:6], "lua-vang", *second[7:]])])
    assert "lua-vang" not in str(unknown.value.params)
    with pytest.raises(ShareError, match="share 1 has a mistake: its 33 words"):
        combine_shares([" ".join([*first[:8], first[9], first[8], *first[10:]])])
    with pytest.raises(ShareError, match="share 2 was given twice"):
        combine_shares([" ".join(first), " ".join(first)])
    with pytest.raises(ShareError, match="no share was given"):
        combine_shares([])


def test_shares_of_two_sets_do_not_mix() -> None:
    one = split_password(PASSWORD, threshold=2, count=2)
    other = split_password(PASSWORD, threshold=2, count=2)

    with pytest.raises(ShareError, match="share 2 is of another set"):
        combine_shares([" ".join(one.shares[0]), " ".join(other.shares[1])])


@pytest.mark.parametrize(("threshold", "count"), [(1, 3), (4, 3), (2, 17), (0, 0)])
def test_numbers_that_make_no_sense_are_refused(threshold: int, count: int) -> None:
    with pytest.raises(WrongUseError, match="shares cannot be made"):
        split_password(PASSWORD, threshold=threshold, count=count)
