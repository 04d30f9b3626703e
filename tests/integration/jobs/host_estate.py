"""A small estate with a host, and its newest snapshot restored by stock restic."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

from tests.integration.jobs.small_estate import build_estate, giucong
from tests.ssh_server import SshServer


def add_host(folder: Path, server: SshServer, parts: str, more: str = "") -> Path:
    """Build an estate whose site has parts on the host web1; `more` is said of that host."""
    estate = build_estate(folder, parts + f"""
[[hosts]]
name = "web1"
address = "127.0.0.1"
port = {server.port}
user = "{server.target().user}"
identity = "file:{server.identity}"
known_hosts = "{server.known_hosts}"
{more}
""")  # fmt: skip
    assert giucong(estate, "backup.init").returncode == 0
    return estate


def restore(estate: Path, target: Path) -> dict[str, Any]:
    """Restore with stock restic; give the parts with files as the manifest tells of them."""
    repository = estate.parent / "stores" / "near" / "cong-xa"
    key = estate.parent / "keys" / "repository.key"
    subprocess.run(
        ["restic", "-r", str(repository), "--password-file", str(key), "restore", "latest",
         "--target", str(target)],
        check=True, capture_output=True, env={**os.environ, "RESTIC_CACHE_DIR": f"{target}-cache"},
    )  # fmt: skip
    manifest = json.loads((target / "cong-xa" / "manifest.json").read_text())
    return {it["name"]: it for it in manifest["files"]}
