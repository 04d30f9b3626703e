"""One write takes one approval, and the minutes of the run name who gave it."""

import json
from collections.abc import Iterator

import pytest

from ops.catalog.open import Catalog, open_catalog
from tests.integration.runbooks.driving import Desk, Office

pytestmark = pytest.mark.slow


@pytest.fixture
def catalog(desk: Desk) -> Iterator[Catalog]:
    found = open_catalog(f"sqlite:///{desk.folder}/state/giucong.db")
    yield found
    found.close()


def newest(desk: Desk) -> str:
    listed = json.loads(desk.type("backup.list", "--site", "cong-xa", "--json").stdout)["items"]
    return str(max(listed, key=lambda it: str(it["taken_at"]))["id"])


def test_a_defaced_site_comes_back_by_one_approval_which_the_minutes_name(
    desk: Desk, catalog: Catalog
) -> None:
    office = Office(desk, catalog, ("nva", "backup_admin", "operator"), ("ttb", "approver"))
    page = desk.folder / "www/index.php"
    good, before = newest(desk), page.read_bytes()
    page.write_text("defaced")
    assert desk.type("backup.run", "--site", "cong-xa").returncode == 0
    values = {"site": "cong-xa", "reason": "Trang chủ bị sửa", "document": "BB-01/2026"}
    asked = desk.begin(
        "defacement", f"{newest(desk)}\ncó\n{good}\ncó\nx\n", values,
        "--proof-file", office.prove("nva"),
    )  # fmt: skip
    assert (asked.returncode, desk.states()[-1]) == (4, (9, "waiting")), asked.stderr
    assert page.read_bytes() != before
    office.approve("ttb")
    done = desk.resume("x\n", "--proof-file", office.prove("nva"))

    assert [it for it in desk.states() if it[0] == 9] == [(9, "waiting"), (9, "done")], done.stdout
    assert page.read_bytes() == before
    requests = json.loads(desk.type("approval.list", "--all", "--json").stdout)["items"]
    assert [(it["action"], it["state"]) for it in requests] == [("restore-in-place", "used")]
    record = desk.state().last_of(9)
    assert record is not None
    assert (record.person, record.approved_by) == ("nva", "ttb")
