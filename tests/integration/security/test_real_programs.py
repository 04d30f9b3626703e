"""Lynis, ssh-audit and testssl.sh themselves, at this machine and at servers of the tests."""

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from backup.sources.remote.python_tree import PYTHON
from ops.hosts.connect import read_program
from ops.security import host_facts
from ops.security.host_facts import SECTIONS, HostLimits, judge
from ops.security.programs import look_ssh, look_tls, read_lynis
from provisioning.local_host import LocalHost
from tests.private_authority import Authority
from tests.ssh_server import SshServer, make_ssh_server, ssh_server

pytestmark = pytest.mark.slow

__all__ = ["make_ssh_server", "ssh_server"]

_ALL_TESTS = b"TESTS = ()"
_FEW_TESTS = b'TESTS = ("--tests-from-group", "ssh")'


def test_lynis_itself_is_run_niced_and_its_report_is_read() -> None:
    program = read_program("lynis")
    assert program.count(_ALL_TESTS) == 1
    few = program.replace(_ALL_TESTS, _FEW_TESTS)
    ended = LocalHost().run(PYTHON, stdin=b"%d\n" % len(few) + few, timeout=120)
    look = read_lynis(ended, "host:localhost")

    assert look.outcome == "ok", look.params
    assert look.version
    assert look.score is not None
    assert look.sightings
    assert "LYNIS" not in {it.check for it in look.sightings}
    assert list(Path("/tmp").glob("giucong-lynis-*")) == []  # noqa: S108 - where it worked


def test_the_facts_of_this_machine_are_read_by_its_own_python() -> None:
    with socket.create_server(("0.0.0.0", 0)) as server:  # noqa: S104 - to be seen as open
        port = server.getsockname()[1]
        told = host_facts.read(LocalHost(), "host:localhost", is_here=True)
    looks = {it.tool: it for it in judge(told, list(SECTIONS), HostLimits(idle_days=45))}

    assert looks.keys() == SECTIONS.keys()
    assert {looks[it].reason for it in SECTIONS} <= {"", "not_seen", "lists_old", "no_last_login"}
    assert looks["clock"].outcome == "ok"
    [item] = [it for it in looks["ports"].items or () if it.startswith(f"tcp * {port} ")]
    assert item.split()[3:] != []


def test_ssh_audit_itself_scans_a_server(ssh_server: SshServer) -> None:
    look = look_ssh("127.0.0.1", ssh_server.port, "host:web1")

    assert look.outcome == "ok", look.params
    assert look.version.startswith("OpenSSH")
    assert all(it.check.split()[0] in {"kex", "key", "enc", "mac"} for it in look.sightings)
    assert look.sightings


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.0 200 OK\r\n\r\n", b"SSH-2.0-x\r\n" + b"z" * 9])
def test_ssh_audit_at_what_is_no_ssh_server_is_not_checked(answer: bytes) -> None:
    with _answering(answer) as port:
        look = look_ssh("127.0.0.1", port, "host:web1")

    assert (look.outcome, look.sightings) == ("not_checked", ())


def test_testssl_itself_looks_at_a_server(tmp_path: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(Authority(tmp_path / "ca").issue("localhost", days=30))
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    with _answering(b"HTTP/1.0 200 OK\r\n\r\n", context) as port:
        look = look_tls(f"https://127.0.0.1:{port}/", "site:a", ("--protocols",))

    assert look.outcome == "ok", look.params
    assert len(look.evidence) == 64


def test_testssl_where_nobody_answers_is_not_checked() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    look = look_tls(f"https://127.0.0.1:{port}/", "site:a", ("--protocols",))

    assert (look.outcome, look.sightings) == ("not_checked", ())
    assert look_tls("http://127.0.0.1/", "site:a").reason == "no_tls"


@pytest.mark.parametrize(
    ("program", "reason"),
    [
        (b"import sys; sys.stdout.write('x' * (10 << 20))", "unreachable"),
        (b"print('[' * 100000)", "no_answer"),
        (b"import sys; sys.stderr.write('\\x1b[2J' * 9); sys.exit(1)", "no_answer"),
    ],
)
def test_a_host_that_answers_ten_megabytes_or_nonsense_is_not_checked(
    program: bytes, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ops.hosts.connect.read_program", lambda _name: program)
    looks = judge(
        host_facts.read(LocalHost(), "host:a", is_here=False), ["keys", "ports"], HostLimits()
    )

    assert {(it.outcome, it.reason) for it in looks} == {("not_checked", reason)}
    assert "\x1b" not in str([it.params for it in looks])


@contextmanager
def _answering(answer: bytes, context: ssl.SSLContext | None = None) -> Iterator[int]:
    """Serve the same answer to whoever connects."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.2)
        is_over = threading.Event()
        threads: list[threading.Thread] = []

        def serve() -> None:
            while not is_over.is_set():
                try:
                    connection, _from = server.accept()
                except TimeoutError:
                    continue
                threads.append(threading.Thread(target=_reply, args=(connection, answer, context)))
                threads[-1].start()

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield server.getsockname()[1]
        finally:
            is_over.set()
            for it in [thread, *threads]:
                it.join()


def _reply(connection: socket.socket, answer: bytes, context: ssl.SSLContext | None) -> None:
    connection.settimeout(5)
    try:
        if context is not None:
            connection = context.wrap_socket(connection, server_side=True)
            connection.recv(4096)
        connection.sendall(answer)
    except OSError:
        pass
    finally:
        connection.close()
