"""The rule 3-2-1-1-0, part by part."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from backup.errors import StoreReadOnlyError, StoreUnavailableError
from backup.stores.faulty import Effect, Fault, FaultyStore
from backup.stores.memory import MemoryStore
from ops.backups.checks.job import PROBE, find_refusal
from ops.backups.copies.rule_32110 import CopyFacts, judge_copies

NOW = datetime(2026, 11, 24, 18, tzinfo=UTC)
HOUR = timedelta(hours=1)
NEAR = CopyFacts(
    store="near", role="primary", location="Trung tâm", medium="disk", newest_at=NOW - 20 * HOUR,
    snapshots=3, checked="ok", checked_at=NOW - HOUR, protection="not_protected",
)  # fmt: skip
BESIDE = replace(NEAR, store="beside", role="mirror", location="Phòng bên")
FAR = replace(
    NEAR, store="far", role="copy", location="Biên Hòa", medium="object", protection="protected"
)
ALL = (NEAR, BESIDE, FAR)


def _broken(*copies: CopyFacts) -> dict[str, str]:
    found = judge_copies(copies, now=NOW, rpo=24 * HOUR, reread=timedelta(days=30))
    assert [it.part for it in found] == ["copies", "media", "places", "locked", "errors"]
    return {it.part: it.outcome for it in found if it.outcome != "ok"}


@pytest.mark.parametrize(
    ("copies", "broken"),
    [
        (ALL, {}),
        ((NEAR, FAR), {}),
        (
            (NEAR,),
            {"copies": "failed", "media": "failed", "places": "failed", "locked": "failed"},
        ),
        ((NEAR, BESIDE), {"media": "failed", "locked": "failed"}),
        ((NEAR, replace(FAR, location="Trung tâm")), {"places": "failed"}),
        ((NEAR, replace(FAR, medium="disk")), {"media": "failed"}),
        ((NEAR, replace(FAR, protection="not_protected")), {"locked": "failed"}),
        ((NEAR, replace(FAR, protection="not_checked")), {"locked": "not_checked"}),
        ((NEAR, replace(FAR, checked="failed")), {"errors": "failed"}),
        ((NEAR, replace(FAR, checked="", checked_at=None)), {"errors": "not_checked"}),
        (
            (NEAR, replace(FAR, checked_at=NOW - timedelta(days=31))),
            {"errors": "not_checked"},
        ),
        # A copy follows some hours later, and counts until then.
        ((NEAR, replace(FAR, newest_at=NOW - 32 * HOUR)), {}),
        (
            (NEAR, replace(FAR, newest_at=NOW - 34 * HOUR)),
            {"copies": "failed", "media": "failed", "places": "failed", "locked": "failed"},
        ),
        (
            tuple(replace(it, newest_at=None) for it in ALL),
            {
                "copies": "failed", "media": "failed", "places": "failed", "locked": "failed",
                "errors": "not_checked",
            },
        ),
    ],
)  # fmt: skip
def test_each_part(copies: tuple[CopyFacts, ...], broken: dict[str, str]) -> None:
    assert _broken(*copies) == broken


def test_a_store_that_deletes_the_probe_is_not_protected() -> None:
    store = MemoryStore()
    assert find_refusal(store) is None
    assert store.objects() == {}


class _Refusing(MemoryStore):
    """A store whose objects stay, as under a promise."""

    def delete(self, key: str) -> None:
        raise StoreReadOnlyError("{key} is locked", key=key)


def test_a_store_that_keeps_the_probe_is_protected_time_and_again() -> None:
    store = _Refusing()
    assert find_refusal(store) == f"{PROBE} is locked"
    assert find_refusal(store) == f"{PROBE} is locked"


def test_a_store_that_does_not_answer_proves_nothing() -> None:
    silent = FaultyStore(MemoryStore(), [Fault(Effect.FAIL_BEFORE, method="delete")])
    with pytest.raises(StoreUnavailableError):
        find_refusal(silent)
