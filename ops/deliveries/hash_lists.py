"""Lists of hashes as `sha256sum`, `md5sum` and their like write them.

Sources: the manual of GNU coreutils, *cksum output modes*; the BSD form is `cksum --tag`'s.
"""

import re
from typing import NamedTuple

_PLAIN = re.compile(rb"(\\?)([0-9a-fA-F]+) [ *](.+)")
_TAGGED = re.compile(rb"(\\?)([A-Z0-9-]+) \((.+)\) = ([0-9a-fA-F]+)")
_BY_LENGTH = {32: "md5", 40: "sha1", 56: "sha224", 64: "sha256", 96: "sha384", 128: "sha512"}
_ESCAPES = re.compile(rb"\\(.)")
_ESCAPED = {b"n": b"\n", b"r": b"\r", b"\\": b"\\"}


class Listed(NamedTuple):
    """One line.

    Attributes:
        name: Of the file, from the folder of the list.
        algorithm: As hashlib names it.
        digest: In lower-case hexadecimal.
    """

    name: bytes
    algorithm: str
    digest: str


def parse_hashes(text: bytes) -> list[Listed]:
    """Read a list; lines that are no such line, comments for one, are passed over."""
    found = (_parse_line(line.rstrip(b"\r")) for line in text.split(b"\n"))
    return [it for it in found if it is not None]


def _parse_line(line: bytes) -> Listed | None:
    if match := _PLAIN.fullmatch(line):
        escaped, digest, name = match.groups()
    elif match := _TAGGED.fullmatch(line):
        escaped, _, name, digest = match.groups()
    else:
        return None
    algorithm = _BY_LENGTH.get(len(digest))
    if algorithm is None:
        return None
    if escaped:
        name = _ESCAPES.sub(lambda it: _ESCAPED.get(it[1], it[0]), name)
    return Listed(name.removeprefix(b"./"), algorithm, digest.decode().lower())
