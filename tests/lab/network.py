"""The lab's network: one bridge in a namespace of its own, names, and who answers there.

Nothing leads out of it. Its addresses are those that documents use (RFC 5737), so that what stands
in the how-to pages stands here too.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from tests.private_authority import Authority
from tests.private_server import await_start, end, start, tie
from tests.s3_server import S3Server
from tests.systemd_machine import ROOT, Line

BRIDGE = "lab"
MIDDLE = "192.0.2.1"
"""Where names, mails, hooks and the object store are."""

ADDRESSES: Mapping[str, str] = {
    "ops": "192.0.2.5",
    "web1": "192.0.2.10",
    "web2": "192.0.2.11",
    "spare": "192.0.2.20",
    "backup": "192.0.2.30",
}
"""Machine → address."""

DOMAIN = "example.vn"
BUCKET = "giucong"
_MIDDLE_NAMES = ("mail", "hooks", "s3", "ns")
# $1 a file that stands for /etc/resolv.conf, then the command; `nsenter` finds both later on.
_APART = """
set -eu; mount --bind "$1" "$(readlink -f /etc/resolv.conf)"; shift
ip link set lo up; ip link add "$BRIDGE" type bridge
ip address add "$MIDDLE/24" dev "$BRIDGE"; ip link set "$BRIDGE" up
exec "$@"
"""
_LOOK_SECONDS = "20"


@dataclass(frozen=True, slots=True)
class Network:
    """The network, and what lies in its middle.

    Attributes:
        folder: Holds mails, hooks, zone and authority.
        process: The id of the process in the middle.
        authority: Who signs the certificates of this network.
    """

    folder: Path
    process: int
    authority: Authority

    def line(self, address: str) -> Line:
        """Give what joins a machine to it."""
        return Line(Path(f"/proc/{self.process}/ns/net"), BRIDGE, address)

    def name(self, name: str, address: str) -> None:
        """Let a name lead to an address, from the next question on."""
        zone = {**self._zone(), name: address}
        unfinished = self.folder / "zone.unfinished"
        unfinished.write_text(json.dumps(zone, indent=1), encoding="utf-8")
        unfinished.rename(self.folder / "zone.json")

    def _zone(self) -> dict[str, str]:
        found: dict[str, str] = json.loads((self.folder / "zone.json").read_text(encoding="utf-8"))
        return found

    def words(self, *words: str) -> list[str]:
        """Give the words with which a visitor of this network runs a command."""
        return ["nsenter", f"--target={self.process}", "--net", "--mount", *words]

    def look(self, url: str, *more: str) -> str:
        """Give what a visitor gets at an address, redirects followed; certificates count.

        Args:
            url: The address.
            more: More of curl's flags.

        Raises:
            AssertionError: There is no answer, or an error's.
        """
        known = ["--cacert", str(self.authority.root)]
        done = subprocess.run(
            self.words("curl", "-sSfL", "--max-time", _LOOK_SECONDS, *known, *more, url),
            env={"PATH": os.environ["PATH"]}, capture_output=True, check=False,
        )  # fmt: skip
        text = done.stdout.decode(errors="replace")
        assert done.returncode == 0, f"{url}: {done.stderr.decode(errors='replace')}{text[:2000]}"
        return text

    def mails(self) -> list[EmailMessage]:
        """Give the mails that have arrived, oldest first; `X-Sent-To` says at whom."""
        files = sorted((self.folder / "mails").glob("*.eml"))
        return [message_from_bytes(it.read_bytes(), policy=policy.default) for it in files]

    def hooks(self) -> list[dict[str, Any]]:
        """Give what was posted to the webhook, oldest first."""
        files = sorted((self.folder / "hooks").glob("*.json"))
        return [json.loads(it.read_text(encoding="utf-8")) for it in files]

    def s3(self) -> S3Server:
        """Give the object store, for who is in the middle."""
        return S3Server((self.folder / "s3").read_text(encoding="utf-8"))


def find_network(folder: Path) -> Network:
    """Give the network that has its files in a folder."""
    authority = Authority(folder / "authority", "Authority of the lab")
    return Network(folder, int((folder / "pid").read_text(encoding="ascii")), authority)


@contextmanager
def network(folder: Path) -> Iterator[Network]:
    """Make it, with nothing but its middle, until the block ends."""
    folder.mkdir()
    for name in ("mails", "hooks"):
        (folder / name).mkdir()
    zone = {f"{name}.{DOMAIN}": MIDDLE for name in _MIDDLE_NAMES}
    zone |= {f"{name}.{DOMAIN}": address for name, address in ADDRESSES.items()}
    zone[f"giucong.{DOMAIN}"] = ADDRESSES["ops"]
    (folder / "zone.json").write_text(json.dumps(zone, indent=1), encoding="utf-8")
    (folder / "resolv.conf").write_text(f"nameserver {MIDDLE}\n", encoding="ascii")
    apart = ["unshare", "--net", "--mount", "sh", "-c", _APART, "sh", str(folder / "resolv.conf")]
    command = ["env", "-C", str(ROOT), f"BRIDGE={BRIDGE}", f"MIDDLE={MIDDLE}", *apart,
               sys.executable, "-m", "tests.lab.middle", str(folder)]  # fmt: skip
    process = start([*tie("TERM"), *command], folder / "log")
    try:
        await_start(process, (folder / "s3").exists, folder / "log")
        (folder / "pid").write_text(str(process.pid), encoding="ascii")
        yield find_network(folder)
    finally:
        end(process)
