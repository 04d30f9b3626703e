"""Read the server blocks of an nginx configuration; pure.

Source of the form: nginx.org, "Beginner's Guide", `server_name`, `root`, `include` and `set`:
directives end with a semicolon, blocks stand between braces, `#` begins a comment, texts may stand
between quotes, `$name` and `${name}` are variables.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from ops.sites.discovery.findings import Include, VirtualHost

_PIECE = re.compile(
    r"#[^\n]*|\"(?:\\.|[^\"\\])*+\"?|'(?:\\.|[^'\\])*+'?|[{};]"
    r"|(?:\\.|\$\{[^}\s]*\}|[^\s{};\"'\\#]|(?<=[^\s{};])[\"'#])++|\\",
    re.DOTALL,
)
_VARIABLE = re.compile(r"\$(?:(\w+)|\{(\w+)\})")
_MOST_DEPTH = 32
_MOST_INCLUDED = 8
_MOST_STEPS = 8
_LONGEST_ROOT = 4096
_PATTERN_MARKS = "~*$_"
_ENCRYPTED = frozenset({"ssl", "quic"})
"""Words of `listen`; or `ssl on`, which nginx knew before 1.25."""

_OWN_NAMES = ("host", "http_host")
"""Variables that hold the name a browser asked for."""


@dataclass(slots=True)
class _Block:
    """A block that is being read: its head's first word and what matters of its directives."""

    kind: str
    names: list[str] = field(default_factory=list)
    root: str = ""
    inner_root: str = ""
    variables: dict[str, str] = field(default_factory=dict)
    is_secure: bool = False


@dataclass(slots=True)
class _Reading:
    """How far a configuration is read."""

    include: Include
    found: list[VirtualHost] = field(default_factory=list)
    stack: list[_Block] = field(default_factory=lambda: [_Block("")])


def parse_nginx(text: str, include: Include = lambda _pattern: ()) -> list[VirtualHost]:
    """Give every server block in order; what is not understood is passed over.

    Args:
        text: The configuration.
        include: Gives the texts of the files that a pattern means.
    """
    reading = _Reading(include)
    _read(text, reading, 0)
    return reading.found


def _read(text: str, reading: _Reading, depth: int) -> None:
    """Read one text; blocks that it opens end with it at the latest."""
    stack = reading.stack
    bottom = len(stack)
    words: list[str] = []
    for piece in _pieces(text):
        if piece == ";":
            _take_directive(words, reading, depth)
            words = []
        elif piece == "{":
            if len(stack) < _MOST_DEPTH:
                stack.append(_Block(words[0] if words else ""))
            words = []
        elif piece == "}":
            words = []
            if len(stack) > bottom:
                _close(reading)
        else:
            words.append(_unquote(piece))
    while len(stack) > bottom:
        _close(reading)


def _pieces(text: str) -> Iterator[str]:
    return (it[0] for it in _PIECE.finditer(text) if not it[0].startswith("#"))


def _take_directive(words: list[str], reading: _Reading, depth: int) -> None:
    if len(words) < 2:  # noqa: PLR2004 - a directive and its value
        return
    block = reading.stack[-1]
    if words[0] == "include":
        for text in reading.include(words[1]) if depth < _MOST_INCLUDED else ():
            _read(text, reading, depth + 1)
    elif words[0] == "server_name":
        block.names += [
            name for name in words[1:] if name and not any(it in name for it in _PATTERN_MARKS)
        ]
    elif words[0] in {"listen", "ssl"}:
        block.is_secure |= not _ENCRYPTED.isdisjoint((words[0], *words[2:])) and words[1] != "off"
    elif words[0] == "root" and not block.root:
        block.root = words[1]
    elif words[0] == "set" and len(words) > 2 and words[1].startswith("$"):  # noqa: PLR2004 - name and value
        block.variables[words[1].strip("${}")] = words[2]


def _close(reading: _Reading) -> None:
    block, parent = reading.stack.pop(), reading.stack[-1]
    root = _fill(block.root or block.inner_root, block.variables)
    if block.kind == "server":
        reading.found += _hosts_of(block, root or parent.root)
    elif not parent.inner_root and parent.kind != "http":
        parent.inner_root = root


def _hosts_of(block: _Block, root: str) -> Iterator[VirtualHost]:
    """Yield one virtual host; one for each name where the folder is called by the name."""
    if block.names:
        root = _fill(root, {**block.variables, "server_name": block.names[0]})
    if any(it[1] in _OWN_NAMES or it[2] in _OWN_NAMES for it in _VARIABLE.finditer(root)):
        for name in block.names:
            own_root = _fill(root, dict.fromkeys(_OWN_NAMES, name))
            yield VirtualHost("nginx", (name,), own_root, block.is_secure)
    else:
        yield VirtualHost("nginx", tuple(block.names), root, block.is_secure)


def _fill(text: str, variables: Mapping[str, str]) -> str:
    """Put in the values of variables, which may hold variables; what has no value stays."""
    for _step in range(_MOST_STEPS):
        filled = _VARIABLE.sub(lambda it: variables.get(it[1] or it[2], it[0]), text)
        if filled == text or len(filled) > _LONGEST_ROOT:
            break
        text = filled
    return text


def _unquote(piece: str) -> str:
    if piece[:1] in {'"', "'"}:
        piece = piece[1:-1] if len(piece) > 1 and piece[-1] == piece[0] else piece[1:]
    return re.sub(r"\\(.)", r"\1", piece, flags=re.DOTALL)
