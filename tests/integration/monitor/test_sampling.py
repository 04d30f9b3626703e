"""Hosts are looked at through real sshd, as they are and as nobody wants them."""

import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from ops.estate.model.monitor import DEFAULT_THRESHOLDS, Device
from ops.monitor.samples.judge import judge_machine
from ops.monitor.samples.sample import Sample, Unseen, Upkeep
from ops.monitor.samples.take import ask_device, take_sample, take_upkeep
from ops.sites.account import list_allowed
from provisioning.gate.account_script import GATE, Allowed, make_key_line, make_list
from provisioning.local_host import LocalHost
from provisioning.ssh.host import SshHost
from provisioning.ssh.pool import SshPool
from tests.installed_machine import only_root
from tests.private_server import find_free_port
from tests.ssh_server import ServerMaker, SshServer, make_key, make_ssh_server
from tests.stopped_mount import stopped_mount

__all__ = ["make_ssh_server"]

pytestmark = pytest.mark.slow

Look = Callable[..., Sample | Unseen]


@pytest.fixture(scope="module")
def server(make_ssh_server: ServerMaker) -> SshServer:
    return make_ssh_server()


@pytest.fixture
def pool() -> Iterator[SshPool]:
    made = SshPool()
    yield made
    made.close()


@pytest.fixture
def look(server: SshServer, pool: SshPool) -> Iterator[Look]:
    """Look at a host whose sshd runs a command in place of what it is asked for."""
    before = server.authorized_keys.read_text()

    def take(command: str = "", *, seconds: float = 20.0, **changes: object) -> Sample | Unseen:
        if command:
            quoted = command.replace('"', '\\"')
            server.authorized_keys.write_text(f'command="{quoted}" {server.public_key()}\n')
        target = replace(server.target(), silence_seconds=2.0, **changes)  # type: ignore[arg-type] # the test names fields
        return take_sample(SshHost(target, pool), seconds=seconds)

    yield take
    server.authorized_keys.write_text(before)


def cause(seen: Sample | Unseen) -> str:
    return seen.cause if isinstance(seen, Unseen) else "seen"


def test_a_host_is_seen_as_others_see_it(look: Look) -> None:
    seen, memory, disk = look(), psutil.virtual_memory(), psutil.disk_usage("/")

    assert isinstance(seen, Sample)
    assert (seen.cores, seen.memory) == (psutil.cpu_count(), memory.total)
    assert seen.memory_percent == pytest.approx(memory.percent, abs=15)
    assert seen.uptime == pytest.approx(time.time() - psutil.boot_time(), abs=30)
    root = {it.path: it for it in seen.disks}["/"]
    assert root.size == os.statvfs("/").f_blocks * os.statvfs("/").f_frsize
    assert root.percent == pytest.approx(disk.percent, abs=5)
    assert root.files == os.statvfs("/").f_files
    assert abs(seen.offset or 0.0) <= seen.offset_error + 0.1
    assert isinstance(look(), Sample)  # over the same connection


def test_the_share_of_the_processors_is_measured_between_two_looks(look: Look) -> None:
    first, second = look(), None
    ends = time.monotonic() + 0.5
    while time.monotonic() < ends:
        pass  # one processor at least is busy
    second = look()

    assert isinstance(first, Sample)
    assert isinstance(second, Sample)
    assert second.ticks is not None
    assert 0.0 < (second.ticks.percent_since(first.ticks) or 0.0) <= 100.0


def test_a_host_that_claims_another_time_is_told_by_how_much(look: Look) -> None:
    seen = look('faketime -f +95s sh -c "$SSH_ORIGINAL_COMMAND"')

    assert isinstance(seen, Sample)
    assert seen.offset == pytest.approx(95.0, abs=seen.offset_error + 1.0)
    found = {it.code: it for it in judge_machine("web1", seen, None, None, DEFAULT_THRESHOLDS)}
    assert 90 <= found["clock_off"].params["seconds"] <= 100


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("head -c 10000000 /dev/zero", "flooding"),
        ("head -c 4000 /dev/urandom", "senseless"),
        ("echo end", "senseless"),
        ("exit 3", "senseless"),
        ("kill -9 $$", "senseless"),
        ("while :; do printf x; sleep 0.3; done", "slow"),
        ("sleep 600", "slow"),
        ("sh -c \"$SSH_ORIGINAL_COMMAND\" | sed 's/MemTotal: /MemTotal: 9999999999999999999/'",
         "senseless"),
    ],
)  # fmt: skip
def test_a_host_that_says_what_it_should_not(look: Look, command: str, expected: str) -> None:
    assert cause(look(command, seconds=1.0 if expected == "slow" else 20.0)) == expected


def test_a_host_whose_disk_is_full_says_so(look: Look) -> None:
    seen = look(
        'sh -c "$SSH_ORIGINAL_COMMAND" | sed "s/^disk 1 .*/disk 1 4096 1000 20 10 500 100/"'
    )

    found = judge_machine("web1", seen, None, None, DEFAULT_THRESHOLDS)
    (full,) = [it for it in found if it.code == "disk_full"]
    assert (full.severity, full.params["value"]) == ("critical", 99.0)


def test_hosts_that_do_not_let_us_in_each_have_their_cause(
    look: Look, server: SshServer, pool: SshPool, tmp_path: Path
) -> None:
    make_key(tmp_path / "other")
    empty, other = tmp_path / "empty", tmp_path / "known"
    empty.touch()
    words = (tmp_path / "other.pub").read_text().split()
    other.write_text(f"[127.0.0.1]:{server.port} {words[0]} {words[1]}\n")
    revoked = tmp_path / "revoked"
    revoked.write_text(f"@revoked * {server.host_key()}\n{server.known_hosts.read_text()}")

    assert cause(look(port=find_free_port())) == "unreachable"
    assert cause(look(known_hosts=empty)) == "key_unknown"
    assert cause(look(known_hosts=other)) == "key_changed"
    assert cause(look(known_hosts=revoked)) == "key_revoked"
    assert cause(look(identity=tmp_path / "none")) == "own_key"
    server.authorized_keys.write_text("")
    pool.close()
    assert cause(look()) == "refused"


@only_root
def test_the_account_of_the_backup_looks_through_its_gate(server: SshServer, pool: SshPool) -> None:
    """It is nobody there, and may run what `estate.account` has listed, word for word."""
    folder = Path(tempfile.mkdtemp(prefix="giucong-gate-"))
    before = server.authorized_keys.read_text()
    try:
        folder.chmod(0o755)
        shutil.copy(GATE, folder / "gate")
        (folder / "gate").chmod(0o755)
        nobody = "setpriv --reuid=65534 --regid=65534 --clear-groups --no-new-privs"
        line = make_key_line(server.public_key(), f"{nobody} {folder}/gate")
        server.authorized_keys.write_text(f"{line}\n")
        host = SshHost(server.target(), pool)

        (folder / "allowed").write_text(make_list(Allowed()))
        assert take_sample(host) == Unseen("gate")
        (folder / "allowed").write_text(make_list(list_allowed()))
        seen, upkeep = take_sample(host), take_upkeep(host)
    finally:
        server.authorized_keys.write_text(before)
        shutil.rmtree(folder)

    assert isinstance(seen, Sample)
    assert (seen.memory, seen.cores) == (psutil.virtual_memory().total, psutil.cpu_count())
    assert "/" in {it.path for it in seen.disks}
    assert isinstance(upkeep, Upkeep)
    assert (upkeep.updates or 0) >= (upkeep.security_updates or 0)


if Path("/dev/fuse").exists():

    @only_root
    def test_a_mount_that_hangs_is_named_and_holds_nobody_up(tmp_path: Path) -> None:
        folder = tmp_path / "treo % \\ \x1b[31mđĩa"
        folder.mkdir()
        with stopped_mount(folder):
            seen = take_sample(LocalHost())
        assert isinstance(seen, Sample)
        disks = {it.path: it for it in seen.disks}
        (hanging,) = [path for path, disk in disks.items() if disk.hangs]
        assert hanging.isprintable()
        assert hanging.endswith("[31mđĩa")
        assert disks["/"].percent is not None
        codes = {it.code for it in judge_machine("x", seen, None, None, DEFAULT_THRESHOLDS)}
        assert "mount_hangs" in codes


def test_a_device_is_asked_by_ping_and_at_its_ports(server: SshServer) -> None:
    closed = find_free_port()
    answer = ask_device(Device(name="a", address="127.0.0.1", ports=(server.port, closed)))

    assert dict(answer.ports) == {server.port: True, closed: False}
    assert answer.can_ping
    assert answer.ping_seconds is not None
    unknown = ask_device(Device(name="a", address="khong-co.invalid", ports=(1,)))
    assert (unknown.can_ping, unknown.ping_seconds, unknown.is_there) == (True, None, False)
    odd = ask_device(Device(name="a", address="-f", ping=True))
    assert odd.is_there is None
