"""The pages on a second copy and on where notices go are followed, word for word."""

import json
import re
import shlex
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from ops.alerts.routing import is_mail
from ops.estate.load.load import load_estate
from tests.integration.jobs.small_estate import ROOT, build_estate, giucong
from tests.ssh_server import SshServer, make_ssh_server, ssh_server

__all__ = ["make_ssh_server", "ssh_server"]

# apprise imports a module that Python 3.13 no longer has, and has an answer for that
pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")

PAGES = ROOT / "docs" / "how-to"
COPY, NOTICES = "keep-a-second-copy.md", "where-notices-go.md"


def blocks(page: str, kind: str) -> list[str]:
    text = (PAGES / page).read_text(encoding="utf-8")
    return re.findall(rf"```{kind}\n(.*?)```", text, re.DOTALL)


def commands(page: str) -> list[list[str]]:
    lines = [line for block in blocks(page, "sh") for line in block.splitlines()]
    return [shlex.split(line)[1:] for line in lines]


@pytest.mark.slow
def test_a_second_copy_is_set_up_and_filled(tmp_path: Path, ssh_server: SshServer) -> None:
    folder, far, bucket, mirror = blocks(COPY, "toml")
    estate = build_estate(tmp_path / "estate", f"{folder}{far}{bucket}{mirror}")
    assert [it.name for it in load_estate(estate).stores] == [
        "near", "second", "far", "offsite", "standby",
    ]  # fmt: skip
    far = re.sub('url = ".*"', f'url = "sftp://127.0.0.1:{ssh_server.port}/{tmp_path}/far"', far)
    far = re.sub('identity = ".*"', f'identity = "file:{ssh_server.identity}"', far)
    far = re.sub('known_hosts = ".*"', f'known_hosts = "{ssh_server.known_hosts}"', far)
    text = f"{folder}{far}{mirror}".replace("/mnt/", f"{tmp_path}/")
    estate = build_estate(tmp_path / "estate", text)
    said = {}
    for task in [it for it in commands(COPY) if it[0] != "estate.secret"]:
        if task[0] == "estate.test":
            giucong(estate, "backup.run", "--site", "cong-xa")
        said[task[0]] = giucong(estate, *task)
    filled = giucong(estate, "backup.copy")

    assert {name: it.returncode for name, it in said.items()} == {
        "estate.check": 0,
        "backup.init": 0,
        "estate.test": 3,  # the mirror has no repository before the first copy
        "backup.copy": 0,
        "backup.status": 0,
    }
    assert filled.returncode == 0, filled.stderr
    for place in ("second/giucong", "far", "standby/giucong"):
        assert list((tmp_path / place / "cong-xa" / "snapshots").iterdir())


def test_addresses_of_relays_are_understood_and_encrypted(monkeypatch: pytest.MonkeyPatch) -> None:
    from apprise import Apprise

    addresses = [line for block in blocks(NOTICES, "text") for line in block.splitlines()]
    for address in addresses:
        target = Apprise.instantiate(address)
        assert target is not None, address
        assert target.secure or address.startswith("tgram://"), address  # that one is always HTTPS
        monkeypatch.setenv("RELAY", address)
        assert is_mail("env:RELAY") == address.startswith("mailto")
    assert len(addresses) == 4


class Hook(HTTPServer):
    """Notes what is posted to it."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Noting)
        self.posts: list[tuple[str, dict[str, str]]] = []


class Noting(BaseHTTPRequestHandler):
    """Answers each POST with success."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        assert isinstance(self.server, Hook)
        self.server.posts.append((self.headers["X-Token"], json.loads(body)))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def test_a_webhook_is_told_as_the_page_says(tmp_path: Path) -> None:
    (block,) = blocks(NOTICES, "toml")
    estate = build_estate(tmp_path / "estate", block.partition("[[people]]")[0])
    (address,) = [it for it in blocks(NOTICES, "text") if it.startswith("jsons")]
    with Hook() as hook:
        threading.Thread(target=hook.serve_forever, daemon=True).start()
        place = f"json://127.0.0.1:{hook.server_port}/"
        address = address.replace("jsons://hooks.example.vn/", place).strip()
        said = []
        for task in commands(NOTICES):
            if task[0] == "estate.secret":
                (tmp_path / "address").write_text(address, encoding="utf-8")
                task += ["--file", str(tmp_path / "address")]
            said.append(giucong(estate, *task))
        hook.shutdown()

    assert [it.returncode for it in said] == [0, 0, 0], [it.stderr for it in said]
    ((token, told),) = hook.posts
    assert token == "SECRET"  # noqa: S105 - of the page
    assert "[Giữ Cổng]" in told["title"]
    assert told["message"]
