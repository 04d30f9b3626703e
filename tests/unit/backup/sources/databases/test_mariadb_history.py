"""Of which tables a dump holds only the present rows."""

import pytest

from backup.sources.databases.mariadb_dump import MariadbState

VERSIONED = ("gia", "tin")


def without_history(program: str, *, is_by_transaction: bool = False) -> tuple[str, ...]:
    state = MariadbState(
        "MariaDB 11.8.9", {}, {}, 0, (), VERSIONED, is_by_transaction=is_by_transaction
    )
    return state.tables_without_history(program)


@pytest.mark.parametrize(
    ("program", "expected"),
    [
        ("mariadb-dump from 11.8.9-MariaDB, client 10.20 for debian-linux-gnu (x86_64)", ()),
        ("mariadb-dump  Ver 10.19 Distrib 10.11.6-MariaDB, for debian-linux-gnu (x86_64)", ()),
        ("mariadb-dump  Ver 10.19 Distrib 10.6.16-MariaDB, for Linux (x86_64)", VERSIONED),
        ("mysqldump  Ver 8.0.36 for Linux on x86_64 (MySQL Community Server - GPL)", VERSIONED),
        ("nobody knows", VERSIONED),
    ],
)
def test_a_program_that_cannot_dump_a_history_is_known(
    program: str, expected: tuple[str, ...]
) -> None:
    assert without_history(program) == expected


def test_no_program_dumps_a_history_told_by_transactions() -> None:
    assert without_history("from 11.8.9-MariaDB, client 10.20", is_by_transaction=True) == VERSIONED
