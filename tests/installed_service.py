"""The installed service with people at terminals: real users, and its socket.

It lives in a mount namespace of its own, as a process of the user `giucong`; what people type there
runs as they are. It takes root.
"""

import ctypes
import os
import pickle
import select
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TypeVar

import psutil

from ops.access.rights import ROLES
from tests.installed_machine import (
    OPERATOR,
    SERVICE,
    give,
    words_for_installed,
    words_for_python_of_all,
)
from tests.integration.jobs.small_estate import GIUCONG
from tests.lab.terminal import Typed, type_at_terminal

GROUP_ID = 1071


def of_role(role: str) -> str:
    """Give the login of somebody with a role."""
    return f"r-{role}".replace("_", "-")


PEOPLE: Mapping[str, tuple[int, bool]] = {
    "root": (0, False), "giucong": (SERVICE, True), "nva": (OPERATOR, True), "ttb": (1062, True),
    "khach": (1063, False),
    **{of_role(role): (1100 + place, True) for place, role in enumerate(ROLES)},
}  # fmt: skip
"""Login → user id, and whether it is in the group that may knock; one for each role, too."""

_NEW = {login: number for login, (number, _is_member) in PEOPLE.items() if number > OPERATOR}
_MEMBERS = [login for login, (_number, is_member) in PEOPLE.items() if is_member]
_BEGIN = f"""
set -eu
for it in {" ".join(f"{login}:{number}" for login, number in _NEW.items())}; do
  echo "${{it%:*}}:x:${{it#*:}}:${{it#*:}}::/nonexistent:/bin/sh" >> /etc/passwd
  echo "${{it%:*}}:x:${{it#*:}}:" >> /etc/group
done
echo "giucong-operators:x:{GROUP_ID}:{",".join(_MEMBERS)}" >> /etc/group
mount -t tmpfs -o mode=755 none /run
install -d -o giucong -g giucong -m 711 /run/giucong
echo $$
exec sleep infinity
"""
_WAIT_SECONDS = 60.0
_CLONE_NEWNS = 0x20000
_OFFICE = "ops.service.office_process"
T = TypeVar("T")


@dataclass
class InstalledService:
    """The service, and people who type.

    Attributes:
        estate: Folder of the estate file, which is /etc/giucong there.
        place: The process whose namespace it is.
        service: The service; None while it does not run.
        log: What it has said.
    """

    estate: Path
    log: Path
    place: int = 0
    service: "subprocess.Popen[bytes] | None" = None
    environment: dict[str, str] = field(default_factory=dict)

    def words_as(self, login: str, *words: str) -> list[str]:
        """Give the words with which somebody runs a command there."""
        number, is_member = PEOPLE[login]
        groups = f"--groups={number},{GROUP_ID}" if is_member else "--clear-groups"
        become = ["setpriv", f"--reuid={number}", f"--regid={number}", groups, "--"]
        return ["nsenter", f"--mount=/proc/{self.place}/ns/mnt", "--wd=/",
                *(become if number else []), *words]  # fmt: skip

    def environment_of(self, login: str) -> dict[str, str]:
        """Give the environment that somebody has."""
        return {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8", "GIUCONG_LANG": "en",
                "LOGNAME": login, **self.environment}  # fmt: skip

    @property
    def number(self) -> int:
        """The service's process id: what we have started enters the namespace and becomes it."""
        assert self.service is not None
        return self.service.pid

    def start(self) -> None:
        """Start the service, and wait until it hears people."""
        socket_of = Path(f"/proc/{self.place}/root/run/giucong/terminal.sock")
        socket_of.unlink(missing_ok=True)
        with self.log.open("ab") as out:
            self.service = subprocess.Popen(
                self.words_as("giucong", str(GIUCONG), "service.run"),
                env={**self.environment_of("giucong"), "RUNTIME_DIRECTORY": "/run/giucong"},
                stdin=subprocess.DEVNULL, stdout=out, stderr=out,
            )  # fmt: skip
        until = time.monotonic() + _WAIT_SECONDS
        while not socket_of.exists():
            assert time.monotonic() < until, self.log.read_text(encoding="utf-8")
            time.sleep(0.05)

    def acting(self) -> list[psutil.Process]:
        """Give the processes of acts: forked as the office is, which is the first."""
        forking = next(it for it in _children(self.number) if _OFFICE in it.cmdline())
        assert forking.num_threads() == 1  # a fork keeps no others
        return _children(forking.pid)[1:]

    def stop(self, number: int = signal.SIGTERM) -> None:
        """Have the service stop."""
        if self.service is not None:
            self.service.send_signal(number)
            self.service.wait(90)
            self.service = None

    def run(
        self, login: str, *words: str, typed: str = "", folder: Path | None = None
    ) -> "subprocess.CompletedProcess[str]":
        """Run `giucong` as somebody who is at no terminal."""
        command = self.words_as(login, *(["env", "-C", str(folder)] if folder else []),
                                str(GIUCONG), *words)  # fmt: skip
        return subprocess.run(
            command, env=self.environment_of(login), input=typed, capture_output=True, text=True,
            check=False, timeout=120,
        )  # fmt: skip

    def type(self, login: str, words: Sequence[str], answer: Callable[[str], str]) -> Typed:
        """Run `giucong` as somebody at a terminal, who answers."""
        command = self.words_as(login, str(GIUCONG), *words)
        return type_at_terminal(command, answer, environment=self.environment_of(login))


@contextmanager
def installed_service(
    estate: Path, log: Path, environment: Mapping[str, str] | None = None
) -> Iterator[InstalledService]:
    """Run the service for an estate's folder, which belongs to root; its state to `giucong`.

    Args:
        estate: Folder of the estate file.
        log: Where the service's own lines go.
        environment: More of what it, and who types, find in theirs.
    """
    words = [*words_for_python_of_all(), *words_for_installed(estate), "sh", "-c", _BEGIN]
    inside = subprocess.Popen(
        words, stdout=subprocess.PIPE, text=True, env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
    )
    found = InstalledService(estate, log, environment=dict(environment or {}))
    try:
        assert inside.stdout is not None
        found.place = int(inside.stdout.readline())
        found.start()
        yield found
    finally:
        found.stop()
        if found.place:
            os.kill(found.place, signal.SIGKILL)
        inside.wait(30)
        if inside.stdout is not None:
            inside.stdout.close()


def _children(number: int) -> list[psutil.Process]:
    """Give a process's children, the oldest first, at once: psutil looks at every process."""
    told = (it.read_text() for it in Path(f"/proc/{number}/task").glob("*/children"))
    found = [psutil.Process(int(it)) for text in told for it in text.split()]
    return sorted(found, key=lambda it: it.create_time())


def give_to(login: str, *places: Path) -> None:
    """Give folders, and all in them, to somebody."""
    give(PEOPLE[login][0], *places)


def be_there(place: int, login: str) -> None:
    """Become somebody in the namespace of a process; of a forked process, which then ends."""
    number, is_member = PEOPLE[login]
    there = os.open(f"/proc/{place}/ns/mnt", os.O_RDONLY)
    if ctypes.CDLL(None, use_errno=True).setns(there, _CLONE_NEWNS):  # os.setns is of Python 3.12
        raise OSError(ctypes.get_errno(), "setns")
    os.close(there)
    os.setgroups([GROUP_ID] if is_member else [])
    os.setresgid(number, number, number)
    os.setresuid(number, number, number)


@contextmanager
def meanwhile_there(
    service: InstalledService, login: str, do: Callable[[], Callable[[], object] | None]
) -> Iterator[None]:
    """Have somebody do something there, and stay until the test has done its own.

    Args:
        service: Where.
        login: Who.
        do: What is done first, as far as it comes; gives what goes on then, if anything.
    """
    hear, tell = os.pipe()
    if (pid := os.fork()) == 0:
        go_on = None
        try:
            be_there(service.place, login)
            go_on = do()
        finally:
            with suppress(BaseException):
                os.write(tell, b"x")
                (go_on or partial(time.sleep, 120))()
            os._exit(0)
    try:
        os.close(tell)
        os.read(hear, 1)
        yield
    finally:
        os.close(hear)
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def done_there(
    service: InstalledService, login: str, do: Callable[[], T], *, seconds: float = 30
) -> T:
    """Give what somebody gets who does something there, in a process of their own.

    Raises:
        TimeoutError: It takes longer; then it has been killed.
    """
    hear, tell = os.pipe()
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if pid == 0:
        try:
            os.setsid()
            be_there(service.place, login)
            os.environ.clear()
            os.environ.update(service.environment_of(login))
            told = pickle.dumps(do())
        except BaseException:  # noqa: BLE001 - it goes to who waits
            told = pickle.dumps(AssertionError(traceback.format_exc()))
        with suppress(OSError), os.fdopen(tell, "wb") as file:
            file.write(told)
        os._exit(0)
    os.close(tell)
    with os.fdopen(hear, "rb") as file:
        parts, until = list[bytes](), time.monotonic() + seconds
        try:
            while select.select([file], [], [], max(0.0, until - time.monotonic()))[0]:
                if not (part := os.read(file.fileno(), 1 << 16)):
                    break
                parts.append(part)
            else:
                raise TimeoutError(f"{login} still waits after {seconds} seconds")
        finally:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
    got = pickle.loads(b"".join(parts))  # noqa: S301 - of our own fork
    if isinstance(got, BaseException):
        raise got
    return got  # type: ignore[no-any-return]  # what was pickled there
