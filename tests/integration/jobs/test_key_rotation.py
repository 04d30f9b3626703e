"""A leaked password is changed everywhere or nowhere, wherever the change is cut off."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from backup.errors import WrongPasswordError
from backup.format.snapshot import Snapshot
from backup.repository.repository import Repository
from backup.stores import open_store
from ops.access.identity import login_at_terminal
from ops.backups.keys.master_key import plan_master_rotation, rotate_master
from ops.backups.keys.password import decide_stage, plan_password_rotation, rotate_password
from ops.backups.keys.rotate import decide_needed, delete_old, find_old
from ops.backups.retention.protection import HoldView
from ops.catalog.open import open_catalog
from ops.catalog.tables.core import JournalRow
from ops.errors import OpsError
from ops.estate.load.load import load_estate
from tests.integration.jobs.small_estate import INIT, build_used_estate, giucong
from tests.people import appoint

pytestmark = pytest.mark.slow

MIRROR = """
[[stores]]
name = "glass"
url = "stores/glass"
role = "mirror"
of = "near"
location = "đó"
medium = "disk"
"""
NO_MINIMUM = "[defaults.retention]\nkeep_last = 3\nminimum_days = 0\n"
PERSON = """
[[people]]
name = "ttb"
title = "Trần Thị B"
"""
ROTATE = ("backup.key-rotate", "--leaked", "password")
PLACES = 3  # the site in two stores, the service itself in the first
STEPS = 2 * PLACES + 4  # made; added; proven, kept, switched; removed


@pytest.fixture
def estate(tmp_path: Path) -> Path:
    return build_used_estate(tmp_path / "estate", MIRROR, (INIT, ("backup.copy",)))


def places(estate: Path) -> list[Path]:
    return sorted(it.parent for it in (estate.parent / "stores").glob("*/*/config"))


def opens(place: Path, password: str) -> bool:
    try:
        Repository.open(open_store(str(place)), password.encode())
    except WrongPasswordError:
        return False
    return True


def key_of(estate: Path) -> str:
    return (estate.parent / "keys/repository.key").read_text().strip()


def begin(path: Path) -> Iterator[str]:
    estate = load_estate(path)
    with open_catalog(f"sqlite:///{path.parent}/state/giucong.db") as catalog:
        yield from rotate_password(plan_password_rotation(estate, catalog, estate.primary_store))


def journal_of(estate: Path, action: str) -> list[dict[str, Any]]:
    with (
        open_catalog(f"sqlite:///{estate.parent}/state/giucong.db") as catalog,
        catalog.reading() as session,
    ):
        query = select(JournalRow.details).where(JournalRow.action == action)
        return [json.loads(text) for text in session.execute(query).scalars()]


def test_the_new_password_opens_everything_and_the_old_one_nothing(estate: Path) -> None:
    old = key_of(estate)
    dry = giucong(estate, *ROTATE, "--dry-run")
    refused = giucong(estate, *ROTATE)
    assert (dry.returncode, refused.returncode, key_of(estate)) == (0, 2, old)
    done = giucong(estate, *ROTATE, "--confirm", "near", "--reason", "Lộ khóa")

    assert done.returncode == 0, done.stderr
    new = key_of(estate)
    assert new != old
    assert [(opens(it, new), opens(it, old)) for it in places(estate)] == [(True, False)] * PLACES
    assert [it.name for it in (estate.parent / "keys").iterdir()] == ["repository.key"]
    (row,) = journal_of(estate, "backup.key-rotate")
    assert len(row["added"]) == len(row["removed"]) == PLACES
    assert not any(secret in done.stdout + json.dumps(row) for secret in (old, new))
    assert giucong(estate, "backup.run", "--site", "cong-xa").returncode == 0
    assert giucong(estate, "backup.copy").returncode == 0
    restic = subprocess.run(
        ["restic", "--no-cache", "-r", estate.parent / "stores/glass/cong-xa", "check"],
        env={**os.environ, "RESTIC_PASSWORD": new},
        capture_output=True,
        check=False,
    )
    assert restic.returncode == 0, restic.stderr


def test_cut_off_after_any_step_it_goes_on_and_nothing_is_locked_out(estate: Path) -> None:
    for cut in range(1, STEPS + 1):
        before = key_of(estate)
        done = list(islice(begin(estate), cut))
        assert len(done) == cut
        assert all(opens(it, key_of(estate)) for it in places(estate)), done[-1]
        list(begin(estate))
        after = key_of(estate)
        assert [(opens(it, after), opens(it, before)) for it in places(estate)] == [
            (True, False)
        ] * PLACES
        assert [it.name for it in (estate.parent / "keys").iterdir()] == ["repository.key"]


def test_a_repository_with_another_password_stops_it_before_anything_is_removed(
    estate: Path,
) -> None:
    stranger = estate.parent / "stores/near/co-quan-cu"
    Repository.init(open_store(str(stranger)), b"another one")
    old = key_of(estate)

    with pytest.raises(OpsError, match=r'"co-quan-cu" .* does not open with the password'):
        list(begin(estate))
    assert key_of(estate) == old
    assert all(opens(it, old) for it in places(estate) if it != stranger)
    assert opens(stranger, "another one")


def test_each_step_is_told_in_the_readers_language(filled: Path) -> None:
    flags = ("--reason", "Lộ khóa")
    done = giucong(filled, *ROTATE, "--confirm", "near", *flags, GIUCONG_LANG="vi")
    whole = giucong(filled, *MASTER, "--confirm", "cong-xa", *flags, GIUCONG_LANG="vi")
    assert (done.returncode, whole.returncode) == (0, 0), done.stderr + whole.stderr
    english = {"made", "added", "proven", "kept", "switched", "removed", "noted", "copied",
               "verified", "mirrored", "indexed"}  # fmt: skip
    assert english & set((done.stdout + whole.stdout).split()) == set()
    assert "  near/cong-xa: đã thêm mật khẩu mới\n" in done.stdout


@pytest.mark.parametrize(
    ("has_next", "has_old", "stage"),
    [
        (False, False, "begin"),
        (True, False, "add"),
        (True, True, "add"),
        (False, True, "remove"),
    ],
)
def test_the_files_beside_the_key_say_how_far_it_came(
    has_next: bool, has_old: bool, stage: str
) -> None:
    assert decide_stage(has_next=has_next, has_old=has_old) == stage


MASTER = ("backup.key-rotate", "--leaked", "master-key", "--site", "cong-xa")
MASTER_STEPS = ("noted", "copied", "verified", "mirrored glass", "switched near", "switched glass")


@pytest.fixture
def filled(estate: Path) -> Path:
    for _ in range(2):
        assert giucong(estate, "backup.run", "--site", "cong-xa").returncode == 0
        (estate.parent / "www/index.php").write_text("<?php // sửa rồi")
    assert giucong(estate, "backup.copy").returncode == 0
    return estate


def begin_master(path: Path) -> Iterator[str]:
    estate = load_estate(path)
    with open_catalog(f"sqlite:///{path.parent}/state/giucong.db") as catalog:
        rotation = plan_master_rotation(estate, "cong-xa", estate.primary_store)
        yield from rotate_master(rotation, catalog)


def open_site(estate: Path, store: str) -> Repository:
    place = open_store(str(estate.parent / "stores" / store / "cong-xa"))
    return Repository.open(place, key_of(estate).encode())


def check_new_key(estate: Path, before: Repository, snapshots: list[Snapshot]) -> None:
    after = open_site(estate, "near")
    assert after.key != before.key
    first_ids = [it.original or it.id for it in snapshots]
    assert [it.original for it in after.load_snapshots()] == first_ids
    assert [it.tree for it in after.load_snapshots()] == [it.tree for it in snapshots]
    assert open_site(estate, "glass").id == after.id
    for store in ("near", "glass"):
        kept = estate.parent / "stores" / store / ".old-keys" / f"cong-xa-{before.id[:16]}"
        assert Repository.open(open_store(str(kept)), key_of(estate).encode()).id == before.id


def test_a_site_gets_a_new_master_key_wherever_it_is_cut_off(filled: Path) -> None:
    for cut in range(1, len(MASTER_STEPS) + 1):
        before = open_site(filled, "near")
        snapshots = before.load_snapshots()
        steps = list(islice(begin_master(filled), cut))
        assert steps == list(MASTER_STEPS[:cut])
        list(begin_master(filled))
        check_new_key(filled, before, snapshots)
        for store in ("near", "glass"):
            shutil.rmtree(filled.parent / "stores" / store / ".old-keys")


def test_work_goes_on_with_the_new_master_key(filled: Path) -> None:
    before = open_site(filled, "near")
    snapshots = before.load_snapshots()
    assert giucong(filled, *MASTER).returncode == 2  # nobody has confirmed
    assert giucong(filled, *MASTER, "--dry-run").returncode == 0
    done = giucong(filled, *MASTER, "--confirm", "cong-xa", "--reason", "Lộ khóa chính")

    assert done.returncode == 0, done.stderr
    check_new_key(filled, before, snapshots)
    for task in ("backup.run", "backup.check", "backup.forget"):
        more = ["--confirm", "cong-xa"] if task == "backup.forget" else []
        ended = giucong(filled, task, "--site", "cong-xa", *more)
        assert ended.returncode == 0, task + ended.stdout + ended.stderr
    assert giucong(filled, "backup.copy").returncode == 0
    (row,) = journal_of(filled, "backup.key-rotate")
    assert (row["leaked"], row["repository"]) == ("master-key", open_site(filled, "near").id)


def test_what_is_left_behind_goes_only_with_two_people_and_past_the_minimum(filled: Path) -> None:
    text = filled.read_text(encoding="utf-8")
    login = f'name = "nva"\nlogin = "{login_at_terminal()}"'
    filled.write_text(text.replace('name = "nva"', login) + PERSON, encoding="utf-8")
    list(begin_master(filled))
    remove = (*MASTER, "--remove-old", "--reason", "Đã hết hạn")
    young = giucong(filled, *remove)
    assert (young.returncode, "younger than the minimum of" in young.stderr) == (1, True)
    text = filled.read_text(encoding="utf-8")
    filled.write_text(text.replace("[[sites]]", f"{NO_MINIMUM}[[sites]]", 1), encoding="utf-8")
    alone = giucong(filled, *remove)
    assert alone.returncode == 1
    assert "takes a second person" in alone.stderr
    catalog = open_catalog(f"sqlite:///{filled.parent}/state/giucong.db")
    appoint(catalog, "nva", "backup_admin", now=datetime.now(UTC))
    appoint(catalog, "ttb", "approver", now=datetime.now(UTC))
    catalog.close()
    assert giucong(filled, *remove).returncode in {2, 4}  # a proof or an approval is awaited
    estate = load_estate(filled)
    rotation = plan_master_rotation(estate, "cong-xa", estate.primary_store)
    old = find_old(rotation)
    assert len(old) == 2
    other = old[0].path.with_name("cong-xa-moi-0123456789abcdef")
    other.mkdir()
    old[1].path.rename(old[1].path.with_name(f".removing-{old[1].path.name}"))  # cut off there
    delete_old(rotation, old[:1])

    assert find_old(rotation) == []
    assert [it.name for it in other.parent.iterdir()] == [other.name]
    assert not list(old[1].path.parent.iterdir())


@pytest.mark.parametrize(
    ("held", "minimum_days", "verdict"),
    [("", 0, ""), ("", 30, "young"), ("a" * 64, 0, "held"), ("*", 0, "held")],
)
def test_holds_and_the_minimum_keep_an_old_repository(
    held: str, minimum_days: int, verdict: str
) -> None:
    taken = datetime(2026, 11, 20, tzinfo=UTC)
    snapshot = Snapshot(time=taken, tree=b"", paths=("/a",), hostname="a", id="a" * 64)
    holds = (HoldView(held.strip("*"), "12/QĐ"),) if held else ()
    now = datetime(2026, 11, 24, tzinfo=UTC)

    assert decide_needed((snapshot,), holds, minimum_days=minimum_days, now=now) == verdict
