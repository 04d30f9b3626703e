"""The whole path, as typed: an account for audits, a look, a list, an acceptance, the table.

The host is a real sshd in a mount namespace of its own, where the script that `estate.account
--audit` prints has made the account: its gate, sudo's rule, its key.
"""

import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyotp
import pytest
from sqlalchemy import update

from ops.access.identity import login_at_terminal
from ops.catalog.open import open_catalog
from ops.catalog.tables.security import SecurityFinding
from tests.installed_machine import only_root
from tests.integration.jobs.small_estate import build_estate
from tests.integration.jobs.test_people_tasks import Office, request_of
from tests.people import KEY_TEXT, enrol
from tests.private_server import await_start, end, find_free_port, start, tie
from tests.ssh_server import SshServer, find_sftp_server, make_key

pytestmark = pytest.mark.slow

USER = "giucongaudit"
MORE = """
[[people]]
name = "ttb"
title = "Trần Thị B"
[[people]]
name = "lvc"
title = "Lê Văn C"
[[systems]]
name = "cong"
level = 3
decision = "12/QĐ-UBND"
[[hosts]]
name = "web1"
address = "127.0.0.1"
port = PORT
audit_user = "USER"
audit_identity = "file:FOLDER/client"
known_hosts = "FOLDER/known_hosts"
[[hosts]]
name = "web2"
address = "127.0.0.1"
port = PORT
known_hosts = "FOLDER/known_hosts"
"""

# $1 a folder to mount on, $2 the script, $3 sshd's configuration.
_MACHINE = """
set -eu
mount -t tmpfs -o mode=755 none "$1"; cp -a /etc/. "$1"; mount --bind "$1" /etc
mount -t tmpfs -o mode=755 none /var/lib/; mount -t tmpfs -o mode=755 none /usr/local
sh "$2"
exec /usr/sbin/sshd -D -e -f "$3"
"""


@dataclass
class Place:
    """An office with three people, and a host that they audit."""

    office: Office
    secrets: dict[str, str]

    def run(self, *arguments: str, good: tuple[int, ...] = (0,)) -> str:
        ended = self.office.run(*arguments)
        assert ended.returncode in good, ended.stdout + ended.stderr
        return ended.stdout

    def items(self, *arguments: str, good: tuple[int, ...] = (0,)) -> list[dict[str, Any]]:
        document: dict[str, Any] = json.loads(self.run(*arguments, "--json", good=good))
        items: list[dict[str, Any]] = document["items"]
        return items

    def approve(self, request: str, person: str) -> None:
        code = pyotp.TOTP(self.secrets[person]).now()
        self.run(
            "approval.approve", "--id", request, "--person", person,
            "--password-file", self.office.write(person, code),
        )  # fmt: skip


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("audited")
    port = find_free_port()
    for name in ("host", "client"):
        make_key(folder / name)
    public = " ".join((folder / "host.pub").read_text().split()[:2])
    (folder / "known_hosts").write_text(f"[127.0.0.1]:{port} {public}\n")
    more = MORE.replace("PORT", str(port)).replace("USER", USER).replace("FOLDER", str(folder))
    estate = build_estate(folder / "estate", more)
    text = estate.read_text(encoding="utf-8").replace(
        'repository = "file:keys/repository.key"',
        'repository = "file:keys/repository.key"\ncredentials = "file:keys/credentials.key"',
    )
    text = text.replace('name = "nva"', f'name = "nva"\nlogin = "{login_at_terminal()}"')
    text = text.replace('unit = "xa"\n', 'unit = "xa"\nsystem = "cong"\n')
    text = text.replace('name = "www"\n', 'name = "www"\nhost = "web1"\n').replace(
        '  path = "www"', '  path = "/srv/www"'
    )
    estate.write_text(text, encoding="utf-8")
    office = Office(estate)
    script = office.run("estate.account", "--host", "web1", "--audit")
    assert script.returncode == 0, script.stderr
    (folder / "account").write_text(script.stdout)
    process = _start_machine(folder, port)
    try:
        yield Place(office, _appoint(office))
    finally:
        end(process)


def _start_machine(folder: Path, port: int) -> "subprocess.Popen[bytes]":
    (folder / "etc").mkdir()
    (folder / "sshd_config").write_text(
        f"Port {port}\nListenAddress 127.0.0.1\nHostKey {folder}/host\nPidFile none\n"
        "AuthorizedKeysFile .ssh/authorized_keys\nStrictModes no\nUsePAM no\n"
        f"PerSourcePenalties no\nSubsystem sftp {find_sftp_server()}\n"
    )
    Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    words = ["unshare", "--mount", "sh", "-c", _MACHINE, "sh", str(folder / "etc"),
             str(folder / "account"), str(folder / "sshd_config")]  # fmt: skip
    process = start([*tie("TERM"), *words], folder / "log")
    server = SshServer(folder, port, process)
    try:
        await_start(process, server.is_up, folder / "log", 30)
    except RuntimeError:
        end(process)
        raise
    return process


def _appoint(office: Office) -> dict[str, str]:
    """Give three people credentials and roles; gives their TOTP secrets."""
    folder, secrets = office.estate.parent, {}
    (folder / "keys").mkdir(exist_ok=True)
    (folder / "keys" / "credentials.key").write_text(KEY_TEXT)
    (folder / "keys" / "credentials.key").chmod(0o600)
    (folder / "state").mkdir(exist_ok=True)
    catalog = open_catalog(f"sqlite:///{folder}/state/giucong.db")
    roles = {"nva": "security_officer", "ttb": "approver", "lvc": "approver"}
    for person, role in roles.items():
        issued = enrol(catalog, person, role, now=datetime.now(UTC))
        secrets[person] = issued.secret
        office.codes[person] = list(issued.codes)
    catalog.close()
    return secrets


@only_root
def test_a_host_is_audited_and_what_is_found_is_borne_until_a_day(place: Place) -> None:
    looks = place.items("security.audit", "--host", "web1", "--only", "keys", "--only", "sudoers",
                        "--only", "ssh", good=(0, 3))  # fmt: skip
    by_tool = {it["tool"]: it for it in looks}
    assert by_tool["keys"]["reason"] == by_tool["sudoers"]["reason"] == "no_baseline"
    assert by_tool["ssh"]["outcome"] == "ok"
    again = place.items("security.audit", "--host", "web1", "--only", "ssh", good=(0, 3))
    assert again[0]["reason"] == "cooldown"
    found = place.items("security.findings", "--host", "web1", "--tool", "ssh")
    assert found
    assert {it["state"] for it in found} == {"open"}
    assert {it["subject"] for it in found} == {"host:web1"}

    _without_the_account(place)
    _try_the_account(place)
    _take_the_list(place)
    _bear(place, found[0]["id"])


def _without_the_account(place: Place) -> None:
    looks = place.items("security.audit", "--host", "web2", "--only", "keys", "--only", "lynis",
                        good=(3,))  # fmt: skip
    assert {(it["outcome"], it["reason"]) for it in looks} == {("not_checked", "no_account")}


def _take_the_list(place: Place) -> None:
    wish = ("security.baseline", "--host", "web1", "--only", "sudoers", "--approve")
    listed = place.items("security.baseline", "--host", "web1", "--only", "sudoers")
    assert any("giucongaudit ALL=(root)" in it for it in listed[0]["there"])
    request = request_of(place.office.ask(*wish, "--reason", "Rà soát quý"))
    place.approve(request, "ttb")
    place.run(*wish, "--reason", "Rà soát quý")
    allowed = place.items("security.findings", "--looks", "--tool", "sudoers")
    assert [(it["outcome"], it["open"]) for it in allowed] == [("ok", 0)]


def _bear(place: Place, finding: str) -> None:
    until = (datetime.now(UTC) + timedelta(days=30)).strftime("%d/%m/%Y")
    wish = ("security.accept", "--id", finding, "--until", until, "--reason", "Chờ nâng cấp")
    far = place.office.run(*wish[:4], "31/12/2099", *wish[5:])
    assert far.returncode == 1
    assert "at most 180 days" in far.stderr
    own = place.office.run(*wish, "--dry-run")
    assert own.returncode == 0
    request = request_of(place.office.ask(*wish))
    place.approve(request, "lvc")
    _say_who_found(place, "lvc")
    refused = place.office.run(*wish)
    assert refused.returncode == 1
    assert "cannot be the one who accepts it" in refused.stderr
    _say_who_found(place, "")
    place.run(*wish)
    borne = [it for it in place.items("security.findings") if it["id"] == finding]
    assert [(it["state"], it["accepted_by"], it["asked_by"]) for it in borne] == [
        ("accepted", "lvc", "nva")
    ]
    rows = place.items("security.findings", "--compliance")
    control = next(it for it in rows if it["name"] == "ssh-hardened")
    assert control["subject"] == "cong"
    assert finding in {name for it in control["evidence"] for name in it["findings"]}


def _say_who_found(place: Place, person: str) -> None:
    """Write down another finder: the approver of a request must not be the one."""
    catalog = open_catalog(f"sqlite:///{place.office.estate.parent}/state/giucong.db")
    with catalog.writing() as session:
        session.execute(update(SecurityFinding).values(found_by=person))
    catalog.close()


def _try_the_account(place: Place) -> None:
    """Whoever steals its key runs the programs on its list, and nothing else."""
    folder = place.office.estate.parents[1]
    port = (folder / "known_hosts").read_text().split("]:")[1].split()[0]
    options = ["-F", "none", "-i", str(folder / "client"), "-p", port, "-o", "BatchMode=yes",
               "-o", f"UserKnownHostsFile={folder}/known_hosts"]  # fmt: skip
    for words in (["id"], ["sudo", "-n", "id"], ["cat", "/etc/shadow"], []):
        ended = subprocess.run(
            ["ssh", *options, f"{USER}@127.0.0.1", *words], capture_output=True, timeout=30,
            input=b"import os; print(os.getuid())\n", check=False,
        )  # fmt: skip
        assert ended.returncode == 126
        assert ended.stdout == b""
        assert b"giucong gate: refused" in ended.stderr
