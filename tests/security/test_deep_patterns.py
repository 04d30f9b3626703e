"""A site lays out a path so deep that matching patterns against it holds everybody up."""

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
