"""The policy comes out of the estate; a changed estate shows against the approved one."""

from datetime import date
from pathlib import Path

import pytest

from ops.duties.policy import (
    document_of,
    find_missing,
    make_policy,
    tell_copies,
    tell_missing,
)
from ops.duties.policy_approved import review_day
from ops.duties.table.load import (
    SHIPPED_DUTIES,
    SHIPPED_HOLIDAYS,
    DutySet,
    read_calendar,
    read_duties,
)
from ops.errors import OpsError
from ops.estate.load.load import load_estate
from ops.estate.model.estate import Estate
from ops.estate.versions import find_changes

TODAY = date(2026, 11, 24)
SHIPPED = read_duties((SHIPPED_DUTIES,))
VALID = [it for it in SHIPPED.duties if it.is_valid_on(TODAY)]
ESTATE = """
schema = 1
[organisation]
name = "Trung tâm"
[keys]
repository = "file:var/keys/repository.key"
[[units]]
name = "xa"
title = "Xã"
[[systems]]
name = "cong"
level = 3
[[people]]
name = "nva"
title = "Nguyễn Văn A"
[[classes]]
name = "news"
title = "Tin tức"
[[classes]]
name = "feedback"
title = "Hỏi đáp"
personal_data = true
[[stores]]
name = "near"
url = "var/stores/near"
role = "primary"
location = "Trung tâm dữ liệu"
medium = "disk"
[[stores]]
name = "far"
url = "s3:https://s3.example.vn/x"
role = "copy"
of = "near"
key = "file:var/keys/far.key"
location = "Biên Hòa"
medium = "object"
object_lock = { mode = "governance", days = 90 }
  [stores.retention]
  keep_monthly = 60
[defaults.retention]
minimum_basis = "Trung tâm tự đặt"
"""
SITE = """
[[sites]]
name = "NAME"
title = "Trang"
unit = "xa"
owner = "nva"
system = "cong"
classes = ["news"CLASSES]
MORE
[[sites.files]]
name = "www"
path = "/srv/NAME"
[[sites.databases]]
name = "db"
engine = "sqlite"
database = "/srv/NAME.db"
"""


def a_site(name: str, classes: str = "", more: str = "") -> str:
    return SITE.replace("NAME", name).replace("CLASSES", classes).replace("MORE", more)


def load(tmp_path: Path, *sites: str) -> Estate:
    path = tmp_path / "estate.toml"
    path.write_text(ESTATE + "".join(sites), encoding="utf-8")
    return load_estate(path)


def test_sites_alike_share_a_row_and_every_class_has_one(tmp_path: Path) -> None:
    hourly = 'schedule = { backup = "0 * * * *" }'
    estate = load(tmp_path, a_site("a"), a_site("b", ', "feedback"'), a_site("c", more=hourly))
    rows = make_policy(estate, VALID)

    assert [(row.data_class, row.sites, row.personal_data) for row in rows] == [
        ("news", ("a", "b"), False),
        ("news", ("c",), False),
        ("feedback", ("b",), True),
    ]
    assert rows[1].frequency["backup"] == "0 * * * *"


def test_the_basis_is_that_of_the_minimum_that_holds(tmp_path: Path) -> None:
    longer = 'personal_data = true\nminimum_days = 900\nminimum_basis = "Quy chế Điều 7"'
    path = tmp_path / "estate.toml"
    path.write_text(
        ESTATE.replace("personal_data = true", longer) + a_site("b", ', "feedback"'),
        encoding="utf-8",
    )
    rows = make_policy(load_estate(path), VALID)

    assert all("Quy chế Điều 7" in row.basis for row in rows)
    assert not any("Trung tâm tự đặt" in row.basis for row in rows)


def test_a_row_answers_what_an_auditor_asks(tmp_path: Path) -> None:
    (row,) = make_policy(load(tmp_path, a_site("a")), VALID)

    assert row.parts == ("business-data", "database")
    assert row.copies == 2
    assert [(it.location, it.medium, it.locked_days) for it in row.places] == [
        ("Trung tâm dữ liệu", "disk", 0),
        ("Biên Hòa", "object", 90),
    ]
    assert [it.retention["keep_monthly"] for it in row.places] == [24, 60]
    assert ("restore-test-quarter", "3 months") in [(it.duty, it.every) for it in row.restore_tests]
    assert row.persons == ("nva",)
    assert "QCVN 12:2026/BCA" in row.basis
    assert row.basis[-1] == "Trung tâm tự đặt"


def test_a_copy_that_does_not_exist_is_not_claimed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIUCONG_LANG", "en")
    (row,) = make_policy(load(tmp_path, a_site("a"), a_site("b")), VALID)
    near, far = (it.store for it in row.places)
    missing = find_missing([row], {("a", near), ("b", near), ("a", far)})

    assert missing == {far: ["b"]}
    assert tell_copies(row, missing) == f"2 by the estate; not there yet for every site: {far}"
    assert tell_copies(row, {}) == "2"
    (line,) = tell_missing(missing, near)
    assert f"backup.copy --to {far}" in line
    assert "backup.run-all" in tell_missing({near: ["a"]}, near)[0]


def test_a_site_without_a_class_is_not_left_out(tmp_path: Path) -> None:
    plain = a_site("a").replace('classes = ["news"]\n', "")
    rows = make_policy(load(tmp_path, plain), VALID)

    assert [(row.name, row.sites) for row in rows] == [("-/a", ("a",))]


def test_a_changed_estate_differs_from_the_approved_table(tmp_path: Path) -> None:
    approved = document_of(make_policy(load(tmp_path, a_site("a")), VALID))
    same = document_of(make_policy(load(tmp_path, a_site("a")), VALID))
    slower = a_site("a", more='schedule = { backup = "0 3 * * 0" }')
    changed = document_of(make_policy(load(tmp_path, slower), VALID))

    assert find_changes(approved, same) == {}
    assert find_changes(approved, changed) == {
        "rows[news/a].frequency.backup": ["22:00-05:00", "0 3 * * 0"]
    }


def test_the_review_date_comes_from_the_duty() -> None:
    calendar = read_calendar((SHIPPED_HOLIDAYS,))

    assert review_day(SHIPPED, date(2028, 2, 29), calendar) == date(2029, 2, 28)
    with pytest.raises(OpsError):
        review_day(DutySet(()), TODAY, calendar)
