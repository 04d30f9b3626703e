"""A person at the terminal of a runbook: waits for each question, acts, and answers."""

import os
import re
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.integration.jobs.small_estate import ROOT, giucong_words

Act = Callable[[], str | None]
Answer = str | Act
"""What is typed; or what is done before `có` is typed, unless it gives another answer."""

_SECONDS = 240.0


@dataclass(frozen=True)
class Carried:
    """How it ended.

    Attributes:
        code: The task's exit code.
        told: Everything it wrote, to both its outputs.
    """

    code: int
    told: str

    @property
    def run(self) -> str:
        """The run's id."""
        found = re.search(r"· run ([0-9a-f]{8})", self.told)
        assert found, self.told
        return found[1]


def carry_out(
    estate: Path, runbook: str, values: Mapping[str, str], answers: Sequence[tuple[str, Answer]]
) -> Carried:
    """Carry a runbook out from begin to end.

    Args:
        estate: The estate file.
        runbook: Its id.
        values: Given at the beginning.
        answers: A piece of each question, in their order, and its answer.
    """
    words = [f"{name}={value}" for name, value in values.items()]
    flags = [word for pair in words for word in ("--set", pair)]
    return answer(estate, ["runbook.run", "--id", runbook, *flags], answers)


def answer(
    estate: Path | None,
    arguments: Sequence[str],
    answers: Sequence[tuple[str, Answer]],
    *,
    cwd: Path = ROOT,
) -> Carried:
    """Run a task whose questions are answered one after the other; all of them have to come.

    Args:
        estate: The estate file; None on a machine that has none.
        arguments: The task and its flags.
        answers: As in `carry_out`.
        cwd: Where the person stands.
    """
    named = {"GIUCONG_ESTATE": str(estate)} if estate else {}
    process = subprocess.Popen(
        [*giucong_words(), *arguments],
        cwd=cwd,
        env={**os.environ, "GIUCONG_LANG": "en", **named},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    watchdog = threading.Timer(_SECONDS, process.kill)
    watchdog.start()
    told: list[str] = []
    waiting = list(answers)
    assert process.stdin
    assert process.stdout
    try:
        for line in process.stdout:
            told.append(line)
            if waiting and waiting[0][0] in line:
                _question, what = waiting.pop(0)
                text = what if isinstance(what, str) else what() or "có"
                process.stdin.write(f"{text}\n")
                process.stdin.flush()
                if not waiting:  # whoever asks more gets no answer
                    process.stdin.close()
        code = process.wait()
    finally:
        watchdog.cancel()
        process.kill()
        process.wait()
        process.stdout.close()
        process.stdin.close()
    whole = "".join(told)
    assert not waiting, f"never asked: {waiting[0][0]}\n{whole}"
    return Carried(code, whole)


def read_until(terminal: int, expected: str) -> str:
    """Read what a terminal shows up to a text; empty: until nobody writes to it any more."""
    shown = b""
    while not expected or expected.encode() not in shown:
        try:
            part = os.read(terminal, 4096)
        except OSError:  # how Linux says that the other side is closed
            part = b""
        if not part:
            assert not expected, shown
            break
        shown += part
    return shown.decode()
