"""Worker processes: they answer, they fail aloud, and they end with their parent."""

import fcntl
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from backup.errors import StoreFullError
from backup.workers.processes import Message, Pool, WorkerDiedError, worker_count
from tests.private_server import is_alive

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[3]
_TARGETS = "tests.unit.backup.workers.worker_targets"


@contextmanager
def pool_of(function: str, setup: Message = None, *, width: int = 1) -> Iterator[Pool]:
    pool = Pool(f"{_TARGETS}:{function}", setup, width=width)
    try:
        yield pool
    finally:
        pool.kill()


def hear(pool: Pool, count: int) -> list[Message]:
    heard: list[Message] = []
    while len(heard) < count:
        heard += [message for _, message in pool.poll(10)]
    return heard


def test_workers_answer_each_with_what_it_was_told() -> None:
    setup = {"key": b"\0\xff", "number": 1 << 60, "nothing": None, "list": [("a", 1.5)]}
    with pool_of("echo", setup, width=2) as pool:
        assert hear(pool, 2) == [setup, setup]
        for number, worker in enumerate(pool.workers):
            worker.send(("files", number, "đ" * 100_000))
        assert sorted(message[1] for message in hear(pool, 2)) == [0, 1]


def test_an_interrupt_ends_no_worker_that_only_begins() -> None:
    """A terminal sends it to all that it has started, however young."""
    for wait in (0.0, 0.01, 0.03):
        with pool_of("echo", "here") as pool:
            time.sleep(wait)
            os.kill(pool.workers[0]._process.pid, signal.SIGINT)
            assert hear(pool, 1) == ["here"]


def test_a_setup_may_be_made_while_the_workers_start() -> None:
    pool = Pool(f"{_TARGETS}:echo", width=2)
    try:
        assert list(pool.poll(0)) == []
        pool.begin(b"made")
        assert hear(pool, 2) == [b"made", b"made"]
    finally:
        pool.kill()


def test_closing_lets_workers_end_by_themselves() -> None:
    pool = Pool(f"{_TARGETS}:echo", b"setup", width=2)
    hear(pool, 2)
    pool.close()
    assert [worker._process.returncode for worker in pool.workers] == [0, 0]


def test_nobody_waits_for_ever_when_both_talk_at_once() -> None:
    """With pipes as small as an unprivileged user may get, and answers that are larger."""
    with pool_of("chatter", 20) as pool:
        (worker,) = pool.workers
        for pipe in (worker._stdin, worker._stdout):
            fcntl.fcntl(pipe.fileno(), 1031, 4096)
        for _ in range(20):
            worker.send(b"y" * 50_000)
        heard = hear(pool, 40)
        assert heard[:20] == [b"x" * 100_000] * 20
        assert heard[20:] == [50_000] * 20


def test_an_error_of_ours_arrives_as_it_was() -> None:
    with pool_of("fail") as pool:
        pool.workers[0].send(1)
        with pytest.raises(StoreFullError) as caught:
            hear(pool, 1)
    assert str(caught.value) == "no room for data/ab"
    assert caught.value.params == {"key": "data/ab", "size": 7}
    assert caught.value.next_step == "make room"


@pytest.mark.parametrize(
    ("function", "code"), [("crash", 9), ("die_in_the_middle_of_a_message", -9)]
)
def test_a_worker_that_died_is_noticed(function: str, code: int) -> None:
    with pool_of(function) as pool:
        pool.workers[0].send(1)
        with pytest.raises(WorkerDiedError) as caught:
            hear(pool, 1)
        assert caught.value.params["code"] == code


def test_talking_to_a_dead_worker_is_noticed() -> None:
    with pool_of("crash") as pool:
        (worker,) = pool.workers
        worker.send(1)
        worker._process.wait()
        with pytest.raises(WorkerDiedError):
            worker.send(b"x" * (4 << 20))


def test_workers_are_protected_and_see_only_our_modules(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file named like one of ours, in the folder where the command was typed, must not run."""
    for name in ("backup", "marshal", "selectors", "zstandard"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('hijacked')")
    monkeypatch.chdir(tmp_path)
    with pool_of("report", {"key": "very secret"}) as pool:
        (facts,) = hear(pool, 1)
    assert "very secret" not in str(facts["arguments"])
    assert not {"", ".", str(tmp_path)} & set(facts["path"])
    assert facts["ignores_sigint"]
    # The kernel gives the files of a process that cannot be dumped to root.
    assert facts["owner_of_proc"] == 0


def test_workers_die_with_their_parent() -> None:
    script = (
        f"import sys; sys.path.insert(0, {str(ROOT)!r})\n"
        "from backup.workers.processes import Pool\n"
        f"pool = Pool({_TARGETS + ':sleep'!r}, None, width=2)\n"
        "heard = []\n"
        "while len(heard) < 2: heard += [message for _, message in pool.poll()]\n"
        "print(*heard, flush=True)\n"
        "sys.stdin.read()\n"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    assert parent.stdin is not None
    workers = [int(word) for word in parent.stdout.readline().split()]
    assert len(workers) == 2
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    deadline = time.monotonic() + 60
    while any(is_alive(pid) for pid in workers):
        assert time.monotonic() < deadline, "a worker outlived its parent"
        time.sleep(0.01)
    parent.stdin.close()
    parent.stdout.close()


def test_there_are_as_many_workers_as_cores_we_may_use() -> None:
    assert 1 <= worker_count() <= min(8, len(os.sched_getaffinity(0)))
