"""What nobody writes by hand is refused before it is read for hours; texts may hold any dots."""

import time

import pytest

from ops.toml import NestedTooDeeplyError, parse_toml

PARTS = 200_000


@pytest.mark.parametrize(
    "key",
    [".".join("a" * PARTS), " . ".join("a" * PARTS), ".".join(['"a"'] * PARTS)],
    ids=["bare", "with blanks", "quoted"],
)
@pytest.mark.parametrize("form", ["{} = 1", "[{}]", "x = {{ {} = 1 }}"])
def test_a_key_of_very_many_parts_is_refused_at_once(key: str, form: str) -> None:
    began = time.monotonic()
    with pytest.raises(NestedTooDeeplyError):
        parse_toml(form.format(key).encode())
    assert time.monotonic() - began < 2


@pytest.mark.parametrize(
    "text",
    ['x = "' + "Điều 1. " * 100 + '"', 'x = """\n' + "." * 200 + '\n"""', "# " + "a." * 100,
     "x = '" + "1.2." * 100 + "'"],
    ids=["sentences", "leaders", "a remark", "figures"],
)  # fmt: skip
def test_dots_in_texts_part_nothing(text: str) -> None:
    assert set(parse_toml(text.encode())) <= {"x"}
