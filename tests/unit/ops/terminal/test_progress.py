"""How far long work is: percent and time left, and what stays where a person stops it."""

import os
import pty
import select
import subprocess
import sys
import time

import pytest

from ops.terminal import progress
from ops.terminal.progress import Expecting, LineProgress, shown_progress


class Clock:
    now = 0.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    monkeypatch.setenv("GIUCONG_LANG", "vi")
    made = Clock()
    monkeypatch.setattr(progress, "time", made)
    return made


def test_percent_and_time_left_follow_from_the_last_run(clock: Clock) -> None:
    lines = LineProgress()
    told = Expecting(lines, {"back up": 4 * 2**30, "restore files": None})
    told.start("back up", None, "bytes")
    told.advance(2**30)
    assert lines.describe() == "1,0 GiB / 4,0 GiB · 25%"
    clock.now = 100
    assert lines.describe() == "1,0 GiB / 4,0 GiB · 25% · còn khoảng 5 phút"
    told.advance(4 * 2**30)
    assert lines.describe() == "5,0 GiB"  # more than the last time: nobody knows how much

    told.start("read packs", 200, "packs")
    told.advance(50)
    assert lines.describe() == "50 / 200 · 25%"
    told.start("restore files", None, "bytes")
    told.advance(2**20)
    assert lines.describe() == "1,0 MiB"


@pytest.mark.parametrize(
    ("stage", "told"),
    [
        ("back up", "dữ liệu đã lưu được giữ lại"),
        ("restore files", "các tệp đã khôi phục được giữ lại"),
        ("check folders", ""),
    ],
)
def test_who_interrupts_is_told_what_stays(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, stage: str, told: str
) -> None:
    monkeypatch.setenv("GIUCONG_LANG", "vi")

    def be_stopped() -> None:
        with shown_progress() as shown:
            shown.start(stage, None, "bytes")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        be_stopped()
    said = capsys.readouterr().err
    assert told in said
    assert bool(said) is bool(told)


_ASKS = """
import time
from ops.terminal.progress import need_confirmation
from ops.terminal.output import BORDER
from ops.terminal.printer import Printer
from ops.terminal.progress import shown_progress
BORDER.set(Printer())
with shown_progress() as progress:
    progress.start("restore files", 10, "files")
    need_confirmation("cong-xa", "", "This overwrites it")
    progress.advance(5)
    time.sleep(0.3)
"""


def test_no_bar_is_drawn_over_a_question() -> None:
    """It was redrawn ten times a second, and took the line away on which somebody was asked."""
    ours, theirs = pty.openpty()
    asking = subprocess.Popen(
        [sys.executable, "-c", _ASKS], stdin=theirs, stdout=theirs, stderr=theirs, close_fds=True,
        env={**os.environ, "GIUCONG_LANG": "en", "TERM": "xterm"},
    )  # fmt: skip
    os.close(theirs)
    told = b""
    while b"to go on: " not in told:
        told += os.read(ours, 65_536)
    time.sleep(0.5)
    is_quiet = not select.select([ours], [], [], 0)[0]
    os.write(ours, b"cong-xa\n")
    while True:
        try:
            told += os.read(ours, 65_536)
        except OSError:  # the last one has closed the terminal
            break

    assert asking.wait(10) == 0, told
    assert is_quiet
    assert told.partition(b"to go on: ")[2].count(b"restore files") > 0, "the bar is back"
