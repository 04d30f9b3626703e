"""Text files with one pattern or file name a line: ``--exclude-file``, ``--files-from``."""

import re
from collections.abc import Iterator, Mapping

_BYTE_ORDER_MARKS = (
    (b"\xef\xbb\xbf", "utf-8"),
    (b"\xfe\xff", "utf-16-be"),
    (b"\xff\xfe", "utf-16-le"),
)
_WHITE_SPACE = "\t\n\v\f\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(
    map(chr, range(0x2000, 0x200B))
)
# A dollar sign and a name: in braces, of one special character, or a word; "${}" and a brace that
# is never closed stand for nothing.
_VARIABLE = re.compile(
    r"\$(?:\{(?P<braced>[^}]*)\}|(?P<open>\{)|(?P<plain>[*#$@!?0-9-]|\w+))", re.ASCII
)


def read_pattern_file(content: bytes, environment: Mapping[str, str]) -> list[bytes]:
    """Read the patterns of an ``--exclude-file``: one a line, in order.

    White space around a line, empty lines and lines that begin with ``#`` do not count. ``$NAME``
    and ``${NAME}`` stand for variables of the environment, unknown ones for nothing, ``$$`` for a
    dollar sign.

    Args:
        content: The file; UTF-8, or UTF-16 with a byte order mark.
        environment: Variables by name.
    """

    def expand(found: re.Match[str]) -> str:
        name = found["plain"] or found["braced"] or ""
        return "$" if name == "$" else environment.get(name, "")

    return [
        _VARIABLE.sub(expand, line).encode("utf-8", "surrogateescape")
        for line in _meaningful_lines(content)
    ]


def read_file_list(content: bytes) -> list[bytes]:
    """Read the lines of a ``--files-from`` file, in order; they are patterns for file names.

    Like `read_pattern_file`, but a dollar sign means nothing special.
    """
    return [line.encode("utf-8", "surrogateescape") for line in _meaningful_lines(content)]


def _meaningful_lines(content: bytes) -> Iterator[str]:
    for mark, encoding in _BYTE_ORDER_MARKS:
        if content.startswith(mark):
            text = content[len(mark) :].decode(
                encoding, "surrogateescape" if encoding == "utf-8" else "replace"
            )
            break
    else:
        text = content.decode("utf-8", "surrogateescape")
    for line in text.split("\n"):
        stripped = line.strip(_WHITE_SPACE)
        if stripped and not stripped.startswith("#"):
            yield stripped
