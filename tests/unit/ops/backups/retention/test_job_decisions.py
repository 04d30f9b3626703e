"""Small decisions of jobs: shares to read, what forgetting spares, exit codes, key files."""

import io
import stat
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from backup.format.snapshot import Snapshot
from backup.restorer.request import RestoreResult
from backup.retention.forget import plan_forget
from ops.backups.checks.packs import DAMAGED_AT, choose_packs
from ops.backups.restore.into_folder import write_result
from ops.backups.retention.protection import NEWEST_WHOLE, Guard, make_policy, protect
from ops.durable_files import make_key_file
from ops.errors import OpsError
from ops.estate.model.policies import Retention
from ops.language.text import render_error
from ops.terminal.exit_codes import gravest
from ops.terminal.progress import NotConfirmedError, need_confirmation

HANOI = timezone(timedelta(hours=7))


WITHIN = timedelta(days=30)
NOON = datetime(2026, 11, 24, 5, tzinfo=UTC)


def _packs(count: int) -> dict[bytes, int]:
    return {number.to_bytes(32, "big"): 10 for number in range(count)}


def test_in_as_many_days_as_it_may_take_each_pack_is_read_once() -> None:
    packs, read_at = _packs(300), dict[bytes, datetime]()
    for day in range(30):
        now = NOON + timedelta(days=day)
        chosen = choose_packs(packs, read_at, within=WITHIN, now=now)
        assert len(chosen) == 10
        assert not chosen & read_at.keys()
        read_at |= dict.fromkeys(chosen, now)

    assert read_at.keys() == packs.keys()
    again = choose_packs(packs, read_at, within=WITHIN, now=NOON + timedelta(days=30))
    assert {read_at[it] for it in again} == {NOON}


def test_days_without_a_check_are_made_up_for() -> None:
    packs = _packs(30)
    read_at = {it: NOON - timedelta(days=20 - n % 20) for n, it in enumerate(packs)}

    assert len(choose_packs(packs, read_at, within=WITHIN, now=NOON + timedelta(days=2))) == 3


def test_what_would_be_overdue_is_read_although_new_packs_come_first() -> None:
    old = dict.fromkeys(_packs(3), NOON - timedelta(days=30))
    fresh = {bytes([9]) * 31 + bytes([number]): 10_000 for number in range(30)}

    chosen = choose_packs({**_packs(3), **fresh}, old, within=WITHIN, now=NOON)
    assert old.keys() < chosen


def test_a_damaged_pack_is_read_every_day_and_counts_as_no_reading() -> None:
    packs = _packs(300)
    damaged = list(packs)[-1]
    chosen = choose_packs(packs, {damaged: DAMAGED_AT}, within=WITHIN, now=NOON)

    assert damaged in chosen
    assert len(chosen - {damaged}) == 10


def test_after_a_year_everything_is_read() -> None:
    read_at = {next(iter(_packs(1))): NOON - timedelta(days=365)}

    assert choose_packs(_packs(50), read_at, within=WITHIN, now=NOON) == _packs(50).keys()


def a_snapshot(day: int) -> Snapshot:
    time = datetime(2026, 11, day, 1, tzinfo=HANOI)
    return Snapshot(time=time, tree=b"", paths=("/a",), hostname="a", id=f"{day:064x}")


def test_the_newest_whole_snapshot_stays_when_only_incomplete_ones_follow() -> None:
    snapshots = [a_snapshot(day) for day in range(1, 11)]
    outcomes = {it.id: "ok" if it.time.day <= 4 else "incomplete" for it in snapshots}
    policy = make_policy(Retention(keep_last=3, keep_daily=0, keep_weekly=0, keep_monthly=0,
                                   keep_yearly=0, minimum_days=0))  # fmt: skip
    now = datetime(2026, 11, 24, tzinfo=UTC)
    plan = plan_forget(snapshots, policy, now=now)
    spared = protect(plan, Guard(outcomes=outcomes), now=now)

    assert len(plan.remove) == 7
    assert set(plan.remove) - set(spared.remove) == {a_snapshot(4).id}
    assert [it.reasons for it in spared.groups[0].keep][-1] == (NEWEST_WHOLE,)


def test_nothing_younger_than_the_minimum_goes() -> None:
    snapshots = [a_snapshot(day) for day in range(1, 25)]
    policy = make_policy(Retention(keep_last=1, keep_daily=0, keep_weekly=0, keep_monthly=0,
                                   keep_yearly=0))  # fmt: skip
    now = datetime(2026, 11, 24, 2, tzinfo=HANOI)
    plan = protect(plan_forget(snapshots, policy, now=now), Guard(floor_days=10), now=now)

    assert sorted(int(it, 16) for it in plan.remove) == list(range(1, 15))


@pytest.mark.parametrize(
    ("codes", "worst"),
    [([], 0), ([0, 0], 0), ([0, 3], 3), ([3, 11], 11), ([1, 12], 1), ([2, 1], 2), ([77, 3], 1)],
)
def test_the_gravest_exit_code_wins(codes: list[int], worst: int) -> None:
    assert gravest(codes) == worst


def test_a_key_is_one_line_of_256_bits_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "repository.key"
    make_key_file(path)
    content = path.read_bytes()
    make_key_file(path)

    assert content.count(b"\n") == 1
    assert content.endswith(b"\n")
    assert len(content) == 53
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert path.read_bytes() == content
    assert [it.name for it in path.parent.iterdir()] == ["repository.key"]


def test_what_deletes_goes_on_only_with_the_right_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO())
    need_confirmation("cong-xa", "cong-xa", "?")
    for given in ("", "cong-xb"):
        with pytest.raises(NotConfirmedError):
            need_confirmation("cong-xa", given, "?")


def test_a_key_that_cannot_be_written_is_told_with_its_own_setting(tmp_path: Path) -> None:
    (tmp_path / "keys").write_text("a file where the folder should be")
    with pytest.raises(OpsError) as caught:
        make_key_file(tmp_path / "keys" / "credentials.key", setting="[keys] credentials")
    text = render_error(caught.value)

    assert "credentials.key" in text
    assert "`[keys] credentials`" in text
    assert "repository" not in text


@pytest.mark.parametrize(("count", "told"), [(1, "restored 1 entry,"), (2, "restored 2 entries,")])
def test_one_entry_is_told_in_the_singular(
    count: int, told: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GIUCONG_LANG", "en")
    write_result(
        Path("/srv/back"), RestoreResult(count, count, 0, 0, 0, 0, 0, 0, 0, ()), dry_run=False
    )

    assert told in capsys.readouterr().out
