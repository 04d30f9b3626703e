"""A rehearsed catalog shows what was written in it, and keeps nothing."""

from contextlib import suppress

from sqlalchemy import func, select

from ops.catalog.open import Catalog, rehearse
from ops.catalog.tables.core import JournalRow
from ops.journal import journal

ORIGIN = journal.Origin(via="cli")


def count(catalog: Catalog) -> int:
    with catalog.reading() as session:
        return session.execute(select(func.count()).select_from(JournalRow)).scalar_one()


def write(catalog: Catalog) -> None:
    with catalog.writing() as session:
        journal.append(session, ORIGIN, [journal.Entry("test.done", "a")])


def test_what_is_written_is_read_back_and_then_undone(catalog: Catalog) -> None:
    write(catalog)
    with rehearse(catalog) as rehearsed:
        before = count(rehearsed)
        write(rehearsed)
        write(rehearsed)
        meanwhile = count(rehearsed)

    assert (before, meanwhile, count(catalog)) == (1, 3, 1)


def test_a_rehearsal_that_only_reads_keeps_nobody_waiting(catalog: Catalog) -> None:
    with rehearse(catalog) as rehearsed:
        count(rehearsed)
        write(catalog)

    assert count(catalog) == 1


def test_a_failed_writing_undoes_only_itself(catalog: Catalog) -> None:
    with rehearse(catalog) as rehearsed:
        write(rehearsed)
        with suppress(TypeError), rehearsed.writing() as session:
            journal.append(session, ORIGIN, [journal.Entry("test.done", "b")])
            journal.append(session, ORIGIN, [journal.Entry("test.done", "c", {"odd": object()})])
        assert count(rehearsed) == 1
    assert count(catalog) == 0
