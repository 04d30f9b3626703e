"""The journal edited by root, with the database's guards taken away: caught and named."""

import json
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from ops.journal.journal import FIELDS, FIRST_PREVIOUS, _seal
from tests.integration.jobs.small_estate import giucong
from tests.integration.recovery.signed_estate import build_signed_estate, run

pytestmark = pytest.mark.slow

COLUMNS = ", ".join(f'"{name}"' for name in (*FIELDS, "hash"))


@pytest.fixture(scope="module")
def signed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An estate whose journal was signed for; tests work on copies. Gives its folder."""
    path = build_signed_estate(tmp_path_factory.mktemp("signed") / "estate")
    run(path, "backup.run", "--site", "so-y-te")
    run(path, "backup.run", "--site", "giucong")
    run(path, "backup.run", "--site", "so-y-te")
    run(path, "backup.run", "--site", "giucong")
    return path.parent


def rows_of(database: sqlite3.Connection) -> list[list[object]]:
    query = f"SELECT {COLUMNS} FROM journal ORDER BY sequence"  # noqa: S608 -- our own columns
    return [list(row) for row in database.execute(query)]


def write_anew(database: sqlite3.Connection, rows: list[list[object]]) -> None:
    """Number and seal rows anew, as somebody who knows the code would."""
    previous = FIRST_PREVIOUS
    database.execute("DELETE FROM journal")
    for number, row in enumerate(rows, 1):
        row[0] = number
        previous = row[-1] = _seal(previous, [str(value) for value in row[:-1]])
        marks = ", ".join("?" * len(row))
        database.execute(f"INSERT INTO journal ({COLUMNS}) VALUES ({marks})", row)  # noqa: S608 -- our own columns


def change_one_row(database: sqlite3.Connection) -> None:
    database.execute("UPDATE journal SET login = 'ttb' WHERE sequence = 4")


def change_and_seal_anew(database: sqlite3.Connection) -> None:
    rows = rows_of(database)
    rows[3][FIELDS.index("login")] = "ttb"
    write_anew(database, rows)


def cut_the_tail(database: sqlite3.Connection) -> None:
    database.execute("DELETE FROM journal WHERE sequence > 5")


def take_one_out(database: sqlite3.Connection) -> None:
    database.execute("DELETE FROM journal WHERE sequence = 4")


def put_one_in(database: sqlite3.Connection) -> None:
    rows = rows_of(database)
    database.execute("DELETE FROM journal WHERE sequence > 3")
    marks = ", ".join("?" * len(rows[0]))
    for shift, row in enumerate([rows[2], *rows[3:]]):
        database.execute(f"INSERT INTO journal ({COLUMNS}) VALUES ({marks})", [4 + shift, *row[1:]])  # noqa: S608 -- our own columns


def put_one_in_and_seal_anew(database: sqlite3.Connection) -> None:
    rows = rows_of(database)
    write_anew(database, [*rows[:3], list(rows[2]), *rows[3:]])


@pytest.mark.parametrize(
    ("edit", "code", "words"),
    [
        (change_one_row, "changed", "row 4 of the journal was changed"),
        (change_and_seal_anew, "rewritten", "was written anew between row 0 and row"),
        (cut_the_tail, "cut", "it has 5 rows"),
        (take_one_out, "gap", "missing before row 4"),
        (put_one_in, "changed", "row 4 of the journal was changed"),
        (put_one_in_and_seal_anew, "rewritten", "was written anew"),
    ],
)
def test_what_root_edits_is_caught_and_named(
    signed: Path,
    tmp_path: Path,
    edit: Callable[[sqlite3.Connection], None],
    code: str,
    words: str,
) -> None:
    folder = tmp_path / "estate"
    shutil.copytree(signed, folder)
    estate = folder / "estate.toml"
    before = giucong(estate, "service.journal-verify")
    with closing(sqlite3.connect(folder / "state/giucong.db")) as database:
        for name in ("journal_no_update", "journal_no_delete", "journal_next_only"):
            database.execute(f"DROP TRIGGER {name}")
        edit(database)
        database.commit()
    told = giucong(estate, "service.journal-verify")
    verdict = json.loads(giucong(estate, "service.journal-verify", "--json").stdout)
    saved = giucong(estate, "backup.run", "--site", "giucong")

    assert before.returncode == 0, before.stdout
    assert (told.returncode, verdict["outcome"]) == (1, "failed")
    assert code in {it["code"] for it in verdict["items"]}
    assert words in told.stdout
    assert saved.returncode == 3
    assert "the journal does not hold" in saved.stdout


def test_heads_taken_out_of_one_store_or_changed_there_are_named(
    signed: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "estate"
    shutil.copytree(signed, folder)
    near = sorted((folder / "stores/near/journal-heads").iterdir())
    far = sorted((folder / "stores/far/journal-heads").iterdir())
    near[0].unlink()
    document = json.loads(far[0].read_text())
    far[0].unlink()
    far[0].write_text(json.dumps({**document, "hash": "0" * 64}))
    verdict = json.loads(giucong(folder / "estate.toml", "service.journal-verify", "--json").stdout)

    assert {(it["code"], it["params"]["store"]) for it in verdict["items"]} == {
        ("head_missing", "near"),
        ("bad_signature", "far"),
    }


def test_without_a_signing_key_nobody_says_that_all_is_well(tmp_path: Path, signed: Path) -> None:
    folder = tmp_path / "estate"
    shutil.copytree(signed, folder)
    estate = folder / "estate.toml"
    text = estate.read_text(encoding="utf-8")
    estate.write_text(text.replace('signing = "file:keys/signing.key"', ""), encoding="utf-8")
    for store in ("near", "far"):
        shutil.rmtree(folder / "stores" / store)
    told = giucong(estate, "service.journal-verify")

    assert told.returncode == 3
    assert "nobody signs" in told.stdout
