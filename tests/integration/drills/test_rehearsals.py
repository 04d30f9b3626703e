"""Restored sites are brought to life in a sandbox; what is wrong with a copy is found and named."""

from pathlib import Path

import pytest

from ops.drills.sandbox.rehearsing import rehearse
from tests.mariadb_server import MariadbServer, mariadb_server
from tests.rehearsals import describe_board, make_board, take_copy, write_estate

__all__ = ["mariadb_server"]

pytestmark = pytest.mark.slow


def test_a_site_on_mariadb_is_the_same(tmp_path: Path, mariadb_server: MariadbServer) -> None:
    site = make_board(tmp_path / "www", mariadb_server)
    block = describe_board("cong-xa", site, mariadb_server, tmp_path / "keys" / "db")
    estate = write_estate(tmp_path / "estate", block)
    with site.running():
        plan = take_copy(estate, "cong-xa", tmp_path / "work")

    result = rehearse(plan)

    assert result.remarks == ()
    assert result.isolated
