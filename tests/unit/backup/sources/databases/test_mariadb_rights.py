"""What an account may read, decided from lines that real servers print."""

import pytest

from backup.sources.databases.mariadb_rights import covers, find_missing_rights

USAGE = "GRANT USAGE ON *.* TO `reader`@`localhost` IDENTIFIED BY PASSWORD '*6BB4'"
READER = (
    "GRANT SELECT, SHOW VIEW, EVENT, TRIGGER, SHOW CREATE ROUTINE ON `portal`.* TO `reader`@`%`"
)


@pytest.mark.parametrize(
    ("lines", "missing"),
    [
        ([USAGE, READER], ()),
        (["GRANT ALL PRIVILEGES ON *.* TO `root`@`localhost` WITH GRANT OPTION"], ()),
        (["GRANT ALL PRIVILEGES ON `portal`.* TO `owner`@`localhost`"], ()),
        ([USAGE], ("SELECT", "SHOW VIEW", "TRIGGER", "EVENT", "SHOW CREATE ROUTINE")),
        ([READER.replace(", TRIGGER", "")], ("TRIGGER",)),
        ([READER.replace("`portal`", "`other`")],
         ("SELECT", "SHOW VIEW", "TRIGGER", "EVENT", "SHOW CREATE ROUTINE")),
        ([READER.replace("`portal`.*", "`portal`.`news`")],
         ("SELECT", "SHOW VIEW", "TRIGGER", "EVENT", "SHOW CREATE ROUTINE")),
        ([READER.replace("SELECT,", "SELECT (`a`, `b`),")], ("SELECT",)),
        ([READER.replace(", SHOW CREATE ROUTINE", "")], ("SHOW CREATE ROUTINE",)),
        ([READER.replace(", SHOW CREATE ROUTINE", ""),
          "GRANT SELECT ON `mysql`.`proc` TO `reader`@`%`"], ()),
        (["GRANT SELECT, SHOW VIEW, TRIGGER, EVENT ON *.* TO `reader`@`%`"], ()),
        (["GRANT `editors` TO `reader`@`%`", READER], ()),
    ],
)  # fmt: skip
def test_a_right_that_is_missing_is_named(lines: list[str], missing: tuple[str, ...]) -> None:
    assert find_missing_rights(lines, "portal") == missing


def test_locking_wants_a_right_more() -> None:
    assert find_missing_rights([READER], "portal", locks=True) == ("LOCK TABLES",)


@pytest.mark.parametrize(
    ("pattern", "database", "expected"),
    [
        ("portal\\_main", "portal_main", True),
        ("portal\\_main", "portalxmain", False),
        ("portal_main", "portalxmain", True),
        ("por%", "portal", True),
        ("por%", "xportal", False),
        ("a.b", "axb", False),
        (None, "anything", True),
    ],
)
def test_patterns_of_grants_hold_as_the_server_reads_them(
    pattern: str | None, database: str, expected: bool
) -> None:
    assert covers(pattern, database) is expected
