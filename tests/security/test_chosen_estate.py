"""Who acts with the rights of the service's user chooses neither its estate nor what is around."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ops.backups.restore.targets import refuse_target
from ops.catalog.open import open_catalog
from ops.errors import OpsError, WrongUseError
from ops.estate.load.load import load_estate
from ops.estate.load.read import find_estate_path
from ops.estate.owner import is_borrowed, is_open
from tests.installed_machine import (
    AS_SERVICE,
    COMMAND_SITE,
    OPERATOR,
    SERVICE,
    by_operator,
    give,
    only_root,
    open_folder,
    run_installed,
)
from tests.installed_service import installed_service
from tests.integration.jobs.small_estate import ESTATE, GIUCONG, ROOT, build_estate, giucong
from tests.people import enrol

FAB = Path(sys.executable).with_name("fab")
NOT_CHOSEN = "who acts with the rights of the service's user does not choose the estate"

_AT_THE_CONSOLE = """
from ops import wiring
from ops.access.caller import Caller
from ops.console.office.desk import EstateKeeper
with EstateKeeper().at_desk(Caller("nva", "nva", "10.0.0.9")) as desk:
    print(desk.roles)
"""


class World:
    """An installed service, and a folder of the operator's with a prepared estate.

    Attributes:
        folder: Holds both.
        installed: The folder of the installed estate.
        own: The folder that the operator has prepared.
        mark: What the prepared estate's command makes when it runs.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.installed = build_estate(folder / "installed").parent
        (self.installed / "state").mkdir()
        self.own = build_estate(folder / "own").parent
        self.mark = self.own / "mark"
        (self.own / "state").mkdir()
        (self.own / "run.sh").write_text(f"id -u > {self.mark}; echo x\n")
        with (self.own / "estate.toml").open("a", encoding="utf-8") as file:
            file.write(COMMAND_SITE.format(script=self.own / "run.sh"))
        give(SERVICE, self.installed, self.own)  # as what the service has restored

    def run(
        self, *words: str, folder: Path = Path("/"), environment: Mapping[str, str] | None = None
    ) -> "subprocess.CompletedProcess[str]":
        return run_installed(self.installed, *words, folder=folder, environment=environment)


@pytest.fixture
def world() -> Iterator[World]:
    with open_folder("giucong-chosen-") as folder:
        yield World(folder)


@only_root
@pytest.mark.slow
@pytest.mark.parametrize("way", ["flag", "flag after", "variable", "folder", "link", "run", "bare"])
def test_an_operator_brings_no_estate_along(world: World, way: str) -> None:
    named = str(world.own / "estate.toml")
    (world.folder / "link").mkdir()
    (world.folder / "link/estate.toml").symlink_to("/etc/giucong/estate.toml")
    task = ["backup.init"]
    chosen: dict[str, tuple[list[str], dict[str, str], str]] = {
        "flag": (["--estate", named, *task], {}, "/"),
        "flag after": ([*task, "--estate", named], {}, "/"),
        "variable": (task, {"GIUCONG_ESTATE": named}, "/"),
        "folder": (task, {}, str(world.own)),
        "link": (["--estate", str(world.folder / "link/estate.toml"), *task], {}, "/"),
        "run": (["--estate", named, "service.run"], {}, "/"),
        "bare": (["--estate", named], {}, "/"),
    }
    words, environment, place = chosen[way]
    ended = world.run(*by_operator(words), folder=Path(place), environment=environment)

    assert ended.returncode == 1
    assert NOT_CHOSEN in ended.stderr
    assert not world.mark.exists()
    assert not (world.own / "stores").exists()


@only_root
@pytest.mark.slow
def test_the_services_user_believes_no_estate_that_it_may_have_restored(world: World) -> None:
    """Whatever has lent the rights: `su`, say, tells of nobody."""
    words = [*AS_SERVICE, str(GIUCONG), "--estate", str(world.own / "estate.toml"), "backup.init"]
    refused = world.run(*words)
    os.chown(world.own / "estate.toml", 0, 0)
    os.chown(world.own, 0, 0)
    believed = world.run(*words)

    assert refused.returncode == 1
    assert NOT_CHOSEN in refused.stderr
    assert NOT_CHOSEN not in believed.stderr


@only_root
@pytest.mark.slow
def test_nobody_but_root_hands_the_catalog_on(world: World) -> None:
    """Roles and second factors are in it: whoever has it moved to an own place has them all."""
    place = world.own / "mine.db"
    made = world.run(str(GIUCONG), "backup.init")
    with installed_service(world.installed, world.folder / "log") as service:
        refused = service.run("nva", "catalog.move", "--to", f"sqlite:///{place}")
    no_url = world.run(str(GIUCONG), "catalog.move", "--to", "file:/etc/hostname")

    assert (made.returncode, refused.returncode, no_url.returncode) == (0, 1, 2)
    assert "only root moves the catalog" in refused.stderr
    assert not place.exists()
    assert "that is no URL" in no_url.stderr


@only_root
@pytest.mark.slow
def test_an_operator_has_nothing_written_by_a_task_without_a_role(world: World) -> None:
    """`estate.discover` asks for none: it is to read and write as who types it."""
    (world.own / "etc/nginx").mkdir(parents=True)
    out = world.installed / "zz.toml"
    words = ["estate.discover", "--root", str(world.own), "--out", str(out)]
    ended = world.run(*by_operator(words))

    assert ended.returncode == 2
    assert "is not typed with the rights of another user" in ended.stderr
    assert not out.exists()


@only_root
@pytest.mark.slow
def test_before_anybody_holds_a_role_only_root_acts(world: World) -> None:
    """So it is on a new server, and after a recovery from before the first role was given."""
    with installed_service(world.installed, world.folder / "log") as service:
        refused = [service.run("nva", it) for it in ("backup.init", "backup.status")]
        there = (world.installed / "stores").exists()
        service.environment = {"SUDO_UID": str(OPERATOR), "SUDO_USER": "nva"}
        made = service.run("root", "backup.init")  # who becomes root by it is root
        service.environment = {}
        refused.append(service.run("nva", "backup.status"))  # now with a catalog
        trust = service.run("nva", "catalog.trust", "--reason", "x", "--confirm", "giucong")
    roles = world.run(sys.executable, "-c", _AT_THE_CONSOLE)

    assert [it.returncode for it in refused] == [1, 1, 1]
    assert all("until then only root acts" in it.stderr for it in refused)
    assert all("user.role --person PERSON --role security_officer" in it.stderr for it in refused)
    assert not there
    assert made.returncode == 0, made.stderr
    assert (trust.returncode, "only root says which catalog counts" in trust.stderr) == (1, True)
    assert roles.stdout == "frozenset()\n", roles.stderr  # of a person who holds none: no right


@only_root
@pytest.mark.slow
def test_an_operator_runs_the_installed_estate(world: World) -> None:
    with open_catalog(f"sqlite:///{world.installed}/state/giucong.db") as catalog:
        enrol(catalog, "nva", "backup_admin", now=datetime.now(UTC))
    estate = world.installed / "estate.toml"
    text = estate.read_text(encoding="utf-8")
    estate.write_text(text.replace('name = "nva"', 'name = "nva"\nlogin = "nva"'), "utf-8")
    give(SERVICE, world.installed / "state")
    with installed_service(world.installed, world.folder / "log") as service:
        ended = service.run("nva", "backup.init")

    assert ended.returncode == 0, ended.stderr
    assert (world.installed / "stores/near/cong-xa").stat().st_uid == SERVICE


@only_root
@pytest.mark.slow
def test_root_becomes_the_services_user_for_the_installed_estate_alone(world: World) -> None:
    named = ("--estate", str(world.own / "estate.toml"))
    ended = world.run(str(GIUCONG), *named, "backup.run", "--site", "lenh")
    installed = world.run(str(GIUCONG), "backup.init")

    assert ended.returncode == 1
    assert "root's tasks become another user's for the installed estate alone" in ended.stderr
    assert "runuser -u giucong -- " in ended.stderr
    assert not world.mark.exists()
    assert installed.returncode == 0, installed.stderr


CHOOSING = {
    "PYTHONPATH": "{folder}", "PYTHONSTARTUP": "{folder}/x.py", "PYTHONUSERBASE": "{folder}",
    "PYTHONINSPECT": "", "PYTHONWARNINGS": "ignore", "LD_LIBRARY_PATH": "{folder}",
    "BASH_ENV": "{folder}/x.sh", "ENV": "{folder}/x.sh", "PERL5LIB": "{folder}",
    "GIT_SSH_COMMAND": "x", "HTTPS_PROXY": "", "INVOKE_RUN_SHELL": "{folder}/x.sh",
    "FABRIC_RUN_SHELL": "{folder}/x.sh", "MYSQL_HOME": "{folder}", "PGSERVICEFILE": "{folder}/x",
    "RESTIC_PASSWORD_COMMAND": "x", "TMPDIR": "/", "SOMETHING": "x",
}  # fmt: skip


@only_root
@pytest.mark.slow
@pytest.mark.parametrize("program", [GIUCONG, FAB], ids=["giucong", "fab"])
def test_what_is_run_again_takes_no_surroundings_along(world: World, program: Path) -> None:
    """The installed estate's own command writes down what it sees."""
    evil = world.folder / "evil"
    (evil / "ops").mkdir(parents=True)
    (evil / "ops/__init__.py").write_text(f"open('{evil}/mark', 'w').close()\n")
    evil.chmod(0o777)
    seen = world.installed / "state/seen"
    (world.installed / "run.sh").write_text("env > /etc/giucong/state/seen; echo x\n")
    estate = world.installed / "estate.toml"
    relay = '[notices]\nrelay = "env:A_RELAY"\n'
    text = ESTATE.replace("[[stores]]", f"{relay}[[stores]]", 1)
    estate.write_text(text + COMMAND_SITE.format(script="/etc/giucong/run.sh"), encoding="utf-8")
    environment = {
        "A_RELAY": "mailtos://x", "LC_ALL": "C.UTF-8", "TERM": "xterm", "SUDO_USER": "nva",
        "SUDO_UID": str(OPERATOR),
        **{name: text.format(folder=evil / "none") for name, text in CHOOSING.items()},
    }  # fmt: skip
    ended = [
        world.run(str(program), *words, folder=evil, environment=environment)
        for words in (["backup.init"], ["backup.run", "--site", "lenh"])
    ]
    assert [it.returncode for it in ended] == [0, 0], ended
    variables = dict(line.split("=", 1) for line in seen.read_text().splitlines() if "=" in line)

    assert CHOOSING.keys() & variables.keys() == set()
    assert not (evil / "mark").exists()
    assert variables["PATH"] == "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    assert (variables["USER"], variables["HOME"]) == ("giucong", "/nonexistent")
    assert (variables["SUDO_USER"], variables["SUDO_UID"]) == ("nva", str(OPERATOR))
    assert (variables["A_RELAY"], variables["LC_ALL"]) == ("mailtos://x", "C.UTF-8")


@only_root
@pytest.mark.slow
@pytest.mark.parametrize("flag", ["-f", "-i"])
def test_flags_of_fabrics_are_not_carried_along(world: World, flag: str) -> None:
    (world.own / "x.yaml").write_text("forward_agent: true\n")
    words = [str(FAB), flag, str(world.own / "x.yaml"), "backup.init"]
    ended = world.run(*words, folder=ROOT)

    assert ended.returncode == 2
    assert "is not known here" in ended.stderr
    assert not (world.installed / "stores").exists()


@only_root
@pytest.mark.slow
def test_no_module_comes_from_the_folder_of_who_starts_the_service(world: World) -> None:
    """`service.run` starts its workers in the folder where it was typed."""
    evil = world.folder / "evil"
    (evil / "ops").mkdir(parents=True)
    for path in (evil, evil / "ops"):
        path.chmod(0o777)
    (evil / "ops/__init__.py").write_text(f"open('{evil}/mark', 'w').close()\n")
    made = world.run(str(GIUCONG), "backup.init")
    asked = world.run(str(GIUCONG), "service.trigger", "--job", "backup/cong-xa")
    made_there = "/etc/giucong/stores/near/cong-xa/snapshots/*"
    until = f"""
    "$@" & for _ in $(seq 90); do ls {made_there} > /dev/null 2>&1 && break; sleep 1; done
    sleep 2; kill -TERM $!; wait
    """
    world.run("sh", "-c", until, "sh", *AS_SERVICE, str(GIUCONG), "service.run", folder=evil)
    shown = world.run(str(GIUCONG), "backup.list", "--site", "cong-xa", "--json")

    assert (made.returncode, asked.returncode) == (0, 0), made.stderr + asked.stderr
    assert '"id"' in shown.stdout  # a worker has run
    assert not (evil / "mark").exists()


@pytest.mark.parametrize(
    ("caller", "borrowed"), [("", False), ("0", False), ("x", False), ("{me}", False), ("7", True)]
)
def test_rights_are_borrowed_from_another_user_who_is_not_root(
    monkeypatch: pytest.MonkeyPatch, caller: str, borrowed: bool
) -> None:
    monkeypatch.setenv("SUDO_UID", caller.format(me=os.geteuid()))

    assert is_borrowed() == (borrowed and os.geteuid() != 0)


def test_without_an_installed_service_a_checkout_is_anybodys(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """`sudo -u` of a build server runs the demo; beside an installed service it does not."""
    monkeypatch.setattr("ops.estate.load.read.is_borrowed", lambda: True)
    monkeypatch.setattr("ops.estate.load.read.INSTALLED_PATH", tmp_path / "installed.toml")
    monkeypatch.setenv("GIUCONG_ESTATE", str(tmp_path / "estate.toml"))
    (tmp_path / "estate.toml").touch()

    assert find_estate_path() == tmp_path / "estate.toml"

    (tmp_path / "installed.toml").touch()
    with pytest.raises(OpsError, match="is not believed") as refused:
        find_estate_path()
    assert "does not choose the estate" in refused.value.why


@pytest.mark.parametrize(
    ("mode", "group", "opened"),
    [(0o644, 5, False), (0o666, 5, True), (0o664, 5, True), (0o664, 7, False), (0o664, 0, False),
     (0o1777, 5, False), (0o40775, 7, False), (0o40777, 7, True)],
)  # fmt: skip
def test_what_others_may_write_is_open(mode: int, group: int, opened: bool) -> None:
    assert is_open(mode, group, 7) == opened


@pytest.mark.slow
@pytest.mark.parametrize("place", ["estate.toml", ".", "more.d/a.toml", "more.d"])
def test_an_estate_that_others_may_write_is_not_believed(tmp_path: Path, place: str) -> None:
    path = build_estate(tmp_path / "estate")
    (path.parent / "more.d").mkdir()
    (path.parent / "more.d/a.toml").touch()
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("schema = 1", 'schema = 1\ninclude = ["more.d/*.toml"]', 1))
    believed = giucong(path, "estate.show")
    (path.parent / place).chmod(0o777)
    ended = giucong(path, "estate.show")
    looked = giucong(path, "estate.check")

    assert believed.returncode == 0, believed.stderr
    assert ended.returncode == 1
    assert f"the estate file {path.parent / place} is not believed" in ended.stderr
    assert "others may write it" in ended.stderr
    assert "not believed" not in looked.stderr


@pytest.mark.slow
@pytest.mark.parametrize("place", ["state", "scratch", "cache", "stores/near", "var/drill"])
def test_what_lies_where_the_service_writes_is_no_estate(tmp_path: Path, place: str) -> None:
    path = build_estate(tmp_path / "estate")
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("schema = 1", f'schema = 1\ninclude = ["{place}/**/*.toml"]', 1))
    restored = path.parent / place / "cong-xa/files/a.toml"
    restored.parent.mkdir(parents=True)
    restored.touch()
    ended = giucong(path, "backup.init")

    assert ended.returncode == 1
    assert f"the estate file {restored} is not believed" in ended.stderr
    assert "the service itself writes into" in ended.stderr


def test_nothing_is_restored_among_the_installed_estates_files(tmp_path: Path) -> None:
    estate = load_estate(build_estate(tmp_path / "estate"))
    refuse_target(estate, tmp_path / "restored")
    for target in ("/etc/giucong", "/etc/giucong/sites.d"):
        with pytest.raises(WrongUseError):
            refuse_target(estate, Path(target))
