"""See a PHP file as code with its texts apart and its comments gone; pure, nothing is executed."""

import re
from dataclasses import dataclass

_PIECE = re.compile(
    r"/\*.*?(?:\*/|\Z)|//[^\n]*|\#(?!\[)[^\n]*"
    r"|'(?:\\.|[^'\\])*+\\?(?:'|\Z)|\"(?:\\.|[^\"\\])*+\\?(?:\"|\Z)",
    re.DOTALL,
)
_MARK = "\x00"
TEXT = rf"{_MARK}(\d+){_MARK}"
"""Pattern for one text: its number, to be looked up in `PhpSource.texts`."""


@dataclass(frozen=True, slots=True)
class PhpSource:
    """A PHP file.

    Attributes:
        code: Everything but comments; each text stands there as a marked number.
        texts: The texts, unescaped, by number.
    """

    code: str
    texts: tuple[str, ...]


def read_php(text: str) -> PhpSource:
    """Take a PHP file apart."""
    texts: list[str] = []

    def replace(found: re.Match[str]) -> str:
        piece = found[0]
        if piece[0] not in {"'", '"'}:
            return " "
        texts.append(_unescape(piece))
        return f"{_MARK}{len(texts) - 1}{_MARK}"

    code = _PIECE.sub(replace, text.replace(_MARK, " "))
    return PhpSource(code, tuple(texts))


def _unescape(piece: str) -> str:
    quote = piece[0]
    inner = piece[1:-1] if len(piece) > 1 and piece[-1] == quote else piece[1:]
    escapes = r"\\([\\'])" if quote == "'" else r"\\([\\\"$])"
    return re.sub(escapes, r"\1", inner)
