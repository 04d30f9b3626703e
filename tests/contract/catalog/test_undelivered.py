"""A notice that was given up is told until its target was reached, and not for ever."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ops.catalog.open import Catalog
from ops.catalog.tables.core import Notice
from ops.journal import journal
from ops.status.facts import read_undelivered

NOW = datetime.now(UTC)
DAY = timedelta(days=1)


def keep(catalog: Catalog, *notices: dict[str, Any]) -> None:
    with catalog.writing() as session:
        for number, values in enumerate(notices):
            session.add(
                Notice(subject_key=str(number), severity="critical", code="failed", **values)
            )


def given_up(at: datetime = NOW - DAY) -> dict[str, Any]:
    return {"target": "nva", "state": "failed", "error": "refused", "created_at": at}


def read(catalog: Catalog) -> tuple[int, int]:
    with catalog.reading() as session:
        return read_undelivered(session, NOW)


def test_those_still_tried_and_those_given_up_are_counted(catalog: Catalog) -> None:
    waiting = {"target": "nva", "state": "waiting", "created_at": NOW - DAY}
    keep(catalog, given_up(), waiting | {"error": "no answer"}, waiting)

    assert read(catalog) == (1, 1)


@pytest.mark.parametrize(
    ("target", "at", "left"),
    [("nva", NOW, 0), ("nva", NOW - 2 * DAY, 1), ("ttb", NOW, 1)],
)
def test_a_younger_notice_that_reached_the_same_target_ends_it(
    catalog: Catalog, target: str, at: datetime, left: int
) -> None:
    sent = {"target": target, "state": "sent", "created_at": at, "sent_at": at}
    keep(catalog, given_up(), sent)

    assert read(catalog) == (0, left)


@pytest.mark.parametrize(("error", "left"), [("", 0), ("refused", 1)])
def test_a_test_message_that_got_through_ends_it(catalog: Catalog, error: str, left: int) -> None:
    keep(catalog, given_up())
    with catalog.writing() as session:
        entry = journal.Entry("notices.test", "*", {"answers": {"nva": error, "ttb": ""}})
        journal.append(session, journal.Origin(via="cli"), [entry])

    assert read(catalog) == (0, left)


def test_after_ten_days_it_is_told_no_more(catalog: Catalog) -> None:
    keep(catalog, given_up(at=NOW - 11 * DAY))

    assert read(catalog) == (0, 0)
