"""Strict connections and the pool, against private servers."""

import socket
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from provisioning.errors import (
    HostKeyError,
    HostRefusedError,
    HostUnavailableError,
    ProvisioningError,
)
from provisioning.ssh.connect import SILENCE_SECONDS
from provisioning.ssh.host import SshHost
from provisioning.ssh.host_keys import read_keys, record_key
from provisioning.ssh.pool import SshPool
from provisioning.ssh.targets import LegacyAlgorithms, SshTarget
from tests.somebody_else import somebody_else
from tests.ssh_server import ServerMaker, SshServer, make_key, make_ssh_server, ssh_server
from tests.tcp_line import TcpLine

__all__ = ["make_ssh_server", "ssh_server"]


@pytest.fixture
def pool() -> Iterator[SshPool]:
    made = SshPool()
    yield made
    made.close()


def echo(target: SshTarget, pool: SshPool) -> bytes:
    return SshHost(target, pool).run([b"echo", b"here"]).stdout


def tell(error: ProvisioningError) -> str:
    parts = (error.what, error.why, error.data, error.next_step)
    return "\n".join(part.format(program="fab", **error.params) for part in parts)


def fingerprint(path: Path) -> str:
    told = subprocess.run(["ssh-keygen", "-lf", str(path)], capture_output=True, check=True)
    return told.stdout.split()[1].decode()


def through(line: TcpLine, server: SshServer, folder: Path) -> SshTarget:
    """The server at the far end of a line that can be cut."""
    known = folder / "known_hosts"
    known.write_text(f"[127.0.0.1]:{line.port} {server.host_key()}\n")
    return server.target(port=line.port, known_hosts=known)


def test_a_key_that_is_somebody_elses_is_lent_and_no_other_is_made(
    ssh_server: SshServer, pool: SshPool
) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder, closed = Path(name), Path(name) / "closed"
        folder.chmod(0o755)
        closed.mkdir()
        known = folder / "known_hosts"
        known.write_bytes(ssh_server.known_hosts.read_bytes())
        make_key(closed / "key")
        target = ssh_server.target(identity=closed / "key", known_hosts=known)
        with somebody_else(closed), pytest.raises(ProvisioningError) as caught:
            echo(target, pool)

    told = tell(caught.value)
    assert "Permission denied" in told
    assert "install -o" in told
    assert "ssh-keygen" not in told


def test_small_packets_leave_at_once_and_a_dead_line_is_noticed(
    ssh_server: SshServer, pool: SshPool
) -> None:
    """Nagle's algorithm would hold a small request back for the round trip of the one before."""
    connection = pool.connect_apart(ssh_server.target())
    try:
        line = connection.sock
        assert isinstance(line, socket.socket)
        assert line.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        assert line.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        patience = line.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT)
        assert patience == SILENCE_SECONDS * 1000
    finally:
        connection.close()


def test_an_unknown_key_is_refused_and_named(
    ssh_server: SshServer, pool: SshPool, tmp_path: Path
) -> None:
    with pytest.raises(HostKeyError) as caught:
        echo(ssh_server.target(known_hosts=tmp_path / "none"), pool)

    told = tell(caught.value)
    assert fingerprint(ssh_server.folder / "host.pub") in told
    assert "fab estate.trust --host web1" in told


def test_a_changed_key_is_refused_and_both_are_named(
    ssh_server: SshServer, pool: SshPool, tmp_path: Path
) -> None:
    make_key(tmp_path / "other")
    other = " ".join((tmp_path / "other.pub").read_text().split()[:2])
    (tmp_path / "known").write_text(f"[127.0.0.1]:{ssh_server.port} {other}\n")
    with pytest.raises(HostKeyError) as caught:
        echo(ssh_server.target(known_hosts=tmp_path / "known"), pool)

    told = tell(caught.value)
    assert fingerprint(ssh_server.folder / "host.pub") in told
    assert fingerprint(tmp_path / "other.pub") in told
    assert "fab estate.trust --host web1" in told


def test_the_key_of_another_port_is_not_this_hosts_key(
    ssh_server: SshServer, pool: SshPool, tmp_path: Path
) -> None:
    (tmp_path / "known").write_text(f"127.0.0.1 {ssh_server.host_key()}\n* {ssh_server.host_key()}")
    with pytest.raises(HostKeyError):
        echo(ssh_server.target(known_hosts=tmp_path / "known"), pool)


def test_a_key_that_was_asked_and_recorded_is_trusted(
    ssh_server: SshServer, pool: SshPool, tmp_path: Path
) -> None:
    target = ssh_server.target(known_hosts=tmp_path / "made" / "known")
    key = pool.ask_key(target)
    record_key(tmp_path / "made" / "known", target.known_name, key)

    assert key.fingerprint == fingerprint(ssh_server.folder / "host.pub")
    assert echo(target, pool) == b"here\n"


def test_the_kind_of_key_on_record_is_the_one_that_is_asked_for(
    make_ssh_server: ServerMaker, pool: SshPool, tmp_path: Path
) -> None:
    rsa = tmp_path / "rsa"
    subprocess.run(["ssh-keygen", "-qt", "rsa", "-b", "2048", "-N", "", "-f", str(rsa)], check=True)
    server = make_ssh_server(f"HostKey {rsa}")
    words = " ".join((tmp_path / "rsa.pub").read_text().split()[:2])
    (tmp_path / "known").write_text(f"[127.0.0.1]:{server.port} {words}\n")

    assert echo(server.target(known_hosts=tmp_path / "known"), pool) == b"here\n"
    assert echo(server.target(), pool) == b"here\n"


@pytest.mark.parametrize("how", ["no key", "no such file", "another key", "an RSA key", "another"])
def test_who_is_not_let_in_is_told_why(
    ssh_server: SshServer, pool: SshPool, tmp_path: Path, how: str
) -> None:
    make_key(tmp_path / "another key")
    rsa = str(tmp_path / "an RSA key")
    subprocess.run(["ssh-keygen", "-qt", "rsa", "-b", "2048", "-N", "", "-f", rsa], check=True)
    identity = None if how == "no key" else tmp_path / how
    target = replace(ssh_server.target(), identity=identity)
    if how == "another":
        target = ssh_server.target(user="nobody-here")
    with pytest.raises(HostRefusedError) as caught:
        echo(target, pool)

    assert "web1" in tell(caught.value)


def test_no_password_is_ever_tried_and_no_agent_asked(
    ssh_server: SshServer, pool: SshPool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    agent = subprocess.run(
        ["ssh-agent", "-s", "-a", str(tmp_path / "agent")], capture_output=True, check=True
    )
    pid = agent.stdout.split(b"SSH_AGENT_PID=")[1].split(b";")[0].decode()
    monkeypatch.setenv("SSH_AUTH_SOCK", str(tmp_path / "agent"))
    try:
        subprocess.run(["ssh-add", "-q", str(ssh_server.identity)], check=True)
        make_key(tmp_path / "wrong")
        with pytest.raises(HostRefusedError):
            echo(ssh_server.target(identity=tmp_path / "wrong"), pool)
    finally:
        subprocess.run(["kill", pid], check=True)


@pytest.mark.parametrize("address", ["127.0.0.1", "no-such-name.invalid"])
def test_a_host_that_is_not_there_is_unavailable(
    ssh_server: SshServer, pool: SshPool, address: str
) -> None:
    with pytest.raises(HostUnavailableError) as caught:
        echo(ssh_server.target(address=address, port=9), pool)

    assert f"{address}:9" in tell(caught.value)


def test_old_algorithms_need_an_exception_that_still_holds(
    make_ssh_server: ServerMaker, pool: SshPool
) -> None:
    server = make_ssh_server("Ciphers aes128-ctr", "MACs hmac-sha1")
    today = datetime.now(UTC).date()

    def target(until: date) -> SshTarget:
        old = LegacyAlgorithms(("hmac-sha1",), "waits for its replacement", until)
        return server.target(legacy=old)

    assert echo(target(today), pool) == b"here\n"
    for refused in (server.target(), target(today - timedelta(days=1))):
        with pytest.raises(HostRefusedError) as caught:
            echo(refused, pool)
        assert "legacy_algorithms" in tell(caught.value)


def test_a_host_is_reached_through_a_jump_host(
    ssh_server: SshServer, make_ssh_server: ServerMaker, pool: SshPool
) -> None:
    inner = make_ssh_server()
    target = inner.target("inner", jump=ssh_server.target("bastion"))

    assert (
        SshHost(target, pool)
        .run([b"sh", b"-c", b"echo $SSH_CONNECTION"])
        .stdout.endswith(b" %d\n" % inner.port)
    )


def test_the_jump_host_is_judged_like_any_other(
    ssh_server: SshServer, make_ssh_server: ServerMaker, pool: SshPool, tmp_path: Path
) -> None:
    bastion = ssh_server.target("bastion", known_hosts=tmp_path / "none")
    with pytest.raises(HostKeyError, match="bastion"):
        echo(ssh_server.target(jump=bastion), pool)
    closed = make_ssh_server("AllowTcpForwarding no").target("bastion")
    with pytest.raises(HostUnavailableError):
        echo(ssh_server.target(jump=closed), pool)


@pytest.mark.parametrize("allowed", [1, 3])
def test_a_host_that_allows_few_sessions_gets_more_connections(
    make_ssh_server: ServerMaker, pool: SshPool, allowed: int
) -> None:
    host = SshHost(make_ssh_server(f"MaxSessions {allowed}").target(), pool)
    barrier = threading.Barrier(6)

    def hold(number: int) -> bytes:
        with host.start([b"cat"]) as process:
            barrier.wait()
            process.write(b"%d" % number)
            process.close_input()
            return process.read()

    with ThreadPoolExecutor(6) as threads:
        assert sorted(threads.map(hold, range(6))) == [b"%d" % number for number in range(6)]


def test_a_host_that_allows_no_session_is_told(make_ssh_server: ServerMaker, pool: SshPool) -> None:
    with pytest.raises(HostRefusedError, match="does not let us in"):
        echo(make_ssh_server("MaxSessions 0").target(), pool)


def test_commands_share_one_connection(
    ssh_server: SshServer, pool: SshPool, tmp_path: Path
) -> None:
    with TcpLine(ssh_server.port) as line:
        target = through(line, ssh_server, tmp_path)
        for _ in range(5):
            assert echo(target, pool) == b"here\n"

        assert line.opened == 1


def test_a_line_cut_in_mid_stream_is_told_and_never_taken_for_the_end(
    ssh_server: SshServer, pool: SshPool, tmp_path: Path
) -> None:
    with TcpLine(ssh_server.port) as line:
        host = SshHost(through(line, ssh_server, tmp_path), pool)
        assert host.run([b"true"]).status == 0
        line.cut_after(carried=3_000_000)
        with (
            host.start([b"head", b"-c", b"20000000", b"/dev/zero"]) as process,
            pytest.raises(HostUnavailableError, match="was cut"),
        ):
            process.read()

        assert host.run([b"echo", b"again"]).stdout == b"again\n"
        assert line.opened == 2


def test_a_line_cut_while_writing_is_told(
    ssh_server: SshServer, pool: SshPool, tmp_path: Path
) -> None:
    with TcpLine(ssh_server.port) as line:
        host = SshHost(through(line, ssh_server, tmp_path), pool)
        assert host.run([b"true"]).status == 0
        line.cut_after(sent=3_000_000)
        with (
            host.start([b"sh", b"-c", b"cat >/dev/null"]) as process,
            pytest.raises(HostUnavailableError, match="was cut"),
        ):
            process.write(bytes(200 << 20))


def test_a_line_cut_while_a_command_is_silent_is_told(
    ssh_server: SshServer, pool: SshPool, tmp_path: Path
) -> None:
    with TcpLine(ssh_server.port) as line:
        host = SshHost(through(line, ssh_server, tmp_path), pool)
        with host.start([b"sleep", b"30"]) as process:
            threading.Timer(0.3, line.cut).start()
            with pytest.raises(HostUnavailableError, match="was cut"):
                process.finish()


def test_after_a_cut_the_next_command_connects_anew(
    ssh_server: SshServer, pool: SshPool, tmp_path: Path
) -> None:
    with TcpLine(ssh_server.port) as line:
        target = through(line, ssh_server, tmp_path)
        assert echo(target, pool) == b"here\n"
        line.cut()
        assert echo(target, pool) == b"here\n"
        assert line.opened == 2


def test_a_jump_host_that_was_cut_is_connected_anew(
    ssh_server: SshServer, pool: SshPool, tmp_path: Path
) -> None:
    with TcpLine(ssh_server.port) as line:
        target = ssh_server.target("inner", jump=through(line, ssh_server, tmp_path))
        assert echo(target, pool) == b"here\n"
        line.cut()
        assert echo(target, pool) == b"here\n"


def test_forty_hosts_at_once_lose_none(
    ssh_server: SshServer, make_ssh_server: ServerMaker, pool: SshPool
) -> None:
    inner = make_ssh_server()
    bastion = ssh_server.target("bastion")
    targets = [inner.target(f"host-{number}", jump=bastion) for number in range(40)]
    with ThreadPoolExecutor(40) as threads:
        answers = list(threads.map(lambda target: echo(target, pool), targets))

    assert answers == [b"here\n"] * 40
    assert "MaxStartups" not in inner.log()


def test_another_hosts_lines_stay_when_a_key_is_recorded(tmp_path: Path) -> None:
    make_key(tmp_path / "first")
    make_key(tmp_path / "second")
    table = tmp_path / "known"
    words = [" ".join((tmp_path / f"{n}.pub").read_text().split()[:2]) for n in ("first", "second")]
    table.write_text(
        f"# kept\nweb1,192.0.2.1 {words[0]}\n@revoked web1 {words[1]}\nweb2 {words[0]}\n"
    )
    subprocess.run(["ssh-keygen", "-q", "-H", "-f", str(table)], check=True, capture_output=True)
    (key,) = read_keys(table, "web2")
    record_key(table, "web1", key)

    assert read_keys(table, "web1") == read_keys(table, "web2") == [key]
    assert read_keys(table, "web3") == read_keys(None, "web1") == []
    assert "# kept" in table.read_text()
    found = subprocess.run(
        ["ssh-keygen", "-F", "web1", "-f", str(table)], capture_output=True, check=True
    )
    assert words[0].encode() in found.stdout
