"""Our repositories in a bucket in the hands of stock restic, and restic's in ours."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.s3_server import S3Server, run_s3_server

pytestmark = pytest.mark.slow

PASSWORD = "of-a-throw-away-repository"  # noqa: S105 -- opens nothing else


@pytest.fixture(scope="module")
def s3_server() -> Iterator[S3Server]:
    with run_s3_server() as server:
        yield server


class Programs:
    """Both programs on one repository in a bucket."""

    def __init__(self, server: S3Server, folder: Path) -> None:
        self._folder = folder
        self._environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "RESTIC_REPOSITORY": server.url(server.new_bucket()),
            "RESTIC_PASSWORD": PASSWORD,
            **server.environment(),
        }

    def restic(self, *words: str) -> str:
        return self._run("restic", "--no-cache", *words)

    def ours(self, *words: str) -> str:
        from sys import executable

        return self._run(executable, "-m", "backup", *words)

    def _run(self, *words: str) -> str:
        done = subprocess.run(
            words, env=self._environment, capture_output=True, text=True, check=False, timeout=120
        )
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture
def programs(s3_server: S3Server, tmp_path: Path) -> Programs:
    return Programs(s3_server, tmp_path)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "cổng"
    for number in range(40):
        path = folder / f"thư-mục-{number % 4}" / f"{number}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(os.urandom(1000) + b"Xin chao " * 1000)
    (folder / "lớn.bin").write_bytes(os.urandom(3_000_000))
    return folder


def _contents(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.mark.parametrize(("maker", "other"), [("ours", "restic"), ("restic", "ours")])
def test_each_opens_checks_and_extends_what_the_other_made(
    programs: Programs, source: Path, tmp_path: Path, maker: str, other: str
) -> None:
    make, extend = getattr(programs, maker), getattr(programs, other)
    make("init")
    make("backup", str(source))
    extend("check", "--read-data")
    (source / "mới.txt").write_text("mới")
    extend("backup", str(source))
    make("check", "--read-data")

    for name, restore in (("by-maker", make), ("by-other", extend)):
        target = tmp_path / name
        restore("restore", f"latest:{source}", "--target", str(target))
        assert _contents(target) == _contents(source)


def test_what_is_forgotten_and_pruned_by_us_is_sound_for_restic(
    programs: Programs, source: Path
) -> None:
    programs.ours("init")
    programs.ours("backup", str(source))
    (source / "lớn.bin").unlink()
    programs.ours("backup", str(source))
    programs.ours("forget", "--keep-last", "1", "--prune")

    assert "no errors were found" in programs.restic("check", "--read-data")
