"""The console over a catalog in PostgreSQL: every page, an act with its journal row."""

from contextlib import suppress
from itertools import product
from pathlib import Path

import pytest
from sqlalchemy import select

from ops.catalog.open import open_catalog
from ops.catalog.tables.core import JournalRow
from ops.console.page import all_pages
from ops.errors import WrongUseError
from tests.console_office import AROUND, build_console_estate, let_backups_fail, office_in_process
from tests.postgres_server import PostgresServer, postgres_server

__all__ = ["postgres_server"]

pytestmark = pytest.mark.slow


def test_pages_and_acts_are_as_on_sqlite(tmp_path: Path, postgres_server: PostgresServer) -> None:
    url = postgres_server.new_database()
    estate = build_console_estate(tmp_path / "estate", catalog=url)
    let_backups_fail(estate, ["cong-xa"], "Xã xin khôi phục")
    shown = set[str]()
    with office_in_process(estate) as office:
        for name, arguments in product(all_pages(), ({}, {"site": "cong-xa"})):
            with suppress(WrongUseError):  # what it is about is not named
                shown.add(office.html(name, **arguments) and name)
        form = {"kind": "support", "title": "Hỏi về mật khẩu", "site": "cong-xa"}
        done = office.act("register.add", form=form)
        assert office.page("today")["red"]

    assert len(shown) > len(all_pages()) - 8
    assert done["code"] == 0, done["lines"]
    catalog = open_catalog(url)
    try:
        with catalog.reading() as session:
            rows = session.execute(select(JournalRow.person, JournalRow.via, JournalRow.action))
            acts = [tuple(it) for it in rows]
    finally:
        catalog.close()
    assert ("bach", "console", "register.add") in acts
