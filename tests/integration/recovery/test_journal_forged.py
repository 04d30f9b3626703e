"""Rows that somebody with the catalog appends, and tables that the journal does not tell of."""

import json
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ops.audit.heads import encode_key, find_signing_key, public_text, put_head, sign_head
from ops.audit.job import ENOUGH_HEADS, examine
from ops.backups.repositories.stores import open_root
from ops.estate.load.load import load_estate
from ops.journal import journal
from ops.journal.journal import Entry, Head, Origin
from tests.integration.jobs.small_estate import giucong
from tests.integration.recovery.signed_estate import build_signed_estate, open_estate_catalog, run

pytestmark = pytest.mark.slow

BY_ROOT = Origin(via="cli", person="nva", login="nva")


@pytest.fixture(scope="module")
def signed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An estate whose journal was signed for twice; tests work on copies. Gives its folder."""
    path = build_signed_estate(tmp_path_factory.mktemp("forged") / "estate")
    for site in ("so-y-te", "giucong", "so-y-te", "giucong"):
        run(path, "backup.run", "--site", site)
    return path.parent


@pytest.fixture
def estate(signed: Path, tmp_path: Path) -> Path:
    """A copy; gives its estate file."""
    shutil.copytree(signed, tmp_path / "estate")
    return tmp_path / "estate/estate.toml"


def edit(estate: Path, *statements: str) -> None:
    """Do what somebody with the catalog can do."""
    with closing(sqlite3.connect(estate.parent / "state/giucong.db")) as database:
        for name in ("journal_no_update", "journal_no_delete", "journal_next_only"):
            database.execute(f"DROP TRIGGER IF EXISTS {name}")
        for statement in statements:
            database.execute(statement)
        database.commit()


def append(estate: Path, *entries: Entry) -> Head:
    catalog = open_estate_catalog(estate)
    with catalog, catalog.writing() as session:
        return journal.append(session, BY_ROOT, entries)


def verify(estate: Path) -> tuple[int, set[str]]:
    """Give the exit code, and the codes of what is no note."""
    ended = giucong(estate, "service.journal-verify", "--json")
    assert "Traceback" not in ended.stderr
    found = json.loads(ended.stdout)["items"]
    return ended.returncode, {it["code"] for it in found if not it["is_note"]}


def heads_in(folder: Path) -> list[dict[str, object]]:
    return [json.loads(path.read_text()) for path in sorted(folder.iterdir())]


def test_a_forged_recovery_does_not_hide_a_cut_tail(estate: Path) -> None:
    heads = heads_in(estate.parent / "stores/near/journal-heads")
    lost = [{"sequence": it["sequence"], "hash": it["hash"]} for it in heads]
    edit(estate, "DELETE FROM journal WHERE sequence > 8")
    append(estate, Entry("service.recovered", "giucong", {"head": 8, "lost": lost}))
    code, found = verify(estate)

    assert code == 1
    assert "lost_unproven" in found


def test_a_journal_written_anew_past_its_old_end_is_seen_by_the_nightly_look(estate: Path) -> None:
    end = heads_in(estate.parent / "stores/near/journal-heads")[-1]["sequence"]
    edit(estate, "DELETE FROM journal WHERE sequence > 3")
    loaded = load_estate(estate)
    key = find_signing_key(loaded)
    assert key is not None
    assert isinstance(end, int)
    append(estate, *(Entry("site.note", "s1") for _ in range(end - 3)))
    for _ in range(ENOUGH_HEADS + 10):
        head = sign_head(key, append(estate, Entry("site.note", "s1")), datetime.now(UTC))
        for store in loaded.stores:
            put_head(open_root(loaded, store), head)
    catalog = open_estate_catalog(estate)
    found = examine(loaded, catalog, newest=ENOUGH_HEADS)
    catalog.close()

    assert "rewritten" in {it.code for it in found.faults}


def test_a_head_of_a_row_beyond_all_numbers_is_named_and_not_stumbled_over(estate: Path) -> None:
    loaded = load_estate(estate)
    key = find_signing_key(loaded)
    assert key is not None
    head = sign_head(key, Head(10**30, "0" * 64), datetime.now(UTC))
    put_head(open_root(loaded, loaded.stores[0]), head)

    assert verify(estate) == (1, {"cut"})


AN_ID, A_DAY = "01890a5dac96774bbcceb302099a8057", "2026-11-24 00:00:00.000000"
ENDS, RELEASE = "NULL, NULL, ''", "NULL, '', '', NULL"


@pytest.mark.parametrize(
    ("statement", "code"),
    [
        (
            f"INSERT INTO role_grants VALUES ('{AN_ID}', 'ttb', 'viewer', '{A_DAY}', '', {ENDS})",  # noqa: S608 -- a test's own words
            "role_unproven",
        ),
        (
            f"INSERT INTO holds VALUES ('{AN_ID}', 's', '', 'r', '1', '{A_DAY}', '', {RELEASE})",  # noqa: S608 -- a test's own words
            "hold_unproven",
        ),
        ("DELETE FROM holds", "hold_gone"),
    ],
)
def test_a_record_that_the_journal_does_not_tell_of_is_found(
    estate: Path, statement: str, code: str
) -> None:
    run(estate, "backup.hold", "--site", "so-y-te", "--reason", "thanh tra", "--reference", "1/QĐ")
    before = verify(estate)
    edit(estate, statement)
    saved = giucong(estate, "backup.run", "--site", "giucong")

    assert before == (0, set())
    assert verify(estate) == (1, {code})
    assert saved.returncode == 3
    assert "the journal does not hold" in saved.stdout


@pytest.mark.parametrize(
    ("statement", "code", "words"),
    [
        ("UPDATE journal SET details = '[]' WHERE action = 'journal.signed'", "changed", "changed"),
        ("UPDATE journal SET details = x'ff00' WHERE sequence = 4", "changed", "row 4 of"),
    ],
)
def test_what_root_writes_is_named_and_not_stumbled_over(
    estate: Path, statement: str, code: str, words: str
) -> None:
    edit(estate, statement)
    told = giucong(estate, "service.journal-verify")
    saved = giucong(estate, "backup.run", "--site", "giucong")

    assert verify(estate) == (1, {code})
    assert (told.returncode, saved.returncode) == (1, 3)
    assert words in told.stdout
    assert "the journal does not hold" in saved.stdout


def test_a_journal_that_is_gone_is_told_by_every_task(estate: Path) -> None:
    edit(estate, "DROP TABLE journal")
    for task in (("service.journal-verify",), ("backup.run", "--site", "giucong")):
        ended = giucong(estate, *task)

        assert ended.returncode == 1
        assert "the journal is gone: its table is not there" in ended.stderr
        assert "sqlite3" not in ended.stderr


def swap(path: Path) -> None:
    path.write_bytes(encode_key(Ed25519PrivateKey.generate()))


def empty(path: Path) -> None:
    path.write_text("")


@pytest.mark.parametrize(
    ("change", "code"),
    [(Path.unlink, "key_gone"), (swap, "key_unknown"), (empty, "key_unreadable")],
)
def test_a_signing_key_that_vanished_or_was_swapped_is_a_fault_and_signs_nothing(
    estate: Path, change: Callable[[Path], None], code: str
) -> None:
    path = estate.parent / "keys/signing.key"
    kept = path.read_bytes()
    heads = heads_in(estate.parent / "stores/near/journal-heads")
    change(path)
    saved = giucong(estate, "backup.run", "--site", "giucong")
    found = verify(estate)
    path.write_bytes(kept)

    assert (saved.returncode, found) == (3, (1, {code}))
    assert heads_in(estate.parent / "stores/near/journal-heads") == heads
    assert verify(estate) == (0, set())


@pytest.mark.parametrize("change", [Path.unlink, swap])
def test_a_new_key_is_accepted_and_signs_from_then_on(
    estate: Path, change: Callable[[Path], None]
) -> None:
    change(estate.parent / "keys/signing.key")
    told = run(estate, "service.journal-verify", "--accept", "--reason", "đĩa hỏng")
    verified = verify(estate)
    run(estate, "backup.run", "--site", "giucong")
    heads = heads_in(estate.parent / "stores/near/journal-heads")

    assert "accepted" in told
    assert verified == (0, set())
    assert heads[-1]["key"] != heads[0]["key"]
    assert verify(estate) == (0, set())


def test_a_cut_tail_is_accepted_and_remains_a_note(estate: Path) -> None:
    edit(estate, "DELETE FROM journal WHERE sequence > 8")
    run(estate, "service.journal-verify", "--accept", "--reason", "đã điều tra")
    told = run(estate, "service.journal-verify")

    assert "two people have accepted" in told
    assert verify(estate) == (0, set())


def test_an_acceptance_that_nobody_signed_accepts_nothing(estate: Path) -> None:
    run(estate, "service.journal-verify", "--accept", "--reason", "không có gì")
    swap(estate.parent / "keys/signing.key")
    own = find_signing_key(load_estate(estate))
    assert own is not None
    told = {"code": "key_unknown", "params": {}}
    append(
        estate,
        Entry("journal.accepted", "giucong", {"findings": [told], "key": public_text(own)}),
        Entry("journal.key_made", "giucong", {"key": public_text(own)}),
    )

    assert verify(estate) == (1, {"key_unknown"})


def test_a_changed_row_cannot_be_accepted_and_a_deleted_hold_comes_back(estate: Path) -> None:
    run(estate, "backup.hold", "--site", "so-y-te", "--reason", "thanh tra", "--reference", "1/QĐ")
    (held,) = json.loads(run(estate, "backup.hold", "--list", "--json"))["items"]
    edit(estate, "DELETE FROM holds")
    run(estate, "service.journal-verify", "--accept", "--reason", "ghi lại")
    (again,) = json.loads(run(estate, "backup.hold", "--list", "--json"))["items"]
    edit(estate, "UPDATE journal SET login = 'x' WHERE sequence = 4")
    refused = giucong(estate, "service.journal-verify", "--accept", "--reason", "ghi lại")

    assert held | {"placed_at": ""} == again | {"placed_at": ""}
    assert refused.returncode == 1
    assert "cannot be accepted: row 4" in refused.stderr
