"""The journal refuses to be changed, and names the row where somebody managed all the same."""

from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

import pytest
from pydantic import SecretStr
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from ops.catalog.open import Catalog, open_catalog
from ops.catalog.tables.core import JournalRow
from ops.journal import journal
from ops.journal.journal import Entry, Head, Origin
from tests.effort import takes_at_most

NOBODY = Origin(via="cli", person="nva", login="nva", reason="Thử", software="0.1.0")


def write(catalog: Catalog, count: int) -> Head:
    with catalog.writing() as session:
        entries = [Entry("site.note", f"site-{n}", {"n": n}) for n in range(1, count + 1)]
        return journal.append(session, NOBODY, entries)


def unguard(catalog: Catalog, statement: str) -> None:
    """Do what somebody with the database's own password can do."""
    with catalog.writers.begin() as connection:
        if connection.dialect.name == "sqlite":
            for name in ("journal_no_update", "journal_no_delete"):
                connection.execute(text(f"DROP TRIGGER {name}"))
        else:
            connection.execute(text("ALTER TABLE journal DISABLE TRIGGER USER"))
        connection.execute(text(statement))


def test_a_journal_that_nobody_touched_holds(catalog: Catalog) -> None:
    head = write(catalog, 5)

    verdict = journal.verify(catalog, expected=head)

    assert verdict == journal.ChainVerdict(checked_rows=5, head=head)


def test_an_empty_journal_holds(catalog: Catalog) -> None:
    assert journal.verify(catalog).head == Head(0, journal.FIRST_PREVIOUS)


def test_every_field_is_kept(catalog: Catalog) -> None:
    origin = Origin(
        via="console", person="nva", login="n.v.a", address="192.0.2.7", requested_by="ttb",
        reason="Khôi phục", document="12/QĐ", run="r-1", software="0.1.0", estate="e" * 64,
    )  # fmt: skip
    with catalog.writing() as session:
        journal.append(session, origin, [Entry("backup.restore", "cong-chinh", {"bytes": 7})])

    with catalog.reading() as session:
        row = session.execute(select(JournalRow)).scalar_one()

    assert {name: getattr(row, name) for name in Origin.__slots__} == {
        name: getattr(origin, name) for name in Origin.__slots__
    }
    assert (row.sequence, row.action, row.subject) == (1, "backup.restore", "cong-chinh")
    assert row.details == '{"bytes":7}'


def test_the_hash_is_the_documented_one(catalog: Catalog) -> None:
    write(catalog, 2)
    with catalog.reading() as session:
        first, second = session.execute(select(JournalRow).order_by(JournalRow.sequence)).scalars()

    fields = [getattr(second, name) for name in journal.FIELDS[2:]]
    told = ["2", second.at.strftime("%Y-%m-%d %H:%M:%S.%f"), *fields]

    assert second.hash == sha256("\x1f".join([first.hash, *told]).encode()).hexdigest()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE journal SET reason = 'khác' WHERE sequence = 2",
        "DELETE FROM journal WHERE sequence = 2",
        "INSERT INTO journal SELECT * FROM journal WHERE sequence = 2",
    ],
)
def test_the_database_refuses_to_change_the_journal(catalog: Catalog, statement: str) -> None:
    head = write(catalog, 3)

    with pytest.raises(DBAPIError, match="append-only"), catalog.writing() as session:
        session.execute(text(statement))

    assert journal.verify(catalog, expected=head).broken_at is None


def test_sqlite_refuses_to_replace_a_row(tmp_path_factory: pytest.TempPathFactory) -> None:
    from ops.catalog.open import open_catalog

    catalog = open_catalog(f"sqlite:///{tmp_path_factory.mktemp('c')}/c.db")
    write(catalog, 3)

    with pytest.raises(DBAPIError, match="append-only"), catalog.writing() as session:
        session.execute(text("REPLACE INTO journal SELECT * FROM journal WHERE sequence = 2"))
    catalog.close()


@pytest.mark.parametrize(
    ("statement", "broken_at", "reason"),
    [
        ("UPDATE journal SET reason = 'khác' WHERE sequence = 3", 3, "changed"),
        ("UPDATE journal SET hash = 'x' WHERE sequence = 1", 1, "changed"),
        ("UPDATE journal SET subject = '' WHERE sequence = 5", 5, "changed"),
        ("DELETE FROM journal WHERE sequence = 2", 2, "gap"),
        ("DELETE FROM journal WHERE sequence > 3", 4, "cut"),
    ],
)
def test_the_first_broken_row_is_named(
    catalog: Catalog, statement: str, broken_at: int, reason: str
) -> None:
    head = write(catalog, 5)
    unguard(catalog, statement)

    verdict = journal.verify(catalog, expected=head)

    assert (verdict.broken_at, verdict.reason) == (broken_at, reason)
    assert verdict.checked_rows == broken_at - 1


@pytest.mark.parametrize(
    "value",
    ["x'ff00'", "CAST(x'ff00' AS TEXT)", "x'7b7d'", "17"],
    ids=["blob", "no-utf8", "{}", "number"],
)
def test_sqlite_values_of_another_kind_are_a_row_that_was_changed(
    tmp_path: Path, value: str
) -> None:
    catalog = open_catalog(f"sqlite:///{tmp_path / 'catalog.db'}")
    write(catalog, 6)
    unguard(catalog, f"UPDATE journal SET details = {value} WHERE sequence = 4")  # noqa: S608 -- a test's own words
    verdict = journal.verify(catalog)
    catalog.close()

    assert (verdict.broken_at, verdict.reason, verdict.checked_rows) == (4, "changed", 3)


@pytest.mark.parametrize(
    "statement", ["DROP TABLE journal", "ALTER TABLE journal RENAME COLUMN details TO other"]
)
def test_a_journal_that_is_no_table_any_more_is_told_and_not_stumbled_over(
    tmp_path: Path, statement: str
) -> None:
    catalog = open_catalog(f"sqlite:///{tmp_path / 'catalog.db'}")
    write(catalog, 6)
    with catalog.writers.begin() as connection:
        for (name,) in connection.execute(
            text("SELECT name FROM sqlite_master WHERE type = 'trigger'")
        ).all():
            connection.execute(text(f"DROP TRIGGER {name}"))
        connection.execute(text(statement))
    verdict = journal.verify(catalog)
    with pytest.raises(journal.JournalGoneError):
        write(catalog, 1)
    catalog.close()

    assert verdict == journal.ChainVerdict(0, Head(0, journal.FIRST_PREVIOUS), 1, "gone")


def test_a_chain_that_was_written_anew_does_not_match_the_head_kept_elsewhere() -> None:
    def chain(reason: str) -> Sequence[Sequence[str]]:
        rows, previous = [], journal.FIRST_PREVIOUS
        for number in range(1, 4):
            fields = [str(number), "2026-01-01 00:00:00.000000", *[reason] * 13]
            previous = sha256("\x1f".join([previous, *fields]).encode()).hexdigest()
            rows.append([*fields, previous])
        return rows

    head = journal.verify_rows(chain("Thật")).head
    verdict = journal.verify_rows(chain("Giả"), expected=head)

    assert (verdict.broken_at, verdict.reason) == (3, "rewritten")


def test_an_undone_act_leaves_no_row(catalog: Catalog) -> None:
    def fail_half_way() -> None:
        with catalog.writing() as session:
            journal.append(session, NOBODY, [Entry("site.note")])
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_half_way()
    head = write(catalog, 1)

    assert head.sequence == 1


def test_hostile_texts_are_kept_and_the_chain_holds(catalog: Catalog) -> None:
    texts = ["a\x1fb", "\x00", "\udcff\udcfe", "e\u0323\u0302", "dòng\nhai", "x" * 100_000]
    with catalog.writing() as session:
        entries = [Entry("site.note", text, {text: text}) for text in texts]
        head = journal.append(session, NOBODY, entries)

    assert journal.verify(catalog, expected=head).broken_at is None


def test_a_wrapped_secret_cannot_be_written(catalog: Catalog) -> None:
    with pytest.raises(TypeError), catalog.writing() as session:
        journal.append(session, NOBODY, [Entry("site.note", "", {"key": SecretStr("hunter2")})])


def test_a_password_in_a_url_is_struck_out(catalog: Catalog) -> None:
    with catalog.writing() as session:
        details = {"url": "postgresql://giucong:hunter2@db/x"}
        journal.append(session, NOBODY, [Entry("catalog.moved", "", details)])
        row = session.execute(select(JournalRow)).scalar_one()

    assert row.details == '{"url":"postgresql://giucong:***@db/x"}'


@pytest.mark.slow
def test_a_hundred_thousand_rows_are_verified_in_a_second_or_so(catalog: Catalog) -> None:
    for _batch in range(10):
        head = write(catalog, 10_000)

    assert journal.verify(catalog, expected=head).checked_rows == 100_000
    # 0.6 s is the anchor for this many; the bar leaves room for a slow machine.
    assert takes_at_most(3, lambda: journal.verify(catalog, expected=head))
