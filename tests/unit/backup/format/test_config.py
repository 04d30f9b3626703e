"""The chunker polynomial: restic opens no repository with a reducible one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backup.format.config import DEGREE, generate_polynomial, is_irreducible


def multiply(left: int, right: int) -> int:
    product = 0
    while right:
        product ^= left * (right & 1)
        left, right = left << 1, right >> 1
    return product


# Of restic's own documentation and tests, and of repositories it made.
@pytest.mark.parametrize("polynomial", [0x3D8DCC0C2C005D, 0x25B468838DCB75, 0x3DA3358B4DC173])
def test_polynomials_of_restic_are_irreducible(polynomial: int) -> None:
    assert is_irreducible(polynomial)


def test_made_ones_are_irreducible_and_differ() -> None:
    made = {generate_polynomial() for _ in range(3)}
    assert len(made) == 3
    assert all(is_irreducible(each) and each.bit_length() - 1 == DEGREE for each in made)


@given(st.integers(1, DEGREE - 1), st.data())
def test_products_are_reducible(degree: int, data: st.DataObject) -> None:
    left = (1 << degree) | data.draw(st.integers(0, (1 << degree) - 1))
    rest = DEGREE - degree
    right = (1 << rest) | data.draw(st.integers(0, (1 << rest) - 1))
    assert not is_irreducible(multiply(left, right))


@pytest.mark.parametrize("polynomial", [0, 1, 0b10, 0b111, 1 << 53, -(1 << 53), 1 << 54])
def test_other_numbers_will_not_do(polynomial: int) -> None:
    assert not is_irreducible(polynomial)
