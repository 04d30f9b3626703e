"""A repository that stock restic made: three snapshots of a small tree with hostile names."""

import os
import random
import shutil
from pathlib import Path

import pytest

from tests.restic_oracle import OracleRepository, create_oracle_repository

BIG = random.Random(1).randbytes(1_000_000)


def _make_tree(root: Path) -> None:
    (root / "a" / "b").mkdir(parents=True)
    (root / "c d").mkdir()
    (root / "a" / "one.txt").write_text("hello\n")
    (root / "a" / "hard.txt").hardlink_to(root / "a" / "one.txt")
    (root / "a" / "b" / "big.bin").write_bytes(BIG)
    (root / "link").symlink_to("../a/one.txt")
    (root / "new\nline").write_text("x")
    (root / "Tiếng Việt <&>.txt").write_text("z")
    (root / "c d" / "empty").touch()
    os.mkfifo(root / "pipe")
    raw = os.open(os.fsencode(root) + b"/bad\xff", os.O_CREAT | os.O_WRONLY)
    os.write(raw, b"y")
    os.close(raw)
    (root / "a" / "one.txt").chmod(0o4755)
    (root / "sticky").mkdir()
    (root / "sticky").chmod(0o1777)
    os.setxattr(root / "a" / "one.txt", "user.note", b"v\xff")


def _change_tree(root: Path) -> None:
    with (root / "a" / "one.txt").open("a") as file:
        file.write("more\n")
    (root / "added").write_text("new")
    (root / "c d" / "empty").unlink()
    (root / "a" / "b" / "big.bin").chmod(0o600)


def _snapshot_ids(repository: OracleRepository) -> set[str]:
    return {path.name for path in (repository.folder / "snapshots").iterdir()}


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[OracleRepository, list[str]]:
    """The repository, not to be changed, and the ids of its snapshots, oldest first."""
    folder = tmp_path_factory.mktemp("made")
    repository = create_oracle_repository(folder / "repository")
    _make_tree(folder / "src")
    times = ("2026-11-01 10:00:00", "2026-11-02 10:00:00", "2026-11-03 10:00:00")
    runs = (["src", "--tag", "eins,zwei", "--host", "h1"], ["src", "--tag", "drei", "--host", "h2"],
            ["src/a", "--host", "h1"])  # fmt: skip
    ids = []
    for number, (time, words) in enumerate(zip(times, runs, strict=True)):
        if number == 1:
            _change_tree(folder / "src")
        before = _snapshot_ids(repository)
        answer = repository.run("backup", "--time", time, *words, cwd=folder)
        assert answer.returncode == 0, answer.stderr
        (new,) = _snapshot_ids(repository) - before
        ids.append(new)
    return repository, ids


@pytest.fixture
def repository(made: tuple[OracleRepository, list[str]]) -> OracleRepository:
    """The repository that is shared by all tests; only to be read."""
    return made[0]


@pytest.fixture
def ids(made: tuple[OracleRepository, list[str]]) -> list[str]:
    """Ids of its snapshots, oldest first."""
    return made[1]


@pytest.fixture
def own(made: tuple[OracleRepository, list[str]], tmp_path: Path) -> OracleRepository:
    """A copy of it that a test may change."""
    shutil.copytree(made[0].folder, tmp_path / "own")
    return OracleRepository(tmp_path / "own", made[0].master_key)
