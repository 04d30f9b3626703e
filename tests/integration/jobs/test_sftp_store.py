"""An estate whose store is on an SFTP server: made, filled, checked and restored by the tasks."""

import re
from pathlib import Path

import pytest

from tests.integration.jobs.small_estate import build_estate, giucong
from tests.private_server import find_free_port
from tests.ssh_server import SshServer, make_key, make_ssh_server, ssh_server

__all__ = ["make_ssh_server", "ssh_server"]

pytestmark = pytest.mark.slow


def test_a_site_is_backed_up_to_an_sftp_store_and_restored(
    tmp_path: Path, ssh_server: SshServer
) -> None:
    estate = build_estate(tmp_path / "estate")
    text = estate.read_text(encoding="utf-8")
    (line,) = [
        line for line in text.splitlines() if line.startswith("url = ") and "stores/near" in line
    ]
    store = "\n".join((
        f'url = "sftp://127.0.0.1:{ssh_server.port}/{tmp_path}/far"',
        f'identity = "file:{ssh_server.identity}"',
        f'known_hosts = "{ssh_server.known_hosts}"',
    ))  # fmt: skip
    assert line in text
    estate.write_text(text.replace(line, store), encoding="utf-8")

    for task in (
        ("estate.check",),
        ("backup.init",),
        ("estate.test", "--site", "cong-xa"),
        ("backup.run-all",),
        ("backup.check", "--site", "cong-xa", "--read-data"),
        ("backup.restore", "--site", "cong-xa", "--target", str(tmp_path / "back")),
    ):
        ended = giucong(estate, *task)
        assert ended.returncode == 0, (task, ended.stdout, ended.stderr)

    assert (tmp_path / "far").is_dir()
    assert list((tmp_path / "back").rglob("anh-7.jpg"))


def test_a_store_that_nobody_reaches_is_told_at_once_with_its_reason(
    tmp_path: Path, ssh_server: SshServer
) -> None:
    store = f"""
[[stores]]
name = "far"
url = "sftp://127.0.0.1:{find_free_port()}/{tmp_path}/far"
identity = "file:{ssh_server.identity}"
known_hosts = "{ssh_server.known_hosts}"
role = "copy"
key = "file:keys/far.key"
of = "near"
location = "xa"
medium = "disk"
"""
    estate = build_estate(tmp_path / "estate", store)
    made = giucong(estate, "backup.init")
    tried = giucong(estate, "estate.test", "--site", "cong-xa")

    assert (made.returncode, tried.returncode) == (1, 1)
    assert "Connection refused" in made.stderr
    assert "trying again" not in made.stderr + tried.stderr
    assert tried.stdout.count("Connection refused") == 2  # in the table: the store, the repository


@pytest.mark.parametrize(
    ("has_key", "cause"),
    [
        (False, "không có khóa nào để vào máy"),
        (True, "máy 127.0.0.1 không cho phép Giữ Cổng đăng nhập"),
    ],
)
def test_a_key_that_does_not_open_is_told_in_the_readers_language(
    tmp_path: Path, ssh_server: SshServer, *, has_key: bool, cause: str
) -> None:
    key = tmp_path / "other"
    if has_key:
        make_key(key)
    store = f"""
[[stores]]
name = "far"
url = "sftp://127.0.0.1:{ssh_server.port}/{tmp_path}/far"
identity = "file:{key}"
known_hosts = "{ssh_server.known_hosts}"
role = "copy"
key = "file:keys/far.key"
of = "near"
location = "xa"
medium = "disk"
"""
    estate = build_estate(tmp_path / "estate", store)
    made = giucong(estate, "backup.init", language="vi")

    assert made.returncode == 1
    assert cause in made.stderr
    assert not re.search("our key|does not accept| ta ", made.stderr)
    assert ("ssh-keygen" in made.stderr) is not has_key
