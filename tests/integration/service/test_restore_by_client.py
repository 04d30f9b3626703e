"""A restore into a folder of who types: that person's own process writes it, with its rights."""

import json
import os
import shutil
import signal
import sqlite3
import stat
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.installed_machine import OPERATOR, SERVICE, only_root
from tests.installed_service import InstalledService
from tests.integration.jobs.small_estate import GIUCONG
from tests.integration.service.installed_estate import installed

pytestmark = pytest.mark.slow
SITE = ("--site", "cong-xa")
LARGE = 64 << 20
SOMEBODY = 4_242


@pytest.fixture(scope="module")
def service() -> Iterator[InstalledService]:
    """A service whose site holds all that an engine carries, in one snapshot."""
    with installed() as running:
        fill(running.estate.parent / "www")
        done = running.run("nva", "backup.run", *SITE)
        assert done.returncode == 0, done.stdout + done.stderr
        yield running


def fill(www: Path) -> None:
    """Put into a site what only the engine carries."""
    (www / "mot.bin").write_bytes(b"hai ten, mot tep")
    (www / "hai.bin").hardlink_to(www / "mot.bin")
    with (www / "thua.img").open("wb") as sparse:
        sparse.truncate(64 << 20)
        sparse.seek(32 << 20)
        sparse.write(os.urandom(4_096))
    os.setxattr(www / "index.php", "user.ghi-chu", "của văn thư".encode())
    (www / "lien-ket").symlink_to("../../khong/co")
    os.mkfifo(www / "ong")
    (www / "tep-lon.bin").write_bytes(os.urandom(LARGE))
    for it in ("mot.bin", "thua.img", "tep-lon.bin", "ong"):
        os.chown(www / it, SERVICE, SERVICE)
    os.chown(www / "uploads" / "anh-1.jpg", SOMEBODY, SERVICE)
    (www / "uploads" / "anh-2.jpg").chmod(0o2755)
    os.utime(www / "index.php", ns=(1_600_000_000_123_456_789, 1_600_000_000_123_456_789))


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder of the operator's, which the service may not even enter."""
    with tempfile.TemporaryDirectory(prefix="giucong-typed-") as place:
        os.chown(place, OPERATOR, OPERATOR)
        yield Path(place)


def restore(
    service: InstalledService, folder: Path, *words: str, login: str = "nva"
) -> "subprocess.CompletedProcess[str]":
    return service.run(login, "backup.restore", *SITE, "--target", "ra", *words, folder=folder)


@only_root
@pytest.mark.parametrize("login", ["nva", "root"])
def test_what_the_engine_carries_is_there_as_it_was(
    service: InstalledService, folder: Path, login: str
) -> None:
    if login == "root":
        os.chown(folder, 0, 0)
        service.environment["SUDO_USER"] = "nva"
    done = restore(service, folder, "--verify", login=login)
    service.environment.clear()
    assert done.returncode == (3 if login == "nva" else 0), done.stdout + done.stderr
    www, live = folder / "ra/cong-xa/files/www", service.estate.parent / "www"
    assert (www / "mot.bin").stat().st_ino == (www / "hai.bin").stat().st_ino
    assert (www / "thua.img").stat().st_blocks * 512 < 1 << 20
    assert os.getxattr(www / "index.php", "user.ghi-chu").decode() == "của văn thư"
    assert (www / "lien-ket").readlink() == Path("../../khong/co")
    assert stat.S_ISFIFO((www / "ong").lstat().st_mode)
    assert (www / "index.php").stat().st_mtime_ns == 1_600_000_000_123_456_789
    for it in live.rglob("*"):
        if it.is_file() and "data" not in it.parts and "cache" not in it.parts:
            assert (www / it.relative_to(live)).read_bytes() == it.read_bytes()
    with closing(sqlite3.connect(folder / "ra/cong-xa/databases/db.sqlite")) as database:
        assert database.execute("SELECT count(*) FROM uploads").fetchone() == (20,)
    if login == "nva":  # everything is the operator's; root, who takes no list of theirs, gives it
        assert {it.lstat().st_uid for it in (folder / "ra").rglob("*")} == {OPERATOR}
        assert "only root gives files away" in done.stdout
        assert not (folder / "ra/cong-xa.owners").exists()
        for it in [www, *www.rglob("*")]:
            was = (live / it.relative_to(www)).lstat()
            os.chown(it, was.st_uid, was.st_gid, follow_symlinks=False)
            if not it.is_symlink():
                it.chmod(stat.S_IMODE(was.st_mode))
    given = (www / "uploads/anh-1.jpg").stat()
    assert (given.st_uid, given.st_gid) == (SOMEBODY, SERVICE)
    assert (www / "uploads/anh-2.jpg").stat().st_mode & 0o7777 == 0o2755
    last = journal(service)[0]
    assert last["details"]["target"] == str(folder / "ra")
    assert last["details"]["put_back"] == [str(folder / "ra")]
    assert last["details"]["outcome"] == ("incomplete" if login == "nva" else "ok")
    if login == "nva":  # what root has given away is no damage, and each is named once
        again = restore(service, folder)
        assert again.returncode == 1, again.stdout + again.stderr
        assert "belongs to somebody else now" in again.stderr, again.stdout
        assert "--read-data" not in again.stderr
        lines = [it for it in again.stdout.splitlines() if "not restored: " in it]
        assert lines, again.stdout
        assert len(set(lines)) == len(lines)
        assert "not restored: " not in again.stderr


@only_root
def test_it_goes_on_rehearses_spares_and_removes(service: InstalledService, folder: Path) -> None:
    www = folder / "ra/cong-xa/files/www"
    rehearsed = restore(service, folder, "--dry-run")
    assert (rehearsed.returncode, (folder / "ra").exists()) == (0, False), rehearsed.stderr
    assert "would restore" in rehearsed.stdout
    restore(service, folder)
    (www / "tep-lon.bin").unlink()
    (www / "index.php").write_text("sửa tay")
    (www / "la.txt").write_text("không có trong bản sao lưu")
    spared = restore(service, folder, "--overwrite", "never")
    assert "restored 8 entries, 64.0 MiB" in spared.stdout, spared.stdout
    assert (www / "index.php").read_text() == "sửa tay"
    asks = restore(service, folder, "--delete")
    assert (asks.returncode, (www / "la.txt").exists()) == (2, True)
    assert "would remove 1 entry" in asks.stdout, asks.stdout
    assert "/cong-xa/files/www/la.txt" in asks.stdout
    removed = restore(service, folder, "--delete", "--confirm", "cong-xa", "--verify")
    assert removed.returncode == 3, removed.stderr
    assert "removed 1 entry" in removed.stdout
    assert not (www / "la.txt").exists()
    assert (www / "index.php").read_text() != "sửa tay"
    only = restore(service, folder, "--include", "/cong-xa/khong-co")
    assert (only.returncode, "nothing in the snapshot matches" in only.stderr) == (1, True)
    wrong = restore(service, folder, "--overwrite", "maybe")
    assert wrong.returncode == 2
    in_place = service.run("nva", "backup.restore", *SITE, "--in-place", "--delete")
    assert in_place.returncode == 2


@only_root
def test_a_database_of_a_later_moment_comes_along(service: InstalledService, folder: Path) -> None:
    later = service.run("nva", "backup.run", *SITE, "--database", "db")
    assert later.returncode == 0, later.stderr
    done = restore(service, folder, "--include", "/cong-xa/databases", "--include", "manifest.json")
    assert done.returncode == 0, done.stdout + done.stderr
    manifest = json.loads((folder / "ra/cong-xa/manifest.json").read_text())
    assert [it["name"] for it in manifest["databases"]] == ["db"]
    assert (folder / "ra/cong-xa/databases/db.sqlite").is_file()
    assert list(journal(service)[0]["details"]["databases_of"]) == ["db"]


@only_root
def test_it_is_refused_where_restored_files_would_mix(
    service: InstalledService, folder: Path
) -> None:
    before = len(journal(service))
    (folder / "ra").symlink_to(service.estate.parent / "var/state")
    into_state = restore(service, folder)
    assert "which the service keeps" in into_state.stderr, into_state.stderr
    assert into_state.returncode == 2
    (folder / "ra").unlink()
    (folder / "ra").mkdir(0o777)
    (folder / "ra").chmod(0o777)
    shared = restore(service, folder)
    assert (shared.returncode, "is not taken" in shared.stderr) == (1, True), shared.stderr
    assert len(journal(service)) == before


@only_root
@pytest.mark.parametrize("ends", ["ctrl-c", "killed client"])
def test_what_is_cut_off_goes_on_at_the_next_try(
    service: InstalledService, folder: Path, ends: str
) -> None:
    typing = begin(service, folder)
    with held(service) as acts:
        if ends == "ctrl-c":
            for it in (psutil.Process(typing.pid), *psutil.Process(typing.pid).children()):
                it.send_signal(signal.SIGINT)
            time.sleep(0.3)
        else:
            typing.kill()
    _told, errors = typing.communicate(timeout=60)
    wait_for(lambda: not any(it.is_running() for it in acts))
    assert (folder / "ra").stat().st_uid == OPERATOR
    assert typing.returncode == (130 if ends == "ctrl-c" else -signal.SIGKILL), errors
    last = journal(service)[0]["details"]
    assert (last["outcome"], last["half_written"]) == ("failed", str(folder / "ra"))
    assert not writing_for(folder)
    shutil.rmtree(folder / "ra/cong-xa/databases", ignore_errors=True)
    again = restore(service, folder, "--verify")
    assert again.returncode == 3, again.stdout + again.stderr
    live = service.estate.parent / "www/tep-lon.bin"
    assert (folder / "ra/cong-xa/files/www/tep-lon.bin").read_bytes() == live.read_bytes()
    assert not list((folder / "ra").rglob(".*"))


@only_root
def test_rows_that_were_taken_out_are_wiped_by_whose_they_are(
    service: InstalledService, folder: Path
) -> None:
    for name in ("rows.csv", "rows.sql"):
        (folder / name).write_text("tên, điện thoại")
        os.chown(folder / name, OPERATOR, OPERATOR)
    (folder / "khac.txt").write_text("của người khác")
    folder.chmod(0o700)
    done = service.run("nva", "drill.wipe", "--target", str(folder))
    assert done.returncode == 0, done.stdout + done.stderr
    assert [it.name for it in folder.iterdir()] == ["khac.txt"]
    again = service.run("nva", "drill.wipe", "--target", str(folder))
    assert (again.returncode, "it is not there" in again.stderr) == (2, True)


@only_root
def test_a_service_that_is_killed_leaves_nobody_writing(
    service: InstalledService, folder: Path
) -> None:
    typing = begin(service, folder)
    with held(service) as acts:
        service.stop(signal.SIGKILL)
        for it in acts:
            with suppress(psutil.NoSuchProcess):  # some end by themselves
                it.kill()
    _told, errors = typing.communicate(timeout=60)
    assert (typing.returncode, b"broke off" in errors) == (1, True), errors
    assert not writing_for(folder)


def journal(service: InstalledService) -> list[dict[str, dict[str, Any]]]:
    """Give the rows about restores, the newest first."""
    path = service.estate.parent / "var/state/giucong.db"
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
        rows = database.execute(
            "SELECT details FROM journal WHERE action = 'backup.restore' ORDER BY sequence DESC"
        )
        return [{"details": json.loads(it)} for (it,) in rows]


def begin(service: InstalledService, folder: Path) -> "subprocess.Popen[bytes]":
    """Have the operator begin a restore, until something is written."""
    words = ["env", "-C", str(folder), str(GIUCONG), "backup.restore", *SITE, "--target", "ra"]
    typing = subprocess.Popen(
        service.words_as("nva", *words), env=service.environment_of("nva"),
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    wait_for((folder / "ra/cong-xa/files/www").exists, every=0.002)
    assert typing.poll() is None
    return typing


@contextmanager
def held(service: InstalledService) -> Iterator[list[psutil.Process]]:
    """Let what runs for people stand still meanwhile, with all that it has started."""
    office = next(it for it in psutil.process_iter(["cmdline", "uids"])
                  if "ops.service.office_process" in (it.info["cmdline"] or ())
                  and it.ppid() == service.number)  # fmt: skip
    _office, *acts = sorted(office.children(), key=lambda it: it.create_time())
    acts += [below for it in acts for below in it.children(recursive=True)]
    assert acts
    for it in acts:
        it.suspend()
    try:
        yield acts
    finally:
        for it in acts:
            if it.is_running():
                it.resume()


def writing_for(folder: Path) -> list[psutil.Process]:
    """Give the operator's processes that still hold something in a folder."""
    found = []
    for it in psutil.process_iter(["uids"]):
        if it.info["uids"] and it.info["uids"].real == OPERATOR:
            try:
                names = [str(fd.readlink()) for fd in Path(f"/proc/{it.pid}/fd").iterdir()]
            except OSError:
                continue
            found += [it] if any(str(folder) in name for name in names) else []
    return found


def wait_for(is_so: Callable[[], bool], every: float = 0.05) -> None:
    until = time.monotonic() + 60
    while not is_so():
        assert time.monotonic() < until
        time.sleep(every)
