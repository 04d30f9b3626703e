"""Stock restic as an oracle, made cheap: repositories whose key costs milliseconds to open.

Only the files that opening a repository needs are written here: a key file with a very small scrypt
cost and the config; so one call of restic takes some 30 ms instead of most of a second.
"""

import base64
import hashlib
import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from backup.format.crypto import Envelope, MasterKey, generate_master_key

PASSWORD = "oracle"  # noqa: S105 -- opens nothing but throw-away repositories
_SCRYPT_COST = 16
_POLYNOMIAL = "3d8dcc0c2c005d"


@dataclass(frozen=True)
class OracleRepository:
    """A repository in a folder, opened by stock restic with `PASSWORD`."""

    folder: Path
    master_key: MasterKey

    def run(
        self, *arguments: str | bytes, timezone: str = "UTC", cwd: Path | None = None
    ) -> subprocess.CompletedProcess[bytes]:
        """Run restic on it and give what it answered, whatever its exit status."""
        environment = {
            "RESTIC_REPOSITORY": str(self.folder),
            "RESTIC_PASSWORD": PASSWORD,
            "TZ": timezone,
            "PATH": os.environ["PATH"],
            "GOMAXPROCS": "1",
        }
        return subprocess.run(
            ["restic", "--no-cache", *arguments],
            env=environment,
            cwd=cwd,
            capture_output=True,
            check=False,
            timeout=120,
        )

    def add_snapshot(self, snapshot: dict[str, object]) -> str:
        """Store a snapshot file as given and return its id."""
        return self._store("snapshots", json.dumps(snapshot).encode())

    def remove_snapshots(self) -> None:
        """Delete every snapshot file."""
        for path in (self.folder / "snapshots").iterdir():
            path.unlink()

    def _store(self, kind: str, plaintext: bytes) -> str:
        sealed = Envelope(self.master_key).seal(plaintext)
        name = hashlib.sha256(sealed).hexdigest()
        (self.folder / kind / name).write_bytes(sealed)
        return name


def create_oracle_repository(folder: Path) -> OracleRepository:
    """Make an empty repository of version 2."""
    for name in ("keys", "snapshots", "index", "locks", "data"):
        (folder / name).mkdir(parents=True)
    for prefix in range(256):
        (folder / "data" / f"{prefix:02x}").mkdir()
    repository = OracleRepository(folder, generate_master_key())
    key_file = _make_key_file(repository.master_key)
    (folder / "keys" / hashlib.sha256(key_file).hexdigest()).write_bytes(key_file)
    config = {"version": 2, "id": os.urandom(32).hex(), "chunker_polynomial": _POLYNOMIAL}
    sealed = Envelope(repository.master_key).seal(json.dumps(config).encode())
    (folder / "config").write_bytes(sealed)
    return repository


def _make_key_file(master: MasterKey) -> bytes:
    salt = os.urandom(64)
    derived = hashlib.scrypt(PASSWORD.encode(), salt=salt, n=_SCRYPT_COST, r=8, p=1, dklen=64)
    user_key = MasterKey(derived[:32], derived[32:48], derived[48:])
    plaintext = json.dumps(
        {
            "mac": {"k": _base64(master.mac_k), "r": _base64(master.mac_r)},
            "encrypt": _base64(master.encrypt),
        }
    )
    document = {
        "created": "2026-01-01T00:00:00Z",
        "username": "oracle",
        "hostname": "oracle",
        "kdf": "scrypt",
        "N": _SCRYPT_COST,
        "r": 8,
        "p": 1,
        "salt": _base64(salt),
        "data": _base64(Envelope(user_key).seal(plaintext.encode())),
    }
    return json.dumps(document).encode()


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
