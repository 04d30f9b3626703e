"""A real portal for the tests: Debian's WordPress on MariaDB, and a small site on PostgreSQL.

Both are served by PHP's built-in server, on free loopback ports and without a network; what was
started is ended by its process id.
"""

import json
import os
import shutil
import socket
import subprocess
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from tests.mariadb_server import MariadbServer
from tests.postgres_server import PostgresServer
from tests.private_server import await_start, end, find_free_port, start, tie

_FILES = Path(__file__).with_name("portal_files")
_WORDPRESS = Path("/usr/share/wordpress")
_THEME = "twentytwentyfive"
_START_SECONDS = 30.0
_PASSWORD = "mật khẩu 'của' trang \"thử\""  # noqa: S105 -- of accounts that live for a minute
_READING = "SELECT, SHOW VIEW, TRIGGER, EVENT, SHOW CREATE ROUTINE"
PROVINCE_PAGES = ("/", "/?p=1003", "/?page_id=2000", "/wp-content/uploads/2026/11/anh-1.jpg")
REGISTER_PAGES = ("/", "/?so=7", "/?so=199")
_ROWS = 200


@dataclass(frozen=True, slots=True)
class PhpSite:
    """A site in a folder, with its database.

    Attributes:
        folder: What the web server serves.
        port: On 127.0.0.1; the same each time it is started.
        database: Name of its database.
        reader: Account in the database that may read all of it, for backups.
        password: Of the reader; empty where it needs none.
    """

    folder: Path
    port: int
    database: str
    reader: str
    password: str = ""

    @property
    def address(self) -> str:
        """Where visitors find it."""
        return f"http://127.0.0.1:{self.port}"

    @contextmanager
    def running(self) -> Iterator[None]:
        """Serve it until the block ends."""
        command = [*tie(), _program("php", "php-cli"), "-d", "display_errors=stderr",
                   "-S", f"127.0.0.1:{self.port}", "-t", str(self.folder)]  # fmt: skip
        log = self.folder.with_name(f"{self.folder.name}.log")
        process = start(command, log)
        try:
            await_start(process, self._is_up, log, _START_SECONDS)
            yield
        finally:
            end(process)

    def _is_up(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.port), 1).close()
        except OSError:
            return False
        return True


def make_province_portal(folder: Path, server: MariadbServer) -> PhpSite:
    """Install WordPress into a folder and fill it; gives the site, not yet running."""
    if not (_WORDPRESS / "wp-load.php").is_file():
        raise RuntimeError("WordPress is missing: apt-get install wordpress")
    if not (_WORDPRESS / "wp-content" / "themes" / _THEME).is_dir():
        raise RuntimeError(f"a theme is missing: apt-get install wordpress-theme-{_THEME}")
    if not (_WORDPRESS / "wp-content" / "languages" / "vi.mo").is_file():
        raise RuntimeError("Vietnamese is missing: apt-get install wordpress-l10n")
    _copy_wordpress(folder)
    database = f"portal_{uuid.uuid4().hex[:8]}"
    site = PhpSite(folder, find_free_port(), database, f"r_{database}", f"{_PASSWORD} đọc")
    server.run(f"CREATE DATABASE {database} CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci")
    server.run(f"CREATE USER {database}@localhost IDENTIFIED BY {_quote(_PASSWORD)}")
    server.run(f"GRANT ALL ON {database}.* TO {database}@localhost")
    server.run(f"CREATE USER {site.reader}@localhost IDENTIFIED BY {_quote(site.password)}")
    server.run(f"GRANT {_READING} ON {database}.* TO {site.reader}@localhost")
    server.run(f"GRANT SELECT ON mysql.* TO {site.reader}@localhost")
    configure_province(site, server, database)
    told = _run_script("wordpress-fill.php", site)
    if told != "filled":
        raise RuntimeError(told)
    return site


def configure_province(site: PhpSite, server: MariadbServer, database: str) -> None:
    """Write the site's configuration anew, to use a database."""
    words = {"database": database, "user": site.database, "socket": str(server.socket),
             "password": _PASSWORD.replace("\\", "\\\\").replace("'", "\\'")}  # fmt: skip
    fill_in("wordpress-config.php", site.folder / "wp-config.php", words)


def count_province(site: PhpSite) -> dict[str, Any]:
    """Ask WordPress itself for its posts, comments, media, and accounts with their passwords."""
    found: dict[str, Any] = json.loads(_run_script("wordpress-count.php", site))
    return found


def _copy_wordpress(folder: Path) -> None:
    """Copy it as a site of its own: no links into the system, and only one language."""

    def leave_out(where: str, names: list[str]) -> list[str]:
        if not where.endswith("wp-content/languages"):
            return ["wp-config.php"]
        return [name for name in names if name not in {"vi.mo", "continents-cities-vi.mo"}]

    shutil.copytree(_WORDPRESS, folder, ignore=leave_out)


def _run_script(name: str, site: PhpSite) -> str:
    command = [_program("php", "php-cli"), "-d", "display_errors=stderr", str(_FILES / name),
               str(site.folder), site.address, _PASSWORD]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    if done.returncode != 0 or not done.stdout:
        raise RuntimeError(done.stdout + done.stderr)
    return done.stdout


def make_register(folder: Path, server: PostgresServer) -> PhpSite:
    """Make a register of files on PostgreSQL, with an attachment for each; not yet running."""
    database = server.new_database().partition("@/")[2].partition("?")[0]
    site = PhpSite(folder, find_free_port(), database, f"r_{database[:20]}")
    (folder / "tep").mkdir(parents=True)
    words = {"database": database, "user": "giucong", "socket": str(server.folder)}
    fill_in("register.php", folder / "index.php", words)
    rows = [_make_row(number) for number in range(1, _ROWS + 1)]
    for _number, _title, _text, name in rows:
        (folder / "tep" / name).write_bytes(os.urandom(4_000))
    with connect_register(server, database) as connection:
        connection.execute(
            "CREATE TABLE ho_so (so int PRIMARY KEY, tieu_de text NOT NULL, noi_dung text,"
            " tep text, ngay_nhan date DEFAULT '2026-11-24')"
        )
        cursor = connection.cursor()
        cursor.executemany(
            "INSERT INTO ho_so (so, tieu_de, noi_dung, tep) VALUES (%s, %s, %s, %s)", rows
        )
        connection.execute(f"CREATE ROLE {site.reader} LOGIN".encode())
        connection.execute(f"GRANT pg_read_all_data TO {site.reader}".encode())
    return site


def _make_row(number: int) -> tuple[int, str, str, str]:
    title = f"Hồ sơ cấp giấy chứng nhận số {number} – phường Đống Đa 🏛️"
    content = f"Nội dung “{number}”: thửa đất, bản đồ & quyết định\\; dòng\tkế\ntiếp"
    return number, title, content, f"tệp {number}.bin"


def connect_register(server: PostgresServer, database: str) -> psycopg.Connection[tuple[Any, ...]]:
    """Connect as the administrator; each statement holds at once."""
    return psycopg.connect(f"host={server.folder} user=giucong dbname={database}", autocommit=True)


def encrypt_as_ransomware(folder: Path) -> int:
    """Make every file below unreadable under another name, and leave a note; gives how many."""
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    for path in files:
        size = path.stat().st_size
        path.write_bytes(os.urandom(size))
        path.rename(path.with_name(f"{path.name}.locked"))
    (folder / "README-RECOVER.txt").write_text("all your files are encrypted")
    return len(files)


def fill_in(name: str, target: Path, words: dict[str, str]) -> None:
    """Write one of the files beside this one, with words for those in braces."""
    text = (_FILES / name).read_text(encoding="utf-8")
    for word, value in words.items():
        text = text.replace(f"{{{word}}}", value)
    target.write_text(text, encoding="utf-8")


def _program(name: str, package: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise RuntimeError(f"{name} is missing: apt-get install {package}")
    return found


def _quote(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
