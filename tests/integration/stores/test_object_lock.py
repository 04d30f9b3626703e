"""Promises of a bucket: kept against a thief with our credential, renewed, and given up in time."""

import os
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from backup.copies.mirror import as_mirror, update_mirror
from backup.errors import (
    ObjectLockedError,
    ObjectNotFoundError,
    StoreDeniedError,
    StoreReadOnlyError,
)
from backup.prune.prune import PruneRequest, prune
from backup.quantities import UnusedLimit
from backup.repository.locks import hold_lock
from backup.repository.repository import Repository
from backup.retention.forget import apply_forget, plan_forget_named
from backup.stores.kinds import open_bucket
from backup.stores.memory import MemoryStore
from backup.stores.retry import RetryingStore
from backup.stores.s3.object_lock import LockingS3Store
from backup.stores.s3.settings import S3Settings
from backup.stores.s3.versions import PastS3Store, list_versions, purge_superseded
from ops.backups.checks.job import PROBE, find_refusal
from tests.backing_up import back_up, read_back
from tests.faulty_line import FaultyLine
from tests.s3_server import ADMINISTRATOR, WRITER, S3Server

pytestmark = pytest.mark.slow

PASSWORD = b"of-a-throw-away-repository"
PERIOD = timedelta(days=30)


@pytest.fixture(scope="module")
def bucket(s3_server: S3Server) -> str:
    return s3_server.new_bucket(locking=True)


@pytest.fixture
def settings(s3_server: S3Server, bucket: str, request: pytest.FixtureRequest) -> S3Settings:
    """The writer's, in a folder of its own: locked for 33 days, renewed below 30."""
    return replace(
        s3_server.settings(bucket, prefix=f"{request.node.name[:60]}/cong"),
        lock_mode="governance",
        lock_seconds=timedelta(days=33).total_seconds(),
        renew_below=PERIOD.total_seconds(),
    )


@pytest.fixture
def store(settings: S3Settings) -> LockingS3Store:
    return LockingS3Store(settings)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "cổng"
    folder.mkdir()
    for number in range(12):
        (folder / f"{number}.txt").write_bytes(os.urandom(20_000))
    return folder


def days_left(store: LockingS3Store, key: str) -> float:
    until = store.locked_until(key)
    return 0 if until is None else (until - datetime.now(UTC)) / timedelta(days=1)


def keys_of(store: LockingS3Store, folder: str = "") -> set[str]:
    return {info.key for info in store.list(folder)}


def test_all_files_of_a_repository_are_locked_but_locks(
    store: LockingS3Store, source: Path
) -> None:
    repository = Repository.init(store, PASSWORD)
    back_up(repository, source)
    with hold_lock(repository):
        locks = keys_of(store, "locks")
        assert len(locks) == 1
        assert store.locked_until(locks.pop()) is None

    assert keys_of(store, "locks") == set()
    assert {key.partition("/")[0] for key in keys_of(store)} == {
        "config", "data", "index", "keys", "snapshots"
    }  # fmt: skip
    for key in keys_of(store):
        assert 32 < days_left(store, key) <= 33


def test_what_is_locked_is_not_deleted_and_it_is_told_until_when(store: LockingS3Store) -> None:
    store.write("data/ab/pack", b"pack")
    with pytest.raises(ObjectLockedError, match="is locked until 2") as caught:
        store.delete("data/ab/pack")

    until = store.locked_until("data/ab/pack")
    assert caught.value.params["until"] == f"{until:%Y-%m-%dT%H:%M:%SZ}"
    assert store.read("data/ab/pack") == b"pack"


def test_a_replaced_index_file_is_hidden_but_its_version_stays(store: LockingS3Store) -> None:
    store.write("index/old", b"index")
    store.delete("index/old")

    assert keys_of(store) == set()
    assert [it.is_marker for it in list_versions(store, "index")].count(False) == 1


def test_packs_that_a_new_snapshot_borrows_are_renewed_before_it_is_written(
    settings: S3Settings, source: Path
) -> None:
    brief = LockingS3Store(replace(settings, lock_seconds=86_400, renew_below=3600))
    back_up(Repository.init(brief, PASSWORD), source)
    lent = keys_of(brief)
    assert all(days_left(brief, key) <= 1 for key in lent)

    store = LockingS3Store(settings)
    with FaultyLine(settings.endpoint) as line:
        over_line = LockingS3Store(replace(settings, endpoint=line.url))
        back_up(Repository.open(over_line, PASSWORD), source)
    puts = [at for at, it in enumerate(line.requests) if it.startswith("PUT ")]
    renewed = [at for at in puts if line.requests[at].endswith("?retention")]
    (written,) = [at for at in puts if "/snapshots/" in line.requests[at] and at not in renewed]

    assert renewed
    assert max(renewed) < written
    needed = {key for key in lent if not key.startswith("snapshots/")}
    assert all(days_left(store, key) > 32 for key in needed)


def test_a_promise_that_lasts_is_not_renewed(store: LockingS3Store) -> None:
    store.write("data/ab/pack", b"pack")
    until = store.locked_until("data/ab/pack")
    store.renew(["data/ab/pack"])

    assert store.locked_until("data/ab/pack") == until
    with pytest.raises(ObjectNotFoundError):
        store.renew(["data/ab/gone"])


def test_forget_and_prune_skip_what_is_locked_and_say_until_when(
    settings: S3Settings, source: Path
) -> None:
    store = RetryingStore(LockingS3Store(settings))
    repository = Repository.init(store, PASSWORD)
    first = back_up(repository, source)
    (source / "0.txt").write_bytes(os.urandom(20_000))
    second = back_up(repository, source)
    with hold_lock(repository, exclusive=True) as lock:
        plan = plan_forget_named([repository.load_snapshot(str(first.snapshot_id))])
        done = apply_forget(repository, plan, lock=lock)

    assert done.outcome == "ok"
    assert done.removed == ()
    assert [snapshot_id for snapshot_id, _ in done.locked] == [first.snapshot_id]
    assert done.locked[0][1].startswith("20")

    # Somebody hides the snapshot all the same: the packs it alone needs are spared.
    client = LockingS3Store(settings).client
    name = LockingS3Store(settings).name_of(f"snapshots/{first.snapshot_id}")
    client.delete_object(Bucket=settings.bucket, Key=name)
    packs = keys_of(LockingS3Store(settings), "data")
    pruned = prune(repository, PruneRequest(workers=0, max_unused=UnusedLimit(size=0)))

    assert pruned.outcome == "ok"
    assert pruned.locked.keys
    assert pruned.locked.until is not None
    assert packs <= keys_of(LockingS3Store(settings), "data")
    assert read_back(repository, second)


def test_what_a_thief_with_our_credential_deletes_and_overwrites_comes_back(
    s3_server: S3Server, settings: S3Settings, source: Path
) -> None:
    result = back_up(Repository.init(LockingS3Store(settings), PASSWORD), source)
    time.sleep(1.1)  # the server's times are whole seconds
    before = time.time()
    time.sleep(1.1)
    thief = s3_server.client(WRITER)
    _wreck(thief, settings)
    with pytest.raises(Exception, match=r"no repository|damaged|wrong password|not of the known"):
        read_back(Repository.open(open_bucket(settings), PASSWORD), result)

    past = Repository.open(open_bucket(replace(settings, at=before)), PASSWORD)
    assert past.list_files("snapshots") == [result.snapshot_id]
    found = read_back(past, result)
    for path in source.iterdir():
        assert found[b"/site/" + os.fsencode(path.name)].data == path.read_bytes()


def test_the_past_is_found_after_a_renewal_a_theft_and_a_second_renewal(
    s3_server: S3Server, settings: S3Settings, source: Path
) -> None:
    brief = LockingS3Store(replace(settings, lock_seconds=86_400, renew_below=3600))
    result = back_up(Repository.init(brief, PASSWORD), source)
    kept = keys_of(brief)
    time.sleep(1.1)
    before = time.time()
    time.sleep(1.1)
    LockingS3Store(settings).renew(kept)
    _wreck(s3_server.client(WRITER), settings)
    time.sleep(1.1)
    later = replace(settings, renew_below=timedelta(days=33).total_seconds())
    LockingS3Store(later).renew(keys_of(brief))
    past = Repository.open(PastS3Store(replace(settings, at=before)), PASSWORD)

    found = read_back(past, result)
    for path in source.iterdir():
        assert found[b"/site/" + os.fsencode(path.name)].data == path.read_bytes()


def _wreck(client: Any, settings: S3Settings) -> None:
    listed = client.list_object_versions(Bucket=settings.bucket, Prefix=settings.prefix + "/")
    for number, version in enumerate(listed["Versions"]):
        name, refused = version["Key"], False
        for bypass in (False, True):
            try:
                client.delete_object(
                    Bucket=settings.bucket, Key=name, VersionId=version["VersionId"],
                    BypassGovernanceRetention=bypass,
                )  # fmt: skip
            except ClientError:
                refused = True
        assert refused or "/locks/" in name
        if number % 2:
            client.put_object(Bucket=settings.bucket, Key=name, Body=b"ransom")
        else:
            client.delete_object(Bucket=settings.bucket, Key=name)


def test_the_past_is_read_in_ranges_and_cannot_be_changed(settings: S3Settings) -> None:
    store = LockingS3Store(settings)
    store.write("snapshots/one", b"0123456789")
    time.sleep(1.1)
    past = PastS3Store(replace(settings, at=time.time()))
    time.sleep(1.1)
    store.write("snapshots/two", b"later")
    store.client.delete_object(Bucket=store.bucket, Key=store.name_of("snapshots/one"))

    assert [info.key for info in past.list("snapshots")] == ["snapshots/one"]
    assert list(past.list("snap")) == []
    assert past.size("snapshots/one") == 10
    assert past.read("snapshots/one") == b"0123456789"
    assert past.read("snapshots/one", 3, 4) == b"3456"
    assert past.read("snapshots/one", 8, 100) == b"89"
    assert past.read("snapshots/one", 10) == b""
    for call in (lambda: past.read("snapshots/two"), lambda: past.size("config")):
        with pytest.raises(ObjectNotFoundError):
            call()
    with pytest.raises(StoreReadOnlyError):
        past.write("snapshots/three", b"")
    with pytest.raises(StoreReadOnlyError):
        past.delete("snapshots/one")


def test_superseded_versions_go_once_their_time_is_up(settings: S3Settings) -> None:
    brief = LockingS3Store(replace(settings, lock_seconds=10, renew_below=1))
    brief.write("index/old", b"index")
    brief.write("locks/one", b"lock")
    brief.write("config", b"config")
    brief.delete("index/old")
    brief.delete("locks/one")
    early = purge_superseded(brief)

    assert early.locked == 1
    assert early.locked_until is not None
    assert early.removed == 2  # the lock, which nobody promised to keep, and its marker
    time.sleep(11)
    late = purge_superseded(brief)

    assert (late.removed, late.locked) == (2, 0)
    assert [it.key for it in list_versions(brief, "")] == ["config"]
    assert brief.read("config") == b"config"


def test_what_somebody_overwrote_is_never_purged(settings: S3Settings) -> None:
    brief = LockingS3Store(replace(settings, lock_seconds=1, renew_below=1))
    brief.write("data/ab/pack", b"good")
    brief.client.put_object(Bucket=brief.bucket, Key=brief.name_of("data/ab/pack"), Body=b"ransom")
    time.sleep(2)
    done = purge_superseded(brief)

    assert done.odd == ("data/ab/pack",)
    assert done.removed == 0
    assert len(list(list_versions(brief, ""))) == 2


def test_prune_names_what_somebody_overwrote(settings: S3Settings, source: Path) -> None:
    store = LockingS3Store(settings)
    repository = Repository.init(store, PASSWORD)
    back_up(repository, source)
    store.client.put_object(Bucket=store.bucket, Key=store.name_of("config"), Body=b"ransom")
    pruned = prune(repository, PruneRequest(workers=0))

    assert pruned.outcome == "ok"
    assert pruned.overwritten == ("config",)


def test_the_administrator_may_bypass_governance(s3_server: S3Server, settings: S3Settings) -> None:
    store = LockingS3Store(settings)
    store.write("data/ab/pack", b"pack")
    (version,) = list_versions(store, "")
    s3_server.client(ADMINISTRATOR).delete_object(
        Bucket=store.bucket,
        Key=store.name_of(version.key),
        VersionId=version.version,
        BypassGovernanceRetention=True,
    )

    assert keys_of(store) == set()


def test_a_bucket_without_object_lock_is_told(s3_server: S3Server) -> None:
    plain = replace(s3_server.new_store().settings, lock_mode="governance", lock_seconds=100)
    with pytest.raises(Exception, match="cannot write config") as caught:
        LockingS3Store(plain).write("config", b"x")

    assert not isinstance(caught.value, StoreDeniedError)


def test_a_locked_mirror_renews_what_is_borrowed_and_keeps_what_it_promised(
    settings: S3Settings, source: Path
) -> None:
    main = Repository.init(MemoryStore(), PASSWORD)
    first = back_up(main, source)
    brief = LockingS3Store(replace(settings, lock_seconds=86_400, renew_below=3600))
    update_mirror(main, brief)
    lent = keys_of(brief)
    assert all(days_left(brief, key) <= 1 for key in lent if not key.startswith("locks/"))

    (source / "new.txt").write_bytes(os.urandom(20_000))
    second = back_up(main, source)
    store = LockingS3Store(settings)
    update_mirror(main, store)

    # The source lets the first one go: the mirror cannot yet, and is whole meanwhile.
    main.store.delete(f"snapshots/{first.snapshot_id}")
    prune(main, PruneRequest(workers=0, max_unused=UnusedLimit(size=0)))
    borrowed = lent & {it.key for it in main.store.list("")}
    assert any(key.startswith("data/") for key in borrowed)
    assert all(days_left(store, key) > 32 for key in borrowed)
    before = keys_of(store)
    done = update_mirror(main, store)
    assert (done.plan.held_back, done.removed) == ("", 0)
    assert before <= keys_of(store)
    mirror = as_mirror(main, store)
    assert read_back(mirror, first)
    assert read_back(mirror, second)


def test_a_locked_mirror_lets_go_once_the_time_is_up(settings: S3Settings, source: Path) -> None:
    main = Repository.init(MemoryStore(), PASSWORD)
    first = back_up(main, source)
    store = LockingS3Store(replace(settings, lock_seconds=6, renew_below=1))
    update_mirror(main, store)
    (source / "0.txt").write_bytes(os.urandom(20_000))
    second = back_up(main, source)
    main.store.delete(f"snapshots/{first.snapshot_id}")
    prune(main, PruneRequest(workers=0, max_unused=UnusedLimit(size=0)))
    time.sleep(7)
    done = update_mirror(main, store)

    assert done.removed
    assert {it for it in keys_of(store) if not it.startswith("locks/")} == {
        it.key for it in main.store.list("") if not it.key.startswith("locks/")
    }
    assert read_back(as_mirror(main, store), second)


def test_the_trial_asks_the_server_whether_our_credential_may_pass_the_lock(
    settings: S3Settings,
) -> None:
    powerful = replace(
        settings,
        access_key=ADMINISTRATOR.access_key,
        secret_key=ADMINISTRATOR.secret_key,
    )
    for _ in range(2):  # the second finds the first one's probe
        assert find_refusal(RetryingStore(LockingS3Store(settings))) is not None
    assert days_left(LockingS3Store(settings), PROBE) > 30

    assert find_refusal(RetryingStore(LockingS3Store(powerful))) is None


def test_a_probe_whose_lock_is_nearly_over_is_locked_anew_before_the_trial(
    settings: S3Settings,
) -> None:
    LockingS3Store(replace(settings, lock_seconds=3, renew_below=0)).write(PROBE, b"of long ago\n")
    time.sleep(4)
    assert find_refusal(LockingS3Store(settings)) is not None
