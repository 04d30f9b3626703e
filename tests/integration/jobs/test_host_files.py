"""Sites whose files lie on a host, from the task over SSH to stock restic."""

import os
import time
from pathlib import Path

import pytest

from tests.integration.jobs.host_estate import add_host, restore
from tests.integration.jobs.small_estate import giucong
from tests.ssh_server import SshServer, make_ssh_server, ssh_server
from tests.trees import Kinds, build_hostile_tree, describe_tree, differences

__all__ = ["make_ssh_server", "ssh_server"]

pytestmark = pytest.mark.slow


def test_a_folder_on_a_host_comes_back_with_restic(tmp_path: Path, ssh_server: SshServer) -> None:
    there = tmp_path / "there"
    build_hostile_tree(there, Kinds(deep=False, sockets=False))
    (there / "cache").mkdir()
    (there / "cache" / "page").touch()
    os.utime(there / "cache", ns=(2, 2))
    estate = add_host(tmp_path / "estate", ssh_server, f"""
  [[sites.files]]
  name = "portal"
  host = "web1"
  path = "{there}"
  exclude = ["/cache"]
""")  # fmt: skip

    checked = giucong(estate, "estate.check")
    tried = giucong(estate, "estate.test", "--site", "cong-xa")
    first = giucong(estate, "backup.run", "--site", "cong-xa")
    second = giucong(estate, "backup.run", "--site", "cong-xa", "--json")
    found = restore(estate, tmp_path / "out")
    refused = giucong(
        estate, "backup.restore", "--site", "cong-xa", "--in-place", "--dry-run",
        "--include", "/cong-xa/files/portal",
    )  # fmt: skip

    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert tried.returncode == 0, tried.stdout + tried.stderr
    assert first.returncode == 0, first.stdout + first.stderr
    assert second.returncode == 0, second.stdout + second.stderr
    (there / "cache" / "page").unlink()  # its folder comes back, empty
    os.utime(there / "cache", ns=(2, 2))
    os.utime(there, ns=(1, 1))
    restored = tmp_path / "out" / "cong-xa" / "files" / "portal"
    # restic makes no second name of a symlink or device.
    told = differences(describe_tree(there), describe_tree(restored))
    assert [line for line in told if ": same_as is None" not in line] == []
    assert found["portal"]["source"] == {"kind": "files", "host": "web1", "path": str(there)}
    assert found["portal"]["files"] > 10
    assert refused.returncode == 1
    assert "comes from the host web1" in refused.stderr


def test_what_a_command_prints_is_saved_and_nothing_is_no_backup(
    tmp_path: Path, ssh_server: SshServer
) -> None:
    configuration = tmp_path / "running-config"
    configuration.write_text("hostname sw1\n")
    estate = add_host(tmp_path / "estate", ssh_server, f"""
  [[sites.files]]
  name = "switch"
  host = "web1"
  source = "command"
  command = "cat '{configuration}'"
  path = "/running-config"
""")  # fmt: skip
    run = giucong(estate, "backup.run", "--site", "cong-xa")
    found = restore(estate, tmp_path / "out")["switch"]
    tried = giucong(estate, "estate.test", "--site", "cong-xa")
    configuration.write_text("")
    empty = giucong(estate, "backup.run", "--site", "cong-xa")
    configuration.unlink()
    gone = giucong(estate, "backup.run", "--site", "cong-xa")

    assert run.returncode == 0, run.stdout + run.stderr
    assert found["at"] == "other/switch/running-config"
    assert found["files"] == 1
    assert found["size_bytes"] == len("hostname sw1\n")
    assert (tmp_path / "out" / "cong-xa" / found["at"]).read_text() == "hostname sw1\n"
    assert tried.returncode == 0, tried.stdout + tried.stderr
    assert empty.returncode == 1
    assert "printed nothing" in empty.stdout + empty.stderr
    assert gone.returncode == 1
    assert "No such file" in gone.stdout + gone.stderr


def test_a_folder_that_is_not_there_stops_the_run(tmp_path: Path, ssh_server: SshServer) -> None:
    estate = add_host(tmp_path / "estate", ssh_server, """
  [[sites.files]]
  name = "portal"
  host = "web1"
  path = "/nowhere/at/all"
""")  # fmt: skip
    tried = giucong(estate, "estate.test", "--site", "cong-xa")
    run = giucong(estate, "backup.run", "--site", "cong-xa")

    assert tried.returncode == 1
    assert run.returncode == 1
    assert "/nowhere/at/all on the host web1" in run.stdout + run.stderr


@pytest.mark.parametrize("source", ["files", "sftp"])
def test_hosts_keep_to_the_bandwidth_of_their_line_in_every_process(
    tmp_path: Path, ssh_server: SshServer, source: str
) -> None:
    line = 'line = "xa"\n[[lines]]\nname = "xa"\nlimit_mbps = { default = 4, "00:00-00:01" = 3 }'
    there = tmp_path / "there"
    there.mkdir()
    (there / "film.mp4").write_bytes(os.urandom(1_500_000))
    estate = add_host(
        tmp_path / "estate",
        ssh_server,
        f"""
  [[sites.files]]
  name = "portal"
  host = "web1"
  source = "{source}"
  path = "{there}"
""",
        line,
    )
    for _ in range(2):  # the second process waits for what the first one took
        start = time.monotonic()
        done = giucong(estate, "backup.run", "--site", "cong-xa", "--full-read")
        assert done.returncode == 0, done.stderr
        # 1.5 MB at 0.5 MB a second; one second's worth may have been saved up.
        assert time.monotonic() - start > 1.8
    assert (estate.parent / "state/limits/line-xa").stat().st_size
