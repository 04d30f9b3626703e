"""A backup whose key somebody else holds cannot have `service.recover` write where nobody said."""

import json
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from backup.archiver.request import Mount
from backup.repository.repository import Repository
from backup.sources.source import FolderSource
from backup.stores import open_store
from ops.catalog.open import open_catalog
from tests.backing_up import back_up_mounts
from tests.installed_machine import SERVICE, by_operator, only_root, run_installed
from tests.integration.jobs.small_estate import ESTATE, build_estate, giucong, giucong_words
from tests.people import appoint

pytestmark = pytest.mark.slow

PASSWORD = "mine"  # noqa: S105 -- of a repository of the test
PLANTED = b"planted\n"


@pytest.fixture
def folder() -> Iterator[Path]:
    made = Path(tempfile.mkdtemp(prefix="giucong-recovery-"))
    made.chmod(0o755)
    yield made
    shutil.rmtree(made)


class Forgery:
    """A repository that its owner has made to look like a backup of the service."""

    def __init__(self, folder: Path, home: Path) -> None:
        self.content = folder / "forged"
        self.store = folder / "store"
        self.key = folder / "key"
        self.told: dict[str, Any] = {
            "estate_folder": str(home), "estate_file": "estate.toml", "store": "near",
            "user": "nobody", "key_file": "", "places": [],
        }  # fmt: skip
        self.key.write_text(PASSWORD)
        self.content.mkdir()

    def put(self, at: str, to: str, content: bytes = PLANTED) -> None:
        path = self.content / os.path.normpath(at).replace("..", "up")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        self.told["places"].append({"at": at, "to": to})

    def save(self) -> tuple[str, ...]:
        """Save it; gives the words that recover from it."""
        manifest = {"recovery": self.told, "made_by": {"run": "r-1"}}
        (self.content / "manifest.json").write_text(json.dumps(manifest))
        repository = Repository.init(open_store(str(self.store / "giucong")), PASSWORD.encode())
        mounts = [Mount(b"/giucong", FolderSource(os.fsencode(self.content)))]
        back_up_mounts(repository, mounts, hostname="giucong", paths=("/giucong",))
        for path in [self.store, *self.store.rglob("*")]:
            path.chmod(0o777)
        return ("service.recover", "--repo", str(self.store), "--password-file", str(self.key),
                "--confirm", "giucong")  # fmt: skip


def leads_away(forgery: Forgery, outside: Path) -> str:
    forgery.put("files/x", str(outside / "keys/planted"))
    return "nobody has named"


def leads_away_by_dots(forgery: Forgery, outside: Path) -> str:
    forgery.put("files/x", f"../{outside.name}/keys/planted")
    return "leads out of its folders"


def leads_away_by_a_link(forgery: Forgery, outside: Path) -> str:
    home = Path(forgery.told["estate_folder"])
    home.mkdir()
    (home / "linked").symlink_to(outside / "keys")
    forgery.put("files/x", "linked/planted")
    return "nobody has named"


def lives_elsewhere(forgery: Forgery, outside: Path) -> str:
    forgery.told["estate_folder"] = str(outside / "keys")
    forgery.put("files/x", "planted")
    return "nobody has named"


def takes_from_elsewhere(forgery: Forgery, outside: Path) -> str:
    forgery.told["places"].append({"at": f"../../../{outside}/secret", "to": "taken"})
    return "leads out of its folders"


def takes_from_a_root(forgery: Forgery, outside: Path) -> str:
    forgery.told["places"].append({"at": str(outside / "secret"), "to": "taken"})
    return "leads out of its folders"


def takes_through_a_link(forgery: Forgery, outside: Path) -> str:
    forgery.put("files/x", "taken")
    (forgery.content / "files/x").unlink()
    (forgery.content / "files/x").symlink_to(outside / "secret")
    return "leads out of its folders"


def has_a_manifest_elsewhere(forgery: Forgery, outside: Path) -> str:
    forgery.put("files/x", "planted")
    forgery.told["estate_file"] = f"../{outside.name}/estate.toml"
    return "leads out of its folders"


@pytest.mark.parametrize(
    "way",
    [leads_away, leads_away_by_dots, leads_away_by_a_link, lives_elsewhere, takes_from_elsewhere,
     takes_from_a_root, takes_through_a_link, has_a_manifest_elsewhere],
)  # fmt: skip
def test_what_leads_out_of_the_folders_is_told_and_not_followed(
    folder: Path, way: Callable[[Forgery, Path], str]
) -> None:
    outside, home = folder / "outside", folder / "home"
    (outside / "keys").mkdir(parents=True)
    (outside / "secret").write_text("of somebody else")
    forgery = Forgery(folder, home)
    told = way(forgery, outside)
    before = sorted(folder.rglob("*"))
    ended = giucong(home / "estate.toml", *forgery.save())
    made = set(folder.rglob("*")) - set(before)

    assert ended.returncode in {1, 2}
    assert told in ended.stderr
    assert "nothing was changed" in ended.stderr
    assert not any(it.is_relative_to(home) or it.is_relative_to(outside) for it in made)


def test_a_folder_is_named_by_a_flag(folder: Path) -> None:
    forgery = Forgery(folder, folder / "home")
    forgery.put("files/x", str(folder / "other/x"))
    words = forgery.save()
    rehearsed = giucong(folder / "home/estate.toml", *words, "--dry-run")
    giucong(folder / "home/estate.toml", *words, "--also", str(folder / "other"))

    assert f"{folder}/other/x  (outside of the folders named)" in rehearsed.stdout
    assert (folder / "other/x").read_bytes() == PLANTED


def test_without_a_word_it_is_the_installed_services_folders(folder: Path) -> None:
    forgery = Forgery(folder, folder / "home")
    forgery.put("files/x", "x")
    ended = giucong(folder / "home/estate.toml", *forgery.save(), GIUCONG_ESTATE="")

    assert ended.returncode == 2
    assert str(folder / "home/estate.toml") in ended.stderr
    assert "/etc/giucong, /var/lib/giucong, /var/cache/giucong" in ended.stderr


@only_root
def test_nothing_is_given_away_that_the_estate_calls_its_own(folder: Path) -> None:
    (folder / "victim").mkdir()
    (folder / "victim/secret").write_text("of root")
    forgery = Forgery(folder, folder / "home")
    estate = ESTATE.replace('state = "state"', f'state = "{folder}/victim"')
    forgery.put("files/estate/estate.toml", "estate.toml", estate.encode())
    ended = giucong(folder / "home/estate.toml", *forgery.save())

    assert ended.returncode == 3, ended.stderr
    assert f"The estate works in {folder}/victim" in ended.stdout
    assert [it.name for it in (folder / "victim").iterdir()] == ["secret"]
    assert (folder / "victim/secret").stat().st_uid == 0


def test_the_living_catalog_is_asked_whatever_the_snapshot_calls_it(folder: Path) -> None:
    path = build_estate(folder / "home")
    catalog = open_catalog(f"sqlite:///{path.parent}/state/giucong.db")
    appoint(catalog, "nva", "backup_admin", now=datetime.now(UTC))
    catalog.close()
    forgery = Forgery(folder, path.parent)
    forgery.put("files/x", "state/giucong.db")
    ended = giucong(path, *forgery.save(), LOGNAME="nobodyx", SUDO_USER="nobodyx")

    assert ended.returncode == 1
    assert "you may not recover over the service that is there" in ended.stderr
    with closing(sqlite3.connect(path.parent / "state/giucong.db")) as database:
        assert database.execute("SELECT count(*) FROM role_grants").fetchone() == (1,)


@only_root
@pytest.mark.parametrize("target", ["", "/etc/giucong/state"])
def test_who_acts_by_sudo_recovers_nothing(folder: Path, target: str) -> None:
    path = build_estate(folder / "home")
    open_catalog(f"sqlite:///{path.parent}/state/giucong.db").close()
    (path.parent / "keys").mkdir()
    for place in [path.parent, *path.parent.rglob("*")]:
        os.chown(place, SERVICE, SERVICE)
    before = describe(path.parent)
    forgery = Forgery(folder, folder / "mine")
    forgery.put("files/x", "/etc/giucong/state/giucong.db")
    forgery.put("files/y", "/etc/giucong/keys/planted")
    words = [*forgery.save(), *(["--target", target] if target else [])]
    ended = run_installed(path.parent, *by_operator(words))

    assert ended.returncode == 1
    assert "a recovery is not typed with the rights of another user" in ended.stderr
    assert describe(path.parent) == before


def describe(folder: Path) -> dict[str, bytes]:
    return {str(it): it.read_bytes() for it in folder.rglob("*") if it.is_file()}


@only_root
def test_what_lies_with_root_stays_with_root(folder: Path) -> None:
    path = build_estate(folder / "home")
    os.chown(path, 0, SERVICE)
    for place in [path.parent / "keys", path.parent / "state"]:
        place.mkdir(exist_ok=True)
        os.chown(place, SERVICE, SERVICE)
    forgery = Forgery(folder, Path("/etc/giucong"))
    forgery.told["user"] = "giucong"
    forgery.put("files/x", "known_hosts")
    forgery.put("files/y", "sites.d/a.toml")

    ended = run_installed(path.parent, *giucong_words(), *forgery.save())

    for name, mode in (("known_hosts", 0o640), ("sites.d", 0o750), ("sites.d/a.toml", 0o640)):
        found = (path.parent / name).stat()
        assert (found.st_uid, found.st_gid) == (0, SERVICE), ended.stdout + ended.stderr
        assert found.st_mode & 0o777 == mode


@only_root
def test_root_and_the_services_own_user_may(folder: Path) -> None:
    path = build_estate(folder / "home")
    for place in [path.parent, *path.parent.rglob("*")]:
        os.chown(place, SERVICE, SERVICE)
    forgery = Forgery(folder, Path("/etc/giucong"))
    forgery.told["user"] = "giucong"
    forgery.put("files/x", "known_hosts")
    words = forgery.save()
    itself = ("setpriv", f"--reuid={SERVICE}", f"--regid={SERVICE}", "--clear-groups")

    for before in ((), itself):
        ended = run_installed(path.parent, *before, *giucong_words(), *words)

        assert (path.parent / "known_hosts").is_file(), ended.stdout + ended.stderr
        assert (path.parent / "known_hosts").stat().st_uid == SERVICE
        (path.parent / "known_hosts").unlink()
