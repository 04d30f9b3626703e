"""The estate's tasks as processes: import, secrets, trying, vanishing and retiring, history."""

import fcntl
import json
import os
import pty
import resource
import sqlite3
import stat
import subprocess
import termios
import time
import tomllib
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ops.access.identity import login_at_terminal
from ops.access.session import at_bench
from ops.backups.retention.job import forget_and_prune
from ops.catalog.open import open_catalog
from ops.catalog.tables.core import JournalRow
from ops.catalog.tables.sites import RetiredSite
from ops.estate.known_sites import SiteVanishedError, find_repositories
from ops.estate.load.load import load_estate
from ops.jobs.run_now import run_by_hand
from tests.integration.jobs.small_estate import (
    GIUCONG,
    ROOT,
    build_estate,
    giucong,
    giucong_afresh,
)
from tests.people import KEY_TEXT, appoint, enrol, password_of

pytestmark = pytest.mark.slow

INCLUDE = 'include = ["sites.d/*.toml"]\n'
SECOND = """
[[sites]]
name = "xa-cu"
title = "Xã cũ"
unit = "xa"
  [[sites.files]]
  name = "www"
  path = "www/uploads"
"""


@pytest.fixture
def estate(tmp_path: Path) -> Path:
    """An estate that includes a folder; nothing is backed up yet."""
    path = build_estate(tmp_path / "estate")
    path.write_text(INCLUDE + path.read_text(encoding="utf-8"), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def two_sites(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An estate with two sites that are backed up; the second one's lines are gone again."""
    path = build_estate(tmp_path_factory.mktemp("two-sites"), SECOND)
    for arguments in (("backup.init",), ("backup.run-all",)):
        ended = giucong(path, *arguments)
        assert ended.returncode == 0, ended.stderr
    path.write_text(path.read_text(encoding="utf-8").replace(SECOND, ""), encoding="utf-8")
    return path


def sixty_sites(folder: Path) -> str:
    rows = ["name;title;unit;owner;path;config_path;engine;database;lacks;reason;until"]
    rows += [
        f"xa-{number};Trang xã số {number};xa;nva;{folder}/www;{folder}/www/data;sqlite;"
        f"{folder}/www/data/live.db;system;chờ ảnh máy chủ;31/12/2030"
        for number in range(60)
    ]
    return "\ufeff" + "\r\n".join(rows) + "\r\n"


def processor_seconds() -> float:
    """Give what all ended children took, free of what else the machine does meanwhile."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def test_sixty_sites_are_imported_and_checked_in_seconds(estate: Path) -> None:
    table = estate.parent / "sites.csv"
    table.write_text(sixty_sites(estate.parent), encoding="utf-8")
    giucong(estate, "--list")  # compiles what was changed
    before = processor_seconds()
    imported = giucong_afresh(estate, "estate.import", "--csv", str(table))
    between = processor_seconds()
    checked = giucong_afresh(estate, "estate.check", "--json")
    took = between - before, processor_seconds() - between

    assert imported.returncode == 0, imported.stderr
    assert "60 new sites" in imported.stdout
    problems = json.loads(checked.stdout)["items"]
    assert [it for it in problems if it["severity"] == "error"] == []
    assert {it["key"].rpartition(".")[2] for it in problems if "xa-" in it["key"]} == {"classes"}
    written = tomllib.loads((estate.parent / "sites.d/imported.toml").read_text(encoding="utf-8"))
    assert len(written["sites"]) == 60
    assert max(took) < 5, took  # under a second on an idle machine


def test_importing_again_adds_only_what_is_new(estate: Path) -> None:
    table = estate.parent / "sites.csv"
    table.write_text("name,title,unit,path\nxa-a,A,xa,/srv/a\n", encoding="utf-8")
    rehearsed = giucong(estate, "estate.import", "--csv", str(table), "--dry-run")
    assert tomllib.loads(rehearsed.stdout)["sites"][0]["name"] == "xa-a"
    assert not (estate.parent / "sites.d").exists()

    assert giucong(estate, "estate.import", "--csv", str(table)).returncode == 0
    before = (estate.parent / "sites.d/imported.toml").read_text(encoding="utf-8")
    table.write_text("name,title,unit,path\nxa-a,Khác,xa,/x\nxa-b,B,xa,/srv/b\n", encoding="utf-8")
    again = giucong(estate, "estate.import", "--csv", str(table), "--json")

    told = json.loads(again.stdout)
    assert (told["items"], told["skipped"], told["written"]) == ([{"site": "xa-b"}], ["xa-a"], True)
    after = (estate.parent / "sites.d/imported.toml").read_text(encoding="utf-8")
    assert after.startswith(before)
    assert [site["name"] for site in tomllib.loads(after)["sites"]] == ["xa-a", "xa-b"]


def test_a_table_with_mistakes_writes_nothing(estate: Path) -> None:
    table = estate.parent / "sites.csv"
    table.write_text("name,title,unit\nxa-a,,none\n", encoding="utf-8")
    ended = giucong(estate, "estate.import", "--csv", str(table))

    assert ended.returncode == 1
    assert "row 2, column title" in ended.stderr
    assert "row 2, column unit" in ended.stderr
    assert not (estate.parent / "sites.d").exists()


def store(estate: Path, *arguments: str, given: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [GIUCONG, "estate.secret", *arguments],
        cwd=ROOT,
        env={**os.environ, "GIUCONG_ESTATE": str(estate), "GIUCONG_LANG": "en"},
        input=given,
        capture_output=True,
        text=True,
        check=False,
    )


def name_secrets(estate: Path) -> None:
    """Have the estate name the secrets that these tests store."""
    text = estate.read_text(encoding="utf-8")
    more = 'relay = "file:var/keys/portal-db"\nheartbeat_url = "file:var/keys/typed"\n'
    estate.write_text(f"{text}\n[notices]\n{more}", encoding="utf-8")


def test_a_secret_that_the_estate_does_not_name_is_stored_nowhere(estate: Path) -> None:
    page = estate.parent / "www/index.php"
    before = page.read_bytes()
    ended = store(estate, "--name", "file:www/index.php", "--replace", given="x\n")
    elsewhere = store(estate, "--name", "file:/nowhere/at/all", given="x\n")

    assert (ended.returncode, elsewhere.returncode) == (2, 2)
    assert "names no secret" in ended.stderr
    assert page.read_bytes() == before
    assert not Path("/nowhere").exists()


def test_a_key_is_replaced_only_when_confirmed_and_the_old_one_is_kept(estate: Path) -> None:
    assert giucong(estate, "backup.init").returncode == 0
    key = estate.parent / "keys/repository.key"
    before = key.read_bytes()
    replace = ("--name", "file:keys/repository.key", "--file", "-", "--replace")
    unconfirmed = store(estate, *replace, given="x\n")
    assert (unconfirmed.returncode, key.read_bytes()) == (2, before)
    rehearsed = store(estate, *replace, "--dry-run", given="")
    done = store(estate, *replace, "--confirm", "repository.key", given="x\n")

    assert (rehearsed.returncode, done.returncode) == (0, 0), done.stderr
    assert key.read_bytes() == b"x\n"
    (old,) = key.parent.glob("repository.key.*.old")
    assert (old.read_bytes(), stat.S_IMODE(old.stat().st_mode)) == (before, 0o600)


def test_replacing_a_key_waits_for_a_second_person(estate: Path) -> None:
    text = estate.read_text(encoding="utf-8").replace(
        'name = "nva"', f'name = "nva"\nlogin = "{login_at_terminal()}"'
    )
    estate.write_text(
        text.replace("[keys]", '[keys]\ncredentials = "file:keys/credentials.key"'),
        encoding="utf-8",
    )
    assert giucong(estate, "backup.init").returncode == 0
    (estate.parent / "keys/credentials.key").write_text(KEY_TEXT)
    (estate.parent / "keys/credentials.key").chmod(0o600)
    catalog = open_catalog(f"sqlite:///{estate.parent}/state/giucong.db")
    issued = enrol(catalog, "nva", "backup_admin", "security_officer", now=datetime.now(UTC))
    appoint(catalog, "ttb", "approver", now=datetime.now(UTC))
    catalog.close()
    proof = estate.parent / "proof"
    proof.write_text(f"{password_of('nva')}\n{issued.codes[0]}\n", encoding="utf-8")
    proof.chmod(0o600)
    key = estate.parent / "keys/repository.key"
    before = key.read_bytes()
    ended = store(
        estate, "--name", "file:keys/repository.key", "--file", "-", "--replace",
        "--confirm", "repository.key", "--reason", "x", "--proof-file", str(proof), given="x\n",
    )  # fmt: skip

    assert ended.returncode == 4, ended.stderr
    assert key.read_bytes() == before


def test_a_secret_is_stored_for_its_owner_and_never_shown(estate: Path) -> None:
    name_secrets(estate)
    path = estate.parent / "var/keys/portal-db"
    ended = store(estate, "--name", "file:var/keys/portal-db", given="mật khẩu bí mật\n")

    assert ended.returncode == 0, ended.stderr
    assert path.read_text(encoding="utf-8") == "mật khẩu bí mật\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert "bí mật" not in ended.stdout + ended.stderr
    with closing(sqlite3.connect(estate.parent / "state/giucong.db")) as database:
        rows = database.execute(
            "SELECT subject, details FROM journal WHERE action = 'secret.stored'"
        ).fetchall()
        everything = "\n".join(database.iterdump())
    assert rows == [("file:var/keys/portal-db", '{"replaced":false}')]
    assert "bí mật" not in everything

    assert store(estate, "--name", "portal-db", given="other\n").returncode == 1
    assert path.read_text(encoding="utf-8") == "mật khẩu bí mật\n"
    assert store(estate, "--name", "portal-db", "--replace", given="other\n").returncode == 0
    assert path.read_text(encoding="utf-8") == "other\n"


def test_a_typed_secret_is_not_echoed_and_has_to_be_typed_twice(estate: Path) -> None:
    name_secrets(estate)
    path = estate.parent / "var/keys/typed"
    code, seen = type_secret(estate, "typed", "mat-khau-1", "mat-khau-2")
    assert code == 2
    assert not path.exists()

    code, again = type_secret(estate, "typed", "mat-khau-1", "mat-khau-1")
    assert code == 0, again
    assert path.read_text() == "mat-khau-1\n"
    assert "mat-khau" not in seen + again


def type_secret(estate: Path, name: str, *lines: str) -> tuple[int, str]:
    """Type lines at a terminal, each when something is asked; gives exit code and screen."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [GIUCONG, "estate.secret", "--name", name],
        cwd=ROOT,
        env={**os.environ, "GIUCONG_ESTATE": str(estate), "GIUCONG_LANG": "en"},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # noqa: PLW1509 - no threads
    )
    os.close(theirs)
    screen, waiting = "", list(lines)
    try:
        while chunk := os.read(ours, 4096):
            screen += chunk.decode()
            if waiting and screen.rstrip(" ").endswith(":"):
                os.write(ours, f"{waiting.pop(0)}\n".encode())
                screen += "|"
    except OSError:
        pass  # the other end is closed
    finally:
        os.close(ours)
    return process.wait(timeout=60), screen


@pytest.mark.parametrize(
    ("name", "given", "code"),
    [("env:X", "x", 2), ("a/b", "x", 2), ("file:", "x", 2), ("typed", "", 2), ("typed", "a\0", 2)],
)
def test_what_is_no_secret_is_refused(estate: Path, name: str, given: str, code: int) -> None:
    name_secrets(estate)
    ended = store(estate, "--name", name, given=given)

    assert ended.returncode == code
    assert "Traceback" not in ended.stderr
    assert not (estate.parent / "var").exists()


def test_a_folder_in_which_others_write_is_refused(estate: Path) -> None:
    folder = estate.parent / "open"
    folder.mkdir()
    folder.chmod(0o777)
    text = estate.read_text(encoding="utf-8")
    estate.write_text(f'{text}\n[notices]\nrelay = "file:open/key"\n', encoding="utf-8")
    ended = store(estate, "--name", "file:open/key", given="x\n")

    assert ended.returncode == 1
    assert list(folder.iterdir()) == []


def test_a_new_site_is_tried_and_what_is_missing_is_told(estate: Path) -> None:
    before = giucong(estate, "estate.test", "--site", "cong-xa", "--json")
    told = {it["part"]: it for it in json.loads(before.stdout)["items"]}

    assert before.returncode == 3
    assert told["sites[cong-xa].files[www]"]["outcome"] == "ok"
    assert told["sites[cong-xa].databases[db]"]["outcome"] == "ok"
    assert told["keys.repository"]["outcome"] == "not_checked"
    assert all(it["next_step"] for it in told.values() if it["outcome"] != "ok")

    assert giucong(estate, "backup.init").returncode == 0
    after = giucong(estate, "estate.test", "--site", "cong-xa", "--json")
    seen = json.loads(after.stdout)
    assert (after.returncode, seen["ok"]) == (0, True)
    assert {it["outcome"] for it in seen["items"]} == {"ok"}
    assert seen["size_bytes"] > 40_000
    assert seen["seconds"] > 0
    store_folder = estate.parent / "stores/near"
    assert not [it.name for it in store_folder.iterdir() if "probe" in it.name]


def test_what_does_not_work_fails_with_its_reason(estate: Path) -> None:
    giucong(estate, "backup.init")
    text = estate.read_text(encoding="utf-8").replace('path = "www"', 'path = "gone"')
    text += '  [[sites.databases]]\n  name = "far"\n  host = "web1"\n  engine = "mariadb"\n'
    text += '  database = "x"\n  password = "file:keys/none"\n'
    text += '[[hosts]]\nname = "web1"\naddress = "192.0.2.10"\n'
    estate.write_text(text, encoding="utf-8")
    (estate.parent / "www/data/live.db").write_bytes(b"no database at all" * 100)
    (estate.parent / "keys/repository.key").write_text("another key\n")
    ended = giucong(estate, "estate.test", "--site", "cong-xa", "--json")
    told = {it["part"]: it for it in json.loads(ended.stdout)["items"]}

    assert ended.returncode == 1
    failed = {part for part, it in told.items() if it["outcome"] == "failed"}
    assert failed == {
        "sites[cong-xa].files[www]",
        "sites[cong-xa].databases[db]",
        "sites[cong-xa].databases[far]",
        "sites[cong-xa].databases[far].password",
        "stores[near]/cong-xa",
    }
    assert "cannot be read" in told["sites[cong-xa].databases[far]"]["told"]
    assert "estate.secret" in told["sites[cong-xa].databases[far].password"]["next_step"]


def test_a_vanished_site_is_an_alarm_and_is_never_expired(two_sites: Path) -> None:
    status = giucong(two_sites)
    checked = giucong(two_sites, "estate.check")
    before = find_repositories(load_estate(two_sites))

    assert status.returncode == 1
    assert "xa-cu: the site has vanished" in status.stdout
    assert "sites[xa-cu]: the site has vanished" in checked.stdout
    for task in ("backup.forget", "backup.prune"):
        ended = giucong(two_sites, task, "--site", "xa-cu", "--confirm", "xa-cu")
        assert ended.returncode == 1
        assert "vanished" in ended.stderr
    unknown = giucong(two_sites, "backup.forget", "--site", "never", "--confirm", "never")
    assert unknown.returncode == 2
    with (
        at_bench(load_estate(two_sites)) as bench,
        pytest.raises(SiteVanishedError),
    ):
        run_by_hand(bench, forget_and_prune, job="forget/xa-cu", kind="forget", site="xa-cu")
    assert find_repositories(load_estate(two_sites)) == before
    assert before["xa-cu"] == ("near",)


def look_at_past_site(estate: Path, folder: str) -> None:
    """What was backed up of a site that is gone can be listed, restored aside, and held."""
    target = estate.parent / folder
    for words in (
        ("backup.list",),
        ("backup.files",),
        ("backup.restore", "--target", str(target)),
        ("backup.hold", "--reason", "x", "--reference", "y", "--dry-run"),
    ):
        ended = giucong(estate, words[0], "--site", "xa-cu", *words[1:])
        assert ended.returncode == 0, ended.stderr
    assert (target / "xa-cu/manifest.json").is_file()
    in_place = giucong(estate, "backup.restore", "--site", "xa-cu", "--in-place")
    assert in_place.returncode == 2


def test_retiring_keeps_what_an_auditor_asks_for_and_ends_the_alarm(two_sites: Path) -> None:
    words = ("--site", "xa-cu", "--reason", "sáp nhập xã", "--document", "12/QĐ-UBND")
    look_at_past_site(two_sites, "vanished")
    hold = ("--reason", "Thanh tra", "--reference", "05/QĐ-TTr")
    assert giucong(two_sites, "backup.hold", "--site", "xa-cu", *hold).returncode == 0
    rehearsed = giucong(two_sites, "estate.retire", *words, "--dry-run")
    assert rehearsed.returncode == 0, rehearsed.stderr
    assert "xa-cu: the site has vanished" in giucong(two_sites).stdout
    assert giucong(two_sites, "estate.retire", *words).returncode == 2

    ended = giucong(two_sites, "estate.retire", *words, "--confirm", "xa-cu")
    assert ended.returncode == 0, ended.stderr
    catalog = open_catalog(f"sqlite:///{two_sites.parent}/state/giucong.db")
    with catalog.reading() as session:
        row = session.query(RetiredSite).one()
        journaled = session.query(JournalRow).filter_by(action="site.retired").one()
    catalog.close()
    assert (row.title, row.unit, row.document) == ("Xã cũ", "xa", "12/QĐ-UBND")
    (kept,) = row.stores
    assert kept["address"] == str(two_sites.parent / "stores/near/xa-cu")
    assert kept["outcome"] == "ok"
    assert len(kept["last"][0]) == 64
    assert row.retention["keep_daily"] == 14
    assert (journaled.reason, journaled.document) == ("sáp nhập xã", "12/QĐ-UBND")
    assert row.minutes in ended.stdout
    assert "Held for 05/QĐ-TTr until two people release it: all snapshots" in row.minutes
    shown = giucong(two_sites, "estate.retire", "--site", "xa-cu", "--show")
    assert (shown.returncode, row.minutes in shown.stdout) == (0, True)
    look_at_past_site(two_sites, "retired")
    away = two_sites.parent / "away"
    (two_sites.parent / "stores/near/xa-cu").rename(away)
    assert "they are held for 05/QĐ-TTr" in giucong(two_sites).stdout
    away.rename(two_sites.parent / "stores/near/xa-cu")
    assert kept["last"][0] in ended.stdout

    assert "xa-cu" not in giucong(two_sites).stdout
    assert "xa-cu" not in giucong(two_sites, "estate.check").stdout
    refused = giucong(two_sites, "backup.forget", "--site", "xa-cu", "--confirm", "xa-cu")
    assert "was retired" in refused.stderr
    assert giucong(two_sites, "estate.retire", *words, "--confirm", "xa-cu").returncode == 2


def test_the_lines_that_may_leave_are_named(estate: Path) -> None:
    words = ("--site", "cong-xa", "--reason", "x", "--document", "y", "--confirm", "cong-xa")
    ended = giucong(estate, "estate.retire", *words)
    lines = estate.read_text(encoding="utf-8").splitlines()
    first = lines.index("[[sites]]") + 1

    assert ended.returncode == 0, ended.stderr
    assert f"lines {first} to {len(lines)} from {estate}" in ended.stdout


def test_the_estate_of_a_day_is_shown(estate: Path) -> None:
    today = time.strftime("%d/%m/%Y", time.gmtime(time.time() + 7 * 3600))
    assert giucong(estate, "estate.show", "--at", today).returncode == 2
    giucong(estate, "backup.init")
    text = estate.read_text(encoding="utf-8")
    estate.write_text(text.replace("Cổng xã Bình Minh", "Cổng mới"), encoding="utf-8")

    past = giucong(estate, "estate.show", "--at", today)
    (told,) = json.loads(giucong(estate, "estate.show", "--at", today, "--json").stdout)["items"]
    assert past.returncode == 0, past.stderr
    assert "Cổng xã Bình Minh" in past.stdout
    assert told["estate"]["sites"][0]["title"] == "Cổng xã Bình Minh"
    assert "Cổng mới" in giucong(estate, "estate.show").stdout
    assert giucong(estate, "estate.show", "--at", "hôm qua").returncode == 2
    assert giucong(estate, "estate.show", "--at", "01/01/2020").returncode == 2


def test_discovery_proposes_what_can_be_pasted(estate: Path, tmp_path: Path) -> None:
    root = tmp_path / "machine"
    (root / "etc/nginx/sites-enabled").mkdir(parents=True)
    (root / "etc/nginx/sites-enabled/a").write_text(
        "server { server_name tin.vn; root /var/www/tin; }"
    )
    (root / "var/www/tin").mkdir(parents=True)
    (root / "var/www/tin/wp-config.php").write_text(
        "<?php define('DB_NAME', 'tin'); define('DB_PASSWORD', 'khong-duoc-lo');"
    )
    shown = giucong(estate, "estate.discover", "--root", str(root))
    told = giucong(estate, "estate.discover", "--root", str(root), "--json")

    assert shown.returncode == 0, shown.stderr
    assert "khong-duoc-lo" not in shown.stdout + shown.stderr + told.stdout
    (site,) = tomllib.loads(shown.stdout)["sites"]
    assert (site["name"], site["unit"]) == ("tin", "xa")
    assert json.loads(told.stdout)["items"][0]["secrets"] == ["file:var/keys/tin-db"]

    out = estate.parent / "sites.d/found.toml"
    out.parent.mkdir()
    words = ("estate.discover", "--root", str(root), "--out", str(out))
    assert giucong(estate, *words).returncode == 0
    assert [it.name for it in load_estate(estate).sites] == ["cong-xa", "tin"]
    assert (
        "in the estate already: 1" in giucong(estate, "estate.discover", "--root", str(root)).stdout
    )
    assert giucong(estate, *words).returncode == 1

    here = giucong(estate, "estate.discover", "--host", "localhost", "--root", str(root))
    assert here.returncode == 0, here.stderr
    assert "in the estate already: 1" in here.stdout
    far = giucong(estate, "estate.discover", "--host", "web1")
    both = giucong(estate, "estate.discover", "--host", "web1", "--root", str(root))
    assert (far.returncode, both.returncode) == (2, 2)
    assert "web1" in far.stderr
    assert "--root and --host" in both.stderr
