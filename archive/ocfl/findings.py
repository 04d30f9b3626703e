"""What a validator says of an object: codes of the OCFL specification, with paths. Pure.

Codes: https://ocfl.io/1.1/spec/validation-codes.html; `E…` breaks a MUST, `W…` a SHOULD.
"""

from collections.abc import Iterator
from dataclasses import dataclass

MOST = 500
"""Findings that are told of one object; a hostile one would give millions."""

_LONGEST = 300


@dataclass(frozen=True, slots=True)
class Finding:
    """One rule that is broken.

    Attributes:
        code: `E092`.
        path: Below the object or root; printable and bounded.
        about: What is wrong there, in English, for people who look closer.
    """

    code: str
    path: str
    about: str = ""

    @property
    def is_error(self) -> bool:
        """Whether it breaks a MUST."""
        return self.code.startswith("E")


class Findings:
    """Collects what is found, each once, so many at most."""

    def __init__(self) -> None:
        self._found: dict[Finding, None] = {}

    def __iter__(self) -> Iterator[Finding]:
        return iter(self._found)

    def add(self, code: str, path: str, about: object = "") -> None:
        """Note a broken rule. The first error is told even if warnings fill the list."""
        finding = Finding(code, shown(path), shown(str(about)))
        if len(self._found) < MOST or (finding.is_error and not self.has_errors):
            self._found[finding] = None

    @property
    def has_errors(self) -> bool:
        """Whether anything breaks a MUST."""
        return any(it.is_error for it in self._found)


def shown(text: str) -> str:
    """Give a text of unknown origin as it may be shown: printable, bounded."""
    if len(text) > _LONGEST:
        text = f"{text[:_LONGEST]}…"
    if text.isprintable():
        return text
    return "".join(it if it.isprintable() else ascii(it)[1:-1] for it in text)
