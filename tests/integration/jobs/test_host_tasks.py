"""The tasks about hosts as processes: trust a key, print an account; and hosts of the estate."""

import json
import subprocess
from pathlib import Path

import pytest
from sqlalchemy import select

from ops.catalog.open import open_catalog
from ops.catalog.tables.core import JournalRow
from ops.errors import SecretError
from ops.estate.load.load import load_estate
from ops.hosts.connect import make_target, open_host
from ops.sites.discovery.machine_files import FilesOnHost
from provisioning.local_host import LocalHost
from tests.integration.jobs.small_estate import build_estate, giucong
from tests.ssh_server import SshServer, make_key, make_ssh_server, ssh_server

__all__ = ["make_ssh_server", "ssh_server"]

pytestmark = pytest.mark.slow


@pytest.fixture
def estate(tmp_path: Path, ssh_server: SshServer) -> Path:
    user = ssh_server.target().user
    hosts = f"""
[[hosts]]
name = "web1"
address = "127.0.0.1"
port = {ssh_server.port}
user = "{user}"
identity = "file:{ssh_server.identity}"
[[hosts]]
name = "inner"
address = "127.0.0.1"
port = {ssh_server.port}
user = "giucong"
identity = "file:{ssh_server.identity}"
jump = "web1"
legacy_algorithms = {{ list = ["hmac-sha1"], reason = "old", until = 2027-06-30 }}
"""
    return build_estate(tmp_path / "estate", hosts)


def fingerprint(path: Path) -> str:
    told = subprocess.run(["ssh-keygen", "-lf", str(path)], capture_output=True, check=True)
    return told.stdout.split()[1].decode()


def journaled(estate: Path) -> list[JournalRow]:
    with open_catalog(load_estate(estate).catalog.url) as catalog, catalog.reading() as session:
        wanted = select(JournalRow).where(JournalRow.action == "host.trusted")
        return list(session.scalars(wanted))


def test_a_key_is_shown_compared_recorded_and_journaled(
    estate: Path, ssh_server: SshServer
) -> None:
    shown = fingerprint(ssh_server.folder / "host.pub")
    table = load_estate(estate).service.state / "known_hosts"

    looked = giucong(estate, "estate.trust", "--host", "web1", "--dry-run")
    assert looked.returncode == 0, looked.stderr
    assert shown in looked.stdout
    assert not table.exists()

    for wrong in ((), ("--confirm", "SHA256:other")):
        refused = giucong(estate, "estate.trust", "--host", "web1", *wrong)
        assert refused.returncode == 2
        assert not table.exists()

    done = giucong(estate, "estate.trust", "--host", "web1", "--confirm", shown)
    assert done.returncode == 0, done.stderr
    assert [row.subject for row in journaled(estate)] == ["web1"]
    assert shown in str(journaled(estate)[0].details)
    host = open_host(load_estate(estate), "web1")
    assert host.run([b"echo", b"in"]).stdout == b"in\n"

    again = giucong(estate, "estate.trust", "--host", "web1", language="vi")
    unlike = giucong(estate, "estate.trust", "--host", "web1", "--confirm", "SHA256:khac")
    assert (unlike.returncode, shown in unlike.stderr) == (2, True), unlike.stdout
    assert again.returncode == 0
    assert "đã được ghi từ trước" in again.stdout
    assert len(journaled(estate)) == 1


def test_a_changed_key_is_shown_beside_the_old_one(estate: Path, ssh_server: SshServer) -> None:
    state = load_estate(estate).service.state
    state.mkdir(parents=True, exist_ok=True)
    make_key(state / "old")
    words = " ".join((state / "old.pub").read_text().split()[:2])
    (state / "known_hosts").write_text(f"[127.0.0.1]:{ssh_server.port} {words}\n")
    old, new = fingerprint(state / "old.pub"), fingerprint(ssh_server.folder / "host.pub")

    looked = giucong(estate, "estate.trust", "--host", "web1", "--dry-run")
    assert old in looked.stdout
    assert new in looked.stdout
    assert giucong(estate, "estate.trust", "--host", "web1", "--confirm", old).returncode == 2
    done = giucong(estate, "estate.trust", "--host", "web1", "--confirm", new)
    assert done.returncode == 0, done.stderr
    assert old in str(journaled(estate)[0].details)
    assert words not in (state / "known_hosts").read_text()


def test_the_account_is_printed_for_a_user_of_its_own(estate: Path, ssh_server: SshServer) -> None:
    printed = giucong(estate, "estate.account", "--host", "inner")
    assert printed.returncode == 0, printed.stderr
    assert ssh_server.public_key() in printed.stdout
    assert "setcap cap_dac_read_search=ep" in printed.stdout
    as_json = giucong(estate, "estate.account", "--host", "inner", "--sudo", "--json")
    (parts,) = json.loads(as_json.stdout)["items"]
    assert parts["user"] == "giucong"
    assert "NOPASSWD" in parts["script"]
    both = giucong(estate, "estate.account", "--host", "inner", "--sudo", "--databases")
    assert both.returncode == 2
    text = estate.read_text(encoding="utf-8").replace('user = "giucong"', 'user = "root"')
    estate.write_text(text, encoding="utf-8")
    refused = giucong(estate, "estate.account", "--host", "inner")
    assert refused.returncode == 1
    assert 'user = "giucong"' in refused.stderr


def test_databases_are_let_through_only_when_asked_for(estate: Path) -> None:
    database = """
[[sites]]
name = "cong-so"
title = "Cổng sở"
unit = "xa"
  [[sites.databases]]
  name = "db"
  host = "inner"
  engine = "postgresql"
  database = "portal"
"""
    estate.write_text(estate.read_text(encoding="utf-8") + database, encoding="utf-8")
    without = giucong(estate, "estate.account", "--host", "inner", "--json")
    assert "--databases" in without.stderr
    lines = json.loads(without.stdout)["items"][0]["allowed"]
    # Two commands are those with which the watch looks at a host, one reads what machine it is.
    assert [line.split()[0] for line in lines] == [*3 * ["command"], "loader", "program"]
    allowed = giucong(estate, "estate.account", "--host", "inner", "--databases", "--json")
    kinds = [line.split()[0] for line in json.loads(allowed.stdout)["items"][0]["allowed"]]
    assert kinds.count("command") >= 3 + 3


def test_a_host_of_the_estate_is_reached_as_it_says(estate: Path) -> None:
    loaded = load_estate(estate)
    target = make_target(loaded, "inner")

    assert isinstance(open_host(loaded, None), LocalHost)
    assert open_host(loaded, "inner").name == "inner"
    assert target.jump == make_target(loaded, "web1")
    assert target.known_hosts == loaded.service.state / "known_hosts"
    assert target.legacy is not None
    assert target.legacy.names == ("hmac-sha1",)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('name = "web1"\n', 'name = "web1"\njump = "inner"\n', "through itself"),
        ('identity = "file:', 'identity = "env:KEY"\n# "', "not in a file"),
    ],
    ids=["a circle", "a key in the environment"],
)
def test_a_way_that_cannot_be_gone_is_told(estate: Path, old: str, new: str, told: str) -> None:
    estate.write_text(estate.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")
    with pytest.raises(SecretError, match=told):
        make_target(load_estate(estate), "inner")


def test_a_host_is_looked_at_over_ssh(
    estate: Path, ssh_server: SshServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIUCONG_LANG", "en")
    (estate.parent / "state").mkdir(exist_ok=True)
    (estate.parent / "state/known_hosts").write_text(ssh_server.known_hosts.read_text())
    done = giucong(estate, "estate.discover", "--host", "web1", "--json")
    told = json.loads(done.stdout)
    files = FilesOnHost(open_host(load_estate(estate), "web1"), [])
    (tmp_path / "tên xã's").mkdir()
    (tmp_path / "tên xã's/a.conf").write_text("text")

    assert done.returncode == 0, done.stderr
    assert set(told) == {"schema", "items", "notes"}
    assert all('host = "web1"' in it["toml"] for it in told["items"])
    assert files.names_in(f"{tmp_path}/tên xã's") == ["a.conf"]
    assert files.read(f"{tmp_path}/tên xã's/a.conf") == b"text"
