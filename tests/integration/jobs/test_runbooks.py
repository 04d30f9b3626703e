"""The shipped runbooks are carried out on a small real estate, killed, resumed and taken back."""

import json
import os
import pty
import re
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from ops.runbooks.library import SHIPPED
from runbooks.parse import load_runbook
from tests.integration.jobs.answering import read_until
from tests.integration.jobs.small_estate import (
    GIUCONG,
    ROOT,
    build_used_estate,
    giucong,
)
from tests.private_server import is_alive
from tests.warm_program import run_warm

pytestmark = pytest.mark.slow

SLOW_RUNBOOK = """\
+++
id = "cham"
title = "Chậm"
owner = "Trung tâm"
systems = []
[variables.file]
title = "Tệp ghi lại"
[variables.word]
title = "Mật khẩu"
secret = true
+++
1. Xem.
   ```check
   python3 HANG 1
   ```
2. Ghi.
   ```run
   cp {{word}} {{file}}
   python3 HANG 2
   ```
3. Xóa tệp.
   ```rollback
   python3 HANG 3
   rm {{file}}
   ```
4. Đúng chưa?
   ```ask
   Đúng chưa?
   ```
5. Đợi.
   ```wait deadline=60
   python3 HANG 5
   ```
6. So.
   ```verify
   python3 HANG 6
   ```
"""
HANG = """\
import os, pathlib, sys, time
place = pathlib.Path(__file__).with_name(sys.argv[1])
if not place.exists():
    place.with_suffix(".new").write_text(str(os.getpid()))
    place.with_suffix(".new").replace(place)
    time.sleep(60)
"""
SECRET = "lúa vàng trên đồng"  # noqa: S105 -- of a test


@pytest.fixture
def estate(tmp_path: Path) -> Path:
    return build_used_estate(tmp_path / "estate")


def snapshot_of(estate: Path) -> str:
    listed = giucong(estate, "backup.list", "--site", "cong-xa", "--json")
    return str(json.loads(listed.stdout)["items"][-1]["id"])[:12]


def command(*words: str) -> list[str]:
    return [str(GIUCONG), *words]


def environment(estate: Path) -> dict[str, str]:
    return {**os.environ, "GIUCONG_ESTATE": str(estate), "GIUCONG_LANG": "en"}


def answer(estate: Path, answers: str, *words: str) -> subprocess.CompletedProcess[str]:
    """Run a task while a script answers its questions."""
    return run_warm(command(*words), environment(estate), 120, answers)


def run_id_of(told: str) -> str:
    found = re.search(r"run ([0-9a-f]{8})", told)
    assert found, told
    return found[1]


def show_run(estate: Path, run: str) -> dict[str, Any]:
    shown = giucong(estate, "runbook.show", "--run", run, "--json")
    assert shown.returncode == 0, shown.stderr
    told: dict[str, Any] = json.loads(shown.stdout)["items"][0]
    return told


def test_one_file_is_restored_by_a_script_that_answers(estate: Path, tmp_path: Path) -> None:
    lost = estate.parent / "www" / "index.php"
    before = lost.read_bytes()
    lost.unlink()
    target = tmp_path / "restored"
    path = "cong-xa/files/www/index.php"
    done = answer(
        estate,
        f"latest\nINDEX.php\n{path}\ncó\n",
        "runbook.run", "--id", "restore-one-file", "--set", "site=cong-xa",
        "--set", f"target={target}",
    )  # fmt: skip

    assert done.returncode == 0, done.stdout + done.stderr
    assert (target / path).read_bytes() == before
    told = show_run(estate, run_id_of(done.stdout))
    assert told["standing"] == "done"
    assert [step["state"] for step in told["steps"]] == ["done"] * 8
    assert all(len(step["output_sha256"]) == 64 for step in told["steps"])


def type_at_a_terminal(
    estate: Path, answers: list[tuple[str, str]], *words: str
) -> tuple[int, str]:
    """Answer a task's questions at a terminal; gives its exit code and all that was shown."""
    keyboard, screen = pty.openpty()
    shown = ""
    with subprocess.Popen(
        ["setsid", "--ctty", "--wait", *command(*words)], stdin=screen, stdout=screen,
        stderr=screen, env={**environment(estate), "TERM": "xterm", "COLUMNS": "100"},
    ) as process:  # fmt: skip
        os.close(screen)
        for question, answer_ in [*answers, ("", "")]:
            shown += read_until(keyboard, question)
            if question:
                os.write(keyboard, f"{answer_}\n".encode())
    os.close(keyboard)
    return process.returncode, shown


def test_at_a_terminal_values_are_asked_for_and_chosen_from_lists(
    estate: Path, tmp_path: Path
) -> None:
    target = tmp_path / "restored"
    code, shown = type_at_a_terminal(
        estate,
        [
            ("site: Tên trang", "1"),
            ("target: ", str(target)),
            ("Lấy bản nào?", "1"),
            ("Tệp tên gì?", "index"),
            ("Lấy tệp nào?", "1"),
            ("đúng tệp cần tìm chưa?", "có"),
        ],
        "runbook.run", "--id", "restore-one-file",
    )  # fmt: skip

    assert code == 0, shown
    assert (target / "cong-xa/files/www/index.php").is_file()
    assert "1  cong-xa" in shown
    assert re.search(rf"1  {snapshot_of(estate)[:8]}\w*  \d", shown), shown
    assert "/khoi-phuc-cong-xa-" in shown
    assert len(shown.splitlines()) < 80


def test_files_are_found_by_a_piece_of_their_name(estate: Path) -> None:
    (estate.parent / "www" / "Quyết định 12.pdf").write_text("quyết định")
    assert giucong(estate, "backup.run", "--site", "cong-xa").returncode == 0
    found = giucong(estate, "backup.files", "--site", "cong-xa", "--name", "QUYẾT ĐỊNH")
    none = giucong(estate, "backup.files", "--site", "cong-xa", "--name", "cong-xa")

    lines = found.stdout.splitlines()
    assert [line.rpartition("/")[2] for line in lines[1:]] == ["Quyết định 12.pdf"]
    assert len(none.stdout.splitlines()) == 1  # the site's own folder is in every path


def test_off_a_terminal_all_missing_values_are_named_and_a_reason_is_one(estate: Path) -> None:
    told = giucong(estate, "runbook.run", "--id", "restore-site-on-host", "--reason", "Hỏng")

    assert told.returncode == 2
    for name in ("site", "database", "login", "identity", "user", "fresh"):
        assert f"{name}: " in told.stderr
        assert f"`--set {name}=VALUE`" in told.stderr
    assert "reason: " not in told.stderr


def test_a_site_is_put_back_and_the_putting_back_is_taken_back(estate: Path) -> None:
    www = estate.parent / "www"
    good = snapshot_of(estate)
    (www / "index.php").write_text("<?php // bị sửa")
    assert giucong(estate, "backup.run", "--site", "cong-xa").returncode == 0
    spoilt = snapshot_of(estate)
    done = answer(
        estate,
        f"{spoilt}\n{good}\ncó\nkhông\n",
        "runbook.run", "--id", "restore-site-in-place", "--set", "site=cong-xa",
        "--set", "reason=Trang bị sửa",
    )  # fmt: skip
    assert done.returncode == 1, done.stdout + done.stderr
    assert (www / "index.php").read_text() == "<?php // trang chủ"

    run = run_id_of(done.stdout)
    back = giucong(estate, "runbook.resume", "--run", run, "--roll-back")
    assert back.returncode == 0, back.stdout + back.stderr
    assert (www / "index.php").read_text() == "<?php // bị sửa"
    assert show_run(estate, run)["standing"] == "rolled_back"
    again = giucong(estate, "runbook.resume", "--run", run)
    assert again.returncode == 2
    assert "this run is over" in again.stderr


def test_a_site_is_put_back_to_the_end(estate: Path) -> None:
    good = snapshot_of(estate)
    (estate.parent / "www" / "index.php").unlink()
    done = answer(
        estate,
        f"{good}\n{good}\ncó\ncó\n",
        "runbook.run", "--id", "restore-site-in-place", "--set", "site=cong-xa",
        "--set", "reason=Mất trang chủ",
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert (estate.parent / "www" / "index.php").read_text() == "<?php // trang chủ"


def kill_in_step(estate: Path, place: Path, *words: str) -> str:
    """Start a task, kill -9 it as soon as a step has begun; gives what it wrote till then."""
    process = subprocess.Popen(
        command(*words),
        cwd=ROOT,
        env=environment(estate),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin
    assert process.stdout
    answers = {"1": SECRET, "2": SECRET, "4": SECRET, "5": "có"}
    process.stdin.write(f"{answers.get(place.name, '')}\n")
    process.stdin.flush()
    told = ""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and not place.exists():
        if place.name == "4":
            told += process.stdout.readline()
            if "Đúng chưa? (yes/no)" in told:
                break
        else:
            time.sleep(0.05)
    process.kill()
    rest, _ = process.communicate()
    while place.exists() and is_alive(int(place.read_text())):
        assert time.monotonic() < deadline, "the command outlived its runbook"
        time.sleep(0.05)
    return told + rest


def test_a_run_killed_in_every_step_goes_on_and_its_secret_stands_nowhere(
    estate: Path, tmp_path: Path
) -> None:
    (tmp_path / "hang.py").write_text(HANG)
    (estate.parent / "runbooks").mkdir()
    text = SLOW_RUNBOOK.replace("HANG", str(tmp_path / "hang.py"))
    (estate.parent / "runbooks" / "cham.vi.md").write_text(text, encoding="utf-8")
    written = tmp_path / "written"
    begin = ("runbook.run", "--id", "cham", "--set", f"file={written}")
    run = run_id_of(kill_in_step(estate, tmp_path / "1", *begin))
    again = ("runbook.resume", "--run", run)
    for number in ("2", "4", "5", "6"):
        kill_in_step(estate, tmp_path / number, *again)
        assert show_run(estate, run)["steps"][-1]["state"] == "running"
    assert written.read_text() == SECRET
    kill_in_step(estate, tmp_path / "3", *again, "--roll-back")
    done = giucong(estate, *again)

    assert done.returncode == 0, done.stdout + done.stderr
    assert not written.exists()
    told = show_run(estate, run)
    assert told["standing"] == "rolled_back"
    assert [(it["number"], it["state"]) for it in told["steps"]] == [
        (1, "lost"), (1, "done"), (2, "lost"), (2, "done"), (4, "lost"), (4, "done"),
        (5, "lost"), (5, "done"), (6, "lost"), (3, "lost"), (3, "done"),
    ]  # fmt: skip
    kept = b"".join(it.read_bytes() for it in (estate.parent / "state").rglob("giucong.db*"))
    assert SECRET.encode() not in kept


def test_a_dry_run_prints_every_command_and_keeps_nothing(estate: Path) -> None:
    told = giucong(
        estate, "runbook.run", "--id", "restore-one-file", "--dry-run",
        "--set", "site=cong-xa", "--set", "target=/tmp/x y",
    )  # fmt: skip
    assert told.returncode == 0, told.stderr
    assert "$ giucong backup.list --site cong-xa" in told.stdout
    assert "--target '/tmp/x y' --verify" in told.stdout
    told = giucong(
        estate, "runbook.run", "--id", "leaked-database-password", "--dry-run",
        "--set", "site=cong-xa", "--set", "reference=file:keys/db",
    )  # fmt: skip
    assert "$ giucong estate.secret --name file:keys/db --file ••• --replace" in told.stdout
    assert json.loads(giucong(estate, "runbook.list", "--json").stdout)["runs"] == []


def test_the_booklet_holds_steps_phones_and_repositories(estate: Path) -> None:
    booklet = giucong(estate, "runbook.print", language="vi")
    assert booklet.returncode == 0, booklet.stderr
    for text in ("Khôi phục một tệp", "backup.restore", "Nguyễn Văn A", "stores/near/cong-xa",
                 "stores/near/giucong", "size: A4", "Dùng khi một tệp bị xóa",
                 "khôi phục trong 4 giờ · mất nhiều nhất 24 giờ dữ liệu", "người làm:",
                 "<span>--snapshot</span> <span><b>{{snapshot}}</b></span>"):  # fmt: skip
        assert text in booklet.stdout
    assert booklet.stdout.count("<h1>") == 1


def test_a_runbook_with_mistakes_is_refused_with_its_lines(estate: Path) -> None:
    own = estate.parent / "runbooks"
    own.mkdir()
    (own / "hong.vi.md").write_text("+++\nid = 'hong'\n+++\n1. Chạy.\n", encoding="utf-8")
    told = giucong(estate, "runbook.list")
    assert told.returncode == 1
    assert "hong.vi.md: 4: step 1 has no fence" in told.stderr
    assert "hong.vi.md: 1: `title` is missing" in told.stderr
    assert giucong(estate, "runbook.show", "--id", "hong").returncode == 1
    assert giucong(estate, "runbook.show", "--id", "restore-one-file").returncode == 0

    text = "+++\nid='a'\ntitle='A'\nowner='A'\nsystems=[]\n+++\n1. A.\n   ```run\n   true\n   ```\n"
    (own / "hong.vi.md").write_text(text, encoding="utf-8")
    (own / "hai.vi.md").write_text(text, encoding="utf-8")
    twice = giucong(estate, "runbook.list", language="vi")
    assert twice.returncode == 1
    assert "hong.vi.md: 2: id “a” cũng có trong hai.vi.md" in twice.stderr
    (own / "hai.vi.md").unlink()

    (own / "hong.vi.md").write_text("+++\nid = 'restore-one-file\n+++\n", encoding="utf-8")
    assert giucong(estate, "runbook.show", "--id", "restore-one-file").returncode == 1


@pytest.mark.parametrize("path", sorted(SHIPPED.glob("*.md")), ids=lambda path: path.stem)
def test_each_shipped_runbook_can_be_read(path: Path) -> None:
    assert load_runbook(path).id == path.name.split(".")[0]
