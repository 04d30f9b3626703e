"""Whether what was loaded is what was dumped."""

import pytest

from backup.sources.databases.load import find_differences


@pytest.mark.parametrize(
    ("before", "after", "found", "named"),
    [
        ({"a": 3}, None, {"a": 3}, []),
        ({"a": 3}, None, {"a": 2}, [("a", 3, 2)]),
        ({"a": 3}, None, {}, [("a", 3, None)]),
        ({"a": 3}, {"a": 5}, {"a": 4}, []),
        ({"a": 5}, {"a": 3}, {"a": 4}, []),
        ({"a": 3}, {"a": 5}, {"a": 6}, [("a", 3, 6)]),
        ({"a": None}, None, {"a": 9}, []),
        ({"a": None}, None, {}, [("a", None, None)]),
        ({}, None, {"more": 1}, []),
    ],
)
def test_a_table_that_differs_is_named(
    before: dict[str, int | None],
    after: dict[str, int | None] | None,
    found: dict[str, int | None],
    named: list[tuple[str, int | None, int | None]],
) -> None:
    assert list(find_differences(before, after, found)) == named
