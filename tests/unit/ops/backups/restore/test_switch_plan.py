"""The plan of a switch that was cut off, as another version has kept it."""

import json
from pathlib import Path

import pytest

from backup.sources.databases.connection import Connection
from ops.backups.restore.fresh_database import LoadRefusedError
from ops.backups.restore.switch_database import Names, _Switch
from provisioning.local_host import LocalHost


def test_a_plan_that_holds_scripts_is_kept_and_refused_with_what_to_do(tmp_path: Path) -> None:
    place = tmp_path / "plan.json"
    place.write_text(json.dumps({
        "live": "cong", "fresh": "cong_moi", "aside": "cong_moi_truoc", "old_tables": [],
        "new_tables": [], "old_rest": "CREATE VIEW v AS SELECT 1;", "new_rest": "", "unread": [],
    }))  # fmt: skip
    admin = Connection(host=LocalHost(), database="cong", user="root")
    names = Names(live="cong", fresh="cong_moi", aside="cong_moi_truoc")

    with pytest.raises(LoadRefusedError) as refused:
        _Switch(admin, "mariadb", names, place)._find_plan(names)

    assert refused.value.params["path"] == place
    assert "earlier version" in refused.value.next_step
    assert place.exists()
