"""The operator's tasks as processes, in both languages, on a real site with a live database."""

import json
import socket
import sqlite3
import stat
import subprocess
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from ops.catalog.open import open_catalog
from ops.catalog.tables.core import JournalRow, Run
from ops.jobs.site_lock import hold_site_lock
from tests.integration.jobs.small_estate import INIT, build_estate, build_used_estate, giucong

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def backed_up(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An estate whose site is backed up once; tests only add to it. Gives the estate file."""
    return build_used_estate(tmp_path_factory.mktemp("backed-up") / "estate")


def test_init_makes_a_key_for_its_owner_only_and_changes_nothing_the_second_time(
    backed_up: Path,
) -> None:
    key = backed_up.parent / "keys" / "repository.key"
    before = key.read_bytes()
    again = giucong(backed_up, "backup.init")

    assert again.returncode == 0
    assert "there already" in again.stdout
    assert key.read_bytes() == before
    assert stat.S_IMODE(key.stat().st_mode) == 0o600


def test_a_site_comes_back_in_a_folder_with_its_manifest(backed_up: Path, tmp_path: Path) -> None:
    target = tmp_path / "restored"
    ended = giucong(backed_up, "backup.restore", "--site", "cong-xa", "--target", str(target))
    site = target / "cong-xa"

    assert ended.returncode == 0, ended.stderr
    assert sorted(it.name for it in site.iterdir()) == ["databases", "files", "manifest.json"]
    assert (site / "files/www/index.php").read_text() == "<?php // trang chủ"
    assert not (site / "files/www/cache/page.html").exists()
    assert not list((site / "files/www/data").glob("live.db*"))
    with closing(sqlite3.connect(site / "databases/db.sqlite")) as database:
        assert database.execute("SELECT count(*) FROM uploads").fetchone() == (20,)
    manifest = json.loads((site / "manifest.json").read_text())
    assert manifest["databases"][0]["tables"] == {"uploads": 20}
    assert manifest["consistency"]["gap_seconds"] > 0
    assert manifest["missing"] == {"count": 0, "paths": []}
    assert len(manifest["made_by"]["estate"]) == 64
    assert "www/data/live.db" in manifest["put_back"][2]


def test_one_file_can_be_restored_alone(backed_up: Path, tmp_path: Path) -> None:
    ended = giucong(
        backed_up, "backup.restore", "--site", "cong-xa", "--target", str(tmp_path / "one"),
        "--include", "cong-xa/files/www/index.php",
    )  # fmt: skip
    files = [it for it in (tmp_path / "one").rglob("*") if it.is_file()]

    assert ended.returncode == 0, ended.stderr
    assert [it.name for it in files] == ["index.php"]


def test_a_mistyped_include_is_no_success(backed_up: Path, tmp_path: Path) -> None:
    ended = giucong(
        backed_up, "backup.restore", "--site", "cong-xa", "--target", str(tmp_path / "none"),
        "--include", "cong-xa/files/www/indx.php",
    )  # fmt: skip

    assert ended.returncode == 1
    assert "nothing in the snapshot matches --include" in ended.stderr
    assert "backup.files --site cong-xa" in ended.stderr


def test_stock_restic_restores_the_site_as_the_page_says(backed_up: Path, tmp_path: Path) -> None:
    folder = backed_up.parent
    ended = subprocess.run(
        [
            "restic", "-r", folder / "stores/near/cong-xa",
            "--password-file", folder / "keys/repository.key", "--no-cache",
            "restore", "latest", "--path", "/cong-xa", "--target", tmp_path / "by-restic",
        ],
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip

    assert ended.returncode == 0, ended.stderr
    assert (tmp_path / "by-restic/cong-xa/files/www/index.php").exists()


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("vi", ("Trang", "đạt", "1 trên 1 trang có bản sao lưu đúng mục tiêu")),
        ("en", ("Site", "well", "1 of 1 sites are well backed up")),
    ],
)
def test_the_status_is_told_in_both_languages(
    backed_up: Path, language: str, words: tuple[str, ...]
) -> None:
    giucong(backed_up, "backup.check", "--site", "cong-xa", "--read-data")
    told = giucong(backed_up, "backup.status", language=language)
    alone = giucong(backed_up, language=language)

    assert (told.returncode, alone.returncode) == (0, 0)
    assert [word for word in words if word not in told.stdout] == []
    assert words[-1] in alone.stdout
    assert "{" not in told.stdout + alone.stdout


def test_every_list_can_be_had_as_json(backed_up: Path) -> None:
    commands = [
        ("backup.status", "--json"),
        ("backup.list", "--site", "cong-xa", "--json"),
        ("backup.files", "--site", "cong-xa", "--all", "--json"),
        ("backup.check", "--json"),
        ("service.jobs", "--json"),
        ("service.missed", "--json"),
    ]
    answers = [giucong(backed_up, *command) for command in commands]
    parsed = [json.loads(answer.stdout)["items"] for answer in answers]

    assert [answer.returncode for answer in answers] == [0] * len(commands)
    assert parsed[1][0]["paths"] == ["/cong-xa"]
    assert "cong-xa/files/www/index.php" in {entry["path"] for entry in parsed[2]}
    assert {entry["mode"] for entry in parsed[2] if entry["type"] == "file"} == {"0644"}
    assert parsed[4][0]["job"]["name"] == "backup/cong-xa"
    assert parsed[4][0]["last"]["outcome"] == "ok"  # it ran by hand, as the table tells
    assert parsed[1][0]["taken_at"].endswith("Z")


def test_jobs_are_grouped_by_kind_and_told_one_by_one_when_asked(backed_up: Path) -> None:
    grouped = giucong(backed_up, "service.jobs").stdout
    alone = giucong(backed_up, "service.jobs", "--kind", "check").stdout
    failed = json.loads(giucong(backed_up, "service.jobs", "--failed", "--json").stdout)

    assert [line.split()[0] for line in grouped.splitlines()].count("backup") == 1
    assert "/cong-xa" not in grouped
    assert "check/cong-xa" in alone
    assert "backup/cong-xa" not in alone
    assert failed["items"] == []


@pytest.mark.parametrize(
    "asked",
    [
        ("service.jobs", "--site", "nope"),
        ("service.jobs", "--kind", "nope"),
        ("register.list", "--unit", "nope"),
    ],
)
def test_a_filter_by_what_there_is_not_is_refused(backed_up: Path, asked: tuple[str, ...]) -> None:
    answer = giucong(backed_up, *asked)
    assert answer.returncode == 2
    assert "nope" in answer.stderr


def test_a_changing_task_gives_its_result_as_json(backed_up: Path) -> None:
    asking = ("service.trigger", "--job", "forget/cong-xa", "--json")
    rehearsed = json.loads(giucong(backed_up, *asking, "--dry-run").stdout)
    document = json.loads(giucong(backed_up, *asking).stdout)
    failed = giucong(backed_up, "service.trigger", "--job", "none", "--json")

    assert (rehearsed["items"], rehearsed["told"]) == (
        [], ["would ask the service to run forget/cong-xa now"],
    )  # fmt: skip
    (act,) = document["items"]
    assert (act["action"], act["subject"]) == ("job.triggered", "forget/cong-xa")
    assert failed.returncode == 2
    assert json.loads(failed.stdout)["error"]["what"] == 'there is no job "none"'
    assert json.loads(failed.stdout)["error"]["values"] == {"name": "none"}


def test_a_dry_run_stores_nothing(backed_up: Path) -> None:
    store = backed_up.parent / "stores"
    before = sorted(it for it in store.rglob("*") if it.is_file())
    commands = [
        ("backup.run", "--site", "cong-xa", "--dry-run"),
        ("backup.forget", "--site", "cong-xa", "--dry-run"),
        ("backup.prune", "--site", "cong-xa", "--dry-run"),
        ("backup.restore", "--site", "cong-xa", "--in-place", "--dry-run"),
        ("--dry", "backup.run", "--site", "cong-xa"),
    ]
    codes = [giucong(backed_up, *command).returncode for command in commands]

    assert codes == [0] * len(commands)
    assert sorted(it for it in store.rglob("*") if it.is_file()) == before


def test_a_site_that_somebody_works_on_is_left_alone(backed_up: Path) -> None:
    with hold_site_lock(backed_up.parent / "state", "cong-xa", holder="somebody"):
        refused = giucong(backed_up, "backup.run", "--site", "cong-xa")

    assert refused.returncode == 11
    assert 'another run works on "cong-xa"' in refused.stderr


def test_a_broken_database_fails_the_run_and_the_reason_stays_in_sight(tmp_path: Path) -> None:
    estate = build_used_estate(tmp_path / "estate", tasks=(INIT,))
    (estate.parent / "www" / "data" / "live.db").write_bytes(b"no database " * 1000)
    ended = giucong(estate, "backup.run", "--site", "cong-xa")

    assert ended.returncode == 1
    assert "is not an SQLite database" in ended.stderr
    assert "no snapshot was made; earlier ones are untouched" in ended.stderr
    listed = json.loads(giucong(estate, "backup.list", "--site", "cong-xa", "--json").stdout)[
        "items"
    ]
    assert listed == []
    alone = giucong(estate)
    assert alone.returncode == 1
    assert "is not an SQLite database" in alone.stdout
    assert "there is no backup yet" in alone.stdout


def test_in_place_puts_files_and_the_database_back_after_asking(tmp_path: Path) -> None:
    estate = build_estate(tmp_path / "estate")
    www = estate.parent / "www"
    giucong(estate, "backup.init")
    giucong(estate, "backup.run", "--site", "cong-xa")
    (www / "index.php").write_text("hacked")
    (www / "new.txt").write_text("kept")
    with closing(sqlite3.connect(www / "data/live.db")) as database:
        database.execute("DELETE FROM uploads")
        database.commit()
    refused = giucong(estate, "backup.restore", "--site", "cong-xa", "--in-place")
    between = (www / "index.php").read_text()
    done = giucong(
        estate, "backup.restore", "--site", "cong-xa", "--in-place", "--confirm", "cong-xa"
    )

    assert (refused.returncode, between) == (2, "hacked")
    assert done.returncode == 0, done.stderr
    assert (www / "index.php").read_text() == "<?php // trang chủ"
    assert (www / "new.txt").read_text() == "kept"
    with closing(sqlite3.connect(www / "data/live.db")) as database:
        assert database.execute("SELECT count(*) FROM uploads").fetchone() == (20,)
        assert database.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_forget_and_prune_remove_only_what_was_confirmed(tmp_path: Path) -> None:
    rules = """
      [sites.retention]
      keep_last = 1
      keep_daily = 0
      keep_weekly = 0
      keep_monthly = 0
      keep_yearly = 0
      minimum_days = 0
    """
    estate = build_used_estate(tmp_path / "estate", rules, tasks=(INIT,))
    for _run in range(2):
        giucong(estate, "backup.run", "--site", "cong-xa")
    refused = giucong(estate, "backup.forget", "--site", "cong-xa", "--confirm", "cong-xb")
    forgotten = giucong(estate, "backup.forget", "--site", "cong-xa", "--confirm", "cong-xa")
    pruned = giucong(estate, "backup.prune", "--site", "cong-xa", "--confirm", "cong-xa")
    checked = giucong(estate, "backup.check", "--read-data")
    listed = json.loads(giucong(estate, "backup.list", "--site", "cong-xa", "--json").stdout)[
        "items"
    ]

    assert (refused.returncode, forgotten.returncode, pruned.returncode) == (2, 0, 0)
    assert "1 snapshot removed" in forgotten.stdout
    assert checked.returncode == 0, checked.stdout
    assert len(listed) == 1


def test_damage_in_the_repository_is_red_and_named(tmp_path: Path) -> None:
    estate = build_used_estate(tmp_path / "estate")
    packs = [it for it in (estate.parent / "stores/near/cong-xa/data").rglob("*") if it.is_file()]
    pack = max(packs, key=lambda it: it.stat().st_size)
    content = bytearray(pack.read_bytes())
    content[100] ^= 1
    pack.chmod(0o600)
    pack.write_bytes(content)
    checked = giucong(estate, "backup.check", "--read-data")
    alone = giucong(estate)

    assert checked.returncode == 1
    assert pack.name in checked.stdout
    assert alone.returncode == 1
    assert "faults were found in the repository" in alone.stdout


def test_the_index_tables_can_be_rebuilt_from_the_repository(backed_up: Path) -> None:
    catalog = backed_up.parent / "state" / "giucong.db"
    query = "SELECT id, outcome, file_count, processed_bytes FROM snapshots ORDER BY id"
    with closing(sqlite3.connect(catalog)) as database:
        before = database.execute(query).fetchall()
        database.execute("DELETE FROM snapshots")
        database.execute("DELETE FROM stores_seen")
        database.commit()
    rebuilt = giucong(backed_up, "backup.reindex")
    with closing(sqlite3.connect(catalog)) as database:
        after = database.execute(query).fetchall()

    assert rebuilt.returncode == 0, rebuilt.stderr
    assert after == before != []
    assert {row[1] for row in after} == {"ok"}


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (("backup.run", "--site", "cong-xb"), 2, 'the nearest name is "cong-xa"'),
        (("backup.run",), 2, "the flag --site must be given"),
        (("backup.list", "--site", "cong-xa", "--store", "far"), 2, 'no store is called "far"'),
        (("backup.restore", "--site", "cong-xa"), 2, "a restore goes into a folder"),
        (
            ("backup.restore", "--site", "cong-xa", "--target", "x", "--at", "2020-01-01"),
            1,
            "has no snapshot from before",
        ),
        (("service.trigger", "--job", "nope"), 2, 'there is no job "nope"'),
    ],
)
def test_bad_input_is_answered_with_what_to_do(
    backed_up: Path, arguments: tuple[str, ...], code: int, told: str
) -> None:
    ended = giucong(backed_up, *arguments)

    assert (ended.returncode, told in ended.stderr) == (code, True), ended.stderr
    assert "next:" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_wrong_key_and_a_missing_store_have_their_own_exit_codes(tmp_path: Path) -> None:
    estate = build_estate(tmp_path / "estate")
    missing = giucong(estate, "backup.init", "--dry-run")
    giucong(estate, "backup.init")
    key = estate.parent / "keys" / "repository.key"
    key.write_text("hunter2\n")
    wrong = giucong(estate, "backup.run", "--site", "cong-xa")
    (estate.parent / "stores").rename(estate.parent / "unmounted")
    gone = giucong(estate, "backup.run", "--site", "cong-xa")

    assert "would make the key" in missing.stdout
    assert (wrong.returncode, gone.returncode) == (12, 10)
    assert "hunter2" not in wrong.stderr + wrong.stdout
    assert "mount or reach the store" in gone.stderr


def test_a_run_that_held_strangely_little_is_ok_and_told(tmp_path: Path) -> None:
    estate = build_used_estate(tmp_path / "estate", tasks=(INIT,))
    catalog = open_catalog(f"sqlite:///{estate.parent / 'state' / 'giucong.db'}")
    parts = {"databases/db.sqlite": 100 << 20, "files/www": 30_000}
    with catalog.writing() as session:
        for night in range(1, 7):
            moment = datetime.now(UTC) - timedelta(days=night)
            session.add(
                Run(job="backup/cong-xa", kind="backup", site="cong-xa", host="h", pid=1,
                    started_at=moment, ended_at=moment, outcome="ok",
                    summary={"seconds": 1.0, "parts": parts})
            )  # fmt: skip
    catalog.close()
    ended = giucong(estate, "backup.run", "--site", "cong-xa")
    alone = giucong(estate)

    assert ended.returncode == 0, ended.stderr
    assert "databases/db.sqlite held" in ended.stdout
    assert "in the 6 good runs before it was about 100.0 MiB" in ended.stdout
    assert "files/www held" not in ended.stdout
    assert "unlike the runs before it" in alone.stdout
    assert "backup.run --site cong-xa --accept-size" in alone.stdout

    second = giucong(estate, "backup.run", "--site", "cong-xa")
    accepted = giucong(estate, "backup.run", "--site", "cong-xa", "--accept-size")
    with catalog.reading() as session:
        told = json.loads(
            session.execute(
                select(JournalRow.details).where(JournalRow.subject == "backup/cong-xa")
                .order_by(JournalRow.sequence.desc()).limit(1)
            ).scalar_one()
        )  # fmt: skip
    catalog.close()
    after = giucong(estate, "backup.run", "--site", "cong-xa")

    assert "in the 6 good runs before it was about 100.0 MiB" in second.stdout
    assert "unlike the runs before it" not in accepted.stdout + after.stdout
    assert [it["measure"] for it in told["summary"]["accepted"]] == ["databases/db.sqlite"]


def test_a_killed_run_leaves_nothing_stuck(tmp_path: Path) -> None:
    estate = build_used_estate(tmp_path / "estate", tasks=(INIT,))
    (estate.parent / "scratch" / "cong-xa").mkdir(parents=True)
    (estate.parent / "scratch" / "cong-xa" / "left.sqlite").write_bytes(b"x")
    catalog = open_catalog(f"sqlite:///{estate.parent / 'state' / 'giucong.db'}")
    with catalog.writing() as session:
        session.add(
            Run(job="backup/cong-xa", kind="backup", site="cong-xa", host=socket.gethostname(),
                pid=1, started_at=datetime.now(UTC))
        )  # fmt: skip
    ended = giucong(estate, "backup.run", "--site", "cong-xa")
    with catalog.reading() as session:
        runs = session.execute(select(Run.outcome, Run.reason).order_by(Run.started_at)).all()
    catalog.close()

    assert ended.returncode == 0, ended.stderr
    assert [tuple(run) for run in runs] == [("failed", "lost"), ("ok", "")]
    assert not list((estate.parent / "scratch").rglob("left.sqlite"))


@pytest.mark.parametrize("place", ["stores/near", "stores/near/cong-xa/x", "www", "state"])
def test_nothing_is_restored_among_backups_or_before_visitors(backed_up: Path, place: str) -> None:
    folder = backed_up.parent / place
    ended = giucong(backed_up, "backup.restore", "--site", "cong-xa", "--target", str(folder))

    assert (ended.returncode, ended.stdout) == (2, "")
    assert "which the service keeps or a site shows to its visitors" in ended.stderr
    assert not (folder / "cong-xa").exists() or place == "stores/near"


def test_a_target_that_nobody_can_make_is_named(backed_up: Path) -> None:
    ended = giucong(backed_up, "backup.restore", "--site", "cong-xa", "--target", "/proc/x/y")

    assert ended.returncode == 1
    assert "cannot restore into /proc/x/y" in ended.stderr
