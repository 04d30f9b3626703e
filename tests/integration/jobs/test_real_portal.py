"""A real portal is backed up over SSH, wrecked and restored by the pages; then it reads the same.

WordPress on MariaDB and a register on PostgreSQL, whose files and databases lie on a host behind an
sshd of the test's own. How long each step takes is printed (`pytest -s`).
"""

import json
import os
import re
import resource
import shutil
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from ops.backups.pages.notes import PageNote, read_note
from ops.backups.pages.noting import note_pages
from ops.backups.pages.verdict import compare_pages
from tests.integration.jobs.small_estate import ESTATE, ROOT, giucong_afresh
from tests.mariadb_server import MariadbServer, mariadb_server
from tests.portal import (
    PROVINCE_PAGES,
    REGISTER_PAGES,
    PhpSite,
    configure_province,
    connect_register,
    count_province,
    encrypt_as_ransomware,
    make_province_portal,
    make_register,
)
from tests.postgres_server import PostgresServer, postgres_server
from tests.ssh_server import SshServer, make_ssh_server, ssh_server
from tests.trees import describe_tree, differences

__all__ = ["make_ssh_server", "mariadb_server", "postgres_server", "ssh_server"]

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

PROVINCE, REGISTER = "cong-tinh", "dat-dai"
SITE = """
[[sites]]
name = "{name}"
title = "{name}"
unit = "xa"
host = "web1"
url = "{site.address}"
pages = {pages}
  [[sites.files]]
  name = "www"
  path = "{site.folder}"
  [[sites.databases]]
  name = "db"
  engine = "{engine}"
  socket = "{socket}"
  host = "web1"
  database = "{site.database}"
  user = "{site.reader}"
"""
HOST = """
[[hosts]]
name = "web1"
address = "127.0.0.1"
port = {server.port}
user = "{user}"
identity = "file:{server.identity}"
known_hosts = "{server.known_hosts}"
"""


class Figure(NamedTuple):
    """How long a step took, by the clock, and by what processes worked (not those of the host)."""

    seconds: float
    work_seconds: float


Figures = dict[str, Figure]


def test_a_portal_reads_the_same_after_ransomware(
    tmp_path: Path,
    mariadb_server: MariadbServer,
    postgres_server: PostgresServer,
    ssh_server: SshServer,
) -> None:
    figures: Figures = {}
    with timed(figures, "install WordPress, fill it; make the register"):
        province = make_province_portal(tmp_path / "www" / PROVINCE, mariadb_server)
        register = make_register(tmp_path / "www" / REGISTER, postgres_server)
    sites = {PROVINCE: province, REGISTER: register}
    estate = write_estate(tmp_path / "estate", sites, mariadb_server, postgres_server, ssh_server)
    assert giucong_afresh(estate, "estate.check").returncode == 0
    assert giucong_afresh(estate, "backup.init").returncode == 0

    with province.running(), register.running():
        first = {it: back_up(estate, it, figures, "first backup") for it in sites}
        again = {it: back_up(estate, it, figures, "unchanged backup") for it in sites}
        noted = {it: note_pages(sites[it].address, pages_of(it)) for it in sites}
    counted, rows = count_province(province), list_rows(postgres_server, register)

    assert [it["problem"] for it in first[PROVINCE]["pages"]] == [""] * len(PROVINCE_PAGES)
    assert first[PROVINCE]["files"] > 2_900
    for name in sites:
        # The manifest is new each time, and so is a word in each dump of PostgreSQL's.
        assert again[name]["added_bytes"] < 256 * 1024
        assert again[name]["changed_files"] == 0
        assert again[name]["new_files"] == 3  # dump, accounts, manifest
    # Not the clock, which other work on this machine delays: what our own processes have worked.
    work = [figures[f"{PROVINCE}: {it} backup"].work_seconds for it in ("unchanged", "first")]
    assert work[0] < work[1]

    wreck(sites, mariadb_server, postgres_server)
    down = [note_pages(site.address, ["/"])[0].problem for site in sites.values()]
    assert down == ["unreachable"] * 2

    for name, site in sites.items():
        restored = tmp_path / "restored" / name
        with timed(figures, f"{name}: restore"):
            words = ("--site", name, "--target", str(restored))
            done = giucong_afresh(estate, "backup.restore", *words)
            assert done.returncode == 0, done.stdout + done.stderr
        with timed(figures, f"{name}: restore with restic"):
            restore_with_restic(estate, name, tmp_path / "by-restic" / name)
        same = describe_tree(restored / name), describe_tree(tmp_path / "by-restic" / name / name)
        assert differences(*same) == []
        with timed(figures, f"{name}: load the database, put the files back"):
            site.folder.rename(site.folder.with_name(f"{name}.encrypted"))
            site.folder.mkdir()
            follow("restore-a-site.md", ["cp"], site, name, restored)
            load_database(name, site, restored, mariadb_server, postgres_server)
    configure_province(province, mariadb_server, f"{province.database}_new")

    with province.running(), register.running():
        found = {it: note_pages(sites[it].address, pages_of(it)) for it in sites}
    for name in sites:
        in_manifest = read_pages(tmp_path / "restored" / name / name / "manifest.json")
        assert [it.verdict for it in compare_pages(in_manifest, found[name])] == ["same"] * len(
            in_manifest
        )
        assert [it.alike for it in compare_pages(noted[name], found[name])] == [1.0] * len(
            in_manifest
        )
    assert count_province(province) == counted
    assert len(counted["posts"]) > 40
    assert len(counted["media"]) == 12
    assert all(password_holds for *_others, password_holds in counted["accounts"])
    assert list_rows(postgres_server, register) == rows
    print_figures(figures, first, again)


@contextmanager
def timed(figures: Figures, what: str) -> Iterator[None]:
    """Note how long a step takes, and how long the processes have worked that it has started."""
    started, worked = time.monotonic(), _worked()
    yield
    figures[what] = Figure(time.monotonic() - started, _worked() - worked)


def _worked() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def pages_of(name: str) -> Sequence[str]:
    return PROVINCE_PAGES if name == PROVINCE else REGISTER_PAGES


def write_estate(
    folder: Path,
    sites: dict[str, PhpSite],
    mariadb: MariadbServer,
    postgres: PostgresServer,
    server: SshServer,
) -> Path:
    """Write an estate whose sites lie on the host web1, files and databases alike."""
    (folder / "keys").mkdir(parents=True)
    text = ESTATE.partition("[[sites]]")[0]
    for name, site in sites.items():
        engine, socket = (
            ("mariadb", mariadb.socket) if name == PROVINCE else ("postgresql", postgres.folder)
        )
        pages = json.dumps(list(pages_of(name)))
        text += SITE.format(name=name, site=site, pages=pages, engine=engine, socket=socket)
        if site.password:
            text += f'  password = "file:keys/{name}"\n'
            (folder / "keys" / name).write_text(f"{site.password}\n")
            (folder / "keys" / name).chmod(0o600)
    text += HOST.format(server=server, user=server.target().user)
    (folder / "estate.toml").write_text(text, encoding="utf-8")
    return folder / "estate.toml"


def back_up(estate: Path, name: str, figures: Figures, what: str) -> dict[str, Any]:
    """Back a site up; gives the numbers of the run."""
    with timed(figures, f"{name}: {what}"):
        run = giucong_afresh(estate, "backup.run", "--site", name, "--json")
    assert run.returncode == 0, run.stdout + run.stderr
    found: dict[str, Any] = json.loads(run.stdout)["items"][0]["summary"]
    return found


def wreck(sites: dict[str, PhpSite], mariadb: MariadbServer, postgres: PostgresServer) -> None:
    """Do what ransomware with the sites' own rights does, and more: the accounts go too."""
    province, register = sites[PROVINCE], sites[REGISTER]
    mariadb.run(f"DROP DATABASE {province.database}")
    for account in (province.database, province.reader):
        mariadb.run(f"DROP USER {account}@localhost")
    with connect_register(postgres, "postgres") as connection:
        connection.execute(f"DROP DATABASE {register.database}".encode())
        connection.execute(f"DROP ROLE {register.reader}".encode())
    for site in sites.values():
        assert encrypt_as_ransomware(site.folder) > 100


def load_database(
    name: str, site: PhpSite, restored: Path, mariadb: MariadbServer, postgres: PostgresServer
) -> None:
    """Load a site's dump by the commands of the page."""
    if name == PROVINCE:
        options = f"[client]\nsocket={mariadb.socket}\nuser=root\n"
        (restored / ".my.cnf").write_text(options)
        follow(
            "load-a-database.md",
            ["cd", "grep", "mariadb"],
            site,
            name,
            restored,
            HOME=str(restored),
        )
        # As the page says: the account gets the rights it had, on the database's new name.
        account = f"{site.database}@localhost"
        mariadb.run(f"GRANT ALL ON {site.database}_new.* TO {account}")
    else:
        where = {"PGHOST": str(postgres.folder), "PGUSER": "giucong"}
        follow(
            "load-a-database.md",
            ["cd", "psql", "(printf", "createdb"],
            site,
            name,
            restored,
            **where,
        )


def follow(
    page: str, programs: list[str], site: PhpSite, name: str, restored: Path, **environment: str
) -> None:
    """Run a page's commands of some programs, with this site's names in place of the page's."""
    text = (ROOT / "docs" / "how-to" / page).read_text(encoding="utf-8")
    blocks = re.findall(r"```sh\n(.*?)```", text, re.DOTALL)
    lines = [line.strip() for block in blocks for line in block.splitlines()]
    script = "\n".join(line for line in lines if line.split(" ")[0] in programs)
    # First the database: the paths of a test may hold any word.
    script = re.sub(r"\bportal(?=_new|_old|\b)", site.database, script)
    names = {
        "/var/www/cong-xa": str(site.folder),
        "/srv/restored": str(restored),
        "cong-xa": name,
        "FROM posts": "FROM wp_posts" if name == PROVINCE else "FROM ho_so",
    }
    for there, here in names.items():
        script = script.replace(there, here)
    done = subprocess.run(
        ["sh", "-e", "-c", script], capture_output=True, text=True, check=False,
        env={**os.environ, **environment},
    )  # fmt: skip
    assert done.returncode == 0, script + done.stdout + done.stderr


def restore_with_restic(estate: Path, name: str, target: Path) -> None:
    repository = estate.parent / "stores" / "near" / name
    key = estate.parent / "keys" / "repository.key"
    with ExitStack() as stack:
        cache = target.with_name(f"{name}-cache")
        stack.callback(shutil.rmtree, cache, ignore_errors=True)
        subprocess.run(
            ["restic", "-r", str(repository), "--password-file", str(key), "restore", "latest",
             "--path", f"/{name}", "--target", str(target)],
            check=True, capture_output=True, env={**os.environ, "RESTIC_CACHE_DIR": str(cache)},
        )  # fmt: skip


def read_pages(manifest: Path) -> list[PageNote]:
    return [read_note(it) for it in json.loads(manifest.read_text(encoding="utf-8"))["pages"]]


def list_rows(server: PostgresServer, site: PhpSite) -> list[tuple[Any, ...]]:
    with connect_register(server, site.database) as connection:
        return connection.execute("SELECT * FROM ho_so ORDER BY so").fetchall()


def print_figures(
    figures: Figures, first: dict[str, dict[str, Any]], again: dict[str, dict[str, Any]]
) -> None:
    print()
    for what, figure in figures.items():
        print(f"{what:55} {figure.seconds:6.1f} s, {figure.work_seconds:5.1f} s of work here")
    for name, numbers in first.items():
        size = numbers["processed_bytes"] / 2**20
        stored, more = numbers["added_packed_bytes"] / 2**20, again[name]["added_bytes"] / 2**10
        print(
            f"{name}: {numbers['files']} files, {size:.1f} MiB, {stored:.1f} MiB stored;"
            f" the unchanged backup added {more:.0f} KiB"
        )
