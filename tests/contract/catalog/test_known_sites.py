"""Sites that were named once are known for good: one that goes without retirement is missed."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import select
from sqlalchemy.orm import Session

from ops.catalog.engine import WRITES, create_catalog_engine
from ops.catalog.open import Catalog, open_catalog
from ops.catalog.tables.core import EstateVersion, JournalRow
from ops.catalog.tables.index import StoreSeen
from ops.catalog.tables.sites import RetiredSite
from ops.estate.known_sites import SiteHistory, Vanished, find_vanished, is_retired, read_history
from ops.estate.versions import find_estate_at, read_version, remember_estate
from ops.journal.journal import Origin

NOW = datetime(2026, 3, 1, tzinfo=UTC)
DAY = timedelta(days=1)


def remember(catalog: Catalog, *names: str, now: datetime = NOW) -> str:
    document: dict[str, Any] = {"schema": 1, "sites": [{"name": name} for name in names]}
    with catalog.writing() as session:
        return remember_estate(session, document, now=now, origin=Origin(via="clock"))


def retire(catalog: Catalog, name: str, at: datetime) -> None:
    with catalog.writing() as session:
        session.add(
            RetiredSite(
                name=name, title=name, unit="x", owner="", retired_at=at, retired_by="nva",
                reason="sáp nhập", document="12/QĐ", estate="", retention={"keep_last": 3},
                stores=[{"store": "near", "last": ["a" * 64]}], minutes="biên bản",
            )
        )  # fmt: skip


def missing(catalog: Catalog, *in_force: str) -> list[str]:
    with catalog.reading() as session:
        return [it.name for it in find_vanished(in_force, read_history(session), {})]


def test_a_site_that_goes_is_missed_until_it_is_retired(catalog: Catalog) -> None:
    first = remember(catalog, "a", "b")
    remember(catalog, "a", now=NOW + DAY)

    assert missing(catalog, "a", "b") == []
    assert missing(catalog, "a") == ["b"]
    with catalog.reading() as session:
        (vanished,) = find_vanished(["a"], read_history(session), {"b": ("near",)})
        assert read_version(session, first)["sites"][1]["name"] == "b"
    assert vanished == Vanished("b", first, ("near",))

    retire(catalog, "b", NOW + 2 * DAY)
    assert missing(catalog, "a") == []


def test_a_site_that_came_back_after_retirement_is_missed_again(catalog: Catalog) -> None:
    remember(catalog, "a", "b")
    retire(catalog, "b", NOW + DAY)
    remember(catalog, "a", now=NOW + 2 * DAY)
    remember(catalog, "a", "b", now=NOW + 3 * DAY)
    remember(catalog, "a", now=NOW + 4 * DAY)

    assert missing(catalog, "a") == ["b"]


def test_a_change_elsewhere_does_not_undo_a_retirement(catalog: Catalog) -> None:
    remember(catalog, "a", "b")
    retire(catalog, "b", NOW + DAY)
    remember(catalog, "a", "b", "c", now=NOW + 2 * DAY)

    assert missing(catalog, "a", "c") == []


def test_a_repository_seen_in_a_store_counts_without_any_estate(catalog: Catalog) -> None:
    with catalog.writing() as session:
        session.add(
            StoreSeen(site="old", store="near", repository_id="x", seen_at=NOW, snapshot_count=1)
        )

    assert missing(catalog) == ["old"]
    retire(catalog, "old", NOW)
    assert missing(catalog) == []


def test_sites_of_estates_stored_before_are_known_after_migrating(empty_catalog_url: str) -> None:
    engine = create_catalog_engine(empty_catalog_url).execution_options(**{WRITES: True})
    config = Config()
    config.set_main_option("script_location", "ops.catalog:migrations")
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0005")
    with Session(engine) as session, session.begin():
        for number, sites in enumerate(('[{"name": "a"}, {"name": "b"}]', '[{"name": "b"}]')):
            session.add(
                EstateVersion(hash=str(number), first_seen_at=NOW + number * DAY,
                              document=f'{{"sites": {sites}}}')
            )  # fmt: skip
    engine.dispose()

    opened = open_catalog(empty_catalog_url)
    with opened.reading() as session:
        named = read_history(session).named
    opened.close()
    assert named == {"a": (NOW, "0"), "b": (NOW, "1")}


@pytest.mark.parametrize(
    ("since", "retired_at", "expected"),
    [(0, None, False), (0, 0, True), (0, 1, True), (1, 0, False)],
)
def test_only_a_retirement_after_the_naming_counts(
    since: int, retired_at: int | None, expected: bool
) -> None:
    retired = {} if retired_at is None else {"a": NOW + retired_at * DAY}
    history = SiteHistory({"a": (NOW + since * DAY, "hash")}, retired, {})

    assert is_retired("a", history) is expected
    assert bool(find_vanished([], history, {})) is not expected


def test_the_estate_of_a_day_is_found(catalog: Catalog) -> None:
    first = remember(catalog, "a")
    with catalog.reading() as session:
        between = session.execute(select(JournalRow.at)).scalar_one()
    second = remember(catalog, "a", "b")
    again = remember(catalog, "a")

    assert first == again != second
    with catalog.reading() as session:
        past = find_estate_at(session, between)
        now = find_estate_at(session, datetime.now(UTC))
        assert find_estate_at(session, between - timedelta(microseconds=1)) is None
    assert past is not None
    assert now is not None
    assert (past.hash, past.since) == (first, between)
    assert (now.hash, now.since > between) == (first, True)
    assert past.document["sites"] == [{"name": "a"}]
