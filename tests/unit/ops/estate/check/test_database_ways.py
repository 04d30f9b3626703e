"""A database that goes another way than it looks is told of."""

import pytest

from ops.estate.site_rules import check_database_ways
from tests.unit.ops.estate.conftest import SITE, Load

HOST = """
[[hosts]]
name = "web1"
address = "192.0.2.9"
"""
PART = """
[[sites.databases]]
name = "db"
engine = "{engine}"
database = "x"
{more}
"""


@pytest.mark.parametrize(
    ("engine", "more", "keys"),
    [
        ("mariadb", "", []),
        ("mariadb", 'socket = "/run/s"', ["sites[so-y-te].databases[db]"]),
        ("mariadb", 'socket = "/run/s"\nhost = "web1"', []),
        ("mariadb", 'address = "192.0.2.7"\nport = 3307', []),
        (
            "mariadb",
            'socket = "/run/s"\nhost = "web1"\nport = 3399',
            ["sites[so-y-te].databases[db].port"],
        ),
        ("postgresql", 'socket = "/run/s"\nhost = "web1"\nport = 5433', []),
    ],
)
def test_a_way_that_may_be_another_one_is_told(
    load: Load, engine: str, more: str, keys: list[str]
) -> None:
    site = SITE.replace("[[sites]]", '[[sites]]\nhost = "web1"', 1)
    estate = load(site + PART.format(engine=engine, more=more) + HOST)

    problems = list(check_database_ways(estate))
    assert [problem.key for problem in problems] == keys
    assert all(problem.severity == "warning" for problem in problems)
