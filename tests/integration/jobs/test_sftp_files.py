"""Files of a host without a shell, and of a switch, from the estate to stock restic."""

from pathlib import Path

import pytest

from tests.integration.jobs.host_estate import add_host, restore
from tests.integration.jobs.small_estate import giucong
from tests.ssh_server import ServerMaker, make_ssh_server

__all__ = ["make_ssh_server"]

pytestmark = pytest.mark.slow


def test_a_folder_read_through_sftp_alone_comes_back(
    tmp_path: Path, make_ssh_server: ServerMaker
) -> None:
    there = tmp_path / "there"
    (there / "ảnh").mkdir(parents=True)
    (there / "ảnh" / "một.jpg").write_bytes(b"\xff" * 100_000)
    server = make_ssh_server("ForceCommand internal-sftp -R", sftp="internal")
    estate = add_host(tmp_path / "estate", server, f"""
  [[sites.files]]
  name = "portal"
  host = "web1"
  source = "sftp"
  path = "{there}"
""", "shell = false")  # fmt: skip

    for task in (("estate.check",), ("estate.test",), ("backup.run",), ("backup.run",)):
        site = ("--site", "cong-xa") if task != ("estate.check",) else ()
        ended = giucong(estate, *task, *site)
        assert ended.returncode == 0, (task, ended.stdout, ended.stderr)
    found = restore(estate, tmp_path / "out")["portal"]

    restored = tmp_path / "out" / "cong-xa" / found["at"] / "ảnh" / "một.jpg"
    assert restored.read_bytes() == b"\xff" * 100_000
    assert found["source"] == {"kind": "sftp", "host": "web1", "path": str(there)}
    assert "liên kết cứng: mỗi tên thành một tệp riêng" in found["lost"]


def test_what_a_switch_prints_is_saved_without_a_shell(
    tmp_path: Path, make_ssh_server: ServerMaker
) -> None:
    program = tmp_path / "cli"
    program.write_text(
        '#!/bin/sh\n[ "$SSH_ORIGINAL_COMMAND" = "show running-config" ] && echo "hostname sw1"\n'
    )
    program.chmod(0o755)
    server = make_ssh_server(f"ForceCommand {program}", sftp="none")
    estate = add_host(tmp_path / "estate", server, """
  [[sites.files]]
  name = "switch"
  host = "web1"
  source = "command"
  command = "show running-config"
  path = "/running-config"
""", "shell = false")  # fmt: skip

    run = giucong(estate, "backup.run", "--site", "cong-xa")
    found = restore(estate, tmp_path / "out")["switch"]

    assert run.returncode == 0, run.stdout + run.stderr
    assert (tmp_path / "out" / "cong-xa" / found["at"]).read_text() == "hostname sw1\n"
