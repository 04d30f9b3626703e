"""Folders that another system fills, here and on a host: judged by what was stored of them."""

import hashlib
import json
import os
import time
from pathlib import Path

import pytest

from tests.integration.jobs.host_estate import add_host, restore
from tests.integration.jobs.small_estate import build_estate, giucong
from tests.ssh_server import SshServer, make_ssh_server, ssh_server

__all__ = ["make_ssh_server", "ssh_server"]

pytestmark = pytest.mark.slow

PART = """
  [[sites.files]]
  name = "cms"
  source = "delivered"
  path = "{path}"
  {more}
    [sites.files.delivery]
    max_age_hours = 26
    min_bytes = 1000
    hash_file = "SHA256SUMS"
    end_marker = "done"
"""


def deliver(folder: Path, content: bytes = b"x" * 1_000) -> None:
    """Deliver as the other system does: data, hashes, then the marker."""
    folder.mkdir(exist_ok=True)
    (folder / "export.zip").write_bytes(content)
    digest = hashlib.sha256(content).hexdigest()
    (folder / "SHA256SUMS").write_text(f"{digest}  export.zip\n")
    (folder / "done").touch()


def run(estate: Path) -> tuple[int, str]:
    """Back up; gives the exit code and all that was said."""
    ended = giucong(estate, "backup.run", "--site", "cong-xa")
    return ended.returncode, " ".join((ended.stdout + ended.stderr).split())


def test_what_is_not_as_agreed_makes_the_backup_incomplete(tmp_path: Path) -> None:
    inbox = tmp_path / "inbox"
    estate = build_estate(tmp_path / "estate", PART.format(path=inbox, more=""))
    deliver(inbox)
    assert giucong(estate, "backup.init").returncode == 0
    tried = giucong(estate, "estate.test", "--site", "cong-xa")
    assert tried.returncode == 0, tried.stdout + tried.stderr
    good = run(estate)
    found = restore(estate, tmp_path / "out")["cms"]

    (inbox / "export.zip").write_bytes(b"y" * 1_000)
    (inbox / "done").touch()
    wrong = run(estate)
    deliver(inbox)
    (inbox / "today.sql").write_bytes(b"cut o")
    (inbox / "done").touch()
    unlisted = run(estate)
    (inbox / "today.sql").unlink()
    deliver(inbox, b"x" * 999)
    small = run(estate)
    deliver(inbox)
    (inbox / "done").unlink()
    unfinished = run(estate)
    deliver(inbox)
    long_ago = time.time() - 27 * 3600
    for path in inbox.iterdir():
        os.utime(path, (long_ago, long_ago))
    stale = run(estate)
    status = giucong(estate, "backup.status")
    facts = json.loads(giucong(estate, "backup.status", "--json").stdout)

    assert good[0] == 0, good[1]
    assert found["at"] == "other/cms"
    assert found["restore_proof"]
    assert (tmp_path / "out" / "cong-xa" / "other" / "cms" / "export.zip").stat().st_size == 1_000
    for (code, told), words in (
        (wrong, "by SHA256SUMS, 1 files hold other bytes and 0 are not there, e.g. export.zip"),
        (unlisted, "SHA256SUMS does not list 1 files that lie there, e.g. today.sql"),
        (small, "at least"),
        (unfinished, "its end marker done is not there"),
        (stale, "it is 27.0 hours old, and at most 26 were agreed"),
    ):
        assert code == 3, told
        assert "what was delivered to cms is not as agreed" in told
        assert words in told
    assert "restore proof of cms: not checked by us" in " ".join(status.stdout.split())
    assert facts["items"][0]["delivered"] == ["cms"]


def test_an_empty_delivery_on_a_host_is_told_and_a_good_one_is_ok(
    tmp_path: Path, ssh_server: SshServer
) -> None:
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    estate = add_host(
        tmp_path / "estate", ssh_server, PART.format(path=inbox, more='host = "web1"')
    )
    empty = run(estate)
    deliver(inbox)
    good = run(estate)

    assert empty[0] == 3, empty[1]
    assert "cms: nothing lies there" in empty[1]
    assert good[0] == 0, good[1]


def test_the_estate_says_what_makes_no_sense(tmp_path: Path) -> None:
    for more, words in (
        ('source = "delivered"\n  delivery = { end_marker = "../done" }', "does not lie in"),
        ("delivery = { max_age_hours = 1 }", "only a folder that another system fills"),
    ):
        part = f'\n  [[sites.files]]\n  name = "cms"\n  path = "{tmp_path}"\n  {more}\n'
        checked = giucong(build_estate(tmp_path / "estate", part), "estate.check")
        assert checked.returncode == 1
        assert words in " ".join((checked.stdout + checked.stderr).split())
