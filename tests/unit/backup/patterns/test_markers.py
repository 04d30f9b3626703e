from collections.abc import Mapping

import pytest

from backup.errors import UsageError
from backup.patterns.markers import (
    CACHE_MARKER,
    UNMARKED,
    Marker,
    Marking,
    decide_marking,
    parse_marker,
)

SIGNATURE = b"Signature: 8a477f597d28d172789f06886806bc55\n# made by hand"


def marking(markers: list[Marker], files: Mapping[bytes, bytes | None]) -> Marking:
    """Decide about a folder with these files; one without content cannot be read."""

    def read_start(name: bytes, length: int) -> bytes:
        content = files[name]
        if content is None:
            raise PermissionError
        return content[:length]

    return decide_marking(markers, files.keys(), read_start)


@pytest.mark.parametrize(
    ("text", "marker"),
    [
        (".nobackup", Marker(b".nobackup")),
        ("tag:a:b", Marker(b"tag", b"a:b")),
        (b"\xff:", Marker(b"\xff")),
        ("CACHEDIR.TAG:Signature: 8a477f597d28d172789f06886806bc55", CACHE_MARKER),
    ],
)
def test_a_marker_is_read(text: str | bytes, marker: Marker) -> None:
    assert parse_marker(text) == marker


@pytest.mark.parametrize("text", ["", ":header"])
def test_a_marker_without_a_name_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        parse_marker(text)


def test_a_folder_without_a_marker_is_not_marked() -> None:
    assert marking([CACHE_MARKER, Marker(b".nobackup")], {b"a": b""}) == UNMARKED
    assert marking([], {b"a": b""}) == UNMARKED


def test_of_a_marked_folder_only_the_marker_is_left() -> None:
    decided = marking([CACHE_MARKER], {b"CACHEDIR.TAG": SIGNATURE, b"a": b""})

    assert decided == Marking(is_marked=True, survivors=frozenset([b"CACHEDIR.TAG"]), doubtful=())


def test_a_marker_without_a_header_need_not_be_readable() -> None:
    decided = marking([Marker(b".nobackup")], {b".nobackup": None})

    assert decided.is_marked


@pytest.mark.parametrize("content", [b"", b"Signature: 8a47", b"x" + SIGNATURE, None])
def test_a_marker_that_begins_otherwise_marks_nothing(content: bytes | None) -> None:
    decided = marking([CACHE_MARKER], {b"CACHEDIR.TAG": content})

    assert decided == Marking(is_marked=False, survivors=frozenset(), doubtful=(CACHE_MARKER,))


def test_several_markers_rule_each_other_out() -> None:
    files = {b"CACHEDIR.TAG": SIGNATURE, b".nobackup": b"", b"a": b""}
    decided = marking([CACHE_MARKER, Marker(b".nobackup")], files)

    assert decided.is_marked
    assert decided.survivors == frozenset()
