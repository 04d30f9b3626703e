"""Read the virtual hosts of an Apache configuration; pure.

Source of the form: httpd.apache.org, "Configuration Files": one directive a line, a backslash at
the end continues it, `#` begins a comment line, names of directives have no case.
"""

import re
from collections.abc import Iterator

from ops.estate.discovery.findings import VirtualHost

_WORD = re.compile(r"\"((?:\\.|[^\"\\])*+)\"?|'((?:\\.|[^'\\])*+)'?|(\S++)")
_PATTERN_MARKS = "*?"


def parse_apache(text: str) -> list[VirtualHost]:
    """Give every virtual host in order; a root outside of all of them is one without names."""
    found: list[VirtualHost] = []
    names: list[str] = []
    root, is_inside = "", False
    for line in _lines(text):
        words = [it[1] or it[2] or it[3] or "" for it in _WORD.finditer(line)]
        head = words[0].lower() if words else ""
        if head.startswith("<virtualhost"):
            names, root, is_inside = [], "", True
        elif head.startswith("</virtualhost") and is_inside:
            found.append(VirtualHost("apache", tuple(names), root))
            names, root, is_inside = [], "", False
        elif head in {"servername", "serveralias"} and is_inside:
            names += [name for name in map(_bare_name, words[1:]) if name]
        elif head == "documentroot" and len(words) > 1:
            if is_inside:
                root = root or words[1]
            else:
                found.append(VirtualHost("apache", (), words[1]))
    if is_inside and (names or root):
        found.append(VirtualHost("apache", tuple(names), root))
    return found


def _lines(text: str) -> Iterator[str]:
    for line in re.sub(r"\\\r?\n", " ", text).splitlines():
        if line.strip() and not line.lstrip().startswith("#"):
            yield line


def _bare_name(name: str) -> str:
    """Give a server name without scheme and port; empty for a pattern."""
    bare = re.sub(r":\d+$", "", name.removeprefix("https://").removeprefix("http://"))
    return "" if any(mark in bare for mark in _PATTERN_MARKS) else bare
