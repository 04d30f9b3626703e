"""A mirror holds the service's repository byte for byte; one that is not mounted is named."""

import json
import subprocess
from pathlib import Path

import pytest

from tests.integration.jobs.small_estate import build_estate, giucong
from tests.integration.recovery.signed_estate import run

pytestmark = pytest.mark.slow

MIRROR = """
[[stores]]
name = "twin"
url = "stores/twin"
role = "mirror"
of = "near"
location = "Biên Hòa"
medium = "disk"
"""


def contents(folder: Path) -> dict[str, bytes]:
    files = (it for it in folder.rglob("*") if it.is_file() and it.parent.name != "locks")
    return {str(it.relative_to(folder)): it.read_bytes() for it in files}


def test_a_mirror_is_the_same_and_an_unmounted_one_is_named(tmp_path: Path) -> None:
    estate = build_estate(tmp_path / "estate", MIRROR)
    stores, key = estate.parent / "stores", estate.parent / "keys/repository.key"
    run(estate, "backup.init")
    for _day in range(2):
        run(estate, "backup.run", "--site", "giucong")
    same = contents(stores / "near/giucong") == contents(stores / "twin/giucong")
    words = ["restic", "-r", str(stores / "twin/giucong"), "--password-file", str(key)]
    command = [*words, "--no-cache", "check", "--read-data"]
    checked = subprocess.run(command, capture_output=True, text=True, check=False)
    listed = json.loads(
        run(estate, "backup.list", "--site", "giucong", "--store", "twin", "--json")
    )["items"]
    (stores / "twin").rename(stores / "unmounted")
    told = giucong(estate, "backup.run", "--site", "giucong")

    assert same
    assert checked.returncode == 0, checked.stderr
    assert len(listed) == 2
    assert (told.returncode, "twin" in told.stdout) == (3, True)
    assert not (stores / "twin").exists()
