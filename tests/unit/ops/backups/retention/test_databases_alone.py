"""Runs of one database alone: kept by their own rule and minimum, each database by itself."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from backup.format.snapshot import Snapshot
from ops.backups.retention.job import plan_for_site, read_guard
from ops.backups.retention.minimums import PastRules
from ops.backups.sources.site import path_alone
from ops.catalog.open import open_catalog
from ops.estate.model.estate import Estate
from ops.estate.model.minimums import floor_in
from ops.estate.model.policies import DatabaseRetention
from tests.unit.ops.backups.sources.test_site import DATABASE, WWW, an_estate

NOW = datetime(2026, 11, 24, 12, 30, tzinfo=UTC)
RULE = "retention = { keep_hourly = 3, minimum_days = 0 }\n"
LOG = '[[sites.databases]]\nname = "log"\nengine = "sqlite"\ndatabase = "log.db"\n'


def a_snapshot(estate: Estate, hours: int, database: str = "") -> Snapshot:
    site = estate.sites[0]
    part = next((it for it in site.databases if it.name == database), None)
    path = path_alone(site, part) if part else f"/{site.name}"
    return Snapshot(time=NOW - timedelta(hours=hours), tree=b"", paths=(path,),
                    hostname=site.name, id=f"{database}-{hours}")  # fmt: skip


def test_each_goes_by_its_own_rule_and_no_database_loses_its_newest_to_another(
    tmp_path: Path,
) -> None:
    estate = an_estate(tmp_path, WWW, DATABASE + RULE, LOG)
    site = estate.sites[0]
    old = [a_snapshot(estate, hours, "log") for hours in (9000, 9001)]
    found = [a_snapshot(estate, hours, "db") for hours in range(6)] + old
    found += [a_snapshot(estate, hours) for hours in range(0, 48, 24)]
    catalog = open_catalog(f"sqlite:///{tmp_path}/c.db")
    with catalog.reading() as session:
        guard = read_guard(session, estate, site)
    catalog.close()
    plan = plan_for_site(estate, site, found, guard, now=NOW)

    assert sorted(plan.remove) == ["db-3", "db-4", "db-5"]


def test_what_was_promised_to_a_run_stays_promised(tmp_path: Path) -> None:
    before = an_estate(tmp_path, WWW, DATABASE).document()
    after = an_estate(tmp_path, WWW, DATABASE + RULE).document()
    rows: tuple[Any, ...] = tuple(
        (NOW - timedelta(days=it), doc, "", {}) for it, doc in ((9, before), (2, after))
    )
    agreed = (NOW, None, "cong-xa", {"near": 1})
    alone = PastRules((*rows, agreed)).of("cong-xa", "near", "db")

    assert floor_in(after, "cong-xa", "near").days == 30  # type: ignore[union-attr]  # it is named
    assert [(it.days, it.is_agreed) for it in alone] == [(30, False), (0, False)]


def test_a_rule_that_keeps_nothing_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="every run of this database alone would be forgotten"):
        DatabaseRetention(minimum_days=3)
