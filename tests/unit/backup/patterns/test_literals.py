"""What every name that is chosen by itself must hold."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backup.errors import UsageError
from backup.patterns.patterns import compile_patterns

PART = st.text("abc.*?[]!\\", min_size=1, max_size=5).map(str.encode)
PATTERN = st.lists(st.one_of(PART, st.just(b"**")), min_size=1, max_size=3).map(b"/".join)
NAMES = st.text("abc.", min_size=1, max_size=4).map(str.encode)


@given(st.lists(PATTERN, min_size=1, max_size=3), st.lists(NAMES, min_size=1, max_size=4))
def test_a_name_matched_by_itself_holds_one(texts: list[bytes], names: list[bytes]) -> None:
    try:
        patterns = compile_patterns(texts)
    except UsageError:
        return
    path, above = b"/" + b"/".join(names), b"/" + b"/".join(names[:-1])
    literals = patterns.literals

    if patterns.match(path) and not (names[1:] and patterns.match(above)):
        assert literals is None or any(it in names[-1] for it in literals)


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        ([b"uploads/*.pdf"], (b".pdf",)),
        ([b"a/b.txt", b"!c", b"/x/y?zz"], (b"b.txt", b"zz")),
        ([b"*"], None),
        ([b"a", b"[ab]c"], None),
        ([b"uploads/**"], None),
    ],
)
def test_the_longest_fixed_piece_of_the_last_part_counts(
    texts: list[bytes], expected: tuple[bytes, ...] | None
) -> None:
    assert compile_patterns(texts).literals == expected


def test_nothing_is_known_of_patterns_for_any_case() -> None:
    assert compile_patterns([b"a"], [b"B"]).literals is None
