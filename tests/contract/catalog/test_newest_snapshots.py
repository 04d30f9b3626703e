"""The newest snapshot of a whole site, on SQLite and on PostgreSQL: a database alone is none."""

from datetime import UTC, datetime, timedelta

from ops.backups.copies.seen import Newest, read_counts, read_newest, read_newest_alone
from ops.backups.repositories.moments import UNNAMED
from ops.catalog.open import Catalog
from ops.catalog.tables.index import Snapshot
from ops.status.heartbeat import newest_snapshots

NOW = datetime(2026, 11, 24, 18, tzinfo=UTC)


def put(catalog: Catalog, store: str, key: str, days_ago: int, *paths: str) -> None:
    with catalog.writing() as session:
        session.add(Snapshot(
            site="a", store=store, id=key, taken_at=NOW - timedelta(days=days_ago), hostname="a",
            paths=list(paths), tags=[], outcome="ok", summary={},
        ))  # fmt: skip


def test_only_snapshots_of_the_whole_site_are_its_newest(catalog: Catalog) -> None:
    put(catalog, "near", "old", 3, "/a")
    put(catalog, "near", "new", 2, "/a")
    put(catalog, "near", "database", 1, "/a/databases")
    put(catalog, "near", "both", 0, "/a", "/b")
    put(catalog, "far", "old", 3, "/a")
    put(catalog, "tape", "database", 1, "/a/databases")

    with catalog.reading() as session:
        assert read_newest(session) == {
            ("a", "near"): Newest("new", NOW - timedelta(days=2), "ok"),
            ("a", "far"): Newest("old", NOW - timedelta(days=3), "ok"),
        }
        assert read_counts(session) == {("a", "near"): 4, ("a", "far"): 1, ("a", "tape"): 1}
        assert newest_snapshots(session, "near") == {"a": NOW - timedelta(days=2)}
        assert newest_snapshots(session, "tape") == {}


def test_databases_that_were_saved_alone_are_known_by_name(catalog: Catalog) -> None:
    put(catalog, "near", "whole", 0, "/a")
    put(catalog, "near", "old", 2, "/a/databases/db.sql")
    put(catalog, "near", "new", 1, "/a/databases/db.sql")
    put(catalog, "near", "other", 3, "/a/databases/log.sqlite")
    put(catalog, "near", "before", 4, "/a/databases")
    put(catalog, "far", "foreign", 1, "/etc")

    with catalog.reading() as session:
        assert read_newest_alone(session) == {
            ("a", "near"): {
                "db": NOW - timedelta(days=1),
                "log": NOW - timedelta(days=3),
                UNNAMED: NOW - timedelta(days=4),
            }
        }
