"""A rehearsal serves databases where the site's own configuration looks for them."""

from pathlib import Path

import pytest

from ops.sandbox.plan import DatabasePlan, FilesPlan
from ops.sandbox.site_settings import follow_site

WORDPRESS = """<?php
define('DB_NAME', 'cong'); define('DB_USER', 'cong'); define('DB_PASSWORD', 'x');
define('DB_HOST', '{host}');
"""


def plan(name: str, database: str) -> DatabasePlan:
    return DatabasePlan(
        name=name, engine="mariadb", database=database, dump="/d", socket="/run/mysqld/mysqld.sock"
    )


@pytest.mark.parametrize(
    ("host", "port", "addresses"),
    [
        ("127.0.0.1:3399", 3399, ("127.0.0.1",)),
        ("db.example.vn", None, ("db.example.vn",)),
        ("localhost", None, ()),
        ("localhost:80", None, ()),
        ("x y\\n10.0.0.1 evil:3399", 3399, ()),
    ],
)
def test_what_the_sites_own_configuration_names_is_served(
    tmp_path: Path, host: str, port: int | None, addresses: tuple[str, ...]
) -> None:
    (tmp_path / "public").mkdir()
    (tmp_path / "public" / "wp-config.php").write_text(WORDPRESS.format(host=host))
    files = [FilesPlan(name="www", restored=str(tmp_path), live="/var/www")]
    found = follow_site([plan("db", "cong"), plan("khac", "khac")], files, "www/public")

    assert [it.port for it in found.databases] == [port, port]  # of one server
    assert found.addresses == addresses
    unnamed = follow_site([plan("db", "cong")], files)
    assert (unnamed.databases[0].port, unnamed.addresses) == (None, ())
