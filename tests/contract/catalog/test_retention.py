"""Holds, what is expected, and records of deletions: on SQLite and on PostgreSQL."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from backup.format.snapshot import Snapshot
from ops.access.approvals.decide import Ruling, decide_request
from ops.access.approvals.require import (
    ApprovalAwaitedError,
    Permit,
    require_approval,
)
from ops.backups.brakes import CLOCK_BEHIND, HELD_GONE, MANY_GONE, NOTHING_SEEN
from ops.backups.repositories.catalog_index import read_expected, remember_seen
from ops.backups.retention.deletion_records import (
    DeletionPlan,
    HeldError,
    complete_deletion,
    list_deletions,
    plan_deletion,
    refuse_held,
)
from ops.backups.retention.holds import (
    list_holds,
    place_hold,
    read_holds,
    release_hold,
    wish_release,
)
from ops.backups.retention.look_before_deleting import accept_present, look_before_deleting
from ops.backups.retention.tasks import PlaceHold
from ops.catalog.open import Catalog, open_catalog
from ops.catalog.tables.core import JournalRow
from ops.catalog.tables.retention import Hold
from ops.errors import OpsError, WrongUseError
from ops.journal.journal import Origin
from tests.people import appoint, origin_of

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
DAY = timedelta(days=1)
WISH = PlaceHold(site="cong-xa", reason="Thanh tra", reference="05/QĐ-TTr")


def snapshots(*days: int) -> list[Snapshot]:
    return [
        Snapshot(time=NOW - day * DAY, tree=b"", paths=("/a",), hostname="a", id=f"{day:064x}")
        for day in days
    ]


def place(catalog: Catalog, snapshot: str = "") -> Hold:
    with catalog.writing() as session:
        return place_hold(session, origin_of("nva"), replace(WISH, snapshot=snapshot), now=NOW)


def release(catalog: Catalog, hold: Hold) -> Permit:
    def act(session: Session, permit: Permit) -> None:
        release_hold(session, origin_of("nva"), hold.id, permit, "xong", NOW)

    wish = wish_release(hold, "xong")
    return require_approval(catalog, origin_of("nva"), wish, now=NOW, act=act)


def test_a_hold_survives_that_the_catalog_is_opened_again(catalog_url: str) -> None:
    first = open_catalog(catalog_url)
    place(first)
    first.close()

    second = open_catalog(catalog_url)
    with second.reading() as session:
        (view,) = read_holds(session, "cong-xa")
        assert read_holds(session, "khac") == ()
    second.close()
    assert (view.snapshot, view.reference) == ("", "05/QĐ-TTr")


def test_one_person_alone_releases_nothing(catalog: Catalog) -> None:
    hold = place(catalog)
    with pytest.raises(OpsError, match="always takes a second person"):
        release(catalog, hold)
    with pytest.raises(IntegrityError), catalog.writing() as session:
        session.execute(text("UPDATE holds SET released_at = placed_at"))

    with catalog.reading() as session:
        assert len(read_holds(session, "cong-xa")) == 1


def test_releasing_takes_another_person_once(catalog: Catalog) -> None:
    appoint(catalog, "nva", "security_officer", "approver", now=NOW)
    appoint(catalog, "ttb", "approver", now=NOW)
    hold = place(catalog)
    with pytest.raises(ApprovalAwaitedError) as caught:
        release(catalog, hold)
    request = str(caught.value.params["request"])
    ruling = Ruling(request, "approved", "được")
    with pytest.raises(OpsError, match="cannot be decided"):
        decide_request(catalog, origin_of("nva"), ruling, now=NOW, prove=lambda: None)
    decide_request(catalog, origin_of("ttb"), ruling, now=NOW, prove=lambda: None)
    other = place(catalog)
    with pytest.raises(ApprovalAwaitedError):
        release(catalog, other)

    assert release(catalog, hold).approved_by == "ttb"
    with catalog.reading() as session:
        assert [it.id for it in list_holds(session)] == [other.id]
        (ended,) = [it for it in list_holds(session, released_too=True) if it.id == hold.id]
    assert (ended.released_by, str(ended.release_request)) == ("nva", request)
    permit = Permit("needed", ended.release_request, "nva", "ttb")
    with pytest.raises(WrongUseError), catalog.writing() as session:
        release_hold(session, origin_of("nva"), hold.id, permit, "xong", NOW)


def look(catalog: Catalog, *days: int, now: datetime = NOW) -> str:
    found = look_before_deleting(
        catalog, Origin(via="clock", run="look"), "cong-xa", "near", snapshots(*days), now=now
    )
    return found.reason if found else ""


def test_what_was_seen_is_expected_until_it_is_deleted_on_record(catalog: Catalog) -> None:
    with catalog.writing() as session:
        remember_seen(session, "cong-xa", "near", snapshots(1, 2, 3, 4))
        remember_seen(session, "cong-xa", "near", snapshots(4))
    assert look(catalog) == NOTHING_SEEN
    assert look(catalog, 1, 2) == MANY_GONE
    assert look(catalog, 1, 2, 3, 4) == ""
    assert look(catalog, 1, 2, 3, 4, now=NOW - DAY) == CLOCK_BEHIND

    going = DeletionPlan("cong-xa", "near", {"keep_last": 2}, "tự đặt", tuple(snapshots(3, 4)))
    with catalog.writing() as session:
        record = plan_deletion(session, Origin(via="clock", run="r"), going, None, now=NOW)
    gone = [it.id for it in going.snapshots]
    complete_deletion(catalog, Origin(via="clock", run="r"), record, gone, now=NOW)

    assert look(catalog, 1, 2) == ""
    with catalog.reading() as session:
        (deletion,) = list_deletions(session, "cong-xa")
    assert (deletion.removed, deletion.basis, deletion.requested_by) == (gone, "tự đặt", "")
    assert [it["id"] for it in deletion.planned] == gone


def test_small_losses_add_up_and_stay_expected_until_accepted(catalog: Catalog) -> None:
    assert look(catalog, 1, 2, 3, 4) == ""
    assert look(catalog, 1, 2, 3) == ""
    assert look(catalog, 1, 2) == MANY_GONE
    with catalog.writing() as session:
        accept_present(session, "cong-xa", "near", snapshots(1, 2), now=NOW)
    assert look(catalog, 1, 2) == ""


def test_what_is_held_and_gone_stays_expected_whoever_accepts(catalog: Catalog) -> None:
    assert look(catalog, 1, 2, 3, 4) == ""
    place(catalog, snapshots(4)[0].id)
    assert look(catalog, 1, 2, 3) == HELD_GONE
    with catalog.writing() as session:
        accept_present(session, "cong-xa", "near", snapshots(1, 2), now=NOW)
        expected = read_expected(session, "cong-xa", "near")

    assert sorted(expected) == sorted(it.id for it in snapshots(1, 2, 4))
    assert look(catalog, 1, 2) == HELD_GONE


def test_a_deletion_that_was_cut_off_is_completed_by_the_next_look(catalog: Catalog) -> None:
    assert look(catalog, 1, 2, 3, 4) == ""
    going = DeletionPlan("cong-xa", "near", {}, "", tuple(snapshots(2, 3, 4)))
    with catalog.writing() as session:
        plan_deletion(session, Origin(via="clock"), going, None, now=NOW)

    assert look(catalog, 1, 4) == ""
    with catalog.reading() as session:
        (deletion,) = list_deletions(session, "cong-xa")
        row = session.execute(
            select(JournalRow).where(JournalRow.action == "backup.delete")
        ).scalar_one()
    assert deletion.removed == [it.id for it in snapshots(2, 3)]
    assert deletion.ended_at == NOW
    assert look(catalog) == NOTHING_SEEN
    assert (row.subject, row.run) == ("cong-xa", "look")
    details = json.loads(row.details)
    assert details["removed"] == sorted(deletion.removed)
    assert details["cut_off"] is True


def test_a_hold_that_came_meanwhile_stops_the_deletion(catalog: Catalog) -> None:
    place(catalog)
    going = DeletionPlan("cong-xa", "near", {}, "", tuple(snapshots(2)))

    with pytest.raises(HeldError), catalog.writing() as session:
        refuse_held(going, read_holds(session, "cong-xa"))
