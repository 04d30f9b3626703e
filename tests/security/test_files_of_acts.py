"""A service that somebody else rules hands back other files than were asked for.

Nothing of it lies in wait in a person's own folder: no program's settings, no link that the next
command would read through, nothing that runs.
"""

import json
import os
import socket
import stat
import struct
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from ops.cli.client import _Exchange
from ops.cli.luggage import pack
from ops.errors import WrongUseError
from ops.terminal.task import find_task
from tests.installed_machine import open_folder

HEAD = struct.Struct(">I")
Entry = dict[str, object]


def file(*at: str, mode: int = 0o644) -> Entry:
    return {"at": at, "mode": mode, "mtime": 0, "size": 2}


def hand_back(task: str, typed: Path, *entries: Entry) -> int:
    """Have a command be answered with these files; gives its exit code."""
    flag = next(it.name for it in find_task(task).flags.values() if it.shape.startswith("output"))
    with ExitStack() as held:
        luggage = pack(find_task(task), {flag: str(typed)}, held)
        service = socket.socket(fileno=luggage.descriptors[luggage.line_number])
        held.enter_context(service)
        exchange = _Exchange(luggage)
        exchange.start()
        with suppress(ConnectionError):
            for it in (*entries, {}):
                body = json.dumps(it).encode()
                service.sendall(HEAD.pack(len(body)) + body + b"id" * ("size" in it))
        return exchange.finish(has_failed=False)


def names(folder: Path) -> list[str]:
    return sorted(it.name for it in folder.iterdir())


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A folder of somebody's that holds something already."""
    place = tmp_path / "home"
    place.mkdir(mode=0o700)
    (place / "notes.txt").write_text("của tôi")
    return place


@pytest.mark.parametrize(
    "entry",
    [file(".bash_profile"), file(".x.docx"), file("run.sh"), file("site.py"), file("crontab"),
     file(".ssh", "authorized_keys"), file("more", "plan.docx"),
     {"at": [".ssh"], "mode": 0o700}, {"at": ["bin"], "mode": 0o700},
     {"at": ["plan.docx"], "mode": 0o777, "link": "/etc/shadow"}],
)  # fmt: skip
@pytest.mark.parametrize("task", ["plan.draft", "report.make", "document.export"])
def test_nothing_is_planted_in_a_folder_that_is_there(
    home: Path, task: str, entry: Entry, capsys: pytest.CaptureFixture[str]
) -> None:
    code = hand_back(task, home, file("a.pdf"), entry)
    assert names(home) == ["a.pdf", "notes.txt"]
    assert code == 1
    assert "dịch vụ gửi đến tệp không được yêu cầu" in capsys.readouterr().err


def test_what_was_asked_for_comes_into_a_folder_that_is_there_and_never_runs(home: Path) -> None:
    assert hand_back("plan.draft", home, file("KH.docx", mode=0o4777), file("KH.PDF")) == 0
    assert hand_back("plan.draft", home, {**file("TT.docx"), "link": "/etc/shadow"}) == 0
    assert not (home / "TT.docx").is_symlink()
    assert (home / "KH.docx").read_text() == "id"
    assert stat.S_IMODE((home / "KH.docx").stat().st_mode) & 0o7111 == 0
    assert (home / "KH.PDF").exists()


@pytest.mark.parametrize("name", ["sheet.py", "sheet.desktop", "sheet.so", "sheet.csv", "sheet"])
def test_beside_one_file_lies_only_what_the_command_tells(home: Path, name: str) -> None:
    assert hand_back("asset.export", home / "sheet.xlsx", file("x.xlsx"), file(name)) == 1
    assert names(home) == ["notes.txt", "sheet.xlsx"]
    assert hand_back("monitor.chart", home / "disk.svg", file("disk.svg"), file("x.csv")) == 0
    assert {"disk.svg", "disk.csv"} < set(names(home))


def test_what_may_hold_anything_gets_a_folder_of_its_own(home: Path, tmp_path: Path) -> None:
    with pytest.raises(WrongUseError, match="is not empty"):
        hand_back("archive.export", home, file("profile"))
    new = tmp_path / "new"
    assert hand_back("archive.export", new, file("trang", "index.html")) == 0
    assert (new / "trang" / "index.html").exists()
    (tmp_path / "empty").mkdir()
    for entry in (file(".profile"), {"at": ["l"], "mode": 0, "link": "/etc/shadow"}):
        assert hand_back("archive.export", tmp_path / "empty", entry) == 1
    assert not names(tmp_path / "empty")


def test_an_act_that_came_to_nothing_leaves_no_folder(home: Path) -> None:
    assert hand_back("plan.draft", home / "moi") == 0
    assert names(home) == ["notes.txt"]


@pytest.mark.parametrize(("more", "told"), [([], "chưa ghi gì"), ([file("b.pdf")], "phần còn lại")])
def test_it_is_told_whether_anything_was_written_beside_what_was_there(
    home: Path, more: list[Entry], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (home / "a.pdf").write_text("có trước")
    assert hand_back("plan.draft", home, file("a.pdf"), *more) == 2
    assert told in capsys.readouterr().err
    assert (home / "a.pdf").read_text() == "có trước"


def test_a_file_in_a_folder_that_is_not_there_is_refused_before_the_act(home: Path) -> None:
    with ExitStack() as held, pytest.raises(WrongUseError) as refused:
        pack(find_task("asset.export"), {"out": str(home / "khong" / "co" / "ts.csv")}, held)
    assert refused.value.what == "{path} cannot be written"
    assert refused.value.params["there"] == home / "khong" / "co"


@pytest.mark.parametrize("mode", [0o333, 0o444], ids=["not listed", "not entered"])
@pytest.mark.parametrize(
    ("task", "name"), [("archive.export", "."), ("plan.draft", "."), ("asset.export", "ts.csv")]
)
def test_a_folder_that_is_half_closed_is_refused_before_the_act(
    task: str, name: str, mode: int
) -> None:
    before = os.geteuid()
    with open_folder("giucong-drop-") as top:
        drop = top / "drop"
        drop.mkdir()
        drop.chmod(mode)
        if before == 0:
            os.seteuid(65_534)
        try:
            with pytest.raises(WrongUseError) as refused:
                hand_back(task, drop / name)
        finally:
            os.seteuid(before)
            drop.chmod(0o700)
    assert refused.value.what == "{path} cannot be written"
