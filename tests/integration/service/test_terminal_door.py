"""People at terminals are clients of the service: nobody's command line runs with its rights."""

import json
import os
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import pytest

from tests.installed_machine import OPERATOR, SERVICE, only_root
from tests.installed_service import InstalledService
from tests.integration.jobs.small_estate import GIUCONG
from tests.integration.service.installed_estate import installed

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def service() -> Iterator[InstalledService]:
    with installed() as running:
        yield running


@only_root
def test_an_operator_is_a_client_and_the_journal_says_who(service: InstalledService) -> None:
    done = service.run("nva", "backup.run", "--site", "cong-xa")
    assert done.returncode == 0, done.stderr
    assert listed(service)
    refused = service.run("ttb", "backup.run", "--site", "cong-xa")
    assert refused.returncode == 1
    assert "you may not run `backup.run`" in refused.stderr


@only_root
def test_who_is_not_in_the_group_is_told_what_root_types(service: InstalledService) -> None:
    refused = service.run("khach", "backup.status")
    assert refused.returncode == 1
    assert "adduser khach giucong-operators" in refused.stderr


@only_root
def test_what_an_upgrade_asks_of_root_is_one_list(service: InstalledService) -> None:
    """The old rule is there; then as before the upgrade: no group, another unit."""

    def check() -> dict[str, str]:
        done = service.run("nva", "estate.check", "--json")
        return {it["what"]: it["fix"] for it in json.loads(done.stdout)["items"]}

    def change(script: str) -> None:
        subprocess.run(service.words_as("root", "sh", "-euc", script), check=True)

    told = check()
    rule = next(it for it in told if "/etc/sudoers.d/giucong" in it)
    assert "rm /etc/sudoers.d/giucong" in told[rule]
    assert not any("group" in it for it in told)
    change("""cp -p /etc/group /etc/group.kept; sed -i /giucong-operators/d /etc/group
        mv /etc/sudoers.d/giucong /etc/rule.kept; mkdir -p /etc/systemd/system
        echo '[Service]' > /etc/systemd/system/giucong.service""")
    try:
        told = check()
    finally:
        change("""cp -p /etc/group.kept /etc/group; rm /etc/systemd/system/giucong.service
            mv /etc/rule.kept /etc/sudoers.d/giucong""")
    assert any("no group giucong-operators" in it for it in told)
    assert any("giucong.service is not the unit" in it for it in told)
    assert not any("sudoers" in it for it in told)


@only_root
def test_who_has_no_room_for_what_is_made_is_told_so(
    service: InstalledService, folder: Path
) -> None:
    """The act waits for nobody who does not take what it sends any more."""
    small = folder / "small"
    small.mkdir()
    mount = ("mount", "-t", "tmpfs", "-o", "size=16k,mode=777", "none", str(small))
    subprocess.run(service.words_as("root", *mount), check=True)
    made = service.run("nva", "plan.draft", "--year", "2028", "--out", str(small / "ra"))
    assert made.returncode == 2
    assert "No space left on device" in made.stderr
    assert "something unexpected" not in made.stderr


@only_root
def test_files_belong_to_who_types(service: InstalledService, folder: Path) -> None:
    made = service.run("nva", "plan.draft", "--year", "2027", "--out", "ra", folder=folder)
    assert made.returncode == 0, made.stderr
    assert str(folder) not in made.stdout.replace("ra/", "")
    for it in (folder / "ra", *(folder / "ra").iterdir()):
        assert it.stat().st_uid == OPERATOR
    assert len(list((folder / "ra").iterdir())) >= 3
    closed = folder / "khoa"
    closed.write_text("bí mật của người khác")
    closed.chmod(0o600)
    refused = service.run("nva", "document.add", "--file", str(closed), "--title", "x")
    assert refused.returncode == 2
    assert "cannot be read" in refused.stderr


@only_root
def test_what_is_there_is_not_written_over_and_no_link_is_followed(
    service: InstalledService, folder: Path
) -> None:
    (folder / "sheet.xlsx").write_text("của tôi")
    (folder / "link.xlsx").symlink_to(service.estate.parent / "var" / "keys" / "repository.key")
    for name in ("sheet.xlsx", "link.xlsx"):
        refused = service.run("nva", "asset.export", "--out", str(folder / name))
        assert refused.returncode == 2, name
        assert "is there already" in refused.stderr
    assert (folder / "sheet.xlsx").read_text() == "của tôi"


@only_root
def test_at_a_terminal_it_asks_and_hears(service: InstalledService) -> None:
    asked: list[str] = []

    def answer(told: str) -> str:
        asked.append(told)
        return "cong-xa"

    typed = service.type("nva", ["backup.restore", "--site", "cong-xa", "--in-place"], answer)
    assert asked, typed.told
    assert "Type cong-xa to go on" in asked[0]


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="giucong-typed-") as place:
        os.chown(place, OPERATOR, OPERATOR)
        yield Path(place)


@only_root
def test_nobody_borrows_the_services_rights_any_more(service: InstalledService) -> None:
    """The rule that was documented before lets somebody become the service's user."""
    words = service.words_as("nva", "sudo", "-n", "-u", "giucong", str(GIUCONG), "backup.status")
    refused = subprocess.run(
        words, env=service.environment_of("nva"), capture_output=True, text=True, check=False
    )
    assert refused.returncode == 1
    assert "`giucong backup.status`" in refused.stderr


@only_root
@pytest.mark.parametrize(
    "words",
    [(), ("--complete", "--", "giucong backup.run --site"), ("service.run",)],
    ids=["bare", "completion", "service"],
)
def test_neither_a_look_nor_the_service_itself_runs_with_lent_rights(
    service: InstalledService, words: tuple[str, ...]
) -> None:
    typed = service.words_as("nva", "sudo", "-n", "-u", "giucong", str(GIUCONG), *words)
    refused = subprocess.run(
        typed, env=service.environment_of("nva"), capture_output=True, text=True, check=False,
        timeout=30,
    )  # fmt: skip
    assert (refused.returncode, refused.stdout) == (1, "")
    assert f"`giucong {words[0] if words == ('service.run',) else ''}".rstrip() in refused.stderr
    assert "without `sudo`" in refused.stderr


@only_root
def test_a_line_that_is_cut_ends_no_write_and_it_is_listed(service: InstalledService) -> None:
    before = len(listed(service))
    typing = begin(service, "backup.run", "--site", "cong-xa")
    with held(service):
        leave(typing)
        wait_for(lambda: "terminal has gone" in service.run("nva", "service.status").stdout)
    wait_for(lambda: not acts(service))
    assert len(listed(service)) == before + 1


@only_root
@pytest.mark.parametrize(
    ("words", "told"),
    [(["backup.list", "--site", "cong-xa"], signal.SIGINT),
     (["backup.run", "--site", "cong-xa", "--dry-run"], signal.SIGINT),
     (["service.journal-verify"], signal.SIGHUP),
     (["backup.check", "--site", "cong-xa"], signal.SIGHUP)],
    ids=["looks", "rehearses", "keeps what it found", "checks and keeps that"],
)  # fmt: skip
def test_when_the_line_is_cut_what_keeps_something_is_not_interrupted(
    service: InstalledService, words: list[str], told: signal.Signals
) -> None:
    """Without `--dry-run` are also tasks that write a paper's number, or what they have found."""

    def came_to(act: psutil.Process) -> set[int]:  # what it has started may end meanwhile
        return signals(act, "ShdPnd") & {signal.SIGINT, signal.SIGHUP}

    came = set[int]()
    for _try in range(20):  # what only looks may be over, or not be heard yet, when it is held
        typing = begin(service, *words, lasts=told == signal.SIGHUP)
        with held(service) as acting, suppress(AssertionError):
            leave(typing)
            wait_for(lambda: not is_there(acting) or bool(came_to(acting[0])), 2)
            came = came_to(acting[0]) if is_there(acting) else set()
        wait_for(lambda: not service.acting())
        if came:
            break
    assert came == {told}


@only_root
def test_ctrl_c_cancels(service: InstalledService) -> None:
    before = len(listed(service))
    typing = begin(service, "backup.run", "--site", "cong-xa")
    with held(service):
        for it in (psutil.Process(typing.pid), *psutil.Process(typing.pid).children()):
            it.send_signal(signal.SIGINT)
        time.sleep(0.5)
    _told, errors = typing.communicate(timeout=60)
    assert (typing.returncode, b"interrupted" in errors) == (130, True), errors
    wait_for(lambda: not acts(service))
    assert len(listed(service)) == before


@only_root
def test_a_service_that_stops_lets_a_write_end(service: InstalledService) -> None:
    before = len(listed(service))
    typing = begin(service, "backup.run", "--site", "cong-xa")
    with held(service):
        stopping = threading.Thread(target=service.stop)
        stopping.start()
        time.sleep(1)
    stopping.join(90)
    assert typing.wait(60) == 0
    typing.communicate()
    away = service.run("nva", "backup.status")
    assert (away.returncode, "systemctl start giucong" in away.stderr) == (1, True)
    by_root = service.run("root", "estate.check")
    assert by_root.returncode in {0, 1}, by_root.stderr
    var = service.estate.parent / "var"
    assert {it.stat().st_uid for it in var.rglob("*")} == {SERVICE}
    service.start()
    assert len(listed(service)) == before + 1


@only_root
def test_a_key_goes_onto_a_medium_of_who_types_and_touches_no_disk_of_the_service(
    service: InstalledService, folder: Path
) -> None:
    words = ("backup.key-export", "--site", "cong-xa", "--reason", "Niêm phong", "--to")
    refused = service.run("nva", *words, str(folder))
    assert (refused.returncode, "is on the same disk" in refused.stderr) == (2, True), refused
    assert str(folder) in refused.stderr
    with tempfile.TemporaryDirectory(dir="/dev/shm") as memory:
        os.chown(memory, OPERATOR, OPERATOR)
        waits = service.run("nva", *words, memory)
        assert waits.returncode == 4, waits.stdout + waits.stderr


def begin(service: InstalledService, *words: str, lasts: bool = True) -> "subprocess.Popen[bytes]":
    """Have somebody type a command at no terminal, until it runs; what lasts, has begun."""
    typing = subprocess.Popen(
        service.words_as("nva", str(GIUCONG), *words), env=service.environment_of("nva"),
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip

    def has_begun(act: psutil.Process) -> bool:
        heard = signals(act, "SigCgt") - signals(act, "SigBlk")
        if not lasts:
            return signal.SIGINT in heard  # it has taken what the door hands it
        return signal.SIGHUP in heard and signal.SIGCHLD not in heard

    wait_for(lambda: any(map(has_begun, service.acting())), every=0.002)
    return typing


def leave(typing: "subprocess.Popen[bytes]") -> None:
    """Have who types go, and whoever reads with them."""
    typing.kill()
    typing.wait()
    for it in filter(None, (typing.stdout, typing.stderr)):
        it.close()


def signals(process: psutil.Process, kind: str) -> set[int]:
    """Give the signals that wait for a process, or that it catches; by the name in proc(5)."""
    with suppress(OSError):
        for line in Path(f"/proc/{process.pid}/status").read_text().splitlines():
            if line.startswith(f"{kind}:"):
                bits = int(line.split()[1], 16)
                return {it for it in range(1, 65) if bits >> (it - 1) & 1}
    return set()


def acts(service: InstalledService) -> list[Path]:
    return [*(service.estate.parent / "var" / "state" / "console").glob("*.act.json")]


def is_there(acting: list[psutil.Process]) -> bool:
    """Say whether the first one stands still, and has not ended before that."""
    with suppress(psutil.NoSuchProcess):
        return bool(acting) and bool(acting[0].status() == psutil.STATUS_STOPPED)
    return False


@contextmanager
def held(service: InstalledService) -> Iterator[list[psutil.Process]]:
    """Let what runs for people stand still meanwhile."""
    running = service.acting()
    for it in running:
        with suppress(psutil.NoSuchProcess):
            it.suspend()
    try:
        yield running
    finally:
        for it in running:
            with suppress(psutil.NoSuchProcess):
                it.resume()


def listed(service: InstalledService) -> list[dict[str, object]]:
    told = service.run("nva", "backup.list", "--site", "cong-xa", "--json").stdout
    return json.loads(told)["items"]  # type: ignore[no-any-return]  # JSON


def wait_for(is_so: Callable[[], bool], seconds: float = 60, *, every: float = 0.05) -> None:
    until = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < until
        time.sleep(every)
