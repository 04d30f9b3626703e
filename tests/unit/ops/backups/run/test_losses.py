"""What a site has lost since its last good backups is named; what comes and goes is not."""

from typing import Any

import pytest

from ops.backups.run.odd import find_losses

TABLES = {"tin": 120, "phien": 900, "moi": 3, "khong-dem": None}
FOLDERS = {"uploads": 400, "wp-content": 90, "wp-content/themes": 60, "wp-content/tmp": 2}


def manifest(
    tables: dict[str, Any] = TABLES,
    folders: dict[str, int] = FOLDERS,
    left_out: tuple[str, ...] = (),
) -> dict[str, Any]:
    return {
        "databases": [{"name": "db", "tables": tables}],
        "files": [{"name": "www", "folders": folders, "left_out": list(left_out)}],
    }


def lost(now: dict[str, Any], *earlier: dict[str, Any]) -> list[tuple[str, str]]:
    return [(it["what"], it["name"]) for it in find_losses(now, earlier)]


@pytest.mark.parametrize(
    ("tables", "expected"),
    [
        (TABLES, []),
        ({**TABLES, "tin": 61, "moi": 0}, []),
        ({**TABLES, "tin": 59}, [("rows", "tin")]),
        ({**TABLES, "phien": 0}, []),
        ({**TABLES, "tin": None}, []),
        ({"tin": 120, "khong-dem": None}, [("table", "phien"), ("table", "moi")]),
    ],
    ids=["all", "few or half", "collapsed", "emptied now and then", "not counted", "gone"],
)
def test_tables(tables: dict[str, Any], expected: list[tuple[str, str]]) -> None:
    emptied = manifest({**TABLES, "phien": 4})

    assert lost(manifest(tables), manifest(), emptied, manifest()) == expected


@pytest.mark.parametrize(
    ("gone", "expected"),
    [
        ("wp-content/tmp", []),
        ("wp-content/themes", [("folder", "wp-content/themes")]),
        ("uploads", [("folder", "uploads")]),
        ("wp-content", [("folder", "wp-content")]),
    ],
)
def test_folders(gone: str, expected: list[tuple[str, str]]) -> None:
    left = {name: files for name, files in FOLDERS.items() if not name.startswith(gone)}

    assert lost(manifest(folders=left), manifest()) == expected
    assert lost(manifest(folders=left, left_out=(gone,)), manifest()) == []


def test_what_was_not_always_there_and_a_first_backup_lose_nothing() -> None:
    assert lost(manifest(tables={}), manifest(), manifest(tables={"tin": 1})) == [("table", "tin")]
    assert lost(manifest(tables={})) == []
    old: dict[str, Any] = {"databases": [], "files": [{"name": "www", "left_out": []}]}
    assert lost(manifest(), old) == []
