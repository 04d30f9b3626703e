"""A host is lost: its site is built on a fresh one by the runbook, to the end."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from provisioning.ssh.host_keys import read_keys
from tests.integration.jobs.answering import carry_out
from tests.integration.jobs.host_estate import add_host
from tests.integration.jobs.small_estate import giucong
from tests.integration.jobs.test_runbooks_of_databases import newest, told_by
from tests.mariadb_server import MariadbServer, mariadb_server
from tests.ssh_server import ServerMaker, SshServer, make_ssh_server
from tests.trees import describe_tree, differences
from tests.web_server import web_server

__all__ = ["make_ssh_server", "mariadb_server"]

pytestmark = pytest.mark.slow

PASSPHRASE = "lúa vàng trên đồng"  # noqa: S105 -- of a key that lives for a minute
PARTS = """
  [[sites.files]]
  name = "web"
  host = "web1"
  path = "{folder}"
  [[sites.databases]]
  name = "cms"
  host = "web1"
  engine = "mariadb"
  socket = "{socket}"
  database = "{database}"
  user = "root"
"""


def make_site(folder: Path) -> None:
    """Make what has to come back exactly: odd names, links, modes, attributes, times."""
    (folder / "anh" / "sâu").mkdir(parents=True)
    odd = ["một tệp.txt", "xuống\ndòng", "gạch\\chéo", "-đầu gạch"]
    for name in odd:
        (folder / "anh" / name).write_bytes(os.urandom(3_000))
    (folder / "anh" / "sâu" / "rỗng").touch()
    (folder / "anh" / "hai tên").hardlink_to(folder / "anh" / odd[0])
    (folder / "lối tắt").symlink_to("anh/một tệp.txt")
    (folder / "cấu hình.php").write_text("<?php // kín")
    (folder / "cấu hình.php").chmod(0o640)
    os.setxattr(folder / "cấu hình.php", "user.ghi-chu", "chữ".encode())
    os.utime(folder / "anh" / "sâu", ns=(1_700_000_000_123_456_789,) * 2)
    folder.chmod(0o2750)


def let_in(server: SshServer, public: str) -> None:
    with server.authorized_keys.open("a") as file:
        file.write(public)


def test_a_site_is_built_on_a_fresh_host(
    tmp_path: Path, mariadb_server: MariadbServer, make_ssh_server: ServerMaker
) -> None:
    old, new = make_ssh_server(), make_ssh_server()
    folder, database = tmp_path / "srv" / "cổng", mariadb_server.new_database()
    make_site(folder)
    mariadb_server.run("CREATE TABLE posts (t TEXT); INSERT INTO posts VALUES ('Chào')", database)
    admin = tmp_path / "admin"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", PASSPHRASE, "-f", admin], check=True)
    let_in(new, admin.with_suffix(".pub").read_text())
    parts = PARTS.format(folder=folder, socket=mariadb_server.socket, database=database)
    with web_server({"/": told_by(["Chào"])}) as address:
        estate = add_host(tmp_path / "estate", old, parts)
        said = f'unit = "xa"\nurl = "{address}"\npages = ["/"]\n  [['
        text = estate.read_text(encoding="utf-8").replace('unit = "xa"\n  [[', said)
        estate.write_text(text, encoding="utf-8")
        done = giucong(estate, "backup.run", "--site", "cong-xa")
        assert done.returncode == 0, done.stdout + done.stderr
        before = describe_tree(folder, with_root=True)
        old.stop()
        shutil.rmtree(folder.parent)
        mariadb_server.run(f"DROP DATABASE {database}")

        def point_to_the_new_host() -> None:
            text = estate.read_text(encoding="utf-8")
            estate.write_text(text.replace(f"port = {old.port}", f"port = {new.port}"))

        def read_the_fingerprint() -> str:
            (key,) = read_keys(new.known_hosts, new.target().known_name)
            return key.fingerprint

        def make_the_account() -> None:
            let_in(new, f"{old.public_key()}\n")

        done_now = carry_out(
            estate,
            "lost-host",
            {"site": "cong-xa", "host": "web1", "database": "cms", "live": database,
             "identity": str(admin), "login": new.target().user, "client": new.target().user,
             "reason": "Cháy máy chủ"},
            [
                ("Dựng từ bản nào?", newest(estate)),
                ("địa chỉ của máy mới chưa?", point_to_the_new_host),
                ("Chép vân tay", read_the_fingerprint),
                ("Mật khẩu của khóa SSH", PASSPHRASE),
                ("Kịch bản đã chạy", make_the_account),
                ("Trang đã chạy trên máy mới", "có"),
                ("mang về chưa?", "có"),
            ],
        )  # fmt: skip

    assert done_now.code == 0, done_now.told
    assert differences(before, describe_tree(folder, with_root=True)) == []
    assert mariadb_server.run("SELECT t FROM posts", database) == "Chào\n"
    assert PASSPHRASE not in done_now.told
    assert "read again there: all files" in done_now.told
    (tmp_path / "wrong").write_text("lúa xanh")
    refused = giucong(
        estate, "backup.restore", "--site", "cong-xa", "--include", "/cong-xa/files/web",
        "--in-place", "--login", "root", "--identity", str(admin), "--passphrase-file",
        str(tmp_path / "wrong"), "--confirm", "cong-xa",
    )  # fmt: skip
    assert refused.returncode == 1
    assert "another passphrase" in refused.stderr
