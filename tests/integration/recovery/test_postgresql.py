"""A catalog in PostgreSQL is saved as record tables, and comes back into an empty database."""

import json
import shutil
from pathlib import Path

import pytest

from ops.journal import journal
from tests.integration.jobs.small_estate import build_estate
from tests.integration.recovery.signed_estate import open_estate_catalog, run
from tests.postgres_server import PostgresServer, postgres_server

__all__ = ["postgres_server"]

pytestmark = pytest.mark.slow


def test_the_service_comes_back_into_an_empty_database(
    tmp_path: Path, postgres_server: PostgresServer
) -> None:
    estate = build_estate(tmp_path / "estate")
    folder = estate.parent
    text = estate.read_text(encoding="utf-8")
    text = text.replace("sqlite:///state/giucong.db", "file:keys/catalog-url")
    text = text.replace("[[stores]]", 'signing = "file:keys/signing.key"\n[[stores]]', 1)
    estate.write_text(text, encoding="utf-8")
    (folder / "keys").mkdir()
    (folder / "keys/catalog-url").write_text(postgres_server.new_database())
    run(estate, "backup.init")
    run(estate, "backup.run", "--site", "cong-xa")
    run(estate, "backup.run", "--site", "giucong")
    shutil.rmtree(folder / "state")
    estate.unlink()
    (folder / "keys/catalog-url").write_text(postgres_server.new_database())
    told = run(
        estate, "service.recover", "--repo", str(folder / "stores/near"),
        "--password-file", str(folder / "keys/repository.key"),
    )  # fmt: skip
    listed = json.loads(run(estate, "service.jobs", "--json"))["items"]
    catalog = open_estate_catalog(estate)
    with catalog:
        verdict = journal.verify(catalog)

    assert "The journal holds" in told
    assert listed[0]["job"]["name"] == "backup/cong-xa"
    assert (verdict.broken_at, verdict.checked_rows > 5) == (None, True)
