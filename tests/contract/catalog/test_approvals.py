"""Two different people, one act, one plan: on SQLite and on PostgreSQL."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from ops.access.approvals.decide import Ruling, Verdict, decide_request
from ops.access.approvals.requests import Wish, list_requests, standing_of
from ops.access.approvals.require import ApprovalAwaitedError, Permit, require_approval
from ops.access.credentials import ProofError, disable_credentials, renew_factor
from ops.access.roles import can_two_change_roles, give_role, refuse_if_last, take_role
from ops.catalog.open import Catalog
from ops.catalog.tables.access import ApprovalRequest
from ops.catalog.tables.core import JournalRow
from ops.errors import OpsError, WrongUseError
from ops.journal import journal
from ops.journal.journal import Origin
from tests.people import KEY, appoint, note_role, origin_of

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
DAY = timedelta(days=1)
WISH = Wish(
    action="restore-in-place", subject="cong-xa", plan={"snapshot": "4f2a"}, reason="Bị sửa"
)


@pytest.fixture(autouse=True)
def _people(catalog: Catalog) -> None:
    appoint(catalog, "nva", "operator", "approver", now=NOW)
    appoint(catalog, "ttb", "approver", now=NOW)
    appoint(catalog, "lvc", "operator", now=NOW)


def ask(catalog: Catalog, wish: Wish = WISH, *, by: str = "nva", at: datetime = NOW) -> str:
    """Ask for the act; gives the id of the request that waits."""
    with pytest.raises(ApprovalAwaitedError) as caught:
        require_approval(catalog, origin_of(by), wish, now=at)
    assert caught.value.exit_code == 4
    return str(caught.value.params["request"])


def decide(
    catalog: Catalog, request: str, by: str, verdict: Verdict = "approved", at: datetime = NOW
) -> None:
    ruling = Ruling(request, verdict, "được")
    decide_request(catalog, origin_of(by), ruling, now=at, prove=lambda: None)


def obstacle(catalog: Catalog, request: str, by: str, at: datetime = NOW) -> str:
    with pytest.raises(OpsError, match="cannot be decided") as caught:
        decide(catalog, request, by, at=at)
    return caught.value.why


def use(catalog: Catalog, wish: Wish = WISH, at: datetime = NOW) -> Permit:
    return require_approval(catalog, origin_of("nva"), wish, now=at)


def test_another_person_releases_the_act_once(catalog: Catalog) -> None:
    request = ask(catalog)
    assert ask(catalog) == request
    decide(catalog, request, "ttb")
    permit = use(catalog)

    assert (permit.need, str(permit.request)) == ("needed", request)
    assert (permit.requested_by, permit.approved_by) == ("nva", "ttb")
    assert ask(catalog) != request


def test_nobody_approves_an_own_request(catalog: Catalog) -> None:
    assert "yourself" in obstacle(catalog, ask(catalog), "nva")


def test_the_database_itself_refuses_that_one_person_is_both(catalog: Catalog) -> None:
    ask(catalog)

    with pytest.raises(IntegrityError), catalog.writing() as session:
        session.execute(text("UPDATE approval_requests SET state='approved', decided_by='nva'"))
    with pytest.raises(IntegrityError), catalog.writing() as session:
        session.execute(text("UPDATE approval_requests SET state='approved'"))


def test_nobody_approves_twice(catalog: Catalog) -> None:
    request = ask(catalog)
    decide(catalog, request, "ttb")

    assert "already" in obstacle(catalog, request, "ttb")
    use(catalog)
    assert "used" in obstacle(catalog, request, "ttb")


def test_a_role_and_credentials_are_needed_to_approve(catalog: Catalog) -> None:
    request = ask(catalog)

    assert "roles" in obstacle(catalog, request, "lvc")
    with catalog.writing() as session:
        disable_credentials(session, "ttb", now=NOW)
    assert "credentials" in obstacle(catalog, request, "ttb")


def test_a_failed_proof_leaves_the_request_waiting(catalog: Catalog) -> None:
    request = ask(catalog)

    def fail() -> None:
        raise WrongUseError("wrong code")

    with pytest.raises(WrongUseError):
        decide_request(catalog, origin_of("ttb"), Ruling(request, "approved"), now=NOW, prove=fail)
    assert ask(catalog) == request


def test_what_was_refused_cannot_be_used(catalog: Catalog) -> None:
    request = ask(catalog)
    decide(catalog, request, "ttb", "refused")

    assert ask(catalog) != request
    assert "refused" in obstacle(catalog, request, "ttb")


def test_an_approval_is_for_the_plan_it_was_made_from(catalog: Catalog) -> None:
    request = ask(catalog)
    decide(catalog, request, "ttb")
    changed = replace(WISH, plan={"snapshot": "9c01"})
    with pytest.raises(ApprovalAwaitedError) as caught:
        use(catalog, changed)

    assert caught.value.params["request"] != request
    assert "something else" in caught.value.why
    assert str(use(catalog).request) == request


@pytest.mark.parametrize("change", [{"subject": "cong-xb"}, {"action": "hold-release"}])
def test_an_approval_is_for_its_subject_and_action(
    catalog: Catalog, change: dict[str, str]
) -> None:
    decide(catalog, ask(catalog), "ttb")

    ask(catalog, replace(WISH, **change))  # type: ignore[arg-type]  # texts all of them


def test_what_has_expired_is_neither_approved_nor_used(catalog: Catalog) -> None:
    waiting = ask(catalog)
    assert "expired" in obstacle(catalog, waiting, "ttb", at=NOW + DAY)
    decide(catalog, waiting, "ttb", at=NOW + DAY - timedelta(seconds=1))
    later = ask(catalog, at=NOW + DAY)

    assert later != waiting
    with catalog.reading() as session:
        standings = [standing_of(it, NOW + DAY) for it in list_requests(session)]
    assert standings == ["expired", "waiting"]


def test_many_who_use_one_approval_at_once_use_it_once(catalog: Catalog) -> None:
    request = ask(catalog)
    decide(catalog, request, "ttb")

    def attempt(_number: int) -> str:
        try:
            return f"used {use(catalog).request}"
        except ApprovalAwaitedError as error:
            return f"waits {error.params['request']}"

    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(attempt, range(6)))

    assert answers.count(f"used {request}") == 1
    assert len(set(answers)) == 2


def test_two_who_decide_at_once_decide_once(catalog: Catalog) -> None:
    appoint(catalog, "ptd", "approver", now=NOW)
    request = ask(catalog)

    def attempt(task: tuple[str, Verdict]) -> bool:
        try:
            decide(catalog, request, *task)
        except OpsError:
            return False
        return True

    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(attempt, [("ttb", "approved"), ("ptd", "refused")]))

    assert sorted(answers) == [False, True]
    with catalog.reading() as session:
        decided = session.execute(select(ApprovalRequest)).scalar_one()
    assert (decided.decided_by, decided.state) == (
        ("ttb", "approved") if answers[0] else ("ptd", "refused")
    )


@pytest.mark.parametrize("loss", ["disabled", "renewed", "role"])
def test_an_approval_ends_with_what_it_was_given_by(catalog: Catalog, loss: str) -> None:
    """A stolen account that approved, then was taken away, has approved nothing."""
    request = ask(catalog)
    decide(catalog, request, "ttb")
    later = NOW + timedelta(minutes=5)
    with catalog.writing() as session:
        if loss == "role":
            take_role(session, "ttb", "approver", by="nva", now=later)
        elif loss == "disabled":
            disable_credentials(session, "ttb", now=later)
        else:
            renew_factor(session, KEY, "ttb", now=later)

    with pytest.raises(ApprovalAwaitedError) as caught:
        use(catalog, at=later)
    assert caught.value.params["request"] != request
    assert "no more" in caught.value.why


def test_an_act_in_the_catalog_and_its_approval_are_kept_or_lost_together(
    catalog: Catalog,
) -> None:
    decide(catalog, ask(catalog), "ttb")

    def fail(_session: Session, _permit: Permit) -> None:
        raise RuntimeError

    with pytest.raises(RuntimeError):
        require_approval(catalog, origin_of("nva"), WISH, now=NOW, act=fail)
    assert use(catalog).need == "needed"


def test_a_request_needs_a_person_and_a_reason(catalog: Catalog) -> None:
    with pytest.raises(WrongUseError, match="nobody in the estate"):
        require_approval(catalog, Origin(via="cli", login="root"), WISH, now=NOW)
    with pytest.raises(WrongUseError, match="why"):
        require_approval(catalog, origin_of("nva"), replace(WISH, reason=" "), now=NOW)

    with catalog.reading() as session:
        assert session.execute(select(func.count(ApprovalRequest.id))).scalar_one() == 0


def test_disabling_colleagues_does_not_make_one_person_enough(catalog: Catalog) -> None:
    with catalog.writing() as session:
        for person in ("ttb", "lvc"):
            disable_credentials(session, person, now=NOW)

    ask(catalog)
    ask(catalog, replace(WISH, action="role-change"))


@pytest.mark.parametrize("role", ["", "approver"])
def test_the_last_one_who_can_approve_changes_of_roles_is_kept(catalog: Catalog, role: str) -> None:
    with catalog.writing() as session:
        for person in ("nva", "lvc"):
            take_role(session, person, "approver", by="test", now=NOW)
        give_role(session, "lvc", "security_officer", by="test", request=None, now=NOW)
        note_role(session, "lvc", "security_officer")
        refuse_if_last(session, "nva", role)  # who holds nothing that is needed may go
    with catalog.reading() as session:
        for person in ("ttb", "lvc"):
            with pytest.raises(WrongUseError, match="is the last"):
                refuse_if_last(session, person, role if person == "ttb" else "")


@pytest.mark.parametrize(
    ("held", "possible"),
    [
        ({}, False),
        ({"a": {"security_officer"}}, False),
        ({"a": {"security_officer", "approver"}}, False),
        ({"a": {"security_officer"}, "b": {"operator"}}, False),
        ({"a": {"approver"}, "b": {"approver"}}, False),
        ({"a": {"security_officer"}, "b": {"approver"}}, True),
        ({"a": {"security_officer"}, "b": {"security_officer"}}, True),
    ],
)
def test_whether_two_people_can_change_roles(held: dict[str, set[str]], possible: bool) -> None:
    assert can_two_change_roles(held) == possible


def test_who_asks_proves_it_before_a_request_is_written_and_only_then(catalog: Catalog) -> None:
    asked: list[str] = []

    def prove() -> str:
        asked.append("nva")
        return "password-and-code"

    def fail() -> str:
        raise ProofError("no")

    with pytest.raises(ProofError):
        require_approval(catalog, origin_of("nva"), WISH, now=NOW, prove=fail)
    with catalog.reading() as session:
        assert list_requests(session) == []
    for _time in range(2):  # the second time one waits already
        with pytest.raises(ApprovalAwaitedError) as caught:
            require_approval(catalog, origin_of("nva"), WISH, now=NOW, prove=prove)
    decide(catalog, str(caught.value.params["request"]), "ttb")
    permit = require_approval(catalog, origin_of("nva"), WISH, now=NOW, prove=fail)

    assert (permit.need, asked) == ("needed", ["nva"])
    with catalog.reading() as session:
        query = select(JournalRow.details).where(JournalRow.action == "approval.request")
        (details,) = session.execute(query).scalars()
    assert '"proof":"password-and-code"' in details


def test_every_step_is_in_the_journal_with_both_people(catalog: Catalog) -> None:
    decide(catalog, ask(catalog), "ttb")
    use(catalog)

    with catalog.reading() as session:
        rows = session.execute(select(JournalRow).order_by(JournalRow.sequence)).scalars().all()
    rows = [row for row in rows if row.action.startswith("approval.")]
    assert [(row.action, row.person, row.requested_by) for row in rows] == [
        ("approval.request", "nva", ""),
        ("approval.approve", "ttb", "nva"),
        ("approval.use", "nva", ""),
    ]
    assert all(WISH.digest in row.details for row in rows)
    assert journal.verify(catalog).broken_at is None
