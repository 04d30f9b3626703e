from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from backup.errors import BackupError, PlanOutdatedError, UsageError
from backup.format.snapshot import Snapshot
from backup.repository.locks import hold_lock
from backup.repository.repository import Repository
from backup.retention.forget import ForgetPlan, apply_forget, plan_forget, plan_forget_named
from backup.retention.policy import KeepPolicy
from backup.snapshots.groups import GroupKey
from backup.snapshots.selection import SnapshotFilter
from backup.stores.faulty import Effect, Fault, FaultyStore
from tests.instant_clock import InstantClock
from tests.small_repository import SmallRepository

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
LAST = KeepPolicy(last=1)


def snapshots(count: int, hostname: str = "h") -> list[Snapshot]:
    """Make snapshots, newest first; their ids are their ages in days."""
    return [
        Snapshot(
            id=f"{hostname}{day}",
            time=NOW - timedelta(days=day),
            tree=bytes(32),
            paths=("/x",),
            hostname=hostname,
        )
        for day in range(1, count + 1)
    ]


def test_each_group_keeps_its_own() -> None:
    plan = plan_forget([*snapshots(3), *snapshots(2, "g")], LAST, now=NOW)

    assert [group.key for group in plan.groups] == [GroupKey("g", ("/x",)), GroupKey("h", ("/x",))]
    assert [[it.snapshot.id for it in group.keep] for group in plan.groups] == [["g1"], ["h1"]]
    assert plan.groups[0].keep[0].reasons == ("last snapshot",)
    assert plan.remove == ("g2", "h2", "h3")
    assert plan.considered == plan.known == {"g1", "g2", "h1", "h2", "h3"}


def test_grouping_by_nothing_makes_one_group() -> None:
    plan = plan_forget([*snapshots(2), *snapshots(1, "g")], LAST, now=NOW, grouping=())

    assert plan.remove == ("h1", "h2")


def test_what_is_not_wanted_stays() -> None:
    wanted = SnapshotFilter(hosts=("h",))
    plan = plan_forget([*snapshots(2), *snapshots(2, "g")], LAST, now=NOW, wanted=wanted)

    assert plan.remove == ("h2",)
    assert plan.considered == {"h1", "h2"}
    assert len(plan.known) == 4


@pytest.mark.parametrize(
    ("policy", "wanted", "remove_all", "error"),
    [
        (KeepPolicy(), SnapshotFilter(hosts=("h",)), False, UsageError),
        (KeepPolicy(), SnapshotFilter(), True, UsageError),
        (KeepPolicy(tags=(("nobody",),)), SnapshotFilter(), False, BackupError),
    ],
    ids=["no policy", "all of the repository", "a group would be emptied"],
)
def test_what_would_empty_a_group_is_refused(
    policy: KeepPolicy, wanted: SnapshotFilter, remove_all: bool, error: type[BackupError]
) -> None:
    with pytest.raises(error):
        plan_forget(snapshots(2), policy, now=NOW, wanted=wanted, remove_all=remove_all)


def test_a_group_may_be_emptied_where_that_is_said() -> None:
    wanted = SnapshotFilter(hosts=("h",))
    nothing = plan_forget(
        [*snapshots(2), *snapshots(1, "g")], KeepPolicy(), now=NOW, wanted=wanted, remove_all=True
    )
    nobody = plan_forget(snapshots(2), KeepPolicy(tags=(("nobody",),)), now=NOW, remove_all=True)

    assert nothing.remove == nobody.remove == ("h1", "h2")


def stored(count: int, *faults: Fault) -> tuple[Repository, FaultyStore, list[Snapshot]]:
    made = SmallRepository()
    store = FaultyStore(made.memory, faults)
    repository = Repository(
        store,
        made.repository.config,
        key=made.repository.key,
        key_id="",
        clock=InstantClock(),
    )
    for snapshot in snapshots(count):
        repository.save_snapshot(replace(snapshot, id=""))
    return repository, store, repository.load_snapshots()[::-1]


def apply(repository: Repository, plan: ForgetPlan) -> tuple[str, list[str], Iterable[str]]:
    with hold_lock(repository, exclusive=True) as lock:
        result = apply_forget(repository, plan, lock=lock, threads=1)
    return result.outcome, [it for it, _ in result.failed], result.removed


def test_a_plan_is_carried_out() -> None:
    repository, _, listed = stored(4)
    plan = plan_forget(listed, KeepPolicy(last=2), now=NOW)

    assert apply(repository, plan) == ("ok", [], (listed[2].id, listed[3].id))
    assert repository.list_files("snapshots") == sorted(it.id for it in listed[:2])
    assert repository.list_files("locks") == []


def test_named_snapshots_go_though_others_came() -> None:
    repository, _, listed = stored(3)
    plan = plan_forget_named([listed[0], listed[2]])
    repository.save_snapshot(replace(listed[1], id="", time=NOW))

    assert apply(repository, plan)[0] == "ok"
    assert listed[1].id in repository.list_files("snapshots")
    assert len(repository.list_files("snapshots")) == 2


def test_a_plan_is_refused_after_a_snapshot_came() -> None:
    repository, _, listed = stored(3)
    plan = plan_forget(listed, LAST, now=NOW)
    repository.save_snapshot(replace(listed[0], id="", time=NOW))

    with pytest.raises(PlanOutdatedError, match="out of date"):
        apply(repository, plan)
    assert len(repository.list_files("snapshots")) == 4


def test_a_plan_is_refused_after_a_snapshot_went() -> None:
    repository, store, listed = stored(3)
    plan = plan_forget(listed, LAST, now=NOW)
    store.delete(f"snapshots/{listed[0].id}")

    with pytest.raises(PlanOutdatedError):
        apply(repository, plan)
    assert len(repository.list_files("snapshots")) == 2


def test_a_snapshot_that_is_not_wanted_does_not_outdate_a_plan() -> None:
    repository, _, listed = stored(3)
    wanted = SnapshotFilter(hosts=("h",))
    plan = plan_forget(listed, LAST, now=NOW, wanted=wanted)
    repository.save_snapshot(replace(listed[0], id="", time=NOW, hostname="other"))

    assert apply(repository, plan)[0] == "ok"
    assert len(repository.list_files("snapshots")) == 2


def test_one_that_cannot_be_removed_does_not_keep_the_others() -> None:
    fault = Fault(Effect.FAIL_BEFORE, method="delete", prefix="snapshots/")
    repository, _, listed = stored(4, fault)
    plan = plan_forget(listed, LAST, now=NOW)

    assert apply(repository, plan) == ("incomplete", [listed[1].id], (listed[2].id, listed[3].id))
