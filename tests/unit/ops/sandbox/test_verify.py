"""What a copy never held cannot be shown by a rehearsal of it, so such a drill is not passed."""

from dataclasses import replace
from typing import Any

import pytest

from ops.drills.phases.look import judge_rehearsal
from ops.estate.model.sites import DatabasePart, FilesPart, Site
from ops.sandbox.databases.databases import doubt_copy, remark_on
from ops.sandbox.plan import DatabasePlan
from ops.sandbox.result import DatabaseResult, Isolation, RehearsalResult

SITE = Site(
    name="cong-xa", title="Cổng xã", unit="xa",
    files=(FilesPart(name="www", path="/var/www/xa"),),
    databases=(DatabasePart(name="db", engine="sqlite", database="/var/www/xa/db.sqlite"),),
)  # fmt: skip
WHOLE: dict[str, Any] = {
    "files": [{"name": "www"}],
    "databases": [{"name": "db", "check": {"ok": True, "problems": []}}],
    "missing": {"count": 0, "paths": []},
}
UNREAD = {"count": 1, "paths": [{"path": "/cong-xa/files/www/a", "reason": "EACCES"}]}
TORN = [{"name": "db", "check": {"ok": False, "problems": ["no end mark"]}}]


def test_nothing_is_doubted_of_a_whole_copy() -> None:
    assert list(doubt_copy(WHOLE, SITE)) == []


@pytest.mark.parametrize(
    ("changed", "code", "named"),
    [
        ({"missing": UNREAD}, "copy_incomplete", "/cong-xa/files/www/a"),
        ({"databases": TORN}, "copy_doubtful", "no end mark"),
        ({"databases": []}, "parts_not_in_copy", "db"),
        ({"files": []}, "parts_not_in_copy", "www"),
    ],
)
def test_a_copy_that_lacks_something_is_not_passed(
    changed: dict[str, Any], code: str, named: str
) -> None:
    manifest = {**WHOLE, **changed}
    (doubt,) = doubt_copy(manifest, SITE)
    good = RehearsalResult(isolated=True, isolation=Isolation("root"))
    result = judge_rehearsal(replace(good, remarks=(doubt,)), manifest)

    assert judge_rehearsal(good, manifest).outcome == "ok"
    assert (result.outcome, result.reason) == ("incomplete", code)
    assert [named] in doubt.params.values()


def test_tables_that_were_never_counted_are_named() -> None:
    plan = DatabasePlan(name="db", engine="mariadb", database="db", dump="/w/db.sql",
                        tables={"posts": None, "users": 2})  # fmt: skip
    result = DatabaseResult(name="db", engine="mariadb", counts={"posts": 5, "users": 2})
    (remark,) = remark_on(plan, result)
    assert (remark.outcome, remark.code) == ("not_checked", "counts_partly")
    assert remark.params["tables"] == ["posts"]


@pytest.mark.parametrize(
    ("here", "wanted", "outcome"),
    [
        ("MariaDB 11.8.9-MariaDB", "MariaDB 10.11.4-MariaDB", "failed"),
        ("MariaDB 10.11.4-MariaDB", "MariaDB 11.8.9-MariaDB", "not_checked"),
        ("MariaDB 11.8.9-MariaDB", "MySQL 8.0.36", "not_checked"),
        ("MariaDB 11.8.9-MariaDB", "", "failed"),
    ],
)
def test_accounts_that_only_production_s_own_server_knows_fail_no_copy(
    here: str, wanted: str, outcome: str
) -> None:
    plan = DatabasePlan(name="db", engine="mariadb", database="db", dump="/w/db.sql",
                        tables={"posts": 5})  # fmt: skip
    result = DatabaseResult(name="db", engine="mariadb", refused="Plugin", server_here=here,
                            server_wanted=wanted, counts={"posts": 5})  # fmt: skip
    assert [it.outcome for it in remark_on(plan, result)] == [outcome]
