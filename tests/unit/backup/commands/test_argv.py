"""Command lines are taken apart as restic's own parser does it."""

import pytest

from backup.commands.argv import split_words
from backup.errors import UsageError

KNOWN = {"--repo": True, "-r": True, "--tag": True, "--long": False, "-l": False, "-q": False,
         "-v": False, "--verbose": False}  # fmt: skip


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--repo", "x"], [("--repo", "x")]),
        (["--repo=x"], [("--repo", "x")]),
        (["--repo="], [("--repo", "")]),
        (["--repo=a=b"], [("--repo", "a=b")]),
        (["-r", "x"], [("-r", "x")]),
        (["-rx"], [("-r", "x")]),
        (["-r=x"], [("-r", "x")]),
        (["-lqr", "x"], [("-l", None), ("-q", None), ("-r", "x")]),
        (["--tag", "-5"], [("--tag", "-5")]),
        (["--tag", "--long"], [("--tag", "--long")]),
        (["-v=2"], [("-v", "2")]),
        (["--verbose=2"], [("--verbose", "2")]),
        (["a", "-l", "b"], [("", "a"), ("-l", None), ("", "b")]),
        (["-l", "--", "-l", "--"], [("-l", None), ("", "-l"), ("", "--")]),
        (["-"], [("", "-")]),
        ([""], [("", "")]),
    ],
)
def test_every_spelling_is_understood(
    words: list[str], expected: list[tuple[str, str | None]]
) -> None:
    assert [(word.flag, word.value) for word in split_words(words, KNOWN)] == expected


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["--rep", "x"], "there is no flag --rep here"),
        (["-x"], "there is no flag -x here"),
        (["-lx"], "there is no flag -x here"),
        (["--repo"], "the flag --repo lacks its value"),
        (["-r"], "the flag -r lacks its value"),
        (["--long=yes"], "the flag --long takes no value"),
    ],
)
def test_mistakes_are_named(words: list[str], text: str) -> None:
    with pytest.raises(UsageError) as raised:
        list(split_words(words, KNOWN))

    assert str(raised.value) == text


def test_a_near_miss_is_pointed_out() -> None:
    with pytest.raises(UsageError) as raised:
        list(split_words(["--rpeo", "x"], KNOWN))

    assert ("why", "you may mean --repo") in raised.value.lines()
