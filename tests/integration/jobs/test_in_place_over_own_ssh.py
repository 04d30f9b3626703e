"""A site of this machine that belongs to others goes back over this machine's own SSH server."""

import os
import shutil
import sqlite3
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.installed_machine import SERVICE, only_root, words_for_python_of_all
from tests.integration.jobs.small_estate import GIUCONG, build_estate
from tests.ssh_server import make_key
from tests.trees import describe_tree, differences

pytestmark = pytest.mark.slow

WWW = 33
# $1 stands for /etc/ssh; the server is on port 22 of a network that this command alone has.
_MACHINE = """
ip link set lo up; mkdir -p /run/sshd; mount --bind "$1" /etc/ssh; shift
if [ -e /etc/ssh/sshd_config ]; then /usr/sbin/sshd -D -e 2>/etc/ssh/log & server=$!; sleep 1; fi
"$@"; code=$?
[ -z "$server" ] || kill "$server"
exit $code
"""
_CONFIG = """
Port 22
ListenAddress 127.0.0.1
HostKey /etc/ssh/ssh_host_ed25519_key
AuthorizedKeysFile /etc/ssh/authorized_keys
StrictModes no
UsePAM no
PermitRootLogin prohibit-password
UseDNS no
PidFile none
"""
RESTORE = ("backup.restore", "--site", "cong-xa", "--in-place")


@dataclass(frozen=True)
class Machine:
    """A machine with the service installed: its user reads the site and may not write it."""

    estate: Path
    ssh: Path

    @property
    def www(self) -> Path:
        return self.estate.parent / "www"

    def type(self, *words: str) -> subprocess.CompletedProcess[str]:
        identity = (f"--reuid={SERVICE}", f"--regid={SERVICE}", "--clear-groups")
        return subprocess.run(
            [*words_for_python_of_all(), "unshare", "--mount", "--net", "sh", "-c", _MACHINE, "sh",
             str(self.ssh), "setpriv", *identity, str(GIUCONG), *words],
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "GIUCONG_ESTATE": str(self.estate),
                 "GIUCONG_LANG": "en", "HOME": "/nonexistent", "LANG": "C.UTF-8"},
            cwd="/", stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
            timeout=180,
        )  # fmt: skip


@pytest.fixture
def machine() -> Iterator[Machine]:
    folder = Path(tempfile.mkdtemp(prefix="giucong-own-ssh-", dir="/var/tmp"))
    folder.chmod(0o755)
    ssh = folder / "ssh"
    ssh.mkdir()
    estate = build_estate(folder / "estate")
    made = Machine(estate, ssh)
    for it in (estate.parent, *estate.parent.iterdir()):
        os.chown(it, SERVICE, SERVICE)
    for top, folders, files in os.walk(made.www):
        for name in (".", *folders, *files):
            os.chown(Path(top) / name, WWW, WWW)
    with closing(sqlite3.connect(made.www / "data" / "live.db")) as database:
        database.execute("PRAGMA journal_mode = DELETE")  # whoever reads alone makes no log
    yield made
    shutil.rmtree(folder)


def start_server(machine: Machine) -> Path:
    """Give the machine an SSH server, and root a key; gives the key."""
    make_key(machine.ssh / "ssh_host_ed25519_key")
    identity = machine.ssh / "admin"
    make_key(identity)
    os.chown(identity, SERVICE, SERVICE)
    (machine.ssh / "authorized_keys").write_text(identity.with_suffix(".pub").read_text())
    (machine.ssh / "sshd_config").write_text(_CONFIG)
    return identity


def set_list(path: Path, entry: str) -> None:
    """Add to a file's access list, or to what a folder hands on."""
    subprocess.run(["setfacl", "-m", entry, path], check=True)


@only_root
def test_files_and_database_of_others_go_back_with_their_owners(machine: Machine) -> None:
    assert machine.type("backup.init").returncode == 0
    # Files that are older than what their folder hands on, and one from before there was Unix.
    set_list(machine.www, "u:1001:r-x")
    set_list(machine.www / "uploads", "d:u:1001:rwx")
    os.utime(machine.www / "uploads" / "anh-3.jpg", ns=(0, -100_000_000_001))
    saved = machine.type("backup.run", "--site", "cong-xa")
    assert saved.returncode == 0, saved.stderr
    before = describe_tree(machine.www, with_root=True)
    (machine.www / "index.php").write_text("<?php // hỏng")
    (machine.www / "uploads" / "anh-3.jpg").unlink()
    set_list(machine.www, "d:u:65534:rwx")
    set_list(machine.www / "uploads", "u:65534:rwx")
    with closing(sqlite3.connect(machine.www / "data" / "live.db")) as database:
        database.execute("DELETE FROM uploads")
        database.commit()

    refused = machine.type(*RESTORE)
    assert refused.returncode == 1, refused.stdout + refused.stderr
    assert "belongs to others than the account that runs this" in refused.stderr
    assert "--login root --identity FILE" in refused.stderr
    assert "Stop the site first" not in refused.stdout + refused.stderr
    identity = machine.ssh / "admin"
    login = ("--login", "root", "--identity", str(identity))
    bare = machine.type(*RESTORE, *login)
    assert "this machine has no SSH server" in bare.stderr
    assert "apt-get install openssh-server" in bare.stderr

    start_server(machine)
    tried = machine.type(*RESTORE, *login, "--dry-run")
    assert tried.returncode == 0, tried.stdout + tried.stderr
    assert (machine.www / "index.php").read_text() == "<?php // hỏng"
    done = machine.type(*RESTORE, *login, "--confirm", "cong-xa")

    assert done.returncode == 0, done.stdout + done.stderr
    assert "read again there: all files" in done.stdout
    assert (machine.www / "index.php").read_text() == "<?php // trang chủ"
    with closing(sqlite3.connect(machine.www / "data" / "live.db")) as database:
        assert database.execute("SELECT count(*) FROM uploads").fetchone() == (20,)
    after = describe_tree(machine.www, with_root=True)
    changed = {it.split(":")[0] for it in differences(before, after)}
    assert changed <= {"b'data'", "b'data/live.db'"}
    assert (machine.www / "data" / "live.db").stat().st_uid == WWW

    shutil.rmtree(machine.www)
    gone = machine.type(*RESTORE, *login, "--confirm", "cong-xa")
    assert gone.returncode == 0, gone.stdout + gone.stderr
    assert (machine.www / "data" / "live.db").stat().st_uid == WWW
    assert (machine.www / "index.php").stat().st_uid == WWW
