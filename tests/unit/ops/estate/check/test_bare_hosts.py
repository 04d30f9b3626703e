"""Devices without a shell give what a command prints, and nothing that needs more."""

import pytest

from ops.backups.sources.parts import words_of
from ops.estate.site_rules import check_bare_hosts
from ops.hosts.connect import make_target
from tests.unit.ops.estate.conftest import SITE, Load

HOST = """
[[hosts]]
name = "sw1"
address = "192.0.2.9"
shell = false
[[hosts]]
name = "web1"
address = "192.0.2.10"
"""
PART = """
[[sites.files]]
name = "config"
host = "{host}"
path = "/running-config"
{more}
"""
COMMAND = 'source = "command"\ncommand = \'show "running" config\''


@pytest.mark.parametrize(
    ("host", "more", "count"),
    [
        ("sw1", COMMAND, 0),
        ("sw1", "", 1),
        ("sw1", 'source = "delivered"', 1),
        ("sw1", 'source = "sftp"', 0),
        ("web1", "", 0),
    ],
)
def test_what_a_device_cannot_give_is_a_problem(
    load: Load, host: str, more: str, count: int
) -> None:
    estate = load(SITE + PART.format(host=host, more=more) + HOST)

    problems = list(check_bare_hosts(estate))
    assert [problem.key for problem in problems] == ["sites[so-y-te].files[config].host"] * count


def test_a_database_needs_a_shell(load: Load) -> None:
    part = '[[sites.databases]]\nname = "db"\nengine = "mariadb"\ndatabase = "x"\nhost = "sw1"\n'
    problems = list(check_bare_hosts(load(SITE + part + HOST)))
    assert [problem.key for problem in problems] == ["sites[so-y-te].databases[db].host"]


def test_a_device_gets_the_line_as_it_stands_in_the_estate(load: Load) -> None:
    bare = load(SITE + PART.format(host="sw1", more=COMMAND) + HOST)
    shelled = load(SITE + PART.format(host="web1", more=COMMAND) + HOST)

    assert words_of(bare, bare.sites[0].files[1]) == [b'show "running" config']
    assert words_of(shelled, shelled.sites[0].files[1]) == [b"show", b"running", b"config"]
    assert not make_target(bare, "sw1").has_shell
    assert make_target(bare, "web1").has_shell
