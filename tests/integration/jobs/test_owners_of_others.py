"""Restored aside by the service's user: what it could not give is counted, and root can give it."""

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.installed_machine import SERVICE, only_root, words_for_python_of_all
from tests.integration.jobs.small_estate import build_estate, giucong_words
from tests.trees import describe_tree, differences

pytestmark = pytest.mark.slow

WWW, STAFF = 33, 50
MAY_LISTEN = bytes.fromhex("0100000200040000" + "00" * 12)
"""`cap_net_bind_service+ep`, as the kernel keeps it."""
RESTORE = ("backup.restore", "--site", "cong-xa", "--verify", "--target")


@pytest.fixture
def folder() -> Iterator[Path]:
    """Give a folder that every user may enter."""
    path = Path(tempfile.mkdtemp(prefix="giucong-owners-", dir="/var/tmp"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


def by_service(estate: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run a task as the service's user, who is in no group but its own."""
    identity = (f"--reuid={SERVICE}", f"--regid={SERVICE}", "--clear-groups")
    return subprocess.run(
        [*words_for_python_of_all(), "setpriv", *identity, *giucong_words(), *words],
        env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "GIUCONG_ESTATE": str(estate),
             "GIUCONG_LANG": "en", "HOME": "/nonexistent", "LANG": "C.UTF-8"},
        cwd="/", stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip


def make_site(estate: Path) -> Path:
    """Give the site files of others, with names that no shell may see; gives their folder."""
    www = estate.parent / "www"
    (www / "thu muc").mkdir()
    for name in ("xuống\ndòng", "$(touch x)", "'; rm -rf .", "-h", "thu muc/sâu"):
        (www / name).write_text(name)
    (www / "lối").symlink_to("/etc/passwd")
    for top, folders, files in os.walk(www):
        for name in (*folders, *files):
            os.chown(Path(top) / name, WWW, WWW, follow_symlinks=False)
    os.chown(www, WWW, STAFF)
    (www / "thu muc").chmod(0o2775)
    (www / "chạy").write_bytes(b"#!/bin/sh\n")
    (www / "chạy").chmod(0o4755)
    os.setxattr(www / "index.php", "security.capability", MAY_LISTEN)
    return www


@only_root
def test_what_only_root_can_give_is_counted_and_given_by_the_list(folder: Path) -> None:
    estate = build_estate(folder / "estate")
    www = make_site(estate)
    for it in (folder / "estate", *(estate.parent.iterdir())):
        if it != www:
            os.chown(it, SERVICE, SERVICE)
    assert by_service(estate, "backup.init").returncode == 0
    saved = by_service(estate, "backup.run", "--site", "cong-xa")
    assert saved.returncode == 0, saved.stderr
    target = folder / "đích của ai"
    target.mkdir()
    os.chown(target, SERVICE, SERVICE)
    done = by_service(estate, *RESTORE, str(target))

    assert done.returncode == 3, done.stdout + done.stderr
    restored = target / "cong-xa" / "files" / "www"
    assert (restored / "chạy").stat().st_mode & 0o7777 == 0o755
    found = re.search(r"(\d+) entries have another owner, group or special mode", done.stdout)
    entries = sum(1 for it in www.rglob("*") if "cache" not in it.parts and it.suffix != ".db")
    assert found, done.stdout
    assert int(found[1]) == sum(1 for _ in restored.rglob("*")) + 1 >= entries
    assert "the attribute security.capability could not be set here, entries: 1" in done.stdout
    listed = (target / "cong-xa.owners").read_bytes().split(b"\0")[2::3]
    for number, name in enumerate(listed):  # nobody gets a folder before what lies in it
        assert not {it for it in listed[:number] if name.startswith(it + b"/")}, name
    command = next(it.strip() for it in done.stdout.splitlines() if "xargs" in it)
    assert command.startswith(f"cd '{target}' && sudo xargs -0 ")
    given = subprocess.run(
        ["sh", "-c", command.replace("sudo ", "")], capture_output=True, text=True, check=False
    )

    assert given.returncode == 0, given.stderr
    assert not (target / "x").exists()
    assert Path("/etc/passwd").stat().st_uid == 0
    for path in (restored, *restored.rglob("*")):
        there = www / path.relative_to(restored)
        assert owned(path) == owned(there), path
    again = by_service(estate, *RESTORE, str(folder / "estate" / "lại"))
    assert again.returncode == 3


def owned(path: Path) -> tuple[int, int, int]:
    status = path.lstat()
    return status.st_uid, status.st_gid, 0 if path.is_symlink() else status.st_mode & 0o7777


@only_root
def test_where_everything_is_ones_own_nothing_is_said(folder: Path) -> None:
    estate = build_estate(folder / "estate")
    for top, folders, files in os.walk(folder / "estate"):
        for name in (".", *folders, *files):
            os.chown(Path(top) / name, SERVICE, SERVICE, follow_symlinks=False)
    assert by_service(estate, "backup.init").returncode == 0
    assert by_service(estate, "backup.run", "--site", "cong-xa").returncode == 0
    target = folder / "estate" / "đích"
    done = by_service(estate, *RESTORE, str(target))

    assert done.returncode == 0, done.stdout + done.stderr
    assert "xargs" not in done.stdout
    assert (
        differences(
            describe_tree(estate.parent / "www" / "uploads"),
            describe_tree(target / "cong-xa" / "files" / "www" / "uploads"),
        )
        == []
    )

    os.chown(estate.parent, 0, 0)  # whose folder the site lies in is nobody's business
    (estate.parent / "www" / "index.php").write_text("<?php // hỏng")
    words = ("backup.restore", "--site", "cong-xa", "--in-place", "--confirm", "cong-xa")
    in_place = by_service(estate, *words)
    assert in_place.returncode == 0, in_place.stdout + in_place.stderr
    assert (estate.parent / "www" / "index.php").read_text() == "<?php // trang chủ"

    os.chown(estate.parent / "www" / "index.php", WWW, WWW)  # of one file alone
    refused = by_service(estate, *words)
    assert refused.returncode == 1, refused.stdout + refused.stderr
    assert "belongs to others than the account that runs this" in refused.stderr
    assert "index.php" in refused.stderr
    assert (estate.parent / "www" / "index.php").stat().st_uid == WWW
