"""Who owns a site swaps folders for links while root puts it back: root writes nowhere else."""

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import pytest

from backup.errors import DamagedError
from backup.snapshots.walk import TreeReader
from backup.stores.memory import MemoryStore
from ops.backups.restore.sqlite_in_place import put_database_back
from ops.backups.restore.to_host import DeliveryFailedError, deliver, require_place
from ops.entering import LINK_NEXT, LINK_WHY, StrangeLinkError
from ops.errors import OpsError
from provisioning.local_host import LocalHost
from tests.backing_up import back_up, make_repository
from tests.installed_machine import only_root, words_for_python_of_all
from tests.integration.jobs.test_in_place_over_own_ssh import (
    RESTORE,
    Machine,
    machine,
    start_server,
)
from tests.trees import describe_tree, differences

__all__ = ["machine"]

pytestmark = pytest.mark.slow

WWW = 33
EVIL = "root:hỏng:1::::::\n"


@pytest.fixture
def folder() -> Iterator[Path]:
    """Give a folder that every user may enter."""
    path = Path(tempfile.mkdtemp(prefix="giucong-links-", dir="/var/tmp"))
    path.chmod(0o755)
    (path / "etc").mkdir()
    (path / "etc" / "shadow").write_text("root:!:1::::::\n")
    (path / "etc" / "shadow").chmod(0o640)
    yield path
    shutil.rmtree(path)


def give(top: Path, user: int = WWW) -> None:
    """Give a folder and all in it to a user."""
    for above, folders, files in os.walk(top):
        for name in (".", *folders, *files):
            os.chown(Path(above) / name, user, user, follow_symlinks=False)


def by_site(script: str, *words: object) -> list[str]:
    """Give the words by which the site's user runs some Python."""
    identity = (f"--reuid={WWW}", f"--regid={WWW}", "--clear-groups")
    python = [*words_for_python_of_all(), "setpriv", *identity, sys.executable]
    return [*python, "-I", "-c", script, *map(str, words)]


@contextmanager
def waiting(script: str, *words: object) -> Iterator[None]:
    """Have a process of the site's user wait for its moment; it says when it is there."""
    with subprocess.Popen(
        by_site(script, *words), stdout=subprocess.PIPE, cwd="/", start_new_session=True
    ) as process:
        assert process.stdout
        assert process.stdout.readline() == b"there\n"
        try:
            yield
        finally:
            os.killpg(process.pid, signal.SIGKILL)


def assert_untouched(folder: Path) -> None:
    etc = folder / "etc"
    assert sorted(it.name for it in etc.iterdir()) == ["shadow"]
    assert (etc / "shadow").read_text() == "root:!:1::::::\n"
    for path, mode in ((etc, 0o755), (etc / "shadow", 0o640)):
        status = path.stat()
        assert (status.st_uid, status.st_mode & 0o7777) == (0, mode), path


# Stands in the folder above what it swaps, as it was before the restore, and swaps as soon as the
# first file there was written (or with no name: it itself): $2 its name, $3 the file, $4 whereto.
SWAP_WHILE_WRITTEN = """
import os, sys, time
above, name, first, there = sys.argv[1:]
os.chdir(above)
def look():
    try:
        return os.lstat(f"{name}/{first}").st_ctime_ns
    except OSError:
        return 0
before = look()
print("there", flush=True)
deadline = time.monotonic() + 60
while time.monotonic() < deadline:
    try:
        if look() not in (0, before):
            os.rename(name, name + ".was")
            os.symlink(there, name)
            break
    except OSError:
        pass
time.sleep(60)
"""

SWAP = """
import os, sys
os.rename(sys.argv[1], sys.argv[1] + ".was")
os.symlink(sys.argv[2], sys.argv[1])
"""


@only_root
@pytest.mark.parametrize("is_gone", [True, False])
def test_a_folder_swapped_while_root_writes_leads_nowhere(folder: Path, *, is_gone: bool) -> None:
    site = folder / "site"
    (site / "up" / "z").mkdir(parents=True)
    (site / "up").chmod(0o2777)
    (site / "up" / "z" / "first").write_text("một")
    with (site / "up" / "z" / "long").open("wb") as file:
        file.truncate(100_000_000)  # time enough for whoever waits
    (site / "up" / "z" / "shadow").write_text(EVIL)
    give(site)
    repository = make_repository()
    tree = back_up(repository, site).tree_id
    reader = TreeReader(repository, repository.load_index())
    if is_gone:
        shutil.rmtree(site / "up" / "z")  # tar makes it anew

    words = (site / "up", "z", "" if is_gone else "first", folder / "etc")
    with waiting(SWAP_WHILE_WRITTEN, *words), suppress(DeliveryFailedError):
        deliver(reader, tree, b"/site", LocalHost(), os.fsencode(site))

    assert_untouched(folder)
    (there,) = (site / "up").glob("z.was")  # when all was written, and the folder was his again
    assert (there / "shadow").read_text() == EVIL
    assert (site / "up").stat().st_mode & 0o7777 == 0o2777


@only_root
def test_of_a_damaged_snapshot_folders_are_given_back_and_another_try_is_whole(
    folder: Path,
) -> None:
    site = folder / "site"
    for name in ("a", "m", "z"):
        (site / name / "in").mkdir(parents=True)
        (site / name / "tệp").write_bytes(os.urandom(50_000_000) if name == "m" else b"")
    (site / "z").chmod(0o2770)
    give(site)
    store = MemoryStore()
    repository = make_repository(store)
    tree = back_up(repository, site).tree_id
    reader, top = TreeReader(repository, repository.load_index()), os.fsencode(site)
    before = describe_tree(site, with_root=True)
    *_first, (name, pack) = [it for it in store.objects().items() if len(it[1]) > 1_000_000]
    store.replace(name, b"\0" * len(pack))

    with pytest.raises(DamagedError):
        deliver(reader, tree, b"/site", LocalHost(), top)
    assert ((site / "z").stat().st_uid, (site / "z").stat().st_mode & 0o7777) == (WWW, 0o2770)
    for it in ("z", "z/in"):  # as a line that was cut leaves them
        os.chown(site / it, 0, -1)
        (site / it).chmod(0o2750)
    store.replace(name, pack)
    deliver(reader, tree, b"/site", LocalHost(), top)

    assert differences(before, describe_tree(site, with_root=True)) == []


def make_home(folder: Path) -> Path:
    """Give a site whose owner has the folder above it too; its top has a secret's name in it."""
    site = folder / "home" / "www"
    (site / "data").mkdir(parents=True)
    (site / "shadow").write_text(EVIL)
    give(folder / "home")
    return site


@only_root
def test_a_top_that_is_a_link_of_its_owner_is_refused(folder: Path) -> None:
    site = make_home(folder)
    repository = make_repository()
    tree = back_up(repository, site).tree_id
    reader = TreeReader(repository, repository.load_index())
    subprocess.run(by_site(SWAP, site, folder / "etc"), check=True, cwd="/")
    host, top = LocalHost(), os.fsencode(site)

    with pytest.raises(DeliveryFailedError) as before:
        require_place(reader, tree, b"/site", host, top)
    with pytest.raises(DeliveryFailedError) as late:  # put there after everybody was asked
        deliver(reader, tree, b"/site", host, top)

    assert_untouched(folder)
    assert (before.value.why, before.value.next_step) == (LINK_WHY, LINK_NEXT)
    assert before.value.params["missing"] == str(site)
    assert before.value.data == "nothing was changed"
    assert f"link {site}" in str(late.value.params["reason"])


@only_root
@pytest.mark.parametrize("is_relative", [True, False])
def test_a_link_that_root_made_is_followed(folder: Path, *, is_relative: bool) -> None:
    site = make_home(folder)
    (folder / "var").mkdir()
    there = Path("../home/./www") if is_relative else site
    (folder / "var" / "www").symlink_to(there)
    (site / "uploads").mkdir()
    (folder / "else").mkdir()
    give(site)
    repository = make_repository()
    tree = back_up(repository, site).tree_id
    reader = TreeReader(repository, repository.load_index())
    before = describe_tree(site, with_root=True)
    (site / "shadow").write_text("hỏng")
    (site / "data").rmdir()
    (site / "uploads").rmdir()
    (site / "uploads").symlink_to(folder / "else")
    top = os.fsencode(folder / "var" / "www")

    require_place(reader, tree, b"/site", LocalHost(), top)
    deliver(reader, tree, b"/site", LocalHost(), top)

    assert differences(before, describe_tree(site, with_root=True)) == []
    assert (folder / "var" / "www").is_symlink()
    assert (folder / "else").stat().st_uid == 0
    assert list((folder / "else").iterdir()) == []


def make_live(folder: Path) -> tuple[Path, Path]:
    """Give a copy of a database, and the live one in a folder of the site's user."""
    copy, live = folder / "copy.sqlite", folder / "data" / "live.db"
    live.parent.mkdir()
    for place, word in ((copy, EVIL), (live, "sống")):
        with closing(sqlite3.connect(place)) as database:
            database.execute("CREATE TABLE x (t TEXT)")
            database.execute("INSERT INTO x VALUES (?)", (word,))
            database.commit()
    copy.chmod(0o600)
    give(live.parent)
    return copy, live


def read_rows(path: Path) -> list[tuple[str]]:
    with closing(sqlite3.connect(path)) as database:
        return database.execute("SELECT t FROM x").fetchall()


@only_root
@pytest.mark.parametrize("target", ["shadow", "new"])
def test_a_database_that_is_a_link_is_written_through_by_nobody(folder: Path, target: str) -> None:
    copy, live = make_live(folder)
    subprocess.run(by_site(SWAP, live, folder / "etc" / target), check=True, cwd="/")

    with pytest.raises(StrangeLinkError) as refused:
        put_database_back(copy, live)

    assert_untouched(folder)
    assert refused.value.params["missing"] == live
    assert read_rows(live.with_name("live.db.was")) == [("sống",)]


SWAP_FOR_EVER = """
import os, sys
live, there = sys.argv[1:]
os.link(live, live + ".file")
print("there", flush=True)
while True:
    os.symlink(there, live + ".next")
    os.rename(live + ".next", live)
    os.link(live + ".file", live + ".next")
    os.rename(live + ".next", live)
"""


@only_root
def test_a_database_swapped_again_and_again_gives_its_owners_rights_only(folder: Path) -> None:
    copy, live = make_live(folder)
    (folder / "etc" / "shadow").unlink()
    with closing(sqlite3.connect(folder / "etc" / "shadow")) as database:
        database.execute("CREATE TABLE x (t TEXT)")
    (folder / "etc" / "shadow").chmod(0o640)
    before = (folder / "etc" / "shadow").read_bytes()

    with waiting(SWAP_FOR_EVER, live, folder / "etc" / "shadow"):
        for _turn in range(60):
            with suppress(OpsError):
                put_database_back(copy, live)

    assert (folder / "etc" / "shadow").read_bytes() == before
    assert [it.name for it in (folder / "etc").iterdir()] == ["shadow"]
    assert os.geteuid() == 0


@only_root
def test_a_database_of_others_goes_back_with_their_rights(folder: Path) -> None:
    copy, live = make_live(folder)
    (folder / "var").mkdir()
    (folder / "var" / "data").symlink_to("../data")

    assert put_database_back(copy, folder / "var" / "data" / "live.db") is None
    assert read_rows(live) == [(EVIL,)]
    live.write_text("hỏng")
    kept = put_database_back(copy, live)
    assert kept is not None
    assert kept.read_text() == "hỏng"
    assert read_rows(live) == [(EVIL,)]
    assert live.stat().st_uid == kept.stat().st_uid == WWW
    live.unlink()
    live.mkdir()
    with pytest.raises(OpsError, match="could not be put back"):
        put_database_back(copy, live)


@only_root
def test_over_the_own_server_no_link_of_the_sites_user_is_written_through(
    machine: Machine, folder: Path
) -> None:
    home = machine.estate.parent / "home"
    www = home / "www"
    home.mkdir()
    shutil.move(machine.www, www)
    text = machine.estate.read_text(encoding="utf-8")
    text = text.replace('"www"', f'"{www}"', 2).replace('"www/data', f'"{www}/data')
    machine.estate.write_text(text.replace(f'name = "{www}"', 'name = "www"'), encoding="utf-8")
    give(home)
    for words in (("backup.init",), ("backup.run", "--site", "cong-xa")):
        done = machine.type(*words)
        assert done.returncode == 0, done.stdout + done.stderr
    login = ("--login", "root", "--identity", str(start_server(machine)), "--confirm", "cong-xa")

    for place, target in ((www / "data" / "live.db", "shadow"), (www, "")):
        subprocess.run(by_site(SWAP, place, folder / "etc" / target), check=True, cwd="/")
        refused = machine.type(*RESTORE, *login)
        assert refused.returncode == 1, refused.stdout + refused.stderr
        assert f"{place} is a link, and others than root could have put it" in refused.stderr
        assert "nothing was changed" in refused.stderr
        assert_untouched(folder)
        place.unlink()
        place.with_name(f"{place.name}.was").rename(place)

    (www / "index.php").write_text("<?php // hỏng")
    done = machine.type(*RESTORE, *login)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (www / "index.php").read_text() == "<?php // trang chủ"
    assert (www / "data").stat().st_uid == home.stat().st_uid == WWW
