"""What stands on a terminal's screen, and has scrolled off it, after everything was written to it.

Enough of ECMA-48 for what our programs write: the cursor moves, lines are erased, colours are not
told. So a bar of progress that was taken away again has left nothing.
"""

import re

ROWS_AND_COLUMNS = (24, 80)
_PIECES = re.compile(
    r"\x1b\[([0-9;?]*)([A-Za-z])|\x1b[()][A-Z0-9]|([\r\n\b])|([^\x1b\r\n\b]+)|\x1b"
)


def read_screen(written: bytes) -> str:
    """Give the lines, without blanks at their ends."""
    screen = _Screen()
    for found in _PIECES.finditer(written.decode(errors="replace")):
        numbers, command, control, text = found.groups()
        if text:
            screen.write(text)
        elif control:
            screen.control(control)
        elif command:
            screen.command(command, numbers)
    return "\n".join(line.rstrip() for line in screen.lines)


class _Screen:
    def __init__(self) -> None:
        self.lines, self._row, self._column = [""], 0, 0

    def write(self, text: str) -> None:
        line, end = self.lines[self._row].ljust(self._column), self._column + len(text)
        self.lines[self._row] = line[: self._column] + text + line[end:]
        self._column = end

    def control(self, control: str) -> None:
        if control == "\n":
            self._row += 1
            self.lines += [""] if self._row == len(self.lines) else []
        self._column = max(0, self._column - 1) if control == "\b" else self._column
        self._column = 0 if control == "\r" else self._column

    def command(self, command: str, numbers: str) -> None:
        count = int(numbers) if numbers.isdecimal() else 1
        if command in "AB":
            row = self._row + (count if command == "B" else -count)
            self._row = min(max(0, row), len(self.lines) - 1)
        elif command in "CG":
            self._column = self._column + count if command == "C" else count - 1
        elif command == "K":
            kept = 0 if numbers == "2" else self._column
            self.lines[self._row] = self.lines[self._row][:kept]
