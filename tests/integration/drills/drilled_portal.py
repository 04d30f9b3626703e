"""The real portal, backed up over a private sshd, ready to be drilled: made once for a module."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from backup.archiver.create import create_snapshot
from backup.archiver.request import BackupRequest, Mount
from backup.repository.locks import hold_lock
from backup.restorer.restore import RestoreRequest, restore_snapshot
from backup.snapshots.selection import SnapshotFilter, find_snapshot
from backup.sources.source import FolderSource
from ops.access.session import at_bench
from ops.backups.pages.noting import note_pages
from ops.backups.repositories.catalog_index import update_index
from ops.backups.repositories.open import open_repository
from ops.estate.load.load import load_estate
from tests.integration.jobs.small_estate import ROOT, giucong, giucong_words
from tests.integration.jobs.test_real_portal import PROVINCE, REGISTER, write_estate
from tests.mariadb_server import MariadbServer
from tests.portal import PROVINCE_PAGES, PhpSite, make_province_portal, make_register
from tests.postgres_server import PostgresServer
from tests.ssh_server import SshServer

_REHEARSED = "pages the same"
_ZERO = timedelta(0)


@dataclass(frozen=True, slots=True)
class Portal:
    """What is drilled.

    Attributes:
        estate: The estate file.
        sites: By name.
        mariadb: The server of the province.
        backed_up_in: Seconds that each site's backup took.
        written_at: When the newest row of the province was written.
    """

    estate: Path
    sites: dict[str, PhpSite]
    mariadb: MariadbServer
    backed_up_in: dict[str, float]
    written_at: datetime

    def largest_pack(self, site: str) -> Path:
        return find_largest_pack(self.estate.parent / "stores" / "near" / site)

    def drill(self, site: str, *flags: str) -> tuple[int, dict[str, Any]]:
        """Drill it; gives the exit code and the drill as JSON."""
        done = giucong(self.estate, "drill.run", "--site", site, "--json", *flags)
        assert done.stdout, done.stderr
        found: dict[str, Any] = json.loads(done.stdout)["items"][0]
        return done.returncode, found

    def findings(self, site: str) -> list[dict[str, Any]]:
        done = giucong(self.estate, "drill.list", "--findings", "--site", site, "--json")
        found: list[dict[str, Any]] = json.loads(done.stdout)["items"]
        return found

    @property
    def work(self) -> Path:
        return self.estate.parent / "var" / "drill"


def find_largest_pack(repository: Path) -> Path:
    """Give the pack that holds most: contents of files, not trees."""
    packs = (path for path in (repository / "data").rglob("*") if path.is_file())
    return max(packs, key=lambda path: path.stat().st_size)


def make_portal(
    folder: Path, mariadb: MariadbServer, postgres: PostgresServer, server: SshServer
) -> Portal:
    """Install both sites, run them, back them up."""
    province = make_province_portal(folder / "www" / PROVINCE, mariadb)
    register = make_register(folder / "www" / REGISTER, postgres)
    sites = {PROVINCE: province, REGISTER: register}
    estate = write_estate(folder / "estate", sites, mariadb, postgres, server)
    assert giucong(estate, "backup.init").returncode == 0
    took = {}
    with province.running(), register.running():
        note_pages(province.address, PROVINCE_PAGES)  # WordPress writes a row at its first visit
        written_at = write_comment(province, mariadb)
        for name in sites:
            begun = time.monotonic()
            done = giucong(estate, "backup.run", "--site", name)
            assert done.returncode == 0, done.stdout + done.stderr
            took[name] = time.monotonic() - begun
    return Portal(estate, sites, mariadb, took, written_at)


def write_comment(province: PhpSite, mariadb: MariadbServer) -> datetime:
    """Have a visitor write a comment; gives when."""
    at = datetime.now(UTC).replace(microsecond=0)
    local, world = (f"{at + ahead:%Y-%m-%d %H:%M:%S}" for ahead in (timedelta(hours=7), _ZERO))
    columns = "comment_post_ID, comment_author, comment_content, comment_date, comment_date_gmt"
    values = f"1003, 'Lê', 'Góp ý mới nhất', '{local}', '{world}'"
    table = f"{province.database}.wp_comments"
    mariadb.run(f"INSERT INTO {table} ({columns}) VALUES ({values})")  # noqa: S608 -- all our own
    return at


@dataclass(slots=True)
class Watched:
    """A drill watched from outside.

    Attributes:
        verified_at: When the pages were told to be compared, by the stop-watch; None without.
        code: Its exit code.
    """

    verified_at: datetime | None = None
    code: int = -1


def watch_drill(portal: Portal, site: str, *flags: str) -> Watched:
    """Run a drill and note by an outside stop-watch when its site was verified."""
    watched = Watched()
    with subprocess.Popen(
        [*giucong_words(), "drill.run", "--site", site, *flags],
        cwd=ROOT,
        env={**os.environ, "GIUCONG_ESTATE": str(portal.estate), "GIUCONG_LANG": "en"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=sys.stderr,
        text=True,
    ) as process:
        for line in process.stdout or ():
            if _REHEARSED in line and watched.verified_at is None:
                watched.verified_at = datetime.now(UTC)
    watched.code = process.returncode
    return watched


@contextmanager
def tampered(portal: Portal, site: str, change: Any) -> Iterator[None]:
    """Put a newer copy into the repository that was changed on its way, and take it out again.

    Args:
        portal: Whose.
        site: Name.
        change: Called with the folder that holds the site's parts.
    """
    estate = load_estate(portal.estate)
    repository = open_repository(estate, site)
    whole = SnapshotFilter(paths=(f"/{site}",))
    snapshot = find_snapshot(repository, "latest", whole)
    folder = portal.estate.parent / "tampered"
    request = RestoreRequest(target=os.fsencode(folder))
    assert restore_snapshot(repository, snapshot.tree, request).error_count == 0
    change(folder / site)
    mount = Mount(b"/" + site.encode(), FolderSource(os.fsencode(folder / site)))
    made = BackupRequest(
        mounts=[mount], hostname=site, paths=(f"/{site}",), time=datetime.now(UTC), workers=0
    )
    with hold_lock(repository) as lock:
        result = create_snapshot(repository, made, lock=lock)
    _index(portal.estate, site)
    try:
        yield
    finally:
        shutil.rmtree(folder)
        repository.store.delete(f"snapshots/{result.snapshot_id}")
        _index(portal.estate, site)


def _index(path: Path, site: str) -> None:
    estate = load_estate(path)
    with at_bench(estate) as bench:
        update_index(bench.catalog, open_repository(estate, site), site=site, store="near")


@contextmanager
def damaged(packs: Sequence[Path], every: int = 0) -> Iterator[None]:
    """Flip a byte in the middle of packs, or one in `every`, silently; and put it right again."""
    kept = {path: path.read_bytes() for path in packs}
    for path, content in kept.items():
        changed = bytearray(content)
        for at in range(every, len(changed), every) if every else [len(changed) // 2]:
            changed[at] ^= 0xFF
        path.chmod(0o600)
        path.write_bytes(changed)
    try:
        yield
    finally:
        for path, content in kept.items():
            path.write_bytes(content)
