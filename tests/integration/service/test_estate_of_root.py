"""Root's estate and the service: who has something changed proposes it, root takes it."""

import os
import re
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from ops.estate.load.read import CHANGEABLE
from tests.installed_machine import OPERATOR, SERVICE, only_root
from tests.installed_service import InstalledService, give_to, installed_service
from tests.integration.service.installed_estate import install

pytestmark = pytest.mark.slow
HEARTBEAT = '[notices]\nheartbeat_url = "file:keys/heartbeat"\n'
TABLE = "name,title,unit,path\n{name},Xã Mới,xa,/srv/xa-moi\n"
PART = """
[[people]]
name = "nva"
phone = "0900 000 001"
[[people]]
name = "lvc"
title = "Lê Văn C"
mail = "lvc@example.vn"
[[notices.routes]]
people = ["lvc"]
"""


def install_for_root(folder: Path) -> Path:
    """Build an estate as the how-to has it: root:giucong, 0750 and 0640, with a folder of sites."""
    estate = install(folder, HEARTBEAT)
    path = estate / "estate.toml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("schema = 1", 'schema = 1\ninclude = ["sites.d/*.toml"]', 1))
    os.chown(path, 0, SERVICE)
    path.chmod(0o640)
    os.chown(estate, 0, SERVICE)
    estate.chmod(0o750)
    return estate


@pytest.fixture(scope="module")
def service() -> Iterator[InstalledService]:
    with tempfile.TemporaryDirectory(prefix="giucong-root-") as place:
        folder = Path(place)
        folder.chmod(0o755)
        with installed_service(install_for_root(folder), folder / "log") as running:
            yield running


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="giucong-typed-") as place:
        os.chown(place, OPERATOR, OPERATOR)
        yield Path(place)


def propose(service: InstalledService, folder: Path, name: str) -> str:
    """Have nva import a table; gives the proposal's id."""
    (folder / "sites.csv").write_text(TABLE.format(name=name))
    done = service.run("nva", "estate.import", "--csv", str(folder / "sites.csv"))
    assert done.returncode == 3, done.stderr + done.stdout
    assert f'+name = "{name}"' in done.stdout
    found = re.search(r"giucong estate\.take --id ([0-9a-f]{20})", done.stdout)
    assert found, done.stdout
    return found[1]


def take(
    service: InstalledService, name: str, *more: str, login: str = "nva"
) -> "subprocess.CompletedProcess[str]":
    """Have root, behind whom somebody sits, take a proposal."""
    number = OPERATOR if login == "nva" else 1062
    service.environment = {"SUDO_USER": login, "SUDO_UID": str(number)} if login else {}
    try:
        return service.run("root", "estate.take", "--id", name, *more)
    finally:
        service.environment = {}


def state_of(service: InstalledService) -> Path:
    return service.estate.parent / "var" / "state"


@only_root
def test_an_import_is_proposed_and_root_takes_it(service: InstalledService, folder: Path) -> None:
    target = service.estate / "sites.d" / "imported.toml"
    name = propose(service, folder, "xa-moi")
    assert not target.exists()
    assert "xa-moi" in take(service, name, "--dry-run").stdout
    assert not target.exists()
    taken = take(service, name, "--confirm", "imported.toml")
    assert taken.returncode == 0, taken.stderr
    assert '+name = "xa-moi"' in taken.stdout
    for place, mode in ((target, 0o640), (target.parent, 0o750)):
        found = place.stat()
        assert (found.st_uid, found.st_gid) == (0, SERVICE)
        assert stat.S_IMODE(found.st_mode) == mode
    assert "xa-moi" in service.run("nva", "estate.show").stdout
    again = take(service, name, "--confirm", "imported.toml")
    assert again.returncode == 2
    assert "there is no proposal" in again.stderr
    for it in (state_of(service), *state_of(service).rglob("*")):
        assert it.lstat().st_uid != 0, it


@only_root
def test_nobody_but_root_takes_and_roles_decide_who_is_behind(
    service: InstalledService, folder: Path
) -> None:
    name = propose(service, folder, "xa-hai")
    for login in ("nva", "giucong", "khach"):
        refused = service.run(login, "estate.take", "--id", name, "--confirm", "imported.toml")
        assert refused.returncode == 1, login
        assert "only root takes" in refused.stderr
    for behind in ("ttb", ""):
        refused = take(service, name, "--confirm", "imported.toml", login=behind)
        assert refused.returncode == 1
        assert "you may not run `estate.take`" in refused.stderr
    refused = service.run("ttb", "estate.import", "--csv", "/etc/passwd")
    assert "you may not run" in refused.stderr


@only_root
@pytest.mark.parametrize("trick", ["link", "own-link", "changed", "folder"])
def test_the_service_changes_nothing_of_what_root_takes(
    service: InstalledService, folder: Path, trick: str
) -> None:
    name = propose(service, folder, f"xa-{trick}")
    proposals = state_of(service) / "proposals"
    path = proposals / f"{name}.json"
    content = path.read_bytes()
    path.unlink()
    aside = folder / "aside"
    aside.write_bytes(content)
    if trick == "changed":
        path.write_bytes(content.replace(b'"nva"', b'"ttb"'))
        os.chown(path, SERVICE, SERVICE)
    elif trick == "folder":
        proposals.rename(folder / "moved")
        (folder / "moved" / path.name).write_bytes(content)
        proposals.symlink_to(folder / "moved")
        os.chown(proposals, SERVICE, SERVICE, follow_symlinks=False)
    else:
        path.symlink_to("/etc/shadow" if trick == "link" else aside)
        os.chown(path, SERVICE, SERVICE, follow_symlinks=False)
    before = sorted(it.name for it in service.estate.rglob("*"))
    refused = take(service, name, "--confirm", "imported.toml")
    assert refused.returncode == 1, refused.stdout
    assert "is not believed" in refused.stderr
    assert "root:" not in refused.stderr + refused.stdout
    assert sorted(it.name for it in service.estate.rglob("*")) == before
    if trick == "folder":
        proposals.unlink()


_FORGED = """
import sys
from ops import wiring
from ops.cli import client
from ops.errors import OpsError
from ops.terminal.task import find_task
try:
    sys.exit(client._ask(sys.argv[1], {}, find_task(sys.argv[1])))
except OpsError as error:
    sys.exit(f"{error} {error.params}")
"""


@only_root
@pytest.mark.parametrize("task", ["estate.discover", "estate.take", "service.run", "console.run"])
def test_a_client_of_ones_own_gets_no_task_that_is_not_the_services(
    service: InstalledService, task: str
) -> None:
    words = service.words_as("ttb", sys.executable, "-c", _FORGED, task)
    done = subprocess.run(
        words, env=service.environment_of("ttb"), capture_output=True, text=True, check=False,
        timeout=60,
    )  # fmt: skip
    assert done.returncode == 1, done.stdout
    assert "does not understand what was typed" in done.stderr


@only_root
def test_what_takes_no_root_is_changed_at_once(service: InstalledService, folder: Path) -> None:
    part = folder / "part.toml"
    part.write_text(PART)
    done = service.run("nva", "estate.change", "--file", str(part))
    assert done.returncode == 0, done.stderr
    assert "people[lvc].mail: – → lvc@example.vn" in done.stdout
    shown = service.run("nva", "estate.change", "--show")
    assert shown.stdout.strip() == PART.strip()
    assert "lvc" in service.run("nva", "user.list").stdout
    assert (state_of(service) / CHANGEABLE).stat().st_uid == SERVICE
    for more in ('login = "nva"', 'unit = "xa"'):
        part.write_text(f'[[people]]\nname = "lvc"\ntitle = "C"\n{more}\n')
        refused = service.run("nva", "estate.change", "--file", str(part))
        assert refused.returncode == 1
        assert "may not stand in the part" in refused.stderr
    assert "you may not run" in service.run("ttb", "estate.change", "--show").stderr
    assert "lvc@example.vn" in service.run("nva", "estate.change", "--show").stdout


@only_root
def test_a_secret_in_roots_folder_is_put_there_by_root_and_never_shown(
    service: InstalledService, folder: Path
) -> None:
    typed, secret = folder / "typed", "https://nghe.example.vn/mat-ma-7Xq"
    typed.write_text(secret)
    typed.chmod(0o600)
    os.chown(typed, OPERATOR, OPERATOR)
    done = service.run(
        "nva", "estate.secret", "--name", "file:keys/heartbeat", "--file", str(typed)
    )
    assert done.returncode == 3, done.stderr
    found = re.search(r"--id ([0-9a-f]{20})", done.stdout)
    assert found
    taken = take(service, found[1], "--confirm", "heartbeat")
    assert taken.returncode == 0, taken.stderr
    place = service.estate / "keys" / "heartbeat"
    assert place.read_text() == f"{secret}\n"
    assert (place.stat().st_uid, stat.S_IMODE(place.stat().st_mode)) == (SERVICE, 0o600)
    assert (place.parent.stat().st_uid, place.parent.stat().st_gid) == (0, SERVICE)
    for told in (done, taken):
        assert secret not in told.stdout + told.stderr
    assert not any(secret.encode() in it.read_bytes() for it in state_of(service).glob("*.db*"))
    assert "heartbeat" not in service.run("nva", "estate.check").stdout


@only_root
def test_a_file_that_is_handed_in_is_proposed(service: InstalledService, folder: Path) -> None:
    web = folder / "web.toml"
    web.write_text('[[hosts]]\nname = "web1"\naddress = "web1.example.vn"\nuser = "giucong"\n')
    done = service.run("nva", "estate.propose", "--file", str(web), "--out", "sites.d/web.toml")
    assert done.returncode == 3, done.stderr
    assert not (service.estate / "sites.d" / "web.toml").exists()
    for out in ("../x.toml", "/etc/cron.d/x", "other.toml"):
        refused = service.run("nva", "estate.propose", "--file", str(web), "--out", out)
        assert "the estate does not read" in refused.stderr


@only_root
def test_an_estate_of_the_services_own_works_until_it_is_given_to_root() -> None:
    with tempfile.TemporaryDirectory(prefix="giucong-old-") as place:
        top = Path(place)
        top.chmod(0o755)
        estate = install_for_root(top)
        give_to("giucong", estate)
        with installed_service(estate, top / "log") as running:
            assert running.run("nva", "backup.status").returncode in {0, 1, 3}
            checked = running.run("nva", "estate.check")
            assert "belongs to the service's user" in checked.stdout + checked.stderr
            typed = top / "typed"
            typed.mkdir()
            os.chown(typed, OPERATOR, OPERATOR)
            name = propose(running, typed, "xa-moi")
            refused = take(running, name, "--confirm", "imported.toml")
            assert refused.returncode == 1
            assert "chown root:giucong" in refused.stderr
            for it in (estate, estate / "estate.toml"):
                os.chown(it, 0, SERVICE)
            assert take(running, name, "--confirm", "imported.toml").returncode == 0
            assert "xa-moi" in running.run("nva", "estate.show").stdout
