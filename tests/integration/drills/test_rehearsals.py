"""Restored sites are brought to life in a sandbox; what is wrong with a copy is found and named."""

import re
import shutil
import sqlite3
import subprocess
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ops.backups.pages.notes import Fetched, PageNote, note_answer
from ops.backups.pages.verdict import tell_comparison
from ops.estate.model.sites import FilesPart, Site
from ops.sandbox.plan import DatabasePlan, FilesPlan, RehearsalPlan, ServingPlan
from ops.sandbox.rehearse import rehearse
from ops.sandbox.result import REMARKS, RehearsalResult, tell_remark
from ops.sandbox.site_settings import find_caches, follow_site
from tests.mariadb_server import MariadbServer, mariadb_server
from tests.portal import REGISTER_PAGES, make_register
from tests.postgres_server import PostgresServer, postgres_server
from tests.rehearsals import (
    describe_board,
    describe_site,
    make_board,
    take_copy,
    write_estate,
)

__all__ = ["mariadb_server", "postgres_server"]

pytestmark = pytest.mark.slow

INCIDENT = datetime(2026, 11, 24, 1, 3, tzinfo=UTC)
URL = "https://cong-xa.example.vn"
CHANGED = REMARKS["page_changed"]
LOOK_AROUND = """<?php
preg_match('/^Uid:\\s+(\\d+)/m', file_get_contents('/proc/self/status'), $user);
preg_match('/^CapEff:\\s+(\\d+)/m', file_get_contents('/proc/self/status'), $rights);
preg_match('/^NoNewPrivs:\\s+(\\d+)/m', file_get_contents('/proc/self/status'), $gains);
$seen = array_filter(['/etc/shadow', '{secret}', '/drill/room', '/home'], 'file_exists');
$scheme = ($_SERVER['HTTPS'] ?? '') === 'on' ? 'https' : 'http';
$written = file_put_contents(__DIR__ . '/cache.txt', 'viết được');
echo "<title>Cổng xã</title>$scheme://{$_SERVER['HTTP_HOST']}{$_SERVER['REQUEST_URI']}, ",
    $user[1] === '0' ? 'root' : 'thường', " ", (int) $rights[1], " $gains[1] ",
    $written ? 'ghi được' : 'không ghi được', json_encode($seen);
"""


@pytest.fixture(scope="module")
def board(tmp_path_factory: pytest.TempPathFactory, mariadb_server: MariadbServer) -> RehearsalPlan:
    """A copy of a site on MariaDB."""
    folder = tmp_path_factory.mktemp("board")
    site = make_board(folder / "www", mariadb_server)
    block = describe_board("cong-xa", site, mariadb_server, folder / "keys" / "db")
    with site.running():
        return take_copy(write_estate(folder / "estate", block), "cong-xa", folder / "work")


def test_a_site_on_mariadb_is_the_same(board: RehearsalPlan) -> None:
    result = rehearse(board)

    assert told(result) == []
    assert result.outcome == "ok"
    assert [it.verdict for it in result.pages] == ["same"] * 4
    (database,) = result.databases
    assert database.counts == {"comments": 1, "posts": 40}
    assert database.server_here == database.server_wanted
    assert (result.newest, database.newest_in) == (moment("2026-11-02 03:00"), "comments.seen")
    seconds = result.seconds
    parts = seconds.isolate + seconds.restore + seconds.verify + seconds.switch
    assert parts == pytest.approx(seconds.total, abs=1.0)
    assert not (Path(board.work) / "rehearsal").exists()


def test_a_dump_that_lost_a_table_fails(board: RehearsalPlan, tmp_path: Path) -> None:
    plan = moved(board, copied(board, tmp_path))
    dump = Path(plan.databases[0].dump)
    whole = dump.read_text(encoding="utf-8")
    lost = re.sub(
        r"(?s)--\n-- Table structure for table `comments`.*?(?=--\n-- Table str)", "", whole
    )
    assert lost != whole
    dump.write_text(lost, encoding="utf-8")

    result = rehearse(plan)

    assert result.outcome == "failed"
    assert result.databases[0].missing == ("comments",)
    assert "tables are missing from the database db: comments" in told(result)
    assert {it.code for it in result.remarks} >= {"tables_missing", "page_failed"}


def test_an_account_for_one_web_server_is_let_in_at_production_s_address(
    board: RehearsalPlan, tmp_path: Path
) -> None:
    plan = moved(board, copied(board, tmp_path))
    index = Path(plan.files[0].restored) / "index.php"
    script = index.read_text(encoding="utf-8")
    there = re.sub(r"new mysqli\('localhost', '\w+'(.*), 0, '.*'\)",
                   r"new mysqli('10.0.0.5', 'web'\1, 3306)", script)  # fmt: skip
    assert there != script
    index.write_text(there, encoding="utf-8")

    result = rehearse(replace(plan, addresses=("10.0.0.5",)))

    assert told(result) == []


def test_an_account_with_rights_on_tables_alone_is_let_in(
    board: RehearsalPlan, tmp_path: Path
) -> None:
    plan = moved(board, copied(board, tmp_path))
    (database,) = plan.databases
    there, index = Path(database.globals), Path(plan.files[0].restored) / "index.php"
    of_parts = r"GRANT SELECT ON `\1`.`posts` TO \2;\nGRANT SELECT ON `\1`.`comments` TO \2"
    accounts = re.sub(r"GRANT ALL PRIVILEGES ON `(\w+)`\.\* TO (`web`@`[^`]*`)", of_parts,
                      there.read_text(encoding="utf-8"))  # fmt: skip
    assert f"`{database.database}`.`posts`" in accounts
    accounts += (
        "CREATE USER IF NOT EXISTS `root`@`localhost`;\n"
        "GRANT ALL PRIVILEGES ON *.* TO `root`@`localhost` IDENTIFIED VIA unix_socket WITH GRANT"
        " OPTION;\nGRANT PROXY ON ``@`%` TO `root`@`localhost` WITH GRANT OPTION;\n"
    )
    there.write_text(accounts, encoding="utf-8")
    script = index.read_text(encoding="utf-8")
    script = re.sub(r"new mysqli\('localhost', '\w+'", "new mysqli('localhost', 'web'", script)
    index.write_text(script, encoding="utf-8")

    assert told(rehearse(plan)) == []


def test_accounts_that_stop_a_restore_fail_a_drill(board: RehearsalPlan, tmp_path: Path) -> None:
    plan = moved(board, copied(board, tmp_path))
    with Path(plan.databases[0].globals).open("a", encoding="utf-8") as accounts:
        accounts.write("CREATE USER IF NOT EXISTS `x`@`%` IDENTIFIED VIA hoa_van_tay USING 'h';\n")

    (remark,) = (result := rehearse(plan)).remarks

    assert (remark.outcome, remark.code) == ("failed", "accounts_refused")
    assert "hoa_van_tay" in str(remark.params["why"])
    assert [it.verdict for it in result.pages] == ["same"] * 4


def test_a_site_finds_its_database_at_the_port_that_its_own_settings_name(
    board: RehearsalPlan, tmp_path: Path
) -> None:
    plan = moved(board, copied(board, tmp_path))
    (database,) = plan.databases
    folder = Path(plan.files[0].restored)
    script = (folder / "index.php").read_text(encoding="utf-8")
    there = re.sub(r"new mysqli\('localhost'(.*), 0, '.*'\)",
                   r"new mysqli('127.0.0.1'\1, 3399)", script)  # fmt: skip
    assert there != script
    (folder / "index.php").write_text(there, encoding="utf-8")
    names = f"define('DB_NAME', '{database.database}'); define('DB_HOST', '127.0.0.1:3399');"
    (folder / "wp-config.php").write_text(f"<?php {names}")
    ways = follow_site(plan.databases, plan.files)

    result = rehearse(replace(plan, databases=ways.databases, addresses=ways.addresses))

    assert told(result) == []


def test_a_site_on_postgresql_is_the_same(tmp_path: Path, postgres_server: PostgresServer) -> None:
    site = make_register(tmp_path / "www", postgres_server)
    database = f"""
  [[sites.databases]]
  name = "db"
  engine = "postgresql"
  socket = "{postgres_server.folder}"
  database = "{site.database}"
  user = "{site.reader}"
"""
    block = describe_site("dat-dai", site.address, REGISTER_PAGES, site.folder, database)
    estate = write_estate(tmp_path / "estate", block)
    with site.running():
        plan = take_copy(estate, "dat-dai", tmp_path / "work")

    result = rehearse(plan)

    assert told(result) == []
    assert [it.verdict for it in result.pages] == ["same"] * len(REGISTER_PAGES)
    assert result.databases[0].counts == {"public.ho_so": 200}
    assert result.newest == moment("2026-11-23 17:00")  # midnight of the 24th, in Vietnam

    dump = Path(plan.databases[0].dump)
    words = ["pg_dump", "--format=custom", f"--host={postgres_server.folder}", "--username=giucong",
             f"--file={dump}", site.database]  # fmt: skip
    subprocess.run(words, check=True)
    found = rehearse(replace(plan, serving=ServingPlan()))
    assert [it.code for it in found.remarks] == ["not_served"]
    assert found.databases[0].counts == {"public.ho_so": 200}


def test_a_static_site_with_sqlite_counts_and_knows_its_newest_row(tmp_path: Path) -> None:
    plan = make_static(tmp_path)

    result = rehearse(plan)

    assert told(result) == []
    assert (result.way, result.databases[0].counts) == ("static", {"bai": 3, "muc": 1})
    # The event of next year lies after the incident; +07:00 and GMT are the same moment.
    assert result.newest == moment("2026-11-24 01:00")


def test_fewer_rows_another_page_and_a_broken_file_are_each_named(tmp_path: Path) -> None:
    plan = make_static(tmp_path)
    with closing(sqlite3.connect(plan.databases[0].dump)) as database:
        database.execute("DELETE FROM bai WHERE so = 1")
        database.commit()
    (Path(plan.files[0].restored) / "index.html").write_text("<title>Bị sửa</title>trang lạ")
    gone = replace(plan.files[0], name="anh", restored=f"{plan.work}/anh", live="/srv/anh")

    result = rehearse(replace(plan, files=(*plan.files, gone)))

    assert told(result) == [
        "the folder anh (/srv/anh) is missing from what was restored",
        "tables of the database db have other row counts than the manifest says: bai: 2 (3)",
        CHANGED.format(page="/", reason=tell_comparison("title", "Bị sửa", 0.0, 0.9, 1.0)),
    ]

    Path(plan.databases[0].dump).write_bytes(b"SQLite format 3\0" + b"x" * 5_000)
    assert [it.code for it in rehearse(plan).remarks][:1] == ["load_failed"]


def test_an_https_site_in_php_sees_its_address_and_nothing_else(tmp_path: Path) -> None:
    secret = tmp_path / "keys" / "repository.key"
    secret.parent.mkdir()
    secret.write_text("bí mật")
    plan = make_php(tmp_path, LOOK_AROUND.replace("{secret}", str(secret)))
    body = f"<title>Cổng xã</title>{URL}/van-ban/7, thường 0 1 ghi được[]"
    plan = replace(plan, pages=(note("/van-ban/7", body),))
    Path(plan.files[0].restored).chmod(0o777)

    result = rehearse(plan)

    assert told(result) == []
    assert [it.title for it in result.found] == ["Cổng xã"]
    assert not (Path(plan.files[0].restored) / "cache.txt").exists()


def test_a_site_below_a_path_of_its_host_is_found_there(tmp_path: Path) -> None:
    plan = make_php(tmp_path, "<?php echo '<title>Sở</title>', $_SERVER['SCRIPT_NAME'];")
    (Path(plan.files[0].restored) / "anh.txt").write_text("ảnh")
    pages = (
        note("/van-ban/7", "<title>Sở</title>/so-y-te/index.php"),
        note("/", "<title>Sở</title>/so-y-te/index.php"),
        note("/anh.txt", "ảnh"),
    )

    result = rehearse(replace(plan, url="http://tinh.example.vn/so-y-te", pages=pages))

    assert told(result) == []


@pytest.mark.parametrize(
    ("script", "code"),
    [
        ("<?php http_response_code(500); echo 'Error establishing a connection';", "page_failed"),
        ("<?php echo '<title>Cổng xã</title>Lỗi kết nối cơ sở dữ liệu';", "page_changed"),
        ("<?php header('Location: https://khac.example.vn/');", "page_failed"),
    ],
)
def test_an_error_page_fails(tmp_path: Path, script: str, code: str) -> None:
    plan = replace(make_php(tmp_path, script), pages=(note("/", "<title>Cổng xã</title>chào"),))

    result = rehearse(plan)

    assert (result.outcome, [it.code for it in result.remarks]) == ("failed", [code])


def test_what_was_not_looked_at_is_never_ok(tmp_path: Path) -> None:
    plan = make_php(tmp_path, "<?php echo 'chào';")
    silent = replace(
        plan, serving=ServingPlan(way="command", folder="/srv/www", command=("khong-co",))
    )

    results = [rehearse(plan), rehearse(replace(plan, serving=ServingPlan())), rehearse(silent)]

    assert [[it.code for it in result.remarks] for result in results] == [
        ["no_pages"], ["not_served"], ["program_missing"]
    ]  # fmt: skip
    assert {it.outcome for it in results} == {"incomplete"}


def test_a_sites_own_program_is_started_behind_its_url(tmp_path: Path) -> None:
    plan = make_php(tmp_path, "")
    serving = ServingPlan(
        way="command",
        folder="/srv/www",
        command=("php", "-S", "127.0.0.1:3000", "app.php"),
        port=3000,
    )
    app = "<?php echo '<title>Cổng xã</title>', $_SERVER['HTTP_X_FORWARDED_PROTO'];"
    (Path(plan.files[0].restored) / "app.php").write_text(app)
    pages = (note("/", "<title>Cổng xã</title>https"),)

    result = rehearse(replace(plan, serving=serving, pages=pages))

    assert told(result) == []


_CACHING = """<?php
$kept = __DIR__ . '/cache/pages/home.html';
if (is_file($kept)) { readfile($kept); exit; }
$title = trim(file_get_contents(__DIR__ . '/title.txt'));
$page = "<!DOCTYPE html><meta charset=utf-8><title>Cổng xã</title><h1>$title</h1>"
    . '<p>Lịch tiếp công dân tháng này đã được đăng trên trang của xã</p>';
if (!is_dir(dirname($kept))) mkdir(dirname($kept), 0755, true);
file_put_contents($kept, $page);
echo $page;
"""
_TODAY = (
    "<!DOCTYPE html><meta charset=utf-8><title>Cổng xã</title><h1>Thông báo</h1>"
    "<p>Lịch tiếp công dân tháng này đã được đăng trên trang của xã</p>"
)


def make_caching(folder: Path, kept: str) -> RehearsalPlan:
    """A copy of a site that keeps its pages, and has kept this one."""
    plan = make_php(folder, _CACHING)
    www = Path(plan.files[0].restored)
    (www / "title.txt").write_text("Thông báo", encoding="utf-8")
    (www / "cache" / "pages").mkdir(parents=True)
    (www / "cache").chmod(0o750)
    (www / "cache" / "pages" / "home.html").write_text(kept, encoding="utf-8")
    part = FilesPart(name="www", path="/srv/www")
    site = Site(name="cong-xa", title="Cổng xã", unit="xa", files=(part,), exclude=("/cache/**",))
    caches = tuple(find_caches(site, plan.files))
    return replace(plan, caches=caches, pages=(note("/", _TODAY),))


def test_a_page_that_a_cache_has_kept_neither_fails_a_copy_nor_saves_it(tmp_path: Path) -> None:
    old = make_caching(tmp_path / "old", _TODAY.replace("Lịch tiếp công dân tháng này", "Cũ"))
    lost = make_caching(tmp_path / "lost", _TODAY)
    (Path(lost.files[0].restored) / "title.txt").unlink()
    (Path(lost.files[0].restored) / "index.php").write_text("<?php if (!is_file(__DIR__ . "
        "'/cache/pages/home.html')) { http_response_code(500); exit; } readfile(__DIR__ . "
        "'/cache/pages/home.html');", encoding="utf-8")  # fmt: skip

    assert old.caches == ("/srv/www/cache",)
    shown, broken = rehearse(old), rehearse(lost)

    assert (shown.outcome, told(shown)) == ("ok", [])
    assert broken.outcome == "failed"
    assert "the page / fails on the restored site" in told(broken)[0]
    # What came back is as it came.
    assert (Path(old.files[0].restored) / "cache" / "pages" / "home.html").read_text() != _TODAY


def test_a_page_that_was_noted_out_of_a_cache_is_a_remark_and_no_failure(tmp_path: Path) -> None:
    plan = make_caching(tmp_path, _TODAY)
    stale = _TODAY.replace("Thông báo", "Thông báo hôm qua").replace("tháng này", "tháng trước")
    plan = replace(plan, pages=(note("/", stale),))
    result, other = (
        rehearse(plan),
        rehearse(moved(replace(plan, caches=()), copied(plan, tmp_path / "b"))),
    )

    assert result.outcome == "incomplete"
    assert "may then have shown it from a cache" in told(result)[0]
    assert other.outcome == "failed"


def test_a_folder_that_is_the_sandboxs_own_is_laid_into_it(tmp_path: Path) -> None:
    restored = tmp_path / "work" / "restored"
    for path, text in (
        ("etc/portal/site.conf", "tinh"), ("etc/ssl/private/site.key", "khóa"),
        ("etc/passwd", "kẻ lạ"), ("etc/hosts", "kẻ lạ"), ("etc/php/moi.ini", "x"),
        ("etc/portal.ini", "ini"), ("etc/ssl/certs/la.pem", "kẻ lạ"), ("usr/bin/la", ""),
    ):  # fmt: skip
        file = restored / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    (restored / "etc" / "tinh.ini").symlink_to("portal.ini")
    script = """<?php
    $read = fn ($path) => @file_get_contents("/etc/$path") ?: '-';
    echo '<title>Cổng</title>', $read('portal/site.conf'), $read('ssl/private/site.key'),
        $read('tinh.ini'), (int) file_exists('/etc/php/moi.ini'),
        (int) str_contains($read('passwd') . $read('hosts') . $read('ssl/certs/la.pem'), 'kẻ'),
        (int) file_exists('/usr/bin/la');"""
    plan = make_php(tmp_path, script)
    parts = [
        FilesPlan(name=it, restored=str(restored / it), live=f"/{it}") for it in ("etc", "usr")
    ]
    page = note("/", "<title>Cổng</title>tinhkhóaini100")

    result = rehearse(replace(plan, files=(*plan.files, *parts), pages=(page,)))

    assert told(result) == [REMARKS["part_not_shown"].format(part="usr", path="/usr")]
    assert [it.verdict for it in result.pages] == ["same"]


def test_a_table_that_cannot_be_counted_here_is_not_called_missing(tmp_path: Path) -> None:
    plan = make_static(tmp_path)
    with closing(sqlite3.connect(plan.databases[0].dump)) as database:
        database.executescript(
            "CREATE TABLE xa (ten TEXT); PRAGMA writable_schema = ON;"
            "UPDATE sqlite_master SET sql = 'CREATE VIRTUAL TABLE xa USING khong_co(ten)'"
            ", rootpage = 0 WHERE name = 'xa';"
        )
    tables = {**plan.databases[0].tables, "xa": 7}

    result = rehearse(replace(plan, databases=(replace(plan.databases[0], tables=tables),)))

    assert (result.outcome, result.databases[0].missing) == ("incomplete", ())
    assert result.databases[0].uncounted == ("xa",)
    assert told(result) == [REMARKS["not_countable"].format(database="db", tables="xa")]


# Building ------------------------------------------------------------------------------------


def make_static(folder: Path) -> RehearsalPlan:
    """A copy of a site of plain files, with a database beside them."""
    www = folder / "work" / "restored" / "www"
    www.mkdir(parents=True)
    page = "<!DOCTYPE html><meta charset=utf-8><title>Xã Bình Minh</title><p>Chào bà con"
    (www / "index.html").write_text(page, encoding="utf-8")
    dump = folder / "work" / "restored" / "db.sqlite"
    with closing(sqlite3.connect(dump)) as database:
        database.executescript("""
            PRAGMA journal_mode = WAL;
            CREATE TABLE bai (so INTEGER PRIMARY KEY, luc TEXT, luc_gmt DATETIME, giay TIMESTAMP);
            INSERT INTO bai VALUES (1, '2026-11-24T08:00:00+07:00', '2026-11-24 01:00:00', 1.7e9);
            INSERT INTO bai VALUES (2, '2027-05-01 08:00:00', '2027-05-01 01:00:00', NULL);
            INSERT INTO bai VALUES (3, '2026-11-24 07:59:59', NULL, 'hôm qua');
            CREATE TABLE muc (ten TEXT);
            INSERT INTO muc VALUES ('2026 là năm của chuyển đổi số');
        """)
    database_plan = DatabasePlan(
        name="db", engine="sqlite", database="/srv/data/db.sqlite", dump=str(dump),
        tables={"bai": 3, "muc": 1},
    )  # fmt: skip
    return RehearsalPlan(
        work=str(folder / "work"),
        site="cong-xa",
        files=(FilesPlan(name="www", restored=str(www), live="/usr/share/cong-xa/www"),),
        databases=(database_plan,),
        url="http://[2001:db8::7]:8080",
        pages=(note("/", page),),
        serving=ServingPlan(way="static", folder="/usr/share/cong-xa/www"),
        incident_at=INCIDENT,
        deadline_seconds=60,
    )


def make_php(folder: Path, script: str) -> RehearsalPlan:
    """A copy of a site in PHP without a database; no pages noted yet."""
    www = folder / "work" / "restored" / "www"
    www.mkdir(parents=True)
    (www / "index.php").write_text(script, encoding="utf-8")
    return RehearsalPlan(
        work=str(folder / "work"),
        site="cong-xa",
        files=(FilesPlan(name="www", restored=str(www), live="/srv/www"),),
        url=URL,
        serving=ServingPlan(way="php", folder="/srv/www"),
        incident_at=INCIDENT,
        deadline_seconds=60,
    )


def note(page: str, body: str) -> PageNote:
    answer = Fetched(f"{URL}{page}", status=200, content_type="text/html; charset=utf-8",
                    body=body.encode())  # fmt: skip
    return note_answer(page, answer, INCIDENT)


def copied(plan: RehearsalPlan, folder: Path) -> Path:
    """Copy what a plan works with; gives the new work folder."""
    return Path(shutil.copytree(plan.work, folder / "work", symlinks=True))


def moved(plan: RehearsalPlan, work: Path) -> RehearsalPlan:
    """Give the plan of a copy that was copied elsewhere."""

    def there(path: str) -> str:
        return path.replace(plan.work, str(work), 1)

    files = tuple(replace(it, restored=there(it.restored)) for it in plan.files)
    databases = tuple(
        replace(it, dump=there(it.dump), globals=there(it.globals)) for it in plan.databases
    )
    return replace(plan, work=str(work), files=files, databases=databases)


def told(result: RehearsalResult) -> list[str]:
    return [tell_remark(it) for it in result.remarks]


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.fixture(autouse=True)
def _in_english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIUCONG_LANG", "en")
