"""A check reads beside whoever works on the site: a runbook begins with one, after each backup."""

from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy import func, select

from ops.catalog.open import open_catalog
from ops.catalog.tables.index import StoreSeen
from ops.jobs.site_lock import hold_site_lock
from tests.integration.jobs.small_estate import build_used_estate, giucong

pytestmark = pytest.mark.slow

CHECK = ("backup.check", "--site", "cong-xa")


@pytest.fixture
def estate(tmp_path: Path) -> Path:
    return build_used_estate(tmp_path / "estate")


def indexed_at(estate: Path) -> datetime:
    with (
        open_catalog(f"sqlite:///{estate.parent}/state/giucong.db") as catalog,
        catalog.reading() as session,
    ):
        return session.execute(select(func.max(StoreSeen.seen_at))).scalar_one()


def test_a_check_does_not_wait_for_a_copy_and_leaves_the_index_to_it(estate: Path) -> None:
    before = indexed_at(estate)
    with hold_site_lock(estate.parent / "state", "cong-xa", holder="copy"):
        beside = giucong(estate, *CHECK)

    assert beside.returncode == 0, beside.stdout + beside.stderr
    assert indexed_at(estate) == before
    assert giucong(estate, *CHECK).returncode == 0
    assert indexed_at(estate) > before


def test_two_checks_of_a_site_are_never_at_work_at_once(estate: Path) -> None:
    with hold_site_lock(estate.parent / "state", "check/cong-xa", holder="another check"):
        assert giucong(estate, *CHECK).returncode == 11
        assert giucong(estate, "backup.run", "--site", "cong-xa").returncode == 0
