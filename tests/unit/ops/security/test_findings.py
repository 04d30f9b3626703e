"""What a look changes in what is known, whatever the host says."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from ops.catalog.open import Catalog, open_catalog
from ops.catalog.tables.core import JournalRow
from ops.catalog.tables.security import SecurityBaseline, SecurityFinding, SecurityLook
from ops.errors import OpsError, WrongUseError
from ops.security.allowed import Deviation, refuse_old
from ops.security.cli import refuse_unknown
from ops.security.findings import (
    LONGEST_CHECK,
    LONGEST_TITLE,
    MOST_SIGHTINGS,
    Severity,
    Sighting,
    ToolLook,
    bound,
    judge_items,
    not_checked,
    plan_changes,
    standing_of,
)
from ops.security.records import (
    find_baselines,
    find_findings,
    find_last_looks,
    hold_against,
    remember_looks,
)
from ops.security.tasks import Findings
from ops.terminal.task import find_task
from tests.people import origin_of

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)


@dataclass
class Row:
    check: str
    severity: str = "medium"
    state: str = "open"
    accepted_until: datetime | None = None


def sight(check: str, severity: Severity = "medium", title: str = "") -> Sighting:
    return Sighting(check=check, severity=severity, title=title or check)


def look(*checks: str, outcome: str = "ok", subject: str = "host:web1") -> ToolLook:
    return ToolLook(
        subject=subject, tool="lynis", outcome=outcome, sightings=tuple(map(sight, checks)),  # type: ignore[arg-type]  # one of three
        evidence="ab",
    )  # fmt: skip


@pytest.fixture
def catalog() -> "Catalog":
    return open_catalog("sqlite://")


def test_a_whole_look_opens_keeps_and_fixes() -> None:
    known = [Row("old"), Row("gone"), Row("back", state="fixed"), Row("was", state="fixed")]
    changes = plan_changes(look("new", "old", "back"), known)

    assert [it.check for it in changes.new] == ["new"]
    assert [it.check for it in changes.still] == ["old"]
    assert [it.check for it in changes.again] == ["back"]
    assert changes.fixed == ("gone",)


@pytest.mark.parametrize("outcome", ["incomplete", "not_checked"])
def test_a_look_that_did_not_see_all_fixes_nothing(outcome: str) -> None:
    changes = plan_changes(look("new", outcome=outcome), [Row("gone")])

    assert changes.fixed == ()
    assert [it.check for it in changes.new] == ["new"]


def test_what_became_graver_is_told_apart() -> None:
    grave = ToolLook(
        subject="host:a", tool="lynis", sightings=(sight("x", "high"), sight("y", "low"))
    )
    changes = plan_changes(grave, [Row("x"), Row("y")])

    assert [it.check for it in changes.graver] == ["x"]
    assert [it.check for it in changes.still] == ["y"]


def test_an_acceptance_ends_by_itself() -> None:
    row = Row("x", accepted_until=NOW)

    assert standing_of(row, NOW - timedelta(seconds=1)) == "accepted"
    assert standing_of(row, NOW) == "open"
    assert standing_of(Row("x", state="fixed", accepted_until=NOW), NOW) == "fixed"


def test_words_of_a_host_steer_no_terminal_and_are_cut() -> None:
    evil = "\x1b]0;owned\x07\x1b[2J\u202egnp.exe\r\nhost:web2 fixed\0"
    flood = [sight(f"c{number}") for number in range(MOST_SIGHTINGS + 1)]
    kept = bound(ToolLook(subject="host:web1", tool="lynis", sightings=(
        sight(evil, "critical", evil), sight("x" * 10_000, "critical", "y" * 10_000_000), *flood,
    )))  # fmt: skip

    assert (kept.outcome, kept.reason) == ("incomplete", "too_many")
    assert len(kept.sightings) == MOST_SIGHTINGS
    text = "".join(it.check + it.title for it in kept.sightings)
    assert not {"\x1b", "\x07", "\u202e", "\r", "\n", "\0"} & set(text)
    assert all(len(it.check) <= LONGEST_CHECK for it in kept.sightings)
    assert all(len(it.title) <= LONGEST_TITLE for it in kept.sightings)
    assert [it.severity for it in kept.sightings[:2]] == ["critical", "critical"]
    assert bound(kept) == kept


def test_long_names_that_begin_alike_stay_two() -> None:
    first, second = (bound(look("x" * 200 + end)).sightings[0].check for end in "ab")

    assert first != second


def test_what_is_not_allowed_is_found_and_what_is_gone_is_not() -> None:
    found = judge_items("ports", ["tcp * 22 sshd", "tcp * 4444 nc"], ["tcp * 22 sshd", "tcp * 80"])

    assert [it.check for it in found] == ["tcp * 4444 nc"]


def test_a_list_that_nobody_approved_is_not_checked() -> None:
    listed = ToolLook(subject="host:a", tool="ports", items=("tcp * 22",))

    held = hold_against(listed, {})
    assert (held.outcome, held.reason, held.items) == (
        "not_checked", "no_baseline", ("tcp * 22",)
    )  # fmt: skip


def test_looks_are_kept_once_and_never_touch_another_subject(catalog: Catalog) -> None:
    origin = origin_of("nva")
    with catalog.writing() as session:
        remember_looks(session, origin, [look("a", "b")], now=NOW)
        remember_looks(session, origin, [look("a", subject="host:web2")], now=NOW)
        remember_looks(session, origin, [look("a")], now=NOW + timedelta(days=1))
        remember_looks(
            session, origin, [not_checked("host:web1", "lynis", "late")],
            now=NOW + timedelta(days=2),
        )  # fmt: skip
        remember_looks(session, origin, [look("a", "b")], now=NOW + timedelta(days=3))
    with catalog.reading() as session:
        rows = find_findings(session, with_fixed=True)
        looks = list(session.execute(select(SecurityLook).order_by(SecurityLook.at)).scalars())
        last = find_last_looks(session, answered=True)
        told = list(
            session.execute(select(JournalRow.subject).order_by(JournalRow.sequence)).scalars()
        )
    catalog.close()

    found = [(it.subject, it.check, it.state, it.first_seen_at.day) for it in rows]
    assert found == [
        ("host:web1", "a", "open", 29),
        ("host:web1", "b", "open", 2),
        ("host:web2", "a", "open", 29),
    ]
    assert [(it.opened, it.fixed, it.open) for it in looks if it.subject == "host:web1"] == [
        (2, 0, 2), (0, 1, 1), (0, 0, 1), (1, 0, 2),
    ]  # fmt: skip
    assert last["host:web1", "lynis"].outcome == "ok"
    assert told == ["host:web1", "host:web2", *["host:web1"] * 3]


def test_what_comes_back_or_becomes_graver_is_no_longer_accepted(catalog: Catalog) -> None:
    origin = origin_of("")

    def accept() -> None:
        for row in session.execute(select(SecurityFinding)).scalars():
            row.accepted_until, row.accepted_by = NOW + timedelta(days=90), "ttb"
            row.accept_reason = "vì"
        session.flush()

    with catalog.writing() as session:
        remember_looks(session, origin, [look("a", "b")], now=NOW)
        accept()
        graver = ToolLook(subject="host:web1", tool="lynis", sightings=(sight("a", "high"),))
        remember_looks(session, origin, [graver], now=NOW)
        remember_looks(session, origin, [look("a", "b")], now=NOW)
        rows = find_findings(session)

        assert [(it.check, it.state, it.accepted_until) for it in rows] == [
            ("a", "open", None), ("b", "open", None),
        ]  # fmt: skip
    catalog.close()


def test_the_newest_list_counts(catalog: Catalog) -> None:
    with catalog.writing() as session:
        for days, items in ((0, ["a"]), (1, ["b"])):
            session.add(
                SecurityBaseline(
                    subject="host:web1", tool="ports", items=items, approved_by="ttb",
                    approved_at=NOW + timedelta(days=days), asked_by="nva", reason="vì",
                )
            )  # fmt: skip
        session.flush()
        held = hold_against(
            ToolLook(subject="host:web1", tool="ports", items=("a", "b")), find_baselines(session)
        )
    catalog.close()

    assert [it.check for it in held.sightings] == ["a"]


def test_a_list_is_approved_from_what_was_seen_of_late() -> None:
    def seen(hours: float) -> list[Deviation]:
        row = SecurityLook(subject="host:web1", tool="ports", at=NOW - timedelta(hours=hours))
        return [Deviation("ports", row, None)]

    refuse_old(seen(25), NOW)
    with pytest.raises(OpsError):
        refuse_old(seen(27), NOW)


@pytest.mark.parametrize("wrong", [{"host": "wbe1"}, {"site": "x"}, {"tool": "y"}])
def test_a_name_that_nobody_knows_is_no_clean_host(wrong: dict[str, Any]) -> None:
    estate = {"hosts": [{"name": "web1"}], "sites": [{"name": "a"}]}

    refuse_unknown(Findings(host="web1", site="a", tool="lynis"), estate)
    refuse_unknown(Findings(host="gone"), estate, ["host:gone"])
    with pytest.raises(WrongUseError):
        refuse_unknown(find_task("security.findings").make(wrong), estate)
