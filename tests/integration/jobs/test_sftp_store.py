"""An estate whose store is on an SFTP server: made, filled, checked and restored by the tasks."""

from pathlib import Path

import pytest

from tests.integration.jobs.small_estate import build_estate, giucong
from tests.ssh_server import SshServer, make_ssh_server, ssh_server

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
