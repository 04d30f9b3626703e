"""How far long work is: percent and time left, and what stays where a person stops it."""

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
    [("back up", "dữ liệu đã lưu vẫn còn nguyên"), ("restore files", "các tệp đã khôi phục vẫn"),
     ("check folders", "")],
)  # fmt: skip
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
