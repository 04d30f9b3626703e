"""Read the virtual hosts of an Apache configuration; pure.

Source of the form: httpd.apache.org, "Configuration Files", `Include` and `Define`: one directive a
line, a backslash at the end continues it, `#` begins a comment line, names of directives have no
case, `${NAME}` is what `Define` said, for all that is read later.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from ops.sites.discovery.findings import Include, VirtualHost

_WORD = re.compile(r"\"((?:\\.|[^\"\\])*+)\"?|'((?:\\.|[^'\\])*+)'?|(\S++)")
_DEFINED = re.compile(r"\$\{([^}\s]*)\}")
_PATTERN_MARKS = "*?"
_MOST_INCLUDED = 8
_LONGEST_LINE = 65_536


@dataclass(slots=True)
class _Reading:
    """How far a configuration is read."""

    include: Include
    found: list[VirtualHost] = field(default_factory=list)
    defined: dict[str, str] = field(default_factory=dict)
    names: list[str] = field(default_factory=list)
    root: str = ""
    is_inside: bool = False
    is_secure: bool = False

    def close(self) -> None:
        """End a virtual host."""
        names = tuple(self.names)
        self.found.append(VirtualHost("apache", names, self.root, self.is_secure))
        self.open(is_inside=False)

    def open(self, *, is_inside: bool = True, is_secure: bool = False) -> None:
        """Begin a virtual host."""
        self.names, self.root = [], ""
        self.is_inside, self.is_secure = is_inside, is_secure


def parse_apache(text: str, include: Include = lambda _pattern: ()) -> list[VirtualHost]:
    """Give every virtual host in order; a root outside of all of them is one without names.

    Args:
        text: The configuration.
        include: Gives the texts of the files that a pattern means.
    """
    reading = _Reading(include)
    _read(text, reading, 0)
    if reading.is_inside and (reading.names or reading.root):
        reading.close()
    return reading.found


def _read(text: str, reading: _Reading, depth: int) -> None:
    for line in _lines(text):
        filled = _DEFINED.sub(lambda it: reading.defined.get(it[1], it[0]), line)
        if len(filled) > _LONGEST_LINE:
            continue
        words = [it[1] or it[2] or it[3] or "" for it in _WORD.finditer(filled)]
        head = words[0].lower() if words else ""
        if head in {"include", "includeoptional"} and len(words) > 1:
            for included in reading.include(words[1]) if depth < _MOST_INCLUDED else ():
                _read(included, reading, depth + 1)
        else:
            _take_directive(head, words[1:], reading)


def _take_directive(head: str, values: list[str], reading: _Reading) -> None:
    if head.startswith("<virtualhost"):
        reading.open(is_secure=any(it.rstrip(">").endswith(":443") for it in values))
    elif head == "sslengine" and values[:1] and reading.is_inside:
        reading.is_secure = values[0].lower() == "on"
    elif head.startswith("</virtualhost") and reading.is_inside:
        reading.close()
    elif head == "define" and len(values) > 1:
        reading.defined[values[0]] = values[1]
    elif head in {"servername", "serveralias"} and reading.is_inside:
        reading.names += [name for name in map(_bare_name, values) if name]
    elif head == "documentroot" and values:
        if reading.is_inside:
            reading.root = reading.root or values[0]
        else:
            reading.found.append(VirtualHost("apache", (), values[0]))


def _lines(text: str) -> Iterator[str]:
    for line in re.sub(r"\\\r?\n", " ", text).splitlines():
        if line.strip() and not line.lstrip().startswith("#"):
            yield line


def _bare_name(name: str) -> str:
    """Give a server name without scheme and port; empty for a pattern."""
    bare = re.sub(r":\d+$", "", name.removeprefix("https://").removeprefix("http://"))
    return "" if any(mark in bare for mark in _PATTERN_MARKS) else bare
