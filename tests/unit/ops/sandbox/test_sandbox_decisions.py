"""What a rehearsal decides without touching anything: servers, moments, counts, doors, probes."""

import ast
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from ops.sandbox.databases.databases import find_differing, find_missing
from ops.sandbox.isolation.accounts import Account, run_as
from ops.sandbox.isolation.new_root import inside
from ops.sandbox.isolation.system_calls import find_names
from ops.sandbox.make_plan import find_endpoints, list_probes
from ops.sandbox.newest_row import Believed, MomentColumn, choose_newest, kind_of
from ops.sandbox.plan import DatabasePlan, RehearsalPlan, ServingPlan
from ops.sandbox.processes import MissingProgram, find_mariadb, find_php, find_postgresql
from ops.sandbox.result import REMARKS, Remark, TableDifference, tell_remark
from ops.sandbox.serve_site import Door, decide_door
from tests.rehearsals import write_estate

INCIDENT = datetime(2026, 11, 24, 1, 3, tzinfo=UTC)
WINDOW = Believed(INCIDENT, ZoneInfo("Asia/Ho_Chi_Minh"))
PLAN = RehearsalPlan(work="/w", site="cong-xa", incident_at=INCIDENT)
EVERYWHERE = "0.0.0.0"  # noqa: S104 -- inside the sandbox
DATABASE = DatabasePlan(name="db", engine="mariadb", database="portal", dump="/w/db.sql")


@pytest.mark.parametrize(
    ("text", "kind", "found"),
    [
        ("2026-11-24 08:03:00", "local", "2026-11-24T01:03:00+00:00"),
        ("2026-11-24 08:03:01", "local", None),
        ("2026-11-24 01:03:00", "utc", "2026-11-24T01:03:00+00:00"),
        ("2026-11-24 01:02:59.5+00", "zoned", "2026-11-24T01:02:59.500000+00:00"),
        ("2026-11-24T08:00:00+07:00", "local", "2026-11-24T01:00:00+00:00"),
        ("2026-11-24", "date", "2026-11-23T17:00:00+00:00"),
        ("0000-00-00 00:00:00", "local", None),
        ("1969-12-31 00:00:00", "utc", None),
        ("hôm qua", "local", None),
        ("", "local", None),
    ],
)
def test_a_value_is_read_as_its_column_means_it(text: str, kind: str, found: str | None) -> None:
    read = WINDOW.read(text, kind)  # type: ignore[arg-type]  # parametrized

    assert (read and read.isoformat()) == found


def test_columns_mean_what_their_type_and_name_say() -> None:
    assert kind_of("post_date", is_zoned=False, is_date=False) == "local"
    assert kind_of("post_date_GMT", is_zoned=False, is_date=False) == "utc"
    assert kind_of("at_utc", is_zoned=True, is_date=False) == "zoned"
    assert kind_of("ngay_nhan", is_zoned=False, is_date=True) == "date"
    limits = {kind: WINDOW.limit(kind) for kind in ("local", "utc", "date")}
    assert limits == {
        "local": "2026-11-24 08:03:00.000000",
        "utc": "2026-11-24 01:03:00.000000",
        "date": "2026-11-24",
    }


def test_the_newest_of_equals_is_the_exact_one() -> None:
    day, exact = MomentColumn("a", "ngay", "date"), MomentColumn("b", "luc", "utc")

    assert choose_newest([(day, INCIDENT), (exact, INCIDENT)]) == (INCIDENT, "b.luc")
    assert choose_newest([(day, None)]) == (None, "")


def test_each_of_productions_servers_gets_one_of_its_own() -> None:
    same = replace(DATABASE, name="two", database="other")
    elsewhere = replace(DATABASE, name="far", address="10.0.0.5")
    other_port = replace(DATABASE, name="near", port=3307)
    file = replace(DATABASE, name="file", engine="sqlite")

    alone = find_endpoints([DATABASE, same, file])
    several = find_endpoints([DATABASE, elsewhere, other_port])

    assert [(it.number, it.listens, len(it.databases)) for it in alone] == [(1, ("*",), 2)]
    assert [(it.number, it.port, it.listens) for it in several] == [
        (1, 3306, ("127.0.0.1",)), (2, 3306, ("10.0.0.5",)), (3, 3307, ("*",))
    ]  # fmt: skip


def test_rows_are_held_against_what_the_manifest_says() -> None:
    exact = replace(DATABASE, tables={"a": 2, "b": None, "gone": 1})
    between = replace(exact, tables={"a": 2, "gone": 1}, tables_after={"a": 5, "gone": None})

    assert find_missing(exact, {"a": 2, "b": 9}) == ("gone",)
    assert find_missing(between, {"a": 3}) == ()
    assert find_differing(exact, {"a": 3, "b": 9, "new": 1}) == (
        TableDifference(table="a", found=3, least=2, most=2),
    )
    assert [find_differing(between, {"a": rows}) == () for rows in (1, 2, 5, 6)] == [
        False, True, True, False
    ]  # fmt: skip


def test_a_front_stands_where_the_site_does_not_listen_itself() -> None:
    php = ServingPlan(way="php", folder="/srv")
    node = ServingPlan(way="command", command=("node",), port=3000)

    doors = [
        decide_door(replace(PLAN, url=url, serving=serving))
        for url, serving in (
            ("http://xa.vn", php), ("http://[::1]:8080", php), ("https://xa.vn", php),
            ("https://xa.vn:8443", node), ("http://xa.vn:3000", node),
        )
    ]  # fmt: skip

    assert doors == [
        Door(EVERYWHERE, 80, None, is_encrypted=False),
        Door("[::]", 8080, None, is_encrypted=False),
        Door("127.0.0.1", 18_080, 443, is_encrypted=True),
        Door("127.0.0.1", 3000, 8443, is_encrypted=True),
        Door(EVERYWHERE, 3000, None, is_encrypted=False),
    ]


def test_all_names_by_which_servers_are_found_lead_inside() -> None:
    plan = replace(
        PLAN,
        url="https://xa.example.vn",
        databases=(replace(DATABASE, address="db.example.vn"), DATABASE),
        addresses=("10.0.0.5", "db.example.vn"),
    )

    assert find_names(plan) == ("xa.example.vn", "db.example.vn", "10.0.0.5")


def test_restored_data_has_to_lie_in_the_drills_own_folder() -> None:
    assert inside("/w/restored/db.sql", "/w") == "/drill/room/restored/db.sql"
    with pytest.raises(ValueError, match="subpath"):
        inside("/etc/shadow", "/w")


def test_hosts_servers_sites_stores_and_keys_are_probed(tmp_path: Path) -> None:
    site = """
[[sites]]
name = "cong-xa"
title = "Cổng xã"
unit = "xa"
url = "https://xa.example.vn"
  [[sites.databases]]
  name = "db"
  engine = "mariadb"
  database = "portal"
  host = "web1"
  [[sites.databases]]
  name = "here"
  engine = "postgresql"
  database = "portal"
  socket = "/run/postgresql"
[[hosts]]
name = "web1"
address = "192.0.2.10"
known_hosts = "keys/known_hosts"
[[stores]]
name = "away"
url = "sftp:giucong@192.0.2.20:/kho"
role = "copy"
key = "file:keys/copy"
of = "near"
location = "xa"
medium = "disk"
[[stores]]
name = "cloud"
url = "s3:https://s3.example.vn/giucong"
role = "copy"
key = "file:keys/copy"
of = "near"
location = "xa"
medium = "object"
"""
    probes = set(list_probes(write_estate(tmp_path, site)))

    assert probes == {
        "192.0.2.10:22", "192.0.2.10:3306", "/run/postgresql", "xa.example.vn:443",
        "192.0.2.20:22", "s3.example.vn:443", f"{tmp_path}/stores/near",
        f"{tmp_path}/state/giucong.db", f"{tmp_path}/keys/repository.key",
    }  # fmt: skip


def test_a_missing_program_is_named_with_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")

    assert find_mariadb() == MissingProgram("mariadb-install-db", "mariadb-server")
    assert find_php() == MissingProgram("php", "php-cli")


def test_the_wanted_version_is_chosen_else_the_next_newer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ops.sandbox.processes._POSTGRESQL", tmp_path)
    assert find_postgresql("PostgreSQL 15.8") == MissingProgram("postgres", "postgresql-15")
    for version in ("13", "15", "17"):
        (tmp_path / version / "bin").mkdir(parents=True)
        (tmp_path / version / "bin" / "initdb").touch()

    chosen = {
        wanted: find_postgresql(wanted)
        for wanted in ("PostgreSQL 15.8", "PostgreSQL 14.2", "PostgreSQL 18.0", "")
    }

    assert [str(it).split("/")[-2] for it in chosen.values()] == ["15", "15", "17", "13"]


def test_nobody_inside_is_root_or_can_become_it() -> None:
    mysql = Account(102, 104)

    assert "--no-new-privs" in run_as(mysql, "root")
    assert "--reuid=102" in run_as(mysql, "root")
    assert "--no-new-privs" in run_as(mysql, "user")
    assert "--map-user=102" in run_as(mysql, "user")


def test_every_remark_that_is_made_has_a_sentence() -> None:
    package = Path(__file__).parents[4] / "ops" / "sandbox"
    made = set()
    for path in package.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Remark":
                made |= {it.value for it in node.args[1:2] if isinstance(it, ast.Constant)}
            if isinstance(node, ast.Call) and "NotThere" in getattr(node.func, "id", ""):
                made |= {it.value for it in node.args[:1] if isinstance(it, ast.Constant)}

    assert made == set(REMARKS)


def test_a_sentence_names_the_first_tables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIUCONG_LANG", "en")
    tables = [f"t{number}" for number in range(7)]
    remark = Remark("failed", "tables_missing", {"database": "db", "count": 7, "tables": tables})

    assert tell_remark(remark) == (
        "tables are missing from the database db: t0, t1, t2, t3, t4 and 2 more"
    )
    problem = {"page": "/", "problem": "status", "address": "http://xa/", "detail": "500"}
    assert tell_remark(Remark("failed", "page_failed", problem)) == (
        "the page / fails on the restored site: the server answered with status 500"
    )
