"""Root's own terminal, while somebody has the rights of the service's user: nothing reaches it."""

import json
import os
import signal
import socket
import subprocess
import termios
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

import psutil
import pytest

from ops.terminal.elsewhere import SOCKET
from tests.installed_machine import SERVICE, only_root
from tests.installed_service import InstalledService, be_there, meanwhile_there
from tests.integration.jobs.small_estate import GIUCONG
from tests.integration.service.installed_estate import installed
from tests.integration.service.test_terminal_door import wait_for
from tests.lab.terminal import Typed, type_at_terminal

pytestmark = pytest.mark.slow
RESTORE = ("backup.restore", "--site", "cong-xa", "--in-place")
KEY_ADD = ("backup.key-add", "--site", "cong-xa", "--password-file", "-")


@pytest.fixture(scope="module")
def service() -> Iterator[InstalledService]:
    with installed() as running:
        yield running


@contextmanager
def taken_away(service: InstalledService) -> Iterator[Path]:
    """Take the socket away, as who has the service's rights can."""
    there = Path(f"/proc/{service.place}/root{SOCKET}")
    kept = there.with_suffix(".kept")
    there.rename(kept)
    try:
        yield there
    finally:
        there.unlink(missing_ok=True)
        kept.rename(there)


@contextmanager
def stopped(service: InstalledService) -> Iterator[None]:
    service.stop()
    try:
        yield
    finally:
        service.start()


@contextmanager
def answering(
    service: InstalledService, login: str, do: Callable[[socket.socket, list[int]], None]
) -> Iterator[None]:
    """Answer one command in the service's place, as somebody."""

    def listen() -> Callable[[], object]:
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        listener.bind(str(SOCKET))
        SOCKET.chmod(0o666)
        be_there(service.place, login)
        listener.listen()
        return partial(serve, listener)

    def serve(listener: socket.socket) -> None:
        while True:
            line, _from = listener.accept()
            packet, given, _flags, _peer = socket.recv_fds(line, 1 << 18, 64)
            if packet:
                do(line, given)

    # The folder is closed to others than giucong.
    with taken_away(service), meanwhile_there(service, "root", listen):
        yield


def say_what_a_shell_would_run(line: socket.socket, given: list[int]) -> None:
    os.write(given[1], b"$(id)\n`id`\n--in-place\n\x1b[6n\ncong-xa\n")
    line.send(json.dumps({"code": 0}).encode())


@only_root
def test_what_the_service_says_for_tab_is_names(service: InstalledService) -> None:
    """A script of an earlier version expands what it is told; root need not have a new one."""
    with answering(service, "giucong", say_what_a_shell_would_run):
        told = service.run("root", "--complete", "--", "giucong backup.run --site")
    assert (told.returncode, told.stdout) == (0, "cong-xa\n"), told
    told = service.run("nva", "--complete", "--", "giucong backup.run --site")
    assert (told.returncode, "cong-xa" in told.stdout.split(), told.stderr) == (0, True, "")


@only_root
def test_a_socket_of_somebody_else_is_not_spoken_to(service: InstalledService) -> None:
    with answering(service, "khach", say_what_a_shell_would_run):
        for login in ("root", "nva"):
            refused = service.run(login, "backup.status")
            assert refused.returncode == 1
            assert "it is not the service that answers" in refused.stderr


@only_root
def test_without_its_socket_the_service_does_not_count_as_stopped(
    service: InstalledService,
) -> None:
    with taken_away(service):
        refused = service.run("root", "backup.status")
        told = service.run("root", "--complete", "--", "giucong backup.run --site")
    assert refused.returncode == 1, refused.stdout
    assert "systemctl restart giucong" in refused.stderr
    assert (told.returncode, told.stdout, told.stderr) == (0, "", "")


@only_root
def test_what_root_types_without_the_service_gets_a_terminal_of_its_own(
    service: InstalledService,
) -> None:
    """Who has that user's rights can trace it: root's terminal would be theirs."""
    found = list[tuple[set[str], set[str], bool]]()

    def answer(_told: str) -> str:
        by_root, as_service = (typing(RESTORE[0], user) for user in (0, SERVICE))
        shares = os.getsid(as_service.pid) == os.getsid(by_root.pid)
        with Path(f"/proc/{as_service.pid}/fd/0").open("rb") as terminal:
            sizes.append(termios.tcgetwinsize(terminal))
        found.append((terminals_of(by_root), terminals_of(as_service), shares))
        return "something else"

    sizes = list[tuple[int, int]]()
    with stopped(service):
        typed = as_root(service, answer)
        cancelled = as_root(service, lambda _told: "\x03")
    assert "Type cong-xa to go on" in typed.told
    assert typed.code == 2, typed.told
    assert (cancelled.code, "interrupted" in cancelled.told) == (130, True), cancelled
    (of_root, of_service, shares) = found[0]
    assert of_root
    assert of_service
    assert not of_root & of_service
    assert not shares
    assert sizes == [(31, 97)]


@only_root
def test_without_the_service_and_a_terminal_root_reads_cancels_and_gets_the_code(
    service: InstalledService,
) -> None:
    with stopped(service):
        missing = service.run("root", "backup.run", "--site", "nowhere")
        listed = service.run("root", "backup.list", "--site", "cong-xa", "--json")
        begun = subprocess.Popen(
            service.words_as("root", str(GIUCONG), *KEY_ADD), env=as_nva(service),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            start_new_session=True,
        )  # fmt: skip
        wait_for(lambda: waits_for_input(KEY_ADD[0]), 30)
        begun.send_signal(signal.SIGINT)
        begun.wait(30)
        errors = begun.communicate()[1]
    assert missing.returncode in {1, 2}
    assert listed.returncode in {0, 1}
    assert (begun.returncode, b"interrupted" in errors) == (130, True), errors


def as_nva(service: InstalledService) -> dict[str, str]:
    """Give the environment of root behind nva's `sudo`."""
    return {**service.environment_of("root"), "SUDO_USER": "nva"}


def as_root(service: InstalledService, answer: Callable[[str], str]) -> Typed:
    words = service.words_as("root", str(GIUCONG), *RESTORE)
    return type_at_terminal(
        words, answer, environment=as_nva(service), rows_and_columns=(31, 97), seconds=60
    )


def waits_for_input(task: str) -> bool:
    """Say whether root's task reads its standard input, as the service's user."""
    with suppress(StopIteration, psutil.Error, OSError):
        return Path(f"/proc/{typing(task, SERVICE).pid}/syscall").read_text().startswith("0 0x0 ")
    return False


def typing(task: str, user: int) -> psutil.Process:
    """Give the process of a user that does a task which was typed."""
    return next(
        it
        for it in psutil.process_iter()
        if it.uids().real == user and task in it.cmdline() and "python" in it.exe()
    )


def terminals_of(process: psutil.Process) -> set[str]:
    """Give the terminals that a process has open."""
    links = (it.readlink() for it in Path(f"/proc/{process.pid}/fd").iterdir())
    return {str(it) for it in links if str(it).startswith(("/dev/pts", "/dev/tty"))}
