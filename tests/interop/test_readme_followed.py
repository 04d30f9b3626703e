"""Somebody who has read only the README gets a file back: each command as written, in a new shell.

The pages are followed to the letter by a shell that knows nothing else, in a folder that looks like
a checkout after `make demo`. Left out are only `make` itself and what runs until it is stopped; an
editor does what the page says one does in it.
"""

import os
import re
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from examples.estate import build_estate
from tests.installed_machine import only_root

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"^ *```sh\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
FIVE_MINUTES = 300.0
LEFT_OUT = re.compile(r"make |.*service\.run$")


def read_lines(*pages: str) -> Iterator[str]:
    """Give every line of the pages' shell blocks, in order."""
    for page in pages:
        for block in BLOCK.findall((ROOT / page).read_text(encoding="utf-8")):
            yield from textwrap.dedent(block).splitlines()


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make what lies there after `make demo`: the tree, `.venv`, and the demo's estate."""
    folder = tmp_path_factory.mktemp("checkout")
    for path in ROOT.iterdir():
        if path.name not in {"var", ".venv"}:
            (folder / path.name).symlink_to(path)
    (folder / ".venv").symlink_to(Path(sys.executable).parents[1])
    build_estate(folder / "var/demo")
    ended = follow(
        folder,
        ["export GIUCONG_ESTATE=var/demo/estate.toml", ".venv/bin/fab backup.init",
         ".venv/bin/fab backup.run-all"],
    )  # fmt: skip
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return folder


def follow(checkout: Path, lines: list[str]) -> subprocess.CompletedProcess[str]:
    """Run lines in a shell of its own, which stops at the first that fails."""
    namespace = ["unshare", "--mount"] + ([] if os.geteuid() == 0 else ["--map-root-user"])
    script = "\n".join(["set -eu", "mount -t tmpfs tmpfs /var/tmp", *lines])
    return subprocess.run(
        [*namespace, "bash", "-c", script],
        cwd=checkout,
        env={"HOME": str(checkout), "PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=FIVE_MINUTES,
    )


def test_a_stranger_gets_a_file_back_in_five_minutes(checkout: Path) -> None:
    started = time.monotonic()
    lines = [it for it in read_lines("README.md") if not LEFT_OUT.match(it)]
    page = list(read_lines("docs/how-to/restore-a-file.md"))
    ended = follow(checkout, [*lines, *page, "cat /var/tmp/restored/cong-xa/files/www/index.php"])

    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert time.monotonic() - started < FIVE_MINUTES
    original = checkout / "var/demo/sources/www/index.php"
    for folder in ("got-back", "with-restic"):
        restored = checkout / "var/demo" / folder / "cong-xa/files/www/index.php"
        assert restored.read_bytes() == original.read_bytes()
    assert "\nsame\n" in ended.stdout
    assert ended.stdout.endswith(original.read_text(encoding="utf-8"))
    assert len(page) == 6


def test_the_tutorial_leads_from_nothing_to_a_verified_restore(checkout: Path) -> None:
    lines = [it for it in read_lines("docs/tutorial/first-backup.md") if not LEFT_OUT.match(it)]
    edited = [
        re.sub(r"^nano (.*)", r"""sed -i 's#"sources/#"../demo/sources/#' \1""", line)
        for line in lines
    ]
    assert edited != lines
    ended = follow(checkout, edited)

    assert ended.returncode == 0, ended.stdout + ended.stderr
    restored = checkout / "var/mine/restored/cong-xa/files/www/index.php"
    assert restored.read_bytes() == (checkout / "var/demo/sources/www/index.php").read_bytes()


@only_root
def test_nothing_but_the_program_is_installed(tmp_path: Path) -> None:
    lines = list(read_lines("docs/how-to/run-as-a-service.md"))
    lines = lines[1 : lines.index("cd /opt/giucong") + 1]  # before it is `make run`, another way
    theirs = tmp_path / "theirs"
    ours = "git -c safe.directory='*' upload-pack"
    clone = ["git", "clone", "-q", f"--upload-pack={ours}", f"file://{ROOT}", str(theirs)]
    subprocess.run(clone, check=True, timeout=FIVE_MINUTES)
    for name in ("var/demo/keys/repository.key", ".venv/bin/fab", "estate.toml"):
        (theirs / name).parent.mkdir(parents=True, exist_ok=True)
        (theirs / name).write_text("it is a secret")
    for path in (theirs, *theirs.rglob("*")):
        os.lchown(path, 65534, 65534)
    looks = ["grep -rlx 'it is a secret' . || true", "find . ! -user root -o -perm /022 ! -type l",
             "stat -c '%n %A' Makefile"]  # fmt: skip
    ended = follow(theirs, ["mount -t tmpfs -o mode=755 none /opt", *lines, *looks])

    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert ended.stdout == "Makefile -rw-r--r--\n"
