import pickle

import pytest

from backup.errors import UsageError
from backup.patterns.patterns import NO_PATTERNS, compile_patterns
from tests.effort import takes_at_most


@pytest.mark.parametrize(
    ("texts", "path", "matched"),
    [
        # Floating patterns match anywhere, and all below.
        (["*.log"], b"/var/log/a.log", True),
        (["*.log"], b"/var/a.log/b", True),
        (["*.log"], b"/var/a.logs", False),
        (["log/a"], b"/var/log/a/b", True),
        (["log/a"], b"/var/log/b/a", False),
        (["og/a"], b"/var/log/a", False),
        # Anchored ones from the root.
        (["/var"], b"/var/log", True),
        (["/log"], b"/var/log", False),
        (["/"], b"/anything", True),
        # Any number of parts.
        (["/var/**/cache"], b"/var/cache", True),
        (["/var/**/cache"], b"/var/a/b/cache/c", True),
        (["/var/**/cache"], b"/srv/a/cache", False),
        (["cache/**"], b"/var/cache", True),
        (["/**/x/**"], b"/a/x", False),
        (["/**/x/**"], b"/a/x/y", True),
        (["**"], b"/a", True),
        # Characters, not bytes; stray bytes count as one.
        (["t?"], b"/t\xe1\xba\xbf", True),
        (["t??"], b"/t\xe1\xba\xbf", False),
        (["t?"], b"/t\xff", True),
        (["[\u1ea0-\u1ef9]"], "/ế".encode(), True),
        (["[^\u1ea0-\u1ef9]"], "/ế".encode(), False),
        (["[!a]"], b"/!", True),
        (["\\*"], b"/*", True),
        (["\\*"], b"/a", False),
        (["a?b"], b"/a/b", False),
        ([b"\xff*"], b"/\xff\xfe", True),
        (["a"], b"/x\n/a", True),
        (["a$"], b"/a\n", False),
        # Taken back, in order.
        (["*.log", "!keep.log"], b"/var/keep.log", False),
        (["!keep.log", "*.log"], b"/var/keep.log", True),
        (["*.log", "!keep.log", "keep*"], b"/var/keep.log", True),
        # Cleaned before use.
        (["log//./x/../a/"], b"/var/log/a", True),
        (["//var"], b"/var", True),
        # Case counts.
        (["A"], b"/a", False),
    ],
)
def test_a_path_is_matched(texts: list[bytes | str], path: bytes, matched: bool) -> None:
    assert compile_patterns(texts).match(path) is matched


@pytest.mark.parametrize(
    ("text", "path", "matched"),
    [
        ("*.JPG", b"/a.Jpg", True),
        ("ĐỒNG", "/đồng".encode(), True),
        ("i", "/İ".encode(), True),
        ("ΟΔΟΣ", "/οδοσ".encode(), True),
        ("a", b"/b", False),
    ],
)
def test_case_is_ignored_where_asked(text: str, path: bytes, matched: bool) -> None:
    assert compile_patterns([], insensitive=[text]).match(path) is matched


def test_a_pattern_takes_back_within_its_own_list_only() -> None:
    patterns = compile_patterns(["*.log", "!a.log"], insensitive=["*.LOG"])

    assert patterns.match(b"/a.log")


@pytest.mark.parametrize(
    ("texts", "folder", "possible"),
    [
        (["/var/log/a"], b"/", True),
        (["/var/log/a"], b"/var", True),
        (["/var/log/a"], b"/var/log/a", True),
        (["/var/log/a"], b"/var/log/a/b", True),
        (["/var/log/a"], b"/var/log/b", False),
        (["/var/log/a"], b"/va", False),
        (["/var/log/a"], b"/srv", False),
        (["/v*/log/**/x"], b"/var/log/a/b", True),
        (["/v*/log/**/x"], b"/var/cache", False),
        (["/**/x"], b"/srv", True),
        (["x"], b"/srv/a", True),
        (["/srv", "!/srv/a"], b"/srv/a", False),
        (["/srv", "!/srv/a"], b"/srv/b", True),
        (["/srv", "/var/log"], b"/var", True),
    ],
)
def test_what_may_lie_below_a_folder(
    texts: list[bytes | str], folder: bytes, possible: bool
) -> None:
    assert compile_patterns(texts).child_match(folder) is possible


def test_no_patterns_are_false_and_match_nothing() -> None:
    assert compile_patterns(["", b""]) is NO_PATTERNS
    assert not NO_PATTERNS
    assert not NO_PATTERNS.match(b"/a")
    assert not NO_PATTERNS.child_match(b"/a")


def test_every_malformed_pattern_is_named() -> None:
    with pytest.raises(UsageError) as caught:
        compile_patterns(["fine", "[a", "a\\"], insensitive=["[]a]", b"[\xff]", "[a-]", "a[/]"])

    assert str(caught.value) == (
        r'cannot read the patterns "[a", "a\", "[]a]", "[\xff]", "[a-]", "a[/]"'
    )


def test_patterns_go_to_another_process_unharmed() -> None:
    patterns = compile_patterns(["*.log", "!/var/**/a/**"], insensitive=["B"])
    arrived = pickle.loads(pickle.dumps(patterns))  # noqa: S301 -- our own bytes

    assert arrived == patterns
    assert arrived.sensitive == (b"*.log", b"!/var/**/a/**")
    assert arrived.match(b"/x/b")


def test_many_stars_take_no_exponential_time() -> None:
    patterns = compile_patterns(["*a" * 30 + "*b"])
    path = b"/" + b"a" * 255

    assert not patterns.match(path)
    assert takes_at_most(1, lambda: patterns.match(path))
