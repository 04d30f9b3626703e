"""The frame of an act of two people: what no caller has to remember."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from ops.access.approvals.ask import Agreed, ask_second_person
from ops.access.approvals.decide import Ruling, decide_request
from ops.access.approvals.requests import Wish
from ops.access.approvals.require import ApprovalAwaitedError, require_approval
from ops.access.roles import NEVER_ALONE
from ops.access.session import Bench, at_bench
from ops.catalog.tables.core import JournalRow
from ops.errors import OpsError
from ops.journal.journal import Entry
from tests.a_year import write_estate
from tests.people import appoint, origin_of

DELETING = {
    "deletion-below-minimum",
    "hold-release",
    "minimum-lowering",
    "moment-correction",
}
"""After which of them backups are deleted."""

WISH = Wish("hold-release", "cong-chinh", {"hold": "1"}, "hết thanh tra", "05/QĐ")


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with at_bench(write_estate(tmp_path, 1)) as made:
        yield replace(made, origin=replace(made.origin, person="nva"))


def record(_session: Session, _agreed: Agreed) -> Iterable[Entry]:
    yield Entry("backup.release", WISH.subject, {"hold": "1"})


def fail(_session: Session, _agreed: Agreed) -> Iterable[Entry]:
    yield Entry("backup.release", WISH.subject, {"hold": "1"})
    raise OpsError("it holds no more")


def never(_session: Session, _agreed: Agreed) -> Iterable[Entry]:
    raise AssertionError("nobody has agreed")


def rows(bench: Bench, action: str) -> list[JournalRow]:
    with bench.catalog.reading() as session:
        query = select(JournalRow).where(JournalRow.action == action)
        return list(session.execute(query).scalars())


def agree(bench: Bench, wish: Wish) -> str:
    """Have a second person agree; gives the request's id."""
    now = datetime.now(UTC)
    appoint(bench.catalog, "nva", "operator", now=now)
    appoint(bench.catalog, "ttb", "approver", now=now)
    with pytest.raises(ApprovalAwaitedError) as caught:
        require_approval(bench.catalog, origin_of("nva"), wish, now=now)
    request = str(caught.value.params["request"])
    ruling = Ruling(request, "approved", "được")
    decide_request(bench.catalog, origin_of("ttb"), ruling, now=now, prove=lambda: None)
    return request


@pytest.mark.parametrize("is_rehearsal", [False, True])
def test_what_nobody_does_alone_is_refused_before_anybody_confirms(
    bench: Bench, *, is_rehearsal: bool
) -> None:
    def confirm() -> None:
        raise AssertionError("asked for nothing")

    alone = replace(bench, is_rehearsal=is_rehearsal)
    with pytest.raises(OpsError, match="always takes a second person"):
        ask_second_person(alone, WISH, never, confirm=confirm)


@pytest.mark.parametrize("action", sorted(NEVER_ALONE))
def test_each_act_that_nobody_does_alone_says_its_own_reason(bench: Bench, action: str) -> None:
    with pytest.raises(OpsError, match="always takes a second person") as caught:
        ask_second_person(bench, replace(WISH, action=action), never)

    others = {it: why for it, why in NEVER_ALONE.items() if it != action}
    assert caught.value.why == NEVER_ALONE[action]
    assert caught.value.why not in others.values()
    assert ("deleted" in caught.value.why) == (action in DELETING)


def test_an_act_is_journaled_with_its_approval_and_who_asked_why(bench: Bench) -> None:
    request, confirmed = agree(bench, WISH), list[bool]()
    agreed = ask_second_person(bench, WISH, record, confirm=lambda: confirmed.append(True))

    assert confirmed
    assert agreed is not None
    (row,) = rows(bench, "backup.release")
    approval = {"need": "needed", "request": request, "approved_by": "ttb"}
    assert json.loads(row.details) == {"hold": "1", **approval}
    assert (row.person, row.requested_by) == ("nva", "nva")
    assert (row.reason, row.document) == ("hết thanh tra", "05/QĐ")
    agreed.note("backup.key-add", "*", {"keys": {}})
    (row,) = rows(bench, "backup.key-add")
    assert json.loads(row.details) == {"keys": {}, "approval": approval}
    assert (row.requested_by, row.reason, row.document) == ("nva", "hết thanh tra", "05/QĐ")


def test_an_act_that_fails_leaves_its_approval_and_no_row(bench: Bench) -> None:
    agree(bench, WISH)
    with pytest.raises(OpsError, match="holds no more"):
        ask_second_person(bench, WISH, fail)

    assert not rows(bench, "backup.release")
    assert ask_second_person(bench, WISH, record) is not None


def test_a_rehearsal_and_another_plan_use_nothing_up(bench: Bench) -> None:
    agree(bench, WISH)

    assert ask_second_person(replace(bench, is_rehearsal=True), WISH, never) is None
    other = replace(WISH, plan={"hold": "2"})
    with pytest.raises(OpsError):
        ask_second_person(bench, other, never)
    assert ask_second_person(bench, WISH, record) is not None


def test_an_approval_is_for_who_asked_and_for_the_reason_that_was_read(bench: Bench) -> None:
    agree(bench, WISH)
    appoint(bench.catalog, "lvc", "operator", now=datetime.now(UTC))
    others = replace(bench, origin=replace(bench.origin, person="lvc"))
    for who, wish in [
        (others, WISH),
        (bench, replace(WISH, reason="lý do khác")),
        (bench, replace(WISH, document="99/QĐ")),
    ]:
        with pytest.raises(ApprovalAwaitedError):
            require_approval(who.catalog, who.origin, wish, now=datetime.now(UTC))
    assert rows(bench, "approval.use") == []


def test_an_estate_that_changed_while_somebody_was_asked_is_worked_with_no_more(
    bench: Bench,
) -> None:
    def confirm() -> None:
        path = bench.estate.path
        path.write_text(path.read_text(encoding="utf-8") + "\n[drill]\nworkdir = '/srv/d'\n")

    agree(bench, WISH)
    with pytest.raises(OpsError, match="changed while this was asked"):
        ask_second_person(bench, WISH, never, confirm=confirm)
    assert rows(bench, "approval.use") == []
