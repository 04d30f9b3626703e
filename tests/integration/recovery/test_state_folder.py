"""What the state folder holds where the service lives is saved with it, or has its reason."""

import ast
import importlib
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

import ops
from ops.estate.load.load import load_estate
from ops.recovery.catalog_copy import catalog_file
from ops.recovery.content import PARTS, list_files
from tests.integration.jobs.small_estate import build_estate
from tests.integration.jobs.test_serving import service, wait_until
from tests.integration.recovery.signed_estate import run
from tests.private_server import find_free_port
from tests.ssh_server import SshServer, make_ssh_server, ssh_server

__all__ = ["make_ssh_server", "ssh_server"]

pytestmark = pytest.mark.slow

MORE = """
[console]
listen = "127.0.0.1:LISTEN"
[monitor]
sample_seconds = 15
[[hosts]]
name = "web1"
address = "127.0.0.1"
port = PORT
user = "USER"
identity = "file:IDENTITY"
"""


def test_all_that_a_living_service_keeps_is_declared_and_trust_comes_back(
    tmp_path: Path, ssh_server: SshServer
) -> None:
    words = {"LISTEN": find_free_port(), "PORT": ssh_server.port,
             "USER": ssh_server.target().user, "IDENTITY": ssh_server.identity}  # fmt: skip
    more = MORE
    for word, value in words.items():
        more = more.replace(word, str(value))
    estate = build_estate(tmp_path / "estate", more)
    text = estate.read_text(encoding="utf-8").replace(
        'medium = "disk"', 'medium = "disk"\nlimit_mbps = 8000', 1
    )
    estate.write_text(text, encoding="utf-8")
    folder, state = estate.parent, estate.parent / "state"
    run(estate, "backup.init")
    shown = run(estate, "estate.trust", "--host", "web1", "--dry-run")
    fingerprint = next(word for word in shown.split() if word.startswith("SHA256:"))
    run(estate, "estate.trust", "--host", "web1", "--confirm", fingerprint)
    (folder / "scan.pdf").write_bytes(b"%PDF-1.7\nm")
    run(estate, "document.add", "--file", str(folder / "scan.pdf"), "--title", "Quyết định")
    with service(estate, ""):
        made = [state / name for name in ("watch.json", "heartbeat.json", "office.sock")]
        wait_until(lambda: all(it.exists() for it in made))
        found = {it.name for it in state.iterdir()}
    run(estate, "backup.run", "--site", "giucong")
    trusted = (state / "known_hosts").read_bytes()
    for name in ("state", "cache", "scratch"):
        shutil.rmtree(folder / name, ignore_errors=True)
    estate.unlink()
    run(estate, "service.recover", "--repo", str(folder / "stores/near"),
        "--password-file", str(folder / "keys/repository.key"))  # fmt: skip

    assert {"known_hosts", "documents", "locks", "series.db"} <= found
    assert undeclared(found, load_estate(estate).catalog.url) == set()
    assert (state / "known_hosts").read_bytes() == trusted
    assert any(it.path == state / "known_hosts" for it in list_files(load_estate(estate)))


def undeclared(names: set[str], catalog_url: str) -> set[str]:
    catalog = catalog_file(catalog_url)
    databases = {"series.db", catalog.name if catalog else ""}
    beside = {f"{name}{suffix}" for name in databases for suffix in ("", "-wal", "-shm")}
    return {it for it in names - beside if it not in PARTS and not it.startswith(".")}


def test_every_place_in_it_that_the_code_names_is_declared() -> None:
    named = {name for path in Path(ops.__path__[0]).rglob("*.py") for name in names_in(path)}

    assert {"locks", "known_hosts", "documents", "archive-web"} <= named
    assert named - set(PARTS) - {"giucong.db"} == set()
    assert all(it.why for it in PARTS.values())


def names_in(path: Path) -> Iterator[str]:
    """Give what a module puts right below something that is called `state`."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div) and is_state(node.left):
            if isinstance(node.right, ast.Constant):
                yield str(node.right.value).split("/")[0]
            elif isinstance(node.right, ast.Name):
                relative = path.relative_to(Path(ops.__path__[0]).parent).with_suffix("")
                module = importlib.import_module(".".join(relative.parts))
                if isinstance(value := getattr(module, node.right.id, None), str):
                    yield value


def is_state(node: ast.expr) -> bool:
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Path":
        return len(node.args) == 1 and is_state(node.args[0])
    if isinstance(node, ast.Attribute):
        return node.attr == "state"
    return isinstance(node, ast.Name) and node.id == "state"
