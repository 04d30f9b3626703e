"""A path or pattern is so deep that it ends what matches it, or holds everybody up."""

import pytest

from backup.patterns.patterns import compile_patterns
from tests.effort import takes_at_most


@pytest.mark.parametrize(
    "pattern",
    [
        "**/a/**/b/**/c",
        "/**/a/**/a/**/a/**/b",
        "**/**/**/**/**/**/b",
        "a/**/b",
        "**/b",
        "/a/**/*a*/**/b/**",
    ],
)
def test_a_deep_path_holds_nobody_up(pattern: str) -> None:
    patterns = compile_patterns([pattern])
    path = b"/a" * 5_000 + b"/x"

    assert not patterns.match(path)
    assert patterns.match(path + b"/a/b/c")
    assert takes_at_most(2, lambda: patterns.match(path))


@pytest.mark.parametrize("pattern", ["/a" * 5_000, "a/" * 5_000 + "b", "!" + "/?" * 1_500])
def test_a_deep_pattern_holds_nobody_up(pattern: str) -> None:
    assert takes_at_most(1.5, lambda: compile_patterns(["x", pattern]))


def test_a_deep_pattern_leads_down_to_its_end_and_below() -> None:
    patterns = compile_patterns(["/a" * 1_000])

    assert all(patterns.child_match(b"/a" * depth) for depth in (1, 500, 1_000, 1_001))
    assert patterns.child_match(b"/")
    assert not patterns.child_match(b"/a" * 500 + b"/b")
    assert not patterns.child_match(b"/ab")
    assert patterns.match(b"/a" * 1_001)
