"""A site whose primary store is a bucket with Object Lock, through the operator's tasks."""

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.integration.jobs.small_estate import ESTATE, build_estate, giucong
from tests.s3_server import WRITER, S3Server, run_s3_server

pytestmark = pytest.mark.slow

KEYS = {"FAR_KEY": WRITER.access_key, "FAR_SECRET": WRITER.secret_key}


@pytest.fixture(scope="module")
def server() -> Iterator[S3Server]:
    with run_s3_server() as server:
        yield server


class World:
    """The estate, its bucket, and what tasks say."""

    def __init__(self, server: S3Server, folder: Path) -> None:
        self.server = server
        self.bucket = server.new_bucket(locking=True)
        self.estate = build_estate(folder)
        more = (
            f'url = "{server.url(self.bucket, "main")}"\n'
            'access_key = "env:FAR_KEY"\nsecret_key = "env:FAR_SECRET"\nregion = "vn-1"\n'
            'object_lock = { mode = "governance", days = 30 }\n'
            'limit_mbps = { default = 8000, "07:00-19:00" = 4000 }\n'
        )
        text = ESTATE.replace('url = "stores/near"\n', more)
        self.estate.write_text(text, encoding="utf-8")

    def run(self, *words: str) -> str:
        done = giucong(self.estate, *words, **KEYS)
        assert done.returncode == 0, done.stderr + done.stdout
        assert WRITER.secret_key not in done.stdout + done.stderr
        return done.stdout

    def versions(self) -> list[Any]:
        client: Any = self.server.client(WRITER)
        return client.list_object_versions(Bucket=self.bucket, Prefix="main/cong-xa/")["Versions"]  # type: ignore[no-any-return]  # the types of a client are known to checkers only

    def wreck(self) -> None:
        """Do all that somebody with the writer's credential can do."""
        client: Any = self.server.client(WRITER)
        for number, version in enumerate(self.versions()):
            if number % 2:
                client.put_object(Bucket=self.bucket, Key=version["Key"], Body=b"ransom")
            client.delete_object(Bucket=self.bucket, Key=version["Key"])


def test_a_site_is_backed_up_wrecked_and_restored_as_of_before(
    server: S3Server, tmp_path: Path
) -> None:
    world = World(server, tmp_path / "estate")
    world.run("backup.init")
    world.run("backup.run", "--site", "cong-xa")
    world.run("backup.run", "--site", "cong-xa")
    world.run("backup.check", "--site", "cong-xa")
    world.run("backup.forget", "--site", "cong-xa")
    tried = giucong(world.estate, "estate.test", "--site", "cong-xa", "--json", **KEYS)
    assert "a probe was written" in tried.stdout

    time.sleep(1.2)  # the server's times are whole seconds
    before = datetime.now(UTC).isoformat()
    time.sleep(1.2)
    world.wreck()
    target = tmp_path / "restored"
    now = giucong(
        world.estate, "backup.restore", "--site", "cong-xa", "--target", str(target), **KEYS
    )
    assert now.returncode != 0

    world.run(
        "backup.restore", "--site", "cong-xa", "--target", str(target), "--at", before
    )  # fmt: skip
    www = world.estate.parent / "www"
    for path in [*www.glob("uploads/*"), www / "index.php"]:
        restored = target / "cong-xa/files/www" / path.relative_to(www)
        assert restored.read_bytes() == path.read_bytes()


def test_no_secret_is_in_what_the_service_keeps(server: S3Server, tmp_path: Path) -> None:
    world = World(server, tmp_path / "estate")
    world.run("backup.init")
    world.run("backup.run", "--site", "cong-xa")
    listed = json.loads(world.run("backup.list", "--site", "cong-xa", "--json"))["items"]

    assert listed
    for path in (world.estate.parent / "state").rglob("*"):
        if path.is_file():
            assert WRITER.secret_key.encode() not in path.read_bytes(), path


def test_a_leaked_password_is_changed_although_its_key_file_is_locked(
    server: S3Server, tmp_path: Path
) -> None:
    world = World(server, tmp_path / "estate")
    world.run("backup.init")
    world.run("backup.run", "--site", "cong-xa")
    key = world.estate.parent / "keys" / "repository.key"
    old = key.read_bytes()
    told = world.run("backup.key-rotate", "--leaked", "password", "--confirm", "near")

    assert "in near the old key files are only hidden" in " ".join(told.split())
    assert key.read_bytes() != old
    assert not key.with_name("repository.key.old").exists()
    world.run("backup.run", "--site", "cong-xa")
    new = key.read_bytes()
    key.write_bytes(old)
    listed = giucong(world.estate, "backup.list", "--site", "cong-xa", **KEYS)
    assert listed.returncode == 12
    key.write_bytes(new)
