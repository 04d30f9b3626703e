"""A folder whose content is left out comes back empty, as the portal needs it to write there."""

import os
import stat
from pathlib import Path

import pytest

from tests.integration.jobs.host_estate import add_host, restore
from tests.integration.jobs.small_estate import giucong
from tests.ssh_server import SshServer, make_ssh_server, ssh_server

__all__ = ["make_ssh_server", "ssh_server"]

pytestmark = pytest.mark.slow

PART = """
  [[sites.files]]
  name = "portal"
  {host}
  path = "{there}"
  exclude = ["data/tmp/**", "/cache", "*.log"]
"""


@pytest.mark.parametrize("host", ["", 'host = "web1"', 'host = "web1"\n  source = "sftp"'])
def test_an_excluded_folder_comes_back_empty_with_owner_and_mode(
    tmp_path: Path, ssh_server: SshServer, host: str
) -> None:
    there = tmp_path / "there"
    for folder in ("data/tmp/session/deep", "cache/pages", "data/uploads"):
        (there / folder).mkdir(parents=True)
        (there / folder / "file").write_bytes(b"x")
    (there / "data" / "errors.log").write_text("a line")
    (there / "data" / "tmp").chmod(0o2770)
    (there / "cache").chmod(0o711)
    if os.geteuid() == 0:
        os.chown(there / "data" / "tmp", 4242, 4343)
    estate = add_host(tmp_path / "estate", ssh_server, PART.format(host=host, there=there))

    first = giucong(estate, "backup.run", "--site", "cong-xa")
    second = giucong(estate, "backup.run", "--site", "cong-xa")
    told = restore(estate, tmp_path / "by-restic")["portal"]
    ours = giucong(
        estate, "backup.restore", "--site", "cong-xa", "--target", str(tmp_path / "by-us"),
        "--verify",
    )  # fmt: skip

    assert (first.returncode, second.returncode) == (0, 0), first.stderr + second.stderr
    assert ours.returncode == 0, ours.stdout + ours.stderr
    assert told["files"] == 1
    for target in ("by-restic", "by-us"):
        restored = tmp_path / target / "cong-xa" / "files" / "portal"
        assert sorted(str(it.relative_to(restored)) for it in restored.rglob("*")) == [
            "cache", "data", "data/tmp", "data/uploads", "data/uploads/file",
        ], target  # fmt: skip
        for name in ("cache", "data/tmp"):
            assert _owner_and_mode(restored / name) == _owner_and_mode(there / name), target


def _owner_and_mode(path: Path) -> tuple[int, int, int]:
    status = path.lstat()
    return status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode)
