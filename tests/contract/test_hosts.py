"""The contract of `provisioning.hosts.Host`, held against this machine and a private sshd."""

import hashlib
import os
import signal
import threading
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

from provisioning.errors import CommandError
from provisioning.hosts import Completed, Host, HostProcess
from provisioning.local_host import LocalHost
from provisioning.ssh.host import SshHost
from provisioning.ssh.pool import SshPool
from tests.ssh_server import SshServer, make_ssh_server, ssh_server

__all__ = ["make_ssh_server", "ssh_server"]

MANY_BYTES = 48 << 20


@pytest.fixture(params=["this machine", "ssh"])
def host(request: pytest.FixtureRequest) -> Iterator[Host]:
    if request.param == "this machine":
        yield LocalHost("web1")
        return
    server: SshServer = request.getfixturevalue("ssh_server")
    pool = SshPool()
    yield SshHost(server.target(), pool)
    pool.close()


def shell(script: str, *words: bytes) -> list[bytes]:
    return [b"sh", b"-c", script.encode(), b"sh", *words]


def lives(mark: str) -> bool:
    """Whether a process has the mark among its arguments."""
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            if mark.encode() in path.read_bytes().split(b"\0"):
                return True
    return False


def dies(mark: str) -> bool:
    deadline = time.monotonic() + 60
    while lives(mark):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def wait_for_rest(progress: Path) -> int:
    """Wait until the number in a file has been the same for a second; give it."""
    last, since, deadline = "", time.monotonic(), time.monotonic() + 120
    while not last or time.monotonic() - since < 1:
        assert time.monotonic() < deadline, "it never came to rest"
        time.sleep(0.02)
        found = progress.read_text() if progress.exists() else ""
        if found and found != last:
            last, since = found, time.monotonic()
    return int(last)


def test_a_host_has_a_name(host: Host) -> None:
    assert host.name == "web1"


def test_a_command_gives_its_status_and_both_its_streams(host: Host) -> None:
    assert host.run(shell("echo out; echo err >&2; exit 3")) == Completed(3, b"out\n", b"err\n")
    assert host.run([b"true"]) == Completed(0, b"", b"")


@pytest.mark.parametrize("status", [1, 77, 126, 255])
def test_every_status_comes_as_it_is(host: Host, status: int) -> None:
    assert host.run(shell(f"exit {status}")).status == status


def test_a_command_that_does_not_exist_has_the_shells_status(host: Host) -> None:
    ended = host.run([b"/nowhere/program"])

    assert ended.status == 127
    assert b"No such file" in ended.stderr


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGSEGV])
def test_a_signal_is_a_negative_status(host: Host, number: signal.Signals) -> None:
    assert host.run(shell(f"kill -{int(number)} $$")).status == -number
    with host.start(shell(f"kill -{int(number)} $$")) as process:
        assert process.finish().status == -number


@pytest.mark.parametrize(
    "word",
    [
        b"",
        b" ",
        b"a b",
        b"it's",
        b'$HOME `id` $(id) \\ "',
        b"line\nbreak\n",
        b"\xff\xfe\x80",
        "Cổng".encode(),
        b"-n",
        b"*",
        b"~",
        b"!x",
        b"#x",
        bytes(range(1, 256)),
    ],
    ids=ascii,
)
def test_arguments_arrive_byte_for_byte(host: Host, word: bytes) -> None:
    assert host.run([b"printf", b"%s|", word, word]).stdout == word + b"|" + word + b"|"


def test_a_file_whose_name_is_no_text_is_read(host: Host, tmp_path: Path) -> None:
    path = os.fsencode(tmp_path) + b"/\xff\nname"
    Path(os.fsdecode(path)).write_bytes(b"content")

    assert host.run([b"cat", b"--", path]).stdout == b"content"


@pytest.mark.parametrize("command", [[], [b""], [b"a\0b"], [b"echo", b"a\0b"]], ids=ascii)
def test_what_is_no_command_is_refused(host: Host, command: list[bytes]) -> None:
    with pytest.raises(CommandError, match="not a command"):
        host.run(command)


def test_the_locale_is_utf8_whatever_the_account_says(host: Host) -> None:
    assert host.run(shell("echo $LC_ALL")).stdout == b"C.UTF-8\n"


def test_stdin_is_read_to_its_end(host: Host) -> None:
    data = hashlib.shake_128(b"in").digest(300_000)

    assert host.run([b"cat"], stdin=data).stdout == data
    assert host.run([b"cat"]).stdout == b""


def test_a_command_that_reads_little_of_its_stdin_is_no_failure(host: Host) -> None:
    assert host.run([b"head", b"-c", b"3"], stdin=b"x" * 20_000_000).stdout == b"xxx"


@pytest.mark.slow
def test_a_big_stream_comes_whole(host: Host) -> None:
    count = b"%d" % MANY_BYTES
    script = 'head -c "$1" /dev/zero | tee /dev/fd/3 3>&1 >/dev/null | cat; exit 4'
    digest, size = hashlib.sha256(), 0
    with host.start(shell(script, count)) as process:
        process.close_input()
        while data := process.read(1 << 20):
            digest.update(data)
            size += len(data)
        ended = process.finish()

    assert (ended.status, size) == (4, MANY_BYTES)
    assert digest.digest() == hashlib.sha256(bytes(MANY_BYTES)).digest()


@pytest.mark.slow
def test_a_big_stream_goes_whole(host: Host) -> None:
    chunk = hashlib.shake_128(b"out").digest(1 << 20)
    with host.start([b"sha256sum"]) as process:
        for _ in range(MANY_BYTES >> 20):
            process.write(memoryview(chunk))
        process.close_input()
        told = process.read()
        ended = process.finish()

    assert ended.status == 0
    assert told.split()[0].decode() == hashlib.sha256(chunk * (MANY_BYTES >> 20)).hexdigest()


@pytest.mark.slow
def test_big_streams_go_both_ways_at_once(host: Host) -> None:
    chunk = hashlib.shake_128(b"both").digest(1 << 20)
    with host.start([b"cat"]) as process:

        def feed() -> None:
            for _ in range(16):
                process.write(chunk)
            process.close_input()

        with ThreadPoolExecutor(1) as threads:
            feeding = threads.submit(feed)
            back = process.read()
            feeding.result()
        ended = process.finish()

    assert ended.status == 0
    assert back == chunk * 16


@pytest.mark.slow
def test_a_reader_who_takes_nothing_holds_the_command_back(host: Host, tmp_path: Path) -> None:
    script = """
        i=0; echo 0 >"$1"
        while [ $i -lt 40 ]; do head -c 1000000 /dev/zero; i=$((i+1)); echo $i >"$1"; done
    """
    progress = tmp_path / "progress"
    with host.start(shell(script, os.fsencode(progress))) as process:
        assert wait_for_rest(progress) < 30
        assert len(process.read()) == 40_000_000
        assert process.finish().status == 0


def test_a_flood_on_stderr_holds_nothing_up_and_its_end_is_kept(host: Host) -> None:
    ended = host.run(shell("head -c 30000000 /dev/zero | tr '\\0' e >&2; echo last >&2; echo out"))

    assert ended.status == 0
    assert ended.stdout == b"out\n"
    assert len(ended.stderr) == 65_536
    assert ended.stderr.endswith(b"elast\n")


def test_a_command_whose_time_runs_out_is_ended_there(host: Host) -> None:
    mark = uuid.uuid4().hex
    start = time.monotonic()
    with pytest.raises(CommandError, match=r"longer than 0\.5 seconds"):
        host.run(shell("sleep 600; echo late", mark.encode()), timeout=0.5)

    assert time.monotonic() - start < 60
    assert dies(mark)


def test_what_a_command_started_is_ended_with_it(host: Host) -> None:
    mark = uuid.uuid4().hex
    script = 'sh -c "sleep 600; echo" child "$1" & echo up; wait'
    with pytest.raises(CommandError, match="longer than"):
        host.run(shell(script, mark.encode()), timeout=0.5)

    assert dies(mark)


@pytest.mark.slow
def test_a_command_that_ignores_the_end_of_its_time_is_killed(host: Host) -> None:
    mark = uuid.uuid4().hex
    with pytest.raises(CommandError, match="longer than"):
        host.run(shell("trap '' TERM; while :; do sleep 1; done", mark.encode()), timeout=0.5)

    assert dies(mark)


def test_status_124_in_time_is_no_deadline(host: Host) -> None:
    assert host.run(shell("exit 124"), timeout=30).status == 124


@pytest.mark.slow
def test_a_stream_whose_time_runs_out_says_so_to_its_reader(host: Host) -> None:
    with host.start(shell("echo begun; sleep 600"), timeout=3) as process:
        assert process.read(100) == b"begun\n"
        with pytest.raises(CommandError, match="longer than"):
            process.read(100)


def test_leaving_the_context_ends_the_command_there(host: Host) -> None:
    mark = uuid.uuid4().hex
    with host.start(shell("echo up; sleep 600; echo", mark.encode())) as process:
        assert process.read(3) == b"up\n"
        assert lives(mark)

    assert dies(mark)


def test_an_error_inside_the_context_ends_the_command_too(host: Host) -> None:
    mark = uuid.uuid4().hex

    def fail() -> None:
        with host.start(shell("echo up; sleep 600; echo", mark.encode())) as process:
            process.read(3)
            raise KeyError(mark)

    with pytest.raises(KeyError):
        fail()
    assert dies(mark)


def test_writing_to_a_command_that_has_ended_is_told(host: Host) -> None:
    def write_much(process: HostProcess) -> None:
        for _ in range(200):
            process.write(bytes(1 << 20))

    with host.start([b"true"]) as process, pytest.raises(CommandError, match="stopped reading"):
        write_much(process)


def test_several_commands_run_at_once_on_one_host(host: Host) -> None:
    together = 24
    barrier = threading.Barrier(together)

    def run(number: int) -> bytes:
        barrier.wait()
        return host.run(shell('sleep 0.1; echo "$1"', b"%d" % number)).stdout

    with ThreadPoolExecutor(together) as threads:
        assert list(threads.map(run, range(together))) == [b"%d\n" % n for n in range(together)]


def test_many_processes_are_open_at_once(host: Host) -> None:
    with (
        host.start([b"cat"]) as first,
        host.start([b"cat"]) as second,
        host.start([b"cat"]) as third,
    ):
        for number, process in enumerate((first, second, third)):
            process.write(b"%d" % number)
            process.close_input()
        assert [it.read() for it in (third, second, first)] == [b"2", b"1", b"0"]
        assert {it.finish().status for it in (first, second, third)} == {0}
