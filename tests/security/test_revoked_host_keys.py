"""Markers in a table of host keys: a key taken back is never accepted, a CA's is no host's."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ops.language.text import render_error
from provisioning.errors import HostKeyError
from provisioning.ssh.host import SshHost
from provisioning.ssh.host_keys import read_keys, read_revoked_keys
from provisioning.ssh.pool import SshPool
from provisioning.ssh.targets import SshTarget
from tests.ssh_server import SshServer, make_ssh_server, ssh_server

__all__ = ["make_ssh_server", "ssh_server"]

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGS0dTnxjpLEvAJMTGIkdXvKvzMKUKwkGQmZgUzHxlqS"


@pytest.fixture
def pool() -> Iterator[SshPool]:
    pool = SshPool()
    yield pool
    pool.close()


def target_with(server: SshServer, table: Path, *lines: str) -> SshTarget:
    table.write_text(server.known_hosts.read_text() + "".join(f"{line}\n" for line in lines))
    return server.target(known_hosts=table)


@pytest.mark.slow
@pytest.mark.parametrize(
    "names", ["*", "[127.0.0.1]:*,other", "another.example.vn", "|1|bm90|aGFzaGVk"]
)
def test_a_revoked_key_is_refused_though_it_is_on_record(
    ssh_server: SshServer, pool: SshPool, tmp_path: Path, names: str
) -> None:
    line = f"@revoked\t{names} {ssh_server.host_key()} taken back in May"
    target = target_with(ssh_server, tmp_path / "known", line)
    with pytest.raises(HostKeyError, match="web1 shows a key that was revoked") as told:
        SshHost(target, pool).run([b"true"])
    with pytest.raises(HostKeyError, match="revoked"):
        pool.ask_key(target)

    assert "estate.trust --host web1" in render_error(told.value)


@pytest.mark.slow
def test_another_keys_revocation_hinders_nobody(
    ssh_server: SshServer, pool: SshPool, tmp_path: Path
) -> None:
    target = target_with(ssh_server, tmp_path / "known", f"@revoked * {KEY}")

    assert SshHost(target, pool).run([b"echo", b"here"]).stdout == b"here\n"


@pytest.mark.slow
def test_an_authoritys_key_is_not_taken_for_the_hosts(
    ssh_server: SshServer, pool: SshPool, tmp_path: Path
) -> None:
    names = ssh_server.known_hosts.read_text().split()[0]
    (tmp_path / "known").write_text(f"@cert-authority {names} {ssh_server.host_key()}\n")
    with pytest.raises(HostKeyError, match="no key is on record"):
        SshHost(ssh_server.target(known_hosts=tmp_path / "known"), pool).run([b"true"])


def test_lines_of_every_form_are_read_as_what_they_are(tmp_path: Path) -> None:
    table = tmp_path / "known"
    lines = [f"# {KEY}", f"web1 {KEY}", "@revoked", "@revoked web1", f"@revoked * {KEY}"]
    table.write_text("\n".join([*lines, f"@odd * {KEY}"]))

    assert len(read_keys(table, "web1")) == 1
    assert len(read_keys(table, "*")) == 0
    assert read_revoked_keys(table) == read_keys(table, "web1")
    assert read_revoked_keys(tmp_path / "none") == read_revoked_keys(None) == []
