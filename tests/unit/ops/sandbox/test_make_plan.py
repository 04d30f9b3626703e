"""Plans and results of rehearsals: they survive JSON, and are made from manifest and estate."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ops.backups.pages.moving import hash_words
from ops.backups.pages.notes import PageNote, PageRules
from ops.backups.pages.verdict import PageComparison
from ops.estate.model.site_drill import SiteDrill
from ops.sandbox.make_plan import decide_serving
from ops.sandbox.plan import (
    DatabasePlan,
    FilesPlan,
    RehearsalPlan,
    ServingPlan,
    read_plan,
    write_plan,
)
from ops.sandbox.result import (
    DatabaseResult,
    Isolation,
    RehearsalResult,
    RehearsalSeconds,
    Remark,
    TableDifference,
    read_result,
    write_result,
)

MOMENT = datetime(2026, 11, 24, 1, 3, tzinfo=UTC)
PAGE = PageNote(
    page="/", at=MOMENT, address="https://xa.example.vn/", status=200, title="Cổng thông tin",
    length=3, sha256="ab", words=hash_words("Chào bà con"), moves=((1, 1),), headings=("Chào",),
    rules=PageRules(("bà",), ("#dem",), 0.8),
)  # fmt: skip


def test_a_plan_survives_json() -> None:
    plan = RehearsalPlan(
        work="/var/lib/giucong/drill/1",
        site="cong-xa",
        files=(FilesPlan(name="www", restored="/w/files/www", live="/var/www/xã"),),
        databases=(
            DatabasePlan(
                name="db", engine="mariadb", database="portal", dump="/w/db.sql", port=3307,
                settings={"sql_mode": "STRICT"}, tables={"posts": 3, "x": None}, tables_after={},
            ),
        ),
        url="https://xa.example.vn",
        pages=(PAGE,),
        serving=ServingPlan(way="command", command=("/usr/bin/node", "app.js"), port=3000),
        addresses=("10.0.0.5",),
        probes=("192.0.2.10:22", "/run/mysqld/mysqld.sock"),
        incident_at=MOMENT,
    )  # fmt: skip

    assert read_plan(write_plan(plan)) == plan


def test_a_result_survives_json_and_gives_the_gravest_outcome() -> None:
    result = RehearsalResult(
        isolated=True,
        isolation=Isolation("user"),
        databases=(
            DatabaseResult(
                name="db", engine="mariadb", loaded=True, counts={"posts": 2}, newest=MOMENT,
                differing=(TableDifference(table="posts", found=2, least=3, most=3),),
            ),
        ),
        pages=(PageComparison("/", "same", 1.0),),
        found=(PAGE,),
        seconds=RehearsalSeconds(total=1.5),
        remarks=(Remark("not_checked", "no_pages"), Remark("failed", "x", {"tables": ["posts"]})),
    )  # fmt: skip

    assert read_result(write_result(result)) == result
    assert result.outcome == "failed"
    assert replace(result, remarks=result.remarks[:1]).outcome == "incomplete"
    assert replace(result, remarks=()).outcome == "ok"
    assert replace(result, remarks=(), isolated=False).outcome == "incomplete"
    assert result.newest == MOMENT


def test_what_is_no_plan_is_refused() -> None:
    with pytest.raises(ValueError, match="work"):
        read_plan("{}")


def test_the_restored_files_tell_how_a_site_is_started(tmp_path: Path) -> None:
    parts = (FilesPlan(name="www", restored=str(tmp_path), live="/var/www/xa"),)
    url = "https://xa.example.vn"

    assert decide_serving(SiteDrill(), parts, url).way == "none"
    (tmp_path / "index.html").touch()
    assert decide_serving(SiteDrill(), parts, url) == ServingPlan(
        way="static", folder="/var/www/xa"
    )
    (tmp_path / "index.php").touch()
    assert decide_serving(SiteDrill(), parts, url).way == "php"
    assert decide_serving(SiteDrill(), parts, "").way == "none"
    assert decide_serving(SiteDrill(root="www/public"), parts, url).folder == "/var/www/xa/public"
