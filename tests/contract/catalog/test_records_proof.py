"""Records that somebody writes past the program count for nothing, and are found."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import text

from ops.access.approvals.decide import Ruling, decide_request
from ops.access.approvals.requests import Wish
from ops.access.approvals.require import ApprovalAwaitedError, require_approval
from ops.access.credentials import has_good_credentials, people_with_credentials
from ops.access.roles import give_role, is_anybody_appointed, roles_by_person, take_role
from ops.backups.retention.holds import place_hold, read_holds
from ops.backups.retention.tasks import PlaceHold
from ops.catalog.open import Catalog
from ops.journal.record_proofs import find_unproven
from tests.people import appoint, note_role, origin_of

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
WISH = Wish(action="restore-in-place", subject="cong-xa", plan={"parts": ["www"]}, reason="hỏng")
HOLD = PlaceHold(site="cong-xa", reason="thanh tra", reference="1/QĐ")


@pytest.fixture(autouse=True)
def _people(catalog: Catalog) -> None:
    appoint(catalog, "nva", "backup_admin", now=NOW)
    appoint(catalog, "ttb", "approver", now=NOW)


def edit(catalog: Catalog, statement: str) -> None:
    """Do what somebody with the catalog can do."""
    with catalog.writing() as session:
        session.execute(text(statement))


def found(catalog: Catalog) -> list[str]:
    with catalog.reading() as session:
        return [code for code, _params in find_unproven(session)]


def ask(catalog: Catalog) -> str:
    with pytest.raises(ApprovalAwaitedError) as caught:
        require_approval(catalog, origin_of("nva"), WISH, now=NOW)
    return str(caught.value.params["request"])


def test_what_the_program_wrote_is_proven(catalog: Catalog) -> None:
    decide_request(
        catalog, origin_of("ttb"), Ruling(ask(catalog), "approved"), now=NOW, prove=lambda: None
    )
    require_approval(catalog, origin_of("nva"), WISH, now=NOW)
    with catalog.writing() as session:
        place_hold(session, origin_of("nva"), HOLD, now=NOW)

    assert found(catalog) == []


def test_a_role_that_was_put_in_counts_for_nothing_and_can_be_given_properly(
    catalog: Catalog,
) -> None:
    with catalog.writing() as session:
        give_role(session, "nva", "approver", by="root", request=None, now=NOW)
    with catalog.reading() as session:
        counted = roles_by_person(session)["nva"]
    told = found(catalog)
    with catalog.writing() as session:
        give_role(session, "nva", "approver", by="ttb", request=None, now=NOW)
        note_role(session, "nva", "approver")

    assert (set(counted), told) == ({"backup_admin"}, ["role_unproven"])
    assert found(catalog) == []


def test_an_emptied_table_of_roles_opens_no_door(catalog: Catalog) -> None:
    edit(catalog, "DELETE FROM role_grants")
    with catalog.reading() as session:
        assert is_anybody_appointed(session)
        assert roles_by_person(session) == {}
    assert found(catalog) == ["role_gone", "role_gone"]


def test_a_role_that_was_taken_away_does_not_come_back_by_an_edit(catalog: Catalog) -> None:
    with catalog.writing() as session:
        take_role(session, "ttb", "approver", by="test", now=NOW)
        note_role(session, "ttb", "approver", change="take")
    edit(catalog, "UPDATE role_grants SET taken_at = NULL")
    with catalog.reading() as session:
        assert "ttb" not in roles_by_person(session)
    assert found(catalog) == ["role_unproven"]


def test_emptied_credentials_do_not_make_one_person_enough(catalog: Catalog) -> None:
    edit(catalog, "DELETE FROM credentials")
    with catalog.reading() as session:
        assert people_with_credentials(session) == {"nva", "ttb"}
        assert not has_good_credentials(session, "ttb")
    assert found(catalog) == ["account_gone", "account_gone"]


def test_a_forged_approval_is_not_used(catalog: Catalog) -> None:
    ask(catalog)
    edit(catalog, "UPDATE approval_requests SET state = 'approved', decided_by = 'ttb'")

    assert found(catalog) == ["request_differs"]
    ask(catalog)  # it waits anew


def test_a_hold_stays_that_was_deleted_or_marked_as_released(catalog: Catalog) -> None:
    with catalog.writing() as session:
        place_hold(session, origin_of("nva"), HOLD, now=NOW)
    edit(
        catalog,
        "UPDATE holds SET released_at = '2026-11-24 12:00:00.000000', release_request = id",
    )
    with catalog.reading() as session:
        released = read_holds(session, "cong-xa")
    told = found(catalog)
    edit(catalog, "DELETE FROM holds")
    with catalog.reading() as session:
        deleted = read_holds(session, "cong-xa")

    assert [it.reference for it in released] == [it.reference for it in deleted] == ["1/QĐ"]
    assert (told, found(catalog)) == (["hold_differs"], ["hold_gone"])
