"""Progress is shown as the command line asks for it."""

import io
import json

import pytest

from backup.commands.context import Context
from backup.commands.output import Output
from backup.commands.parser import parse_command_line
from backup.commands.progress import make_progress
from backup.errors import DamagedError
from backup.progress import Progress


class Shown:
    """A progress and what it has written."""

    def __init__(self, *words: str, fps: str = "") -> None:
        self.results = io.BytesIO()
        self.messages = io.StringIO()
        environment = {"RESTIC_PROGRESS_FPS": fps} if fps else {}
        _, arguments = parse_command_line(words, environment)
        output = Output(self.results, self.messages, quiet=arguments.quiet)
        self.progress: Progress = make_progress(Context(arguments, environment, output))

    def work(self) -> None:
        self.progress.start("back up", 4096, "bytes", items=2)
        self.progress.advance(1024, items=1)
        self.progress.advance(3072, items=1)
        self.progress.finish()


def test_lines_tell_the_end_of_each_stage() -> None:
    shown = Shown("backup", "x")
    shown.work()

    assert shown.messages.getvalue() == "[0:00] back up: 100.00%  4.000 KiB / 4.000 KiB\n"


def test_a_rate_gives_lines_between(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr("backup.commands.progress.time.monotonic", lambda: now[0])
    shown = Shown("backup", "x", fps="0.5")
    shown.progress.start("back up", 4, "packs")
    for second in range(4):
        now[0] = float(second + 1)
        shown.progress.advance()

    assert [line.split()[0] for line in shown.messages.getvalue().splitlines()] == [
        "[0:02]", "[0:04]",
    ]  # fmt: skip


def test_quiet_shows_errors_of_items_only() -> None:
    shown = Shown("backup", "x", "-q")
    shown.work()
    shown.progress.note("never mind")
    shown.progress.item_error(b"/a\n\xff", "archival", OSError(13, "Permission denied"))

    assert shown.messages.getvalue() == "error: /a\\x0a\\xff: Permission denied\n"
    assert shown.results.getvalue() == b""


@pytest.mark.parametrize(("words", "expected"), [(["-v"], False), (["-vv"], True)])
def test_items_are_told_when_asked_for_twice(words: list[str], *, expected: bool) -> None:
    assert Shown("backup", "x", *words).progress.wants_items is expected


def test_with_json_a_status_is_restics() -> None:
    shown = Shown("backup", "x", "--json")
    shown.work()
    restore = Shown("restore", "latest", "--json")
    restore.work()

    first = json.loads(shown.results.getvalue().splitlines()[0])
    other = json.loads(restore.results.getvalue().splitlines()[0])
    assert first == {
        "message_type": "status",
        "percent_done": 0.25,
        "total_files": 2,
        "files_done": 1,
        "total_bytes": 4096,
        "bytes_done": 1024,
    }
    assert other.keys() == {
        "message_type", "percent_done", "total_files", "files_restored", "total_bytes",
        "bytes_restored",
    }  # fmt: skip


def test_a_total_that_becomes_known_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr("backup.commands.progress.time.monotonic", lambda: now[0])
    shown = Shown("backup", "x", "--json", "-v")
    shown.progress.start("back up", 4096, "bytes", items=1)
    shown.progress.advance(8192, items=2)  # more than the last time
    now[0] = 2.0
    shown.progress.expect(32_768, items=8)
    shown.progress.item_error(b"/a", "archival", OSError(13, "Permission denied"))
    shown.progress.advance(0)
    shown.progress.expect(32_768, items=8)

    first, counted, status = map(json.loads, shown.results.getvalue().splitlines())
    assert (first["percent_done"], first["total_bytes"], first["total_files"]) == (1, 8192, 2)
    assert counted == {
        "message_type": "verbose_status", "action": "scan_finished", "item": "", "duration": 2.0,
        "data_size": 32_768, "data_size_in_repo": 0, "metadata_size": 0,
        "metadata_size_in_repo": 0, "total_files": 8,
    }  # fmt: skip
    assert status == {
        "message_type": "status", "seconds_elapsed": 2, "percent_done": 0.25, "total_files": 8,
        "files_done": 2, "total_bytes": 32_768, "bytes_done": 8192, "seconds_remaining": 6,
        "error_count": 1,
    }  # fmt: skip


def test_with_json_errors_of_items_go_to_stderr() -> None:
    shown = Shown("backup", "x", "--json")
    error = DamagedError("blob {id} is damaged", why="its hash is {hash}", id="ab", hash="cd")
    shown.progress.item_error(b"/a", "restore", error)

    assert json.loads(shown.messages.getvalue()) == {
        "message_type": "error",
        "error": {"message": "blob ab is damaged: its hash is cd"},
        "during": "restore",
        "item": "/a",
    }


def test_check_sends_no_status_because_restic_has_none() -> None:
    shown = Shown("check", "--json")
    shown.work()

    assert shown.results.getvalue() == b""
