"""Documents that all share tell everybody the same: none of them depends on who asks."""

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest

from ops.access.caller import Caller
from ops.access.rights import decide_may
from ops.console.office.desk import SHARED, Documents
from ops.errors import OpsError
from tests.console_office import (
    PEOPLE,
    InProcess,
    build_console_estate,
    let_backups_fail,
    office_in_process,
)

pytestmark = pytest.mark.slow

FLAGS: dict[str, dict[str, Any]] = {
    "plan.show": {"year": 2027}, "report.section": {"site": "cong-xa", "year": 2026},
    "monitor.alerts": {"all": True},
}  # fmt: skip
ARCHIVE = """
[archive]
url = "archive"
private = "archive-private"
[[archive.copies]]
name = "second"
url = "archive-second"
location = "Ở đây"
"""
OF_THE_MOMENT = frozenset({"at", "now", "age", "seconds", "checked_at", "told"})


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InProcess]:
    folder = tmp_path_factory.mktemp("console") / "estate"
    estate = build_console_estate(folder, ARCHIVE, proving=())
    let_backups_fail(estate, ["cong-xa"], "Xã xin khôi phục")
    with office_in_process(estate) as found:
        yield found


def without_moments(value: Any) -> Any:
    if isinstance(value, dict):
        return {it: without_moments(inner) for it, inner in value.items()
                if it not in OF_THE_MOMENT}  # fmt: skip
    return [without_moments(it) for it in value] if isinstance(value, list) else value


@pytest.mark.parametrize("task", sorted(SHARED))
def test_whoever_may_ask_is_told_the_same(office: InProcess, task: str) -> None:
    told, flags = dict[str, Any](), FLAGS.get(task, {})
    for person, roles in PEOPLE.items():
        own = flags.get("site") == "cong-xa"
        if not decide_may(roles, task, is_own_site=own, flags=list(flags)):
            continue
        office.counter.keeper.documents.forget()  # made anew for each
        caller = Caller(person, person, "10.0.0.7")
        with office.counter.keeper.at_desk(caller) as desk, suppress(OpsError):
            told[person] = without_moments(desk.look(task, **flags))
    assert len(told) > 1 or task == "plan.show", "nobody was told anything"
    first = next(iter(told.values()), None)
    for person, document in told.items():
        assert document == first, person


def test_a_document_that_lies_ready_is_for_who_may_ask_for_it(office: InProcess) -> None:
    """It is asked anew with each look, by whoever it was made for."""
    documents: Documents = office.counter.keeper.documents
    assert office.page("alerts", "viewer")["items"]
    assert documents._kept
    for person, page in (("unit-contact", "alerts"), ("viewer", "findings")):
        with pytest.raises(OpsError):
            office.page(page, person)
