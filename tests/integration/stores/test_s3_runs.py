"""Whole runs into a bucket that are struck in the middle, and the past on the command line."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from backup.errors import StoreDeniedError, StoreUnavailableError
from backup.repository.repository import Repository
from backup.stores.retry import RetryingStore
from backup.stores.s3.store import S3Store
from tests.backing_up import back_up, read_back
from tests.faulty_line import FaultyLine, LineFault
from tests.s3_server import S3Server

pytestmark = pytest.mark.slow

PASSWORD = "of-a-throw-away-repository"  # noqa: S105 -- opens nothing else


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "cổng"
    folder.mkdir()
    for number in range(30):
        (folder / f"{number}.bin").write_bytes(os.urandom(1_000_000))
    return folder


@pytest.fixture
def line(s3_server: S3Server) -> Iterator[FaultyLine]:
    with FaultyLine(s3_server.endpoint) as line:
        yield line


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (LineFault("status", status=403, code="InvalidAccessKeyId", times=999), StoreDeniedError),
        (LineFault("status", status=503, code="SlowDown", times=999), StoreUnavailableError),
        (LineFault("half", times=999), StoreUnavailableError),
    ],
    ids=["credential revoked", "server gone", "line cut in every upload"],
)
def test_a_run_that_is_struck_ends_clearly_and_the_next_one_heals(
    s3_server: S3Server,
    line: FaultyLine,
    source: Path,
    fault: LineFault,
    kind: type[Exception],
) -> None:
    direct = s3_server.new_store()
    settings = replace(direct.settings, endpoint=line.url, timeout=5.0)
    over_line = RetryingStore(S3Store(settings), attempts=2)
    repository = Repository.init(over_line, PASSWORD.encode())
    first = back_up(repository, source)
    for number in range(30, 60):
        (source / f"{number}.bin").write_bytes(os.urandom(1_000_000))

    line.faults = [replace(fault, contains="/data/")]
    with pytest.raises(kind):
        back_up(repository, source)
    line.faults = []

    assert repository.list_files("snapshots") == [first.snapshot_id]
    assert read_back(Repository.open(direct, PASSWORD.encode()), first)
    second = back_up(repository, source)
    found = read_back(Repository.open(direct, PASSWORD.encode()), second)
    for path in source.iterdir():
        assert found[b"/site/" + os.fsencode(path.name)].data == path.read_bytes()


def test_the_command_line_locks_and_reads_the_past(s3_server: S3Server, tmp_path: Path) -> None:
    folder = tmp_path / "www"
    folder.mkdir()
    (folder / "index.php").write_text("<?php // trang chủ")
    bucket = s3_server.new_bucket(locking=True)

    def ours(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "backup", "-o", "s3.object-lock=governance:3", *words],
            env={
                "HOME": str(tmp_path),
                "RESTIC_REPOSITORY": s3_server.url(bucket),
                "RESTIC_PASSWORD": PASSWORD,
                **s3_server.environment(),
            },
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    for words in (["init"], ["backup", str(folder)]):
        done = ours(*words)
        assert done.returncode == 0, done.stderr
    time.sleep(1.2)  # the server's times are whole seconds
    before = datetime.now(UTC).isoformat()
    time.sleep(1.2)
    refused = ours("forget", "latest")
    assert "the store keeps it locked until 20" in refused.stdout + refused.stderr
    assert "removed 0 snapshots" in refused.stdout + refused.stderr
    client = s3_server.client()
    for item in client.list_objects_v2(Bucket=bucket)["Contents"]:
        client.delete_object(Bucket=bucket, Key=item["Key"])
    assert ours("snapshots").returncode == 10

    target = tmp_path / "restored"
    done = ours("--at", before, "restore", f"latest:{folder}", "--target", str(target))
    assert done.returncode == 0, done.stderr
    assert (target / "index.php").read_text() == "<?php // trang chủ"
    assert ours("--at", before, "check", "--read-data").returncode == 0
    assert ours("--at", before, "backup", str(folder)).returncode == 1
    assert ours("--at", "hôm qua", "snapshots").returncode == 1
