"""One person's forty requests at once are that person's wait: everybody else is answered soon."""

import asyncio
import os
import select
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import pytest

from ops.console.frames import ask, write_frame
from ops.console.office.server import Answer, listen, serve
from tests.console_office import ConsoleEstate, build_console_estate
from tests.integration.jobs.small_estate import giucong
from tests.private_server import end

AT_ONCE = 40
FILES = 3_000


@dataclass
class Room:
    """An office whose acts last until they are let go."""

    path: Path
    stop: threading.Event = field(default_factory=threading.Event)
    go: threading.Event = field(default_factory=threading.Event)
    begun: list[int] = field(default_factory=list)
    lines: list[socket.socket] = field(default_factory=list)

    def hold(self, request: Mapping[str, Any]) -> Answer:
        """Last."""
        self.begun.append(request["number"])
        self.go.wait(60)
        return Answer({"number": request["number"]})

    def send(self, who: str, what: str, number: int = 0) -> socket.socket:
        """Ask for something, and do not wait for the answer."""
        line = socket.socket(socket.AF_UNIX)
        self.lines.append(line)
        line.settimeout(20)
        line.connect(str(self.path))
        line.sendall(write_frame({"ask": what, "who": who, "number": number}))
        return line


def answer_of(line: socket.socket) -> dict[str, Any]:
    with line.makefile("rb") as heard:
        return msgspec.json.decode(heard.read()[4:], type=dict[str, Any])


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Room]:
    made = Room(tmp_path / "office.sock")
    handlers = {"hold": made.hold, "page": lambda _request: Answer({"page": 1})}
    listener = listen(made.path)
    args = listener, handlers, made.stop, lambda request: str(request["who"])
    office = threading.Thread(target=serve, args=args)
    office.start()
    try:
        yield made
    finally:
        made.stop.set()
        made.go.set()
        office.join()
        for line in (listener, *made.lines):
            line.close()


def answered(lines: set[socket.socket]) -> set[socket.socket]:
    return set(select.select(lines, (), (), 0)[0])


def wait_until(is_so: Any) -> None:
    until = time.monotonic() + 20
    while not is_so():
        assert time.monotonic() < until
        time.sleep(0.01)


def test_who_asks_for_much_waits_and_everybody_else_is_answered(room: Room) -> None:
    held = {room.send("a", "hold", number) for number in range(AT_ONCE)}
    wait_until(lambda: len(answered(held)) == AT_ONCE - 2 - 32)
    refused = answered(held)

    assert {answer_of(it)["kind"] for it in refused} == {"TooManyActsError"}
    assert len(room.begun) == 2
    assert answer_of(room.send("b", "page")) == {"page": 1}

    room.go.set()
    assert len({answer_of(it)["number"] for it in held - refused}) == 2 + 32
    assert answer_of(room.send("a", "page")) == {"page": 1}


def test_nobody_works_for_who_has_gone(room: Room) -> None:
    kept = [room.send("a", "hold", number) for number in range(2)]
    wait_until(lambda: len(room.begun) == 2)
    gone = [room.send("a", "hold", number) for number in range(2, 10)]
    last = room.send("a", "hold", 10)
    time.sleep(0.5)  # all are read
    for line in gone:
        line.close()
    room.go.set()

    assert [answer_of(it)["number"] for it in (*kept, last)] == [0, 1, 10]
    assert sorted(room.begun) == [0, 1, 10]


def test_an_office_that_closes_closes_who_waits(room: Room) -> None:
    held = [room.send("a", "hold", number) for number in range(10)]
    wait_until(lambda: len(room.begun) == 2)
    time.sleep(0.5)
    room.stop.set()
    time.sleep(1)
    room.go.set()

    assert all(
        answer_of(it)["number"] in {*room.begun} for it in held if it.recv(1, socket.MSG_PEEK)
    )
    assert len(room.begun) < 10


@pytest.fixture(scope="module")
def estate(tmp_path_factory: pytest.TempPathFactory) -> ConsoleEstate:
    """An estate with a site whose backup takes a while to be searched."""
    folder = tmp_path_factory.mktemp("fair") / "estate"
    built = build_console_estate(folder, proving=("bach", "unit-contact"))
    for number in range(FILES):
        (folder / "www" / "uploads" / f"bai-{number}.html").write_text("x")
    for words in (["backup.init"], ["backup.run", "--site", "cong-xa"]):
        done = giucong(built.path, *words, SUDO_USER="bach")
        assert done.returncode == 0, done.stderr
    return built


@contextmanager
def office_of(estate: ConsoleEstate) -> Iterator[Path]:
    path = estate.path.parent / "state" / "office.sock"
    words = [sys.executable, "-m", "ops.service.office_process", str(os.getpid())]
    with subprocess.Popen(words, env=estate.environment) as office:
        try:
            wait_until(path.exists)
            yield path
        finally:
            office.terminate()
            end(office, 60)


@pytest.mark.slow
def test_forty_searches_of_one_contact_hold_up_nobody_elses_page(estate: ConsoleEstate) -> None:
    with office_of(estate) as path:
        quiet, beside, ended = asyncio.run(_search_and_look(path, estate))
    print(f"a page alone {quiet:.2f} s, beside {AT_ONCE} searches {beside:.2f} s ({ended} ended)")

    assert ended
    assert beside < max(2.0, 4 * quiet)


async def _search_and_look(path: Path, estate: ConsoleEstate) -> tuple[float, float, int]:
    """Say how long a page takes at most, alone and beside searches, and how many searches end."""
    contact, other = [await _log_in(path, estate, it) for it in ("unit-contact", "bach")]
    ended, search = 0, {"site": "cong-xa", "name": "bai", "all": "1"}

    async def go_on_searching() -> None:
        nonlocal ended
        while True:
            answer = await _page(path, contact, "restore", search)
            ended += "page" in answer
            assert answer.get("kind", "TooManyActsError") == "TooManyActsError"

    async def look() -> float:
        seconds = list[float]()
        for page in ("alerts", "account", "runs") * 3:
            began = time.monotonic()
            assert "page" in await _page(path, other, page, {})
            seconds.append(time.monotonic() - began)
        return max(seconds)

    await look()
    quiet = await look()
    async with asyncio.TaskGroup() as group:
        searches = [group.create_task(go_on_searching()) for _number in range(AT_ONCE)]
        await asyncio.sleep(2)
        beside = await look()
        for it in searches:
            it.cancel()
    return quiet, beside, ended


async def _page(path: Path, token: str, page: str, arguments: dict[str, str]) -> dict[str, Any]:
    asked = {"ask": "page", "token": token, "page": page, "arguments": arguments}
    answer: dict[str, Any] = await ask(path, asked, 120)
    if "page" not in answer:
        await asyncio.sleep(0.2)  # as long as a person needs to ask again
    return answer


async def _log_in(path: Path, estate: ConsoleEstate, person: str) -> str:
    asked = {"ask": "login", "name": person, "address": "192.0.2.7", **estate.proof_of(person)}
    return str((await ask(path, asked, 120))["token"])
