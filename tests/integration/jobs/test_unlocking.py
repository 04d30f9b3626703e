"""A lock that a dead machine left: named with its age, and removed by whoever has made sure."""

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from backup.repository.repository import Repository
from backup.stores import open_store
from ops.catalog.open import open_catalog
from ops.catalog.tables.core import JournalRow
from tests.integration.jobs.small_estate import build_estate, giucong

pytestmark = pytest.mark.slow

_RULES = """
[defaults.retention]
keep_last = 1
keep_daily = 0
keep_weekly = 0
keep_monthly = 0
keep_yearly = 0
minimum_days = 0
"""


def leave_lock(estate: Path, host: str, age: timedelta) -> str:
    """Leave a shared lock of another machine; gives its id."""
    key = (estate.parent / "keys" / "repository.key").read_bytes().strip()
    repository = Repository.open(open_store(str(estate.parent / "stores/near/cong-xa")), key)
    moment = (datetime.now(UTC) - age).isoformat()
    values = {"time": moment, "exclusive": False, "hostname": host, "username": "root",
              "pid": 4242, "uid": 0, "gid": 0}  # fmt: skip
    return repository.write_file("locks", json.dumps(values).encode())


def test_a_dead_lock_is_told_with_its_host_and_age_and_goes_when_confirmed(tmp_path: Path) -> None:
    estate = build_estate(tmp_path / "estate", _RULES)
    giucong(estate, "backup.init")
    for _ in range(2):
        (estate.parent / "www" / "uploads" / "anh-1.jpg").write_bytes(os.urandom(9000))
        giucong(estate, "backup.run", "--site", "cong-xa")
    site = ("--site", "cong-xa")
    assert giucong(estate, "backup.forget", *site, "--confirm", "cong-xa").returncode == 0
    dead = leave_lock(estate, "old-machine", timedelta(hours=50))
    living = leave_lock(estate, "office", timedelta(minutes=3))

    postponed = giucong(estate, "backup.prune", *site, "--confirm", "cong-xa")
    told = giucong(estate).stdout
    asked = giucong(estate, "backup.unlock", *site)
    done = giucong(estate, "backup.unlock", *site, "--confirm", "cong-xa")
    left = [it.name for it in (estate.parent / "stores/near/cong-xa/locks").iterdir()]
    catalog = open_catalog(f"sqlite:///{estate.parent}/state/giucong.db")
    with catalog.reading() as session:
        (row,) = session.query(JournalRow).filter_by(action="backup.unlock").all()
        (noted,) = json.loads(row.details)["locks"]
    catalog.close()

    assert postponed.returncode == 3, postponed.stderr
    for text in (postponed.stdout + postponed.stderr, told):
        assert "on old-machine" in text or "on office" in text
        assert "backup.unlock --site cong-xa" in text
    assert "PID 4242 on old-machine by root, last heard of 2 days ago" in asked.stdout
    assert "on office by root, last heard of 3 minutes ago; it is at work" in asked.stdout
    assert (asked.returncode, done.returncode) == (2, 11)
    assert left == [living]
    assert (noted["id"], noted["host"]) == (dead, "old-machine")
