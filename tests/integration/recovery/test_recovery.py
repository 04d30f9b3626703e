"""Everything but one store and the key is deleted, and the service comes back from them."""

import json
import re
import shutil
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ops.access.identity import login_at_terminal
from ops.access.roles import give_role
from ops.catalog.columns import Base
from ops.catalog.open import open_catalog
from ops.catalog.tables.core import Run
from ops.estate.load.load import load_estate
from ops.jobs.definitions import list_jobs
from ops.schedule.ledger import overview
from ops.schedule.ledger.claims import begin_run, claim_due
from ops.schedule.ledger.due import register_jobs
from ops.schedule.ledger.endings import BY_CLOCK, Recording
from tests.integration.jobs.small_estate import giucong
from tests.integration.jobs.test_serving import service, wait_until
from tests.integration.recovery.signed_estate import (
    build_signed_estate,
    read_table,
    reset_each_time,
    run,
)
from tests.people import KEY_TEXT, enrol, note_role, password_of

pytestmark = pytest.mark.slow

RECORDS = sorted(it.name for it in Base.metadata.sorted_tables if it.info.get("kind") == "record")
SCAN = b"%PDF-1.7\nQuy\xe1\xba\xbft \xc4\x91\xe1\xbb\x8bnh"
KEPT = ("stores", "keys", "www", "before")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two sites and the service, backed up once; `before` holds what there was then."""
    path = build_signed_estate(tmp_path_factory.mktemp("recovery") / "estate")
    add_papers(path)
    for site in ("cong-xa", "so-y-te", "giucong"):
        run(path, "backup.run", "--site", site)
    folder = path.parent
    with closing(sqlite3.connect(folder / "state/giucong.db")) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    for name in ("state", "sites.d"):
        shutil.copytree(folder / name, folder / "before" / name)
    for name in ("estate.toml", "known_hosts", "keys/signing.key", "keys/credentials.key"):
        shutil.copy(folder / name, folder / "before" / Path(name).name)
    return path


@pytest.fixture
def estate(made: Path) -> Iterator[Path]:
    """The same estate for each test, as it was made; gives the estate file."""
    with reset_each_time(made.parent, made.parent.with_name("pristine")):
        yield made


TABLES = {
    "prices.csv": "mã,tên,đơn giá\na,Máy chủ,5\n",
    "texts/annual.toml": "",
    "controls.local.toml": "",
    "authorities.pem": "",
}


def add_papers(estate: Path) -> None:
    """Have the estate name tables and texts of the office, and keep a document."""
    folder = estate.parent
    (folder / "texts").mkdir()
    for name, text in TABLES.items():
        (folder / name).write_text(text, encoding="utf-8")
    more = """
[planning]
prices = "prices.csv"
[reports]
texts = "texts"
[security]
controls = ["controls.local.toml"]
[monitor.probes]
authorities = "authorities.pem"
"""
    estate.write_text(estate.read_text(encoding="utf-8") + more, encoding="utf-8")
    (folder / "scan.pdf").write_bytes(SCAN)
    run(estate, "document.add", "--file", str(folder / "scan.pdf"), "--title", "Quyết định")
    (folder / "scan.pdf").unlink()


def delete_all_but(folder: Path, *kept: str) -> None:
    for path in folder.iterdir():
        if path.name in kept:
            continue
        shutil.rmtree(path) if path.is_dir() else path.unlink()


@pytest.mark.parametrize("store", ["near", "far"])
def test_the_service_comes_back_from_one_store_and_its_key(estate: Path, store: str) -> None:
    folder, before = estate.parent, estate.parent / "before"
    delete_all_but(folder, *KEPT)
    name = {"near": "repository.key", "far": "far.key"}[store]
    key = shutil.move(folder / "keys" / name, folder / "before" / name)
    shutil.rmtree(folder / "keys")
    for other in {"near", "far"} - {store}:
        shutil.rmtree(folder / "stores" / other)

    rehearsed = run(estate.parent / "none", "service.recover", "--repo",
                    str(folder / "stores" / store), "--password-file", str(key), "--dry-run",
                    GIUCONG_ESTATE="")  # fmt: skip
    there = sorted(it.name for it in folder.iterdir())
    ended = giucong(
        estate, "service.recover", "--repo", str(folder / "stores" / store / "giucong"),
        "--password-file", str(key),
    )  # fmt: skip

    assert there == ["before", "stores", "www"]
    assert "Nothing was changed" in rehearsed
    assert ended.returncode == 3, ended.stdout + ended.stderr  # the other store is still missing
    assert "is not there" in ended.stdout
    assert "The journal holds" in ended.stdout
    for path in ("estate.toml", "known_hosts", "sites.d/so-y-te.toml"):
        saved = before / path if "/" in path else before / Path(path).name
        assert (folder / path).read_bytes() == saved.read_bytes()
    for name, text in TABLES.items():
        assert (folder / name).read_text(encoding="utf-8") == text
    [document] = json.loads(run(estate, "document.list", "--json"))["items"]
    assert (document["title"], document["is_whole"]) == ("Quyết định", True)
    assert Path(document["file"]).read_bytes() == SCAN
    assert stat.S_IMODE(Path(document["file"]).stat().st_mode) == 0o600
    for name in ("signing.key", "credentials.key"):
        assert (folder / "keys" / name).read_bytes() == (before / name).read_bytes()
        assert stat.S_IMODE((folder / "keys" / name).stat().st_mode) == 0o600
    compare_records(before / "state/giucong.db", folder / "state/giucong.db")
    if store == "near":
        continues(estate)


def compare_records(before: Path, after: Path) -> None:
    """Row for row; but for the very run that made the backup, which had not ended in it."""
    with closing(sqlite3.connect(before)) as database:
        columns = [row[1] for row in database.execute("PRAGMA table_info(journal)")]
        (run_id,) = database.execute("SELECT id FROM runs WHERE job = 'backup/giucong'").fetchone()
    for table in RECORDS:
        old, new = read_table(before, table), read_table(after, table)
        if table == "journal":
            saved = json.loads(new[-1][columns.index("details")])["head"]
            assert len(old) - saved == 2  # what was written when the backup had ended
            assert old[:saved] == new[:saved]
            assert [row[columns.index("action")] for row in new[saved:]] == ["service.recovered"]
        elif table == "runs":
            assert [row for row in old if row[0] != run_id] == [
                row for row in new if row[0] != run_id
            ]
        elif table == "expected_snapshots":
            # The own snapshot cannot hold what was seen of it once it was there.
            assert set(new) <= set(old)
            assert {row[0] for row in set(old) - set(new)} <= {"giucong"}
        else:
            assert old == new, table


def continues(estate: Path) -> None:
    """What comes after is the following one: same history, same parent, one journal."""
    folder = estate.parent
    verified = json.loads(run(estate, "service.journal-verify", "--json"))
    run(estate, "backup.run", "--site", "cong-xa")
    listed = json.loads(run(estate, "backup.list", "--site", "cong-xa", "--json"))["items"]
    with closing(sqlite3.connect(folder / "state/giucong.db")) as database:
        summaries = database.execute(
            "SELECT summary FROM runs WHERE job = 'backup/cong-xa' ORDER BY started_at"
        ).fetchall()
    first, second = (json.loads(text) for (text,) in summaries)
    run(estate, "backup.run", "--site", "giucong", code=3)  # the other store is gone

    assert verified["outcome"] == "ok"
    assert [it["id"] for it in listed] == [first["snapshot"], second["snapshot"]]
    assert second["parent"] == first["snapshot"]
    assert second["new_files"] == 2  # the copy of the database and the manifest, always made anew
    assert json.loads(run(estate, "service.journal-verify", "--json"))["items"] == []


def test_what_ran_on_the_lost_machine_keeps_no_site_from_its_backup(estate: Path) -> None:
    """Its service died amid a backup; the row that says "running" came back with the catalog."""
    folder = estate.parent
    catalog = open_catalog(f"sqlite:///{folder}/state/giucong.db")
    with catalog, catalog.writing() as session:
        jobs = list_jobs(load_estate(estate))
        register_jobs(session, jobs, datetime.now(UTC), Recording())
        job = next(it for it in jobs if it.name == "backup/so-y-te")
        overview.trigger(session, job, now=datetime.now(UTC), origin=BY_CLOCK)
        [claim] = claim_due(session, jobs=[job.name], now=datetime.now(UTC), limit=1, host="may-cu")
        begin_run(session, claim.run_id, pid=1, now=datetime.now(UTC))
        session.add(Run(job="backup/cong-xa", kind="backup", site="cong-xa", host="may-cu",
                        pid=2, started_at=datetime.now(UTC)))  # fmt: skip
    run(estate, "backup.run", "--site", "giucong")
    delete_all_but(folder, *KEPT)
    told = run(estate, "service.recover", "--repo", str(folder / "stores/near"),
               "--password-file", str(folder / "keys/repository.key"))  # fmt: skip
    rows = read_table(folder / "state/giucong.db", "runs")
    still_open = json.loads(giucong(estate, "service.status", "--json").stdout)["items"]
    before = len(list((folder / "stores/near/so-y-te/snapshots").iterdir()))
    with service(estate, ""):
        wait_until(lambda: len(list((folder / "stores/near/so-y-te/snapshots").iterdir())) > before)

    assert "run-retried" not in told  # a line of the service's log
    assert still_open == []
    assert [row.count("lost") for row in rows if "may-cu" in row] == [1, 1]


def test_nothing_that_is_there_is_overwritten_unasked(estate: Path) -> None:
    folder = estate.parent
    (folder / "known_hosts").write_text("changed\n")
    command = (
        "service.recover", "--repo", str(folder / "stores/near"),
        "--password-file", str(folder / "keys/repository.key"),
    )  # fmt: skip
    refused = giucong(estate, *command)
    between = (folder / "known_hosts").read_text()
    done = giucong(estate, *command, "--confirm", "giucong")
    aside = list(folder.glob("known_hosts.before-*"))

    assert (refused.returncode, between) == (2, "changed\n")
    assert "nothing was changed" in refused.stderr
    assert done.returncode == 0, done.stdout + done.stderr
    assert (folder / "known_hosts").read_text().startswith("192.0.2.10")
    assert [it.read_text() for it in aside] == ["changed\n"]


def test_over_a_service_that_is_there_it_takes_a_role_and_a_second_person(estate: Path) -> None:
    """Roles that were taken away must not come back with an older catalog, by anybody's will."""
    folder = estate.parent
    login = login_at_terminal()
    text = estate.read_text(encoding="utf-8").replace(
        'name = "nva"', f'name = "nva"\nlogin = "{login}"'
    )
    second = '\n[[people]]\nname = "ttb"\ntitle = "Trần Thị B"\n'
    estate.write_text(text + second, encoding="utf-8")
    (folder / "keys/credentials.key").write_text(KEY_TEXT)
    catalog = open_catalog(f"sqlite:///{folder}/state/giucong.db")
    issued = enrol(catalog, "nva", "operator", now=datetime.now(UTC))
    second_one = enrol(catalog, "ttb", "approver", now=datetime.now(UTC))
    before = read_table(folder / "state/giucong.db", "role_grants")
    command = (
        "service.recover", "--repo", str(folder / "stores/near"), "--reason", "Diễn tập",
        "--password-file", str(folder / "keys/repository.key"), "--confirm", "giucong",
    )  # fmt: skip
    no_role = giucong(estate, *command)
    nobody = giucong(estate, *command, LOGNAME="nobodyx", SUDO_USER="")
    between = read_table(folder / "state/giucong.db", "role_grants")
    with catalog.writing() as session:
        give_role(session, "nva", "backup_admin", by="t", request=None, now=datetime.now(UTC))
        note_role(session, "nva", "backup_admin")
    proof = folder / "proof"
    proof.write_text(f"{password_of('nva')}\n{issued.codes[0]}\n", encoding="utf-8")
    proof.chmod(0o600)
    waiting = giucong(estate, *command, "--proof-file", str(proof))
    proof.write_text(f"{password_of('ttb')}\n{second_one.codes[0]}\n", encoding="utf-8")
    request = re.findall(r"request ([0-9a-f]{8}) waits", waiting.stderr)[0]
    approved = giucong(
        estate, "approval.approve", "--id", request, "--person", "ttb",
        "--password-file", str(proof),
    )  # fmt: skip
    catalog.close()
    done = giucong(estate, *command)

    assert (no_role.returncode, nobody.returncode) == (1, 1)
    assert "backup administrator" in no_role.stderr
    assert between == before
    assert (waiting.returncode, approved.returncode) == (4, 0), waiting.stderr + approved.stderr
    assert done.returncode == 0, done.stdout + done.stderr
    assert "log in as" not in done.stdout  # the one who has typed it may do the rest, too
    row = read_table(folder / "state/giucong.db", "journal")[-1]
    assert any(request in str(it) for it in row)


def test_who_has_no_role_is_told_who_types_what_comes_next(estate: Path) -> None:
    folder = estate.parent
    text = estate.read_text(encoding="utf-8")
    estate.write_text(text.replace('name = "nva"', 'name = "nva"\nlogin = "nva-no-login"'), "utf-8")
    catalog = open_catalog(f"sqlite:///{folder}/state/giucong.db")
    with catalog.writing() as session:
        give_role(session, "nva", "operator", by="t", request=None, now=datetime.now(UTC))
        note_role(session, "nva", "operator")
    catalog.close()
    run(estate, "backup.run", "--site", "giucong", LOGNAME="nva-no-login", SUDO_USER="")
    delete_all_but(folder, *KEPT)
    told = run(estate, "service.recover", "--repo", str(folder / "stores/near"),
               "--password-file", str(folder / "keys/repository.key"))  # fmt: skip

    assert "log in as nva-no-login, then: `giucong TASK`" in told
    assert "not on this machine yet: nva-no-login; `adduser LOGIN`" in told
    assert giucong(estate, "backup.status").returncode == 1


def test_a_recovery_from_an_older_backup_says_what_it_lost(estate: Path) -> None:
    folder = estate.parent
    run(estate, "backup.run", "--site", "so-y-te")
    shutil.copytree(folder / "stores", folder / "older")
    run(estate, "backup.run", "--site", "giucong")
    newest = {it.name for it in (folder / "stores/near/giucong/snapshots").iterdir()}
    older = {it.name for it in (folder / "older/near/giucong/snapshots").iterdir()}
    for name in newest - older:
        (folder / "stores/near/giucong/snapshots" / name).unlink()
    delete_all_but(folder, *KEPT)
    told = run(
        estate, "service.recover", "--repo", str(folder / "stores/near"),
        "--password-file", str(folder / "keys/repository.key"),
    )  # fmt: skip
    verified = json.loads(run(estate, "service.journal-verify", "--json"))

    assert "what was journaled after this backup is lost" in told
    assert {it["code"] for it in verified["items"]} == {"lost_in_recovery"}
    assert verified["outcome"] == "ok"


def test_into_another_folder_it_is_a_service_of_its_own(estate: Path, tmp_path: Path) -> None:
    folder, other = estate.parent, tmp_path / "other"
    told = run(estate, "service.recover", "--repo", str(folder / "stores/near"),
               "--password-file", str(folder / "keys/repository.key"), "--target", str(other),
               code=3)  # fmt: skip

    for store in ("near", "far"):
        assert f"the store {store} is not there: {other / 'stores' / store}" in told
    assert "a relative address starts at the estate's folder" in told
    assert "error:" not in told

    assert (other / "state/giucong.db").exists()
    assert (other / "sites.d/so-y-te.toml").exists()


def test_a_store_whose_key_is_still_in_its_safe_is_named_once_amid_what_went_well(
    estate: Path,
) -> None:
    folder = estate.parent
    delete_all_but(folder, *KEPT)
    (folder / "keys/far.key").unlink()
    ended = giucong(estate, "service.recover", "--repo", str(folder / "stores/near"),
                    "--password-file", str(folder / "keys/repository.key"))  # fmt: skip

    assert ended.returncode == 3, ended.stdout + ended.stderr
    _told, _next, left = ended.stdout.partition("Next:")
    assert re.findall(r"`(?:fab|giucong) ([\w.-]+)", left)[-3:] == [
        "backup.reindex", "backup.status", "backup.run",
    ]  # fmt: skip
    waits = f"the store far waits for what opens it: file:{folder}/keys/far.key"
    assert (ended.stdout + ended.stderr).count(waits) == 1
    assert "error:" not in ended.stdout + ended.stderr
    assert "nothing was changed" not in ended.stdout + ended.stderr


@pytest.mark.parametrize("kind", ["key", "repo", "site"])
def test_bad_input_is_answered_with_what_to_do(estate: Path, kind: str) -> None:
    folder = estate.parent
    (folder / "wrong").write_text("wrong\n")
    key = str(folder / ("wrong" if kind == "key" else "keys/repository.key"))
    repo = {"repo": "nowhere", "site": "stores/near/cong-xa"}.get(kind, "stores/near")
    ended = giucong(estate, "service.recover", "--repo", str(folder / repo), "--password-file", key)

    assert ended.returncode == {"key": 12, "repo": 10, "site": 1}[kind], ended.stderr
    assert "backup.list" not in ended.stderr
    assert ("name the store itself" in ended.stderr) == (kind == "site")
    assert "Traceback" not in ended.stderr


def test_the_backup_holds_no_key_in_plain_text(estate: Path, tmp_path: Path) -> None:
    folder = estate.parent
    run(estate, "backup.restore", "--site", "giucong", "--target", str(tmp_path / "restored"))
    secrets = [
        (folder / "keys" / name).read_bytes().strip()
        for name in ("repository.key", "far.key", "credentials.key")
    ]
    lines = (folder / "keys/signing.key").read_bytes().splitlines()
    secrets += [line for line in lines if not line.startswith(b"-----")]
    contents = [it.read_bytes() for it in (tmp_path / "restored").rglob("*") if it.is_file()]

    assert len(contents) > 5
    assert [secret for secret in secrets if any(secret in content for content in contents)] == []


def test_a_rehearsal_reads_everything_and_stores_nothing(estate: Path) -> None:
    stores = estate.parent / "stores"
    before = sorted(it for it in stores.rglob("*") if it.is_file())
    told = run(estate, "backup.run", "--site", "giucong", "--dry-run")

    assert "databases/catalog.sqlite" in told
    assert "files/estate/sites.d/so-y-te.toml" in told
    assert sorted(it for it in stores.rglob("*") if it.is_file()) == before
    assert not (estate.parent / "scratch/giucong").exists()


def test_what_people_decide_has_the_service_saved_soon_and_once(estate: Path) -> None:
    """The first credentials and the first role: no approval is asked for, and all is new."""
    database = estate.parent / "state/giucong.db"
    secret = estate.parent / "nva.secret"
    secret.write_text(f"{password_of('nva')}\n", encoding="utf-8")
    secret.chmod(0o600)
    begun = datetime.now(UTC)
    run(estate, "user.add", "--person", "nva", "--password-file", str(secret))
    run(estate, "user.role", "--person", "nva", "--role", "security_officer")
    with closing(sqlite3.connect(database)) as connection:
        rows = connection.execute(
            "SELECT job, state, not_before FROM occurrences WHERE kind = 'backup'"
        ).fetchall()
    urgent = [it.name for it in list_jobs(load_estate(estate)) if it.is_urgent]
    not_before = datetime.fromisoformat(rows[0][2]).replace(tzinfo=UTC)

    assert [row[:2] for row in rows] == [("backup/giucong", "due")]
    assert urgent == ["backup/giucong"]  # amid a night in which every place is taken
    assert not_before - begun < timedelta(minutes=4)


def test_only_stores_that_can_be_reached_get_it_and_the_rest_are_named(estate: Path) -> None:
    folder = estate.parent
    (folder / "stores/far").rename(folder / "unmounted")
    told = run(estate, "backup.run", "--site", "giucong", code=3)
    status = json.loads(giucong(estate, "backup.status", "--json").stdout)

    assert "far" in told
    assert not (folder / "stores/far").exists()
    assert status["items"][-1]["last_backup"]["outcome"] == "incomplete"
    assert list((folder / "stores/near/giucong/snapshots").iterdir())
