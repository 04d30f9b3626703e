"""The account for backups: through its gate nobody writes, and nobody gets a shell."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ops.language.text import _, speaking
from ops.sites.account import list_allowed
from provisioning.gate.account_script import (
    GATE,
    Allowed,
    is_account,
    make_key_line,
    make_list,
    make_script,
)
from provisioning.hosts import Host
from provisioning.ssh.host import SshHost
from provisioning.ssh.pool import SshPool
from tests.installed_machine import only_root
from tests.ssh_server import ServerMaker, SshServer, make_ssh_server

__all__ = ["make_ssh_server"]

LOADER = (b"python3", b"-I", b"-c",
          b"import sys;exec(sys.stdin.buffer.read(int(sys.stdin.buffer.readline())))")  # fmt: skip
PROGRAM = b"import sys; print('read', sys.stdin.read(), sys.flags.isolated)"
REFUSED = 126


@pytest.fixture(scope="module")
def guarded(make_ssh_server: ServerMaker, tmp_path_factory: pytest.TempPathFactory) -> SshServer:
    """A server whose only key stands behind the gate."""
    folder = tmp_path_factory.mktemp("gate")
    gate = folder / "gate"
    shutil.copy(GATE, gate)
    gate.write_text(gate.read_text().replace("/usr/bin/python3", sys.executable, 1))
    gate.chmod(0o755)
    allowed = Allowed(
        commands=((b"echo", b"exactly this", b"\xff"), (b"sh", b"-c", b"sleep 60")),
        loaders=(LOADER,),
        programs=(PROGRAM,),
    )
    (folder / "allowed").write_text(make_list(allowed))
    server = make_ssh_server()
    server.authorized_keys.write_text(make_key_line(server.public_key(), str(gate)) + "\n")
    return server


@pytest.fixture
def host(guarded: SshServer) -> Iterator[Host]:
    pool = SshPool()
    yield SshHost(guarded.target(), pool)
    pool.close()


def ssh(server: SshServer, *words: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    """OpenSSH's own client, as somebody with a stolen key would use it."""
    options = [
        "-F", "none", "-i", str(server.identity), "-p", str(server.port),
        "-o", f"UserKnownHostsFile={server.known_hosts}", "-o", "BatchMode=yes",
    ]  # fmt: skip
    return subprocess.run(
        ["ssh", *options, *words], input=stdin, capture_output=True, timeout=30, check=False
    )


def test_what_is_allowed_runs_and_its_streams_are_whole(host: Host) -> None:
    assert host.run([b"echo", b"exactly this", b"\xff"]).stdout == b"exactly this \xff\n"
    sent = b"%d\n" % len(PROGRAM) + PROGRAM + b"the rest"
    assert host.run(LOADER, stdin=sent).stdout == b"read the rest 1\n"


@pytest.mark.parametrize(
    "command",
    [
        [b"echo", b"exactly this"],
        [b"echo", b"exactly this", b"\xff", b"more"],
        [b"sh"],
        [b"sh", b"-c", b"touch here"],
        [b"timeout", b"1", b"sh"],
        [b"cat", b"/etc/shadow"],
        [b"python3", b"-c", b"print()"],
    ],
    ids=ascii,
)
def test_nothing_else_runs(host: Host, command: list[bytes]) -> None:
    ended = host.run(command, stdin=b"touch here\n")

    assert ended.status == REFUSED
    assert ended.stdout == b""
    assert b"refused" in ended.stderr
    assert ended.is_refused_by_gate


@pytest.mark.parametrize(
    "sent",
    [
        b"%d\n" % len(PROGRAM) + PROGRAM.replace(b"print", b"exit_"),
        b"5\nexit()",
        b"-1\n",
        b"999999999999\n",
        b"99999999\n",
        b"40\nshort",
        b"",
    ],
    ids=ascii,
)
def test_a_program_that_is_not_on_the_list_is_not_loaded(host: Host, sent: bytes) -> None:
    ended = host.run(LOADER, stdin=sent)

    assert (ended.status, ended.stdout) == (REFUSED, b"")


@pytest.mark.parametrize(
    "line",
    [
        "",
        "sh",
        "bash -i",
        "echo a; touch here",
        "exec env LC_ALL=C.UTF-8 sh -c 'sleep 60'; touch here",
        "exec env LC_ALL=C.UTF-8 echo 'exactly this' $(touch here)",
        "exec env LC_ALL=C.UTF-8 LD_PRELOAD=/tmp/x echo 'exactly this'",
        "exec env LC_ALL=C.UTF-8 timeout -k 5 -s echo sh",
        "exec env LC_ALL=C.UTF-8 'unfinished",
        "scp -t /tmp/here",
        "rsync --server . /tmp/here",
        "internal-sftp",
    ],
)
def test_a_stolen_key_opens_no_shell(guarded: SshServer, tmp_path: Path, line: str) -> None:
    words = [line.replace("here", str(tmp_path / "here"))] if line else []
    ended = ssh(guarded, "127.0.0.1", *words, stdin=f"touch {tmp_path}/here\n".encode())

    assert ended.returncode == REFUSED
    assert ended.stdout == b""
    assert list(tmp_path.iterdir()) == []


def test_a_stolen_key_writes_nothing_through_sftp_or_scp(
    guarded: SshServer, tmp_path: Path
) -> None:
    (tmp_path / "mine").write_text("evil")
    for program in (["sftp", "-b", "-"], ["scp", "-O"], ["scp"]):
        options = ["-F", "none", "-i", str(guarded.identity), "-P", str(guarded.port),
                   "-o", f"UserKnownHostsFile={guarded.known_hosts}",
                   "-o", "BatchMode=yes"]  # fmt: skip
        places = [str(tmp_path / "mine"), f"127.0.0.1:{tmp_path}/theirs"]
        words = [*program, *options, *(places if program[0] == "scp" else ["127.0.0.1"])]
        batch = f"put {tmp_path}/mine {tmp_path}/theirs\n".encode()
        ended = subprocess.run(words, input=batch, capture_output=True, timeout=30, check=False)
        assert ended.returncode != 0

    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_a_stolen_key_forwards_nothing_and_gets_no_terminal(guarded: SshServer) -> None:
    forwarded = ssh(guarded, "-W", f"127.0.0.1:{guarded.port}", "127.0.0.1")
    terminal = ssh(guarded, "-tt", "127.0.0.1", "sh", stdin=b"id\n")

    assert forwarded.returncode != 0
    assert b"SSH-2.0" not in forwarded.stdout
    assert b"uid=" not in terminal.stdout


def test_the_list_holds_what_reads_files_on_a_host_and_what_looks_at_it() -> None:
    lines = make_list(list_allowed()).splitlines()

    assert [line.split()[0] for line in lines] == [
        "command",
        "command",
        "command",
        "loader",
        "program",
    ]


@pytest.mark.parametrize("user", ["root", "", "a b", "../x", "-x", "$(id)", "A"])
def test_an_account_is_one_of_its_own(user: str) -> None:
    assert not is_account(user)
    assert is_account("giucong")


@pytest.mark.parametrize("rights", ["capability", "sudo"])
def test_the_script_is_sound_and_its_files_are_whole(rights: str, tmp_path: Path) -> None:
    script = make_script("giucong", "ssh-ed25519 AAAA", list_allowed(), rights)  # type: ignore[arg-type]  # of two
    (tmp_path / "account.sh").write_text(script)
    subprocess.run(["sh", "-n", str(tmp_path / "account.sh")], check=True)

    assert GATE.read_text() in script
    assert 'restrict,command="' in script
    if rights == "sudo":
        rules = script.split("<<'END-OF-SUDOERS'\n")[1].split("END-OF-SUDOERS\n")[0]
        (tmp_path / "rules").write_text(rules)
        (tmp_path / "rules").chmod(0o440)
        os.chown(tmp_path / "rules", -1, -1)
        subprocess.run(["/usr/sbin/visudo", "-cqf", str(tmp_path / "rules")], check=True)


@pytest.mark.parametrize(("rights", "is_audit"), [("capability", False), ("sudo", True)])
def test_the_script_speaks_to_its_reader(rights: str, is_audit: bool, tmp_path: Path) -> None:
    with speaking("vi"):
        script = make_script("giucong", "ssh-ed25519 AAAA", list_allowed(), rights, say=_,  # type: ignore[arg-type]  # of two
                             is_audit=is_audit)  # fmt: skip
    (tmp_path / "account.sh").write_text(script, encoding="utf-8")
    subprocess.run(["sh", "-n", str(tmp_path / "account.sh")], check=True)
    own = script.replace(GATE.read_text(encoding="utf-8"), "")
    assert "Tài khoản giucong" in own
    assert "fail 'bộ lọc lệnh của tài khoản giucong không chạy'\": $told\"" in own
    for english in (" the ", " is ", "nothing", "account giucong"):
        assert english not in own


# $1 a folder to mount on, $2 one for a python3 that is none, $3 the script, $4 a spoilt one.
_ON_A_MACHINE = """
set -eu
mount -t tmpfs -o mode=755 none "$1"; cp -a /etc/. "$1"; mount --bind "$1" /etc
mount -t tmpfs -o mode=755 none /var/lib; mount -t tmpfs -o mode=755 none /usr/local
printf '#!/bin/sh\\nexit 0\\n' > "$2/python3"; chmod 700 "$2/python3"
PATH=$2:$PATH sh "$3"
PATH=$2:$PATH sh "$3"
PATH=$2:$PATH sh "$4"
"""


@only_root
@pytest.mark.parametrize("rights", ["capability", "sudo"])
def test_the_script_takes_the_machines_own_python_and_tries_the_gate(
    rights: str, tmp_path: Path
) -> None:
    script = make_script("giucongthu", "ssh-ed25519 AAAA", list_allowed(), rights)  # type: ignore[arg-type]  # of two
    spoilt = script.replace("import hashlib\n", "import no_such_module\n")
    assert spoilt != script
    for name, text in (("good", script), ("spoilt", spoilt)):
        (tmp_path / name).write_text(text)
    (tmp_path / "hold").mkdir()
    (tmp_path / "bin").mkdir()
    words = ["unshare", "--mount", "sh", "-c", _ON_A_MACHINE, "sh", "hold", "bin", "good", "spoilt"]
    ended = subprocess.run(
        [*words[:6], *(str(tmp_path / it) for it in words[6:])],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip

    assert ended.stdout.count("giucongthu is ready: its gate answers") == 2, ended.stderr
    assert ended.returncode == 1
    assert "the gate of the account giucongthu does not work" in ended.stderr
    assert "no_such_module" in ended.stderr
