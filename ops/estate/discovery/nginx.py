"""Read the server blocks of an nginx configuration; pure.

Source of the form: nginx.org, "Beginner's Guide" and `server_name`, `root`: directives end with a
semicolon, blocks stand between braces, `#` begins a comment, texts may stand between quotes.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from ops.estate.discovery.findings import VirtualHost

_PIECE = re.compile(
    r"#[^\n]*|\"(?:\\.|[^\"\\])*+\"?|'(?:\\.|[^'\\])*+'?|[{};]"
    r"|(?:\\.|\$\{[^}\s]*\}|[^\s{};\"'\\#]|(?<=[^\s{};])[\"'#])++|\\",
    re.DOTALL,
)
_MOST_DEPTH = 32
_PATTERN_MARKS = "~*$_"


@dataclass(slots=True)
class _Block:
    """A block that is being read: its head's first word and what matters of its directives."""

    kind: str
    names: list[str] = field(default_factory=list)
    root: str = ""
    inner_root: str = ""


def parse_nginx(text: str) -> list[VirtualHost]:
    """Give every server block in order; what is not understood is passed over."""
    found: list[VirtualHost] = []
    stack = [_Block("")]
    words: list[str] = []
    for piece in _pieces(text):
        if piece == ";":
            _take_directive(words, stack)
            words = []
        elif piece == "{":
            if len(stack) < _MOST_DEPTH:
                stack.append(_Block(words[0] if words else ""))
            words = []
        elif piece == "}":
            words = []
            if len(stack) > 1:
                _close(stack.pop(), stack[-1], found)
        else:
            words.append(_unquote(piece))
    while len(stack) > 1:
        _close(stack.pop(), stack[-1], found)
    return found


def _pieces(text: str) -> Iterator[str]:
    return (it[0] for it in _PIECE.finditer(text) if not it[0].startswith("#"))


def _take_directive(words: list[str], stack: list[_Block]) -> None:
    block = stack[-1]
    if len(words) < 2:  # noqa: PLR2004 - a directive and its value
        return
    if words[0] == "server_name":
        block.names += [
            name for name in words[1:] if name and not any(it in name for it in _PATTERN_MARKS)
        ]
    elif words[0] == "root" and not block.root:
        block.root = words[1]


def _close(block: _Block, parent: _Block, found: list[VirtualHost]) -> None:
    root = block.root or block.inner_root
    if block.kind == "server":
        root = root or parent.root
        found.append(VirtualHost("nginx", tuple(block.names), root))
    elif not parent.inner_root and parent.kind != "http":
        parent.inner_root = root


def _unquote(piece: str) -> str:
    if piece[:1] in {'"', "'"}:
        piece = piece[1:-1] if len(piece) > 1 and piece[-1] == piece[0] else piece[1:]
    return re.sub(r"\\(.)", r"\1", piece, flags=re.DOTALL)
