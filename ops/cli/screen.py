"""What of an act's output reaches a person's terminal: text, its colours and the cursor's moves.

A terminal does more when it is told to: it gives the clipboard, types answers to questions as if
the person had, changes modes that stay when the act has ended. An escape that begins anything else
than what our own acts write is shown as a sign, and what follows it is text.
"""

import codecs
import re

_CELLS = r"\x1b\[[0-9;]{0,40}[A-HJKm]"
"""Colours, moves of the cursor, what is wiped (ECMA-48: SGR, CUU to CUP, ED, EL)."""

_CURSOR = r"\x1b\[\?(?:7|25)[hl]"
"""Whether lines wrap, and the cursor is seen."""

_COMMANDS = re.compile(rf"({_CELLS}|{_CURSOR})|[\x00-\x06\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_BEGUN = re.compile(r"\x1b(?:\[\??[0-9;]{0,40})?\Z")
_SIGNS = 0x2400


class Screen:
    """Lets through what a terminal only shows."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._begun = ""

    def pass_on(self, told: bytes) -> bytes:
        """Give what may be written now; the beginning of a command waits for the rest of it."""
        text = self._begun + self._decoder.decode(told)
        begun = _BEGUN.search(text)
        end = begun.start() if begun else len(text)
        text, self._begun = text[:end], text[end:]
        return _COMMANDS.sub(lambda found: found[1] or _sign_of(found[0]), text).encode()


def _sign_of(command: str) -> str:
    code = ord(command)
    if code == 0x7F:  # noqa: PLR2004 - DEL
        return "\u2421"
    return chr(_SIGNS + code) if code < ord(" ") else "\ufffd"
