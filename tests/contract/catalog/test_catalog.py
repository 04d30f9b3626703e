"""The catalog keeps the same promises on SQLite and on PostgreSQL."""

import threading
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError, StatementError

from ops.catalog.columns import Base
from ops.catalog.engine import CatalogDamagedError
from ops.catalog.open import SCHEMA, Catalog, open_catalog
from ops.catalog.tables import core, index
from ops.catalog.tables.core import EstateVersion, Occurrence
from ops.errors import OpsError

HANOI = timezone(timedelta(hours=7))


def estate_version(hash_: str, at: datetime) -> EstateVersion:
    return EstateVersion(hash=hash_, first_seen_at=at, document="{}")


def test_migrations_make_exactly_the_tables_of_the_models(catalog: Catalog) -> None:
    with catalog.readers.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        difference = compare_metadata(context, Base.metadata)

    assert difference == []


def test_the_known_schema_is_the_newest_migration() -> None:
    config = Config()
    config.set_main_option("script_location", "ops.catalog:migrations")

    assert ScriptDirectory.from_config(config).get_heads() == [SCHEMA]


def test_every_table_says_whether_it_can_be_rebuilt() -> None:
    kinds = {table.name: table.info["kind"] for table in Base.metadata.tables.values()}

    for module in (index, core):
        for model in vars(module).values():
            if isinstance(model, type) and issubclass(model, Base) and model is not Base:
                kind = kinds[model.__tablename__]
                assert (model.__doc__ or "").startswith(("A record:", "An index:"))
                assert kind in (model.__doc__ or "").split(":", maxsplit=1)[0]
    assert set(kinds.values()) == {"index", "record"}


def test_what_was_written_is_there_when_opened_again(empty_catalog_url: str) -> None:
    moment = datetime(2026, 3, 1, 6, 59, 59, 123456, tzinfo=HANOI)
    first = open_catalog(empty_catalog_url)
    with first.writing() as session:
        session.add(estate_version("a", moment))
    first.close()

    second = open_catalog(empty_catalog_url)
    with second.reading() as session:
        found = session.execute(select(EstateVersion.first_seen_at)).scalar_one()
    second.close()

    assert found == moment
    assert found.tzinfo is UTC


def test_a_time_without_offset_is_refused(catalog: Catalog) -> None:
    with pytest.raises(StatementError, match="without an offset"), catalog.writing() as session:
        session.add(estate_version("a", datetime(2026, 3, 1)))  # noqa: DTZ001  # the very mistake


def test_an_error_undoes_the_whole_transaction(catalog: Catalog) -> None:
    def fail_half_way() -> None:
        with catalog.writing() as session:
            session.add(estate_version("a", datetime.now(UTC)))
            session.flush()
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_half_way()

    with catalog.reading() as session:
        assert session.execute(select(EstateVersion)).first() is None


def test_a_catalog_of_a_newer_version_is_refused_unchanged(empty_catalog_url: str) -> None:
    catalog = open_catalog(empty_catalog_url)
    with catalog.writing() as session:
        session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    catalog.close()

    with pytest.raises(OpsError) as caught:
        open_catalog(empty_catalog_url)

    assert "9999" in str(caught.value)
    assert "newer version" in caught.value.why
    assert caught.value.data


def test_several_may_open_a_new_catalog_at_once(empty_catalog_url: str) -> None:
    errors: list[BaseException] = []

    def open_it() -> None:
        try:
            open_catalog(empty_catalog_url).close()
        except BaseException as error:  # noqa: BLE001  # told below
            errors.append(error)

    threads = [threading.Thread(target=open_it) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert errors == []


@pytest.mark.parametrize(
    ("state", "outcome"), [("finished", None), ("ended", None), ("due", "ok"), ("ended", "lost")]
)
def test_the_ledger_holds_no_state_or_outcome_it_does_not_know(
    catalog: Catalog, state: str, outcome: str | None
) -> None:
    now = datetime.now(UTC)
    row = Occurrence(
        job="j", kind="k", site="s", due_at=now, created_at=now, trigger="clock",
        arguments={}, state=state, outcome=outcome,
    )  # fmt: skip

    with pytest.raises(IntegrityError), catalog.writing() as session:
        session.add(row)


def test_sqlite_is_set_to_lose_nothing(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("catalog")
    catalog = open_catalog(f"sqlite:///{folder}/c.db")
    with catalog.reading() as session:
        found = [
            session.execute(text(f"PRAGMA {name}")).scalar_one()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        ]
    catalog.close()

    assert found == ["wal", 2, 1, 30_000]


def test_a_url_of_another_kind_is_explained_without_its_password() -> None:
    with pytest.raises(OpsError) as caught:
        open_catalog("mysql://root:hunter2@example/x")

    assert "hunter2" not in str(caught.value) + caught.value.why


def test_a_database_that_does_not_answer_is_explained_without_its_password() -> None:
    with pytest.raises(OpsError) as caught:
        open_catalog("postgresql+psycopg://root:hunter2@127.0.0.1:1/x")

    assert "127.0.0.1" in str(caught.value)
    assert "hunter2" not in str(caught.value) + caught.value.why


def test_a_damaged_file_is_named_with_the_way_back(tmp_path: Path) -> None:
    """No database at all is found while opening; a broken page of one, while reading."""
    noise = tmp_path / "noise.db"
    noise.write_bytes(b"\xa5" * 9_000)
    broken = tmp_path / "broken.db"
    made = open_catalog(f"sqlite:///{broken}")
    with made.writing() as session:
        session.add(estate_version("a", datetime.now(UTC)))
        root = session.execute(
            text("SELECT rootpage FROM sqlite_schema WHERE name = 'estate_versions'")
        ).scalar_one()
    made.close()
    pages = bytearray(broken.read_bytes())
    pages[(root - 1) * 4_096 : root * 4_096] = b"\xff" * 4_096
    broken.write_bytes(pages)
    reread = open_catalog(f"sqlite:///{broken}")

    with pytest.raises(CatalogDamagedError) as found:
        open_catalog(f"sqlite:///{noise}")
    with pytest.raises(CatalogDamagedError), reread.reading() as session:
        session.execute(select(EstateVersion)).all()
    reread.close()
    assert "service.recover --repo" in found.value.next_step
