import pytest

from backup.patterns.pattern_files import read_file_list, read_pattern_file


def test_lines_are_trimmed_and_comments_left_out() -> None:
    content = b"# comment\n\n  *.log  \r\n\t# another\n/var/ \xc2\xa0\n!x # y\nlast"

    assert read_pattern_file(content, {}) == [b"*.log", b"/var/", b"!x # y", b"last"]


@pytest.mark.parametrize(
    ("line", "expanded"),
    [
        ("$HOME/a", "/root/a"),
        ("${HOME}x", "/rootx"),
        ("$HOMEx", ""),
        ("a$$b", "a$b"),
        ("${$}", "$"),
        ("a${}b", "ab"),
        ("a${b", "ab"),
        ("a$", "a$"),
        ("a$/b", "a$/b"),
        ("$1x", "x"),
        ("$NONE", ""),
    ],
)
def test_variables_are_replaced(line: str, expanded: str) -> None:
    content = f"<{line}>\n".encode()

    assert read_pattern_file(content, {"HOME": "/root"}) == [f"<{expanded}>".encode()]


def test_in_a_file_list_a_dollar_sign_is_one() -> None:
    assert read_file_list(b"# no\n/a/$HOME/*\n") == [b"/a/$HOME/*"]


def test_names_that_are_not_utf8_stay_as_they_are() -> None:
    assert read_file_list(b"/a/\xff\xfe\n") == [b"/a/\xff\xfe"]
    assert read_pattern_file(b"$X/\xff\n", {"X": "\udcfe"}) == [b"\xfe/\xff"]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-be"])
def test_a_byte_order_mark_tells_the_encoding(encoding: str) -> None:
    mark = "\ufeff" if encoding == "utf-16-be" else ""
    content = f"{mark}/ảnh\nb\n".encode(encoding)

    assert read_file_list(content) == ["/ảnh".encode(), b"b"]
