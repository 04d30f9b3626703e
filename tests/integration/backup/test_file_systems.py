"""What --one-file-system enters, on real mounts in a mount namespace of the test's own."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.restic_oracle import PASSWORD, OracleRepository, create_oracle_repository

ROOT = Path(__file__).parents[3]
_SCRIPT = """
set -e
mount -t tmpfs none "$1/tree/inner"
echo inner > "$1/tree/inner/file"
mkdir "$1/tree/inner/deep"
mount -t tmpfs none "$1/tree/inner/deep"
echo deep > "$1/tree/inner/deep/file"
cd "$1/tree"
shift
exec "$@"
"""


@pytest.fixture
def repository(tmp_path: Path) -> OracleRepository:
    (tmp_path / "tree" / "inner").mkdir(parents=True)
    (tmp_path / "tree" / "outer").write_text("outer")
    return create_oracle_repository(tmp_path / "repository")


def list_files(repository: OracleRepository, tmp_path: Path, *words: str) -> list[str]:
    """Back up with mounts in place; gives the paths in the snapshot, from the tree on."""
    command = [sys.executable, "-m", "backup", "-r", str(repository.folder), "backup", *words]
    subprocess.run(
        ["unshare", "--map-root-user", "--mount", "sh", "-c", _SCRIPT, "sh", tmp_path, *command],
        env={"RESTIC_PASSWORD": PASSWORD, "PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT)},
        check=True,
        capture_output=True,
        timeout=60,
    )
    listed = repository.run("ls", "--json", "latest").stdout.splitlines()
    paths = [json.loads(line).get("path", "") for line in listed[1:]]
    base = str(tmp_path / "tree")
    return [path.removeprefix(base) for path in paths if not base.startswith(path)]


def test_a_mount_point_is_kept_without_what_is_mounted_there(
    repository: OracleRepository, tmp_path: Path
) -> None:
    named = str(tmp_path / "tree")
    assert list_files(repository, tmp_path, "-x", named) == ["/inner", "/outer"]


def test_a_mount_that_is_named_as_well_is_entered_and_no_deeper_one(
    repository: OracleRepository, tmp_path: Path
) -> None:
    outer = str(tmp_path / "tree")
    found = list_files(repository, tmp_path, "-x", outer, f"{outer}/inner")
    assert found == ["/inner", "/inner/deep", "/inner/file", "/outer"]


def test_without_the_flag_everything_is_entered(
    repository: OracleRepository, tmp_path: Path
) -> None:
    found = list_files(repository, tmp_path, str(tmp_path / "tree"))
    assert found == ["/inner", "/inner/deep", "/inner/deep/file", "/inner/file", "/outer"]


def test_a_folder_without_a_name_of_its_own_keeps_to_its_file_system_too(
    repository: OracleRepository, tmp_path: Path
) -> None:
    """Just so, ``backup -x /`` must not enter /proc."""
    assert list_files(repository, tmp_path, "-x", ".") == ["/inner", "/outer"]
    found = list_files(repository, tmp_path, "-x", ".", "inner")
    assert found == ["/inner", "/inner/deep", "/inner/file", "/outer"]
