"""A dry run leaves the catalog as it was, also when the estate has changed since."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.integration.jobs.small_estate import build_estate, giucong

pytestmark = pytest.mark.slow

SITE = ("--site", "cong-xa")
WHY = ("--reason", "dọn", "--document", "12/QĐ")


@pytest.fixture(scope="module")
def estate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site backed up twice, whose title has been changed since. Gives the estate file."""
    estate = build_estate(tmp_path_factory.mktemp("dry"))
    for arguments in (("backup.init",), ("backup.run", *SITE), ("backup.run", *SITE)):
        ended = giucong(estate, *arguments)
        assert ended.returncode == 0, ended.stderr
    estate.write_text(estate.read_text("utf-8").replace("Cổng xã", "Trang xã"), "utf-8")
    return estate


def dump(estate: Path) -> list[str]:
    with closing(sqlite3.connect(estate.parent / "state" / "giucong.db")) as database:
        return list(database.iterdump())


COMMANDS = (
    ("backup.init",),
    ("backup.run", *SITE),
    ("backup.run-all",),
    ("backup.forget", *SITE),
    ("backup.forget", *SITE, "--accept", "--reason", "dọn"),
    ("backup.forget", *SITE, "--snapshot", "latest", *WHY),
    ("backup.prune", *SITE),
    ("backup.hold", *SITE, "--reason", "dọn", "--reference", "12/QĐ"),
    ("backup.restore", *SITE, "--target", "/nowhere"),
    ("backup.restore", *SITE, "--in-place"),
    ("backup.reindex",),
    ("estate.retire", *SITE, *WHY),
    ("service.trigger", "--job", "backup/cong-xa"),
    ("user.add", "--person", "nva"),
    ("user.disable", "--person", "nva"),
    ("user.role", "--person", "nva", "--role", "security-officer"),
)


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_a_dry_run_leaves_every_table_as_it_was(estate: Path, command: tuple[str, ...]) -> None:
    before = dump(estate)
    ended = giucong(estate, *command, "--dry-run")

    assert "unexpected" not in ended.stderr, ended.stderr
    assert "not known here" not in ended.stderr, ended.stderr
    assert dump(estate) == before


def test_a_dry_run_makes_no_catalog_where_there_is_none(tmp_path: Path) -> None:
    estate = build_estate(tmp_path / "estate")
    for command in (COMMANDS[0], *COMMANDS[-5:]):
        ended = giucong(estate, *command, "--dry-run")
        assert "unexpected" not in ended.stderr, (command, ended.stderr)
        assert not (estate.parent / "state/giucong.db").exists(), command


def test_what_a_rehearsed_reindex_finds_is_told(estate: Path) -> None:
    ended = giucong(estate, "backup.reindex", *SITE, "--dry-run")
    snapshots = json.loads(giucong(estate, "backup.list", *SITE, "--json").stdout)["items"]

    assert ended.returncode == 0, ended.stderr
    assert f"{len(snapshots)} snapshots" in ended.stdout
    assert "Nothing was changed" in ended.stdout
