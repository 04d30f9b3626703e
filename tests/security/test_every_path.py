"""Every task, every role, every flag that names a file or a folder: given what one may not have.

All of it is derived from what the tasks declare, so that a task that is added is tried by itself.
An audit hook in the acts (`watching/sitecustomize.py`) tells what each of them opens.
"""

import io
import json
import os
import pty
import re
import socket
import stat
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, get_args

import pytest

from ops.access.rights import ROLES
from ops.catalog.open import open_catalog
from ops.cli.client import ask_task
from ops.terminal.task import DeclaredFlag, OfCaller, Task, all_tasks
from tests.installed_machine import SERVICE, only_root
from tests.installed_service import PEOPLE, InstalledService, done_there, installed_service, of_role
from tests.integration.jobs.small_estate import ROOT
from tests.integration.service.installed_estate import install
from tests.people import appoint
from tests.security.test_terminal_door import say

pytestmark = pytest.mark.slow

WATCHING = Path(__file__).with_name("watching")
NAMES_A_PATH = {*get_args(OfCaller), "place"}
SOMEBODY = 4242
CANARY = "canary-7f3a-{of}"
TEBIBYTE = 1 << 40
SECONDS = 60
_MOST_READ = 4 << 20
_CGROUP = re.compile(r"^/proc/[0-9]+/cgroup$")

PERSON = """
[[people]]
name = "{login}"
title = "{login}"
mail = "{login}@example.vn"
login = "{login}"
unit = "xa"
"""

READ_ONLY = ["/etc/giucong", "/usr", "/lib", "/proc/self", "/sys/fs/cgroup", "/dev/urandom",
             "/proc/sys/kernel/random/boot_id", "/memfd:content (deleted)"]  # fmt: skip
"""What an act may open to read, beside the program's own code; `World.places` has the rest."""


@dataclass
class World:
    """The service, what is given to it, and what its acts have opened.

    Attributes:
        service: The service.
        folder: Holds all of it.
        gifts: What is given, by what it is.
        told: The file of the audit hook.
    """

    service: InstalledService
    folder: Path
    gifts: Mapping[str, Path]
    told: Path
    read: int = 0
    strange: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)

    @property
    def written(self) -> list[str]:
        """Where an act may write."""
        return [f"{self.folder}/var", f"{self.folder}/www", "/run/giucong", "/dev/null"]

    @property
    def readable(self) -> list[str]:
        """Where it may read as well."""
        code = {sys.prefix, sys.base_prefix, str(Path(sys.prefix).resolve()), str(ROOT)}
        return [*self.written, *READ_ONLY, *code]

    def note_opened(self) -> None:
        """Note what acts have opened since, and is no place of theirs."""
        with self.told.open("rb") as file:
            file.seek(self.read)
            lines = file.read()
            self.read += len(lines)
        for line in lines.splitlines():
            it = json.loads(line)
            places = self.written if it["writes"] else self.readable
            path = _CGROUP.sub("/proc/self/cgroup", it["path"])  # of a sandbox that it made
            is_top = path == "/" and not it["writes"]  # where a walk without links begins
            if not is_top and not any(f"{path}/".startswith(f"{place}/") for place in places):
                self.strange[it["task"], it["event"] + (" w" if it["writes"] else ""), path] += 1


@contextmanager
def world() -> Iterator[World]:
    """Make it: a person for each role, and gifts."""
    with tempfile.TemporaryDirectory(prefix="giucong-every-") as place:
        folder = Path(place)
        folder.chmod(0o755)
        people = "".join(PERSON.format(login=of_role(it)) for it in ROLES)
        estate = install(folder, people + '[drill]\nworkdir = "{folder}/var/drill"\n')
        with open_catalog(f"sqlite:///{folder}/var/state/giucong.db") as catalog:
            for role in ROLES:
                appoint(catalog, of_role(role), role, now=datetime.now(UTC) - timedelta(days=1))
        for it in (folder / "var/state").iterdir():
            os.chown(it, SERVICE, SERVICE)
        told = folder / "told"
        told.touch()
        os.chown(told, SERVICE, SERVICE)
        own = folder / "var/tmp"
        own.mkdir(mode=0o700)
        os.chown(own, SERVICE, SERVICE)
        environment = {"PYTHONPATH": str(WATCHING), "WATCHED_INTO": str(told),
                       "TMPDIR": str(own), "PYTHONDONTWRITEBYTECODE": "1"}  # fmt: skip
        with installed_service(estate, folder / "log", environment) as service:
            assert service.run("nva", "backup.init").returncode in {0, 3}
            assert service.run("nva", "backup.run", "--site", "cong-xa").returncode == 0
            close_estate(estate)
            gifts = make_gifts(folder)
            made = World(service, folder, gifts, told)
            made.read = told.stat().st_size
            yield made


def close_estate(estate: Path) -> None:
    """Let root and the service alone read it."""
    path = estate / "estate.toml"
    path.write_text(f"# {CANARY.format(of='estate')}\n{path.read_text('utf-8')}", "utf-8")
    os.chown(path, 0, SERVICE)
    path.chmod(0o640)


def make_gifts(folder: Path) -> dict[str, Path]:
    """Make what is given; each is what its name says."""
    top = folder / "gifts"
    closed, plain, inner = top / "closed", top / "plain", top / "folder"
    for it in (top, closed, inner):
        it.mkdir()
    theirs = closed / "theirs"
    theirs.write_text(CANARY.format(of="theirs"))
    plain.write_text("ten;gia\n")
    sparse = top / "sparse"
    with sparse.open("wb") as file:
        file.truncate(4 * TEBIBYTE)
    os.mkfifo(top / "pipe")
    key = folder / "var/keys/repository.key"
    links = {"link to a file of others": theirs, "link to a key": key,
             "link to the estate": Path("/etc/giucong/estate.toml"),
             "link to nothing": top / "nothing", "link below": closed}  # fmt: skip
    for number, leads_to in enumerate(links.values()):
        (top / f"link-{number}").symlink_to(leads_to)
    (inner / "link").symlink_to(key)
    os.mkfifo(inner / "pipe")
    (inner / "theirs").write_text(CANARY.format(of="inner"))
    for it in (theirs, inner / "theirs"):
        os.chown(it, SOMEBODY, SOMEBODY)
        it.chmod(0o600)
    gifts = {name: top / f"link-{number}" for number, name in enumerate(links)}
    gifts["link below"] /= "theirs"
    return gifts | {
        "pipe": top / "pipe", "device without an end": Path("/dev/zero"),
        "terminal": Path(os.ttyname(pty.openpty()[1])), "file of others": theirs, "key": key,
        "folder": inner, "file": plain, "sparse file": sparse,
        "estate": Path("/etc/giucong/estate.toml"),
    }  # fmt: skip


def state_of(path: Path) -> tuple[object, ...]:
    """Give what may not change of a gift: what it is, whose, since when, and what it holds."""
    if not os.path.lexists(path):  # below /etc/giucong, which is elsewhere there
        return ()
    it = path.lstat()
    content: object = ""
    if stat.S_ISREG(it.st_mode) and it.st_size < _MOST_READ:
        content = path.read_bytes()
    if stat.S_ISDIR(it.st_mode):
        content = sorted((inner.name, state_of(inner)) for inner in path.iterdir())
    is_device = stat.S_ISCHR(it.st_mode)
    since = 0 if is_device else it.st_mtime_ns
    return it.st_mode, it.st_uid, it.st_gid, since, content


@dataclass(frozen=True)
class Case:
    """A task, who types it, the flag and what is given to it."""

    task: Task
    role: str
    flag: DeclaredFlag
    gift: str
    number: int

    @property
    def what(self) -> str:
        """The flag, with its task."""
        return f"{self.task.name} --{self.flag.written}"

    def values(self, mine: Path, gift: Path) -> dict[str, Any]:
        """Give what is typed: the gift, else what is harmless; every second time a rehearsal."""
        typed: dict[str, Any] = {}
        for it in self.task.flags.values():
            if it.name == self.flag.name:
                typed[it.name] = str(gift)
            elif it.name == "site" or it.shape == "site":
                typed[it.name] = "cong-xa"
            elif it.is_required:
                typed[it.name] = _harmless(it, mine)
            elif it.name == "dry_run":
                typed[it.name] = self.number % 2 == 0
            if it.name in typed and it.kind is tuple:
                typed[it.name] = [typed[it.name]]
        return typed


def _harmless(flag: DeclaredFlag, mine: Path) -> object:
    if flag.kind is int:
        return 2027
    if flag.kind is bool:
        return True
    if flag.shape in {"date", "moment"}:
        return "01/12/2026"
    if flag.shape in {"input-file", "secret", "proof"}:
        return str(mine / "file")
    if flag.shape == "input-folder":
        return str(mine / "folder")
    return str(mine / f"{flag.name}.xlsx") if flag.shape in NAMES_A_PATH else "x"


def all_cases() -> list[Case]:
    """Give all of them."""
    tried = [
        (task, flag)
        for task in all_tasks().values()
        if task.as_owner and not task.is_foreground
        for flag in task.flags.values()
        if flag.shape in NAMES_A_PATH
    ]
    each = [(task, flag, role, gift) for task, flag in tried for role in ROLES for gift in GIFTS]
    return [
        Case(task, role, flag, gift, number) for number, (task, flag, role, gift) in enumerate(each)
    ]


GIFTS = (
    "link to a file of others", "link to a key", "link to the estate", "link to nothing",
    "link below", "pipe", "device without an end", "terminal", "file of others", "key", "folder",
    "file", "sparse file", "estate",
)  # fmt: skip


def type_it(case: Case, mine: Path, gift: Path) -> tuple[object, str]:
    """Type it as who runs this, at no terminal; gives what `ask_task` gives, and what was said."""
    with tempfile.TemporaryFile() as out:
        os.chdir(mine)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        for stream in (1, 2):
            os.dup2(out.fileno(), stream)
        sys.stdin = open(0, closefd=False)  # noqa: SIM115 - it stays open
        sys.stdout = sys.stderr = io.TextIOWrapper(out, write_through=True)
        try:
            code: object = ask_task(case.task, case.values(mine, gift))
        except SystemExit as ending:
            code = ending.code
        out.seek(0)
        return code, out.read(_MOST_READ).decode("utf-8", "replace")


def make_own(world: World, number: int) -> Path:
    """Make a folder of somebody's own, with a file and a folder."""
    mine = Path(tempfile.mkdtemp(dir=world.folder))
    (mine / "file").write_text("x")
    (mine / "file").chmod(0o600)
    (mine / "folder").mkdir()
    for it in (mine, mine / "file", mine / "folder"):
        os.chown(it, number, number)
    return mine


def try_case(world: World, case: Case) -> None:
    """Have somebody type it, and note what is wrong with what comes of it."""
    login, gift = of_role(case.role), world.gifts[case.gift]
    mine = make_own(world, PEOPLE[login][0])
    before = {name: state_of(it) for name, it in world.gifts.items()}
    named = f"{case.what} {case.gift}, {case.role}"
    try:
        code, said = done_there(
            world.service, login, partial(type_it, case, mine, gift), seconds=SECONDS
        )
    except (TimeoutError, AssertionError) as error:
        code, said = error, ""
    found = [str(code)] if code is None or isinstance(code, Exception) else []
    plain = (it for it in mine.rglob("*") if it.is_file() and not it.is_symlink())
    came = said + "".join(it.read_text("utf-8", "replace") for it in plain)
    found += [f"tells {it[:20]}" for it in secrets_of(world) if it in came]
    if "Traceback" in said or "something unexpected" in said:
        found.append(said[-400:])
    found += [f"{name} is another now" for name, it in world.gifts.items()
              if before[name] != state_of(it)]  # fmt: skip
    world.problems += [f"{named}: {it}" for it in found]
    world.note_opened()


def secrets_of(world: World) -> list[str]:
    """Give what nobody here may read."""
    key = (world.folder / "var/keys/repository.key").read_text().strip()
    return [key, *(CANARY.format(of=it) for it in ("theirs", "inner", "estate"))]


def assert_nothing_lasts(world: World) -> None:
    """Nothing of what could not be read stands in journal, catalog or log, nor a file of an act."""
    time.sleep(0.5)
    kept = [world.service.log, *(world.folder / "var/state").rglob("*")]
    for path in kept:
        if path.is_file() and not path.is_symlink():
            content = path.read_bytes()
            for secret in secrets_of(world):
                assert secret.encode() not in content, path
    assert [*(world.folder / "var/state/console").iterdir()] == []


SAMPLE = 19
"""Each so-manieth case runs in `make test`: of each flag some, of each role and gift many."""


@pytest.fixture(scope="module")
def made() -> Iterator[World]:
    with world() as found:
        yield found


def try_all(world: World, cases: Sequence[Case]) -> None:
    """Try cases; at their end everything that is wrong is told at once."""
    for it in cases:
        try_case(world, it)
    assert_nothing_lasts(world)
    found = [*world.problems, *map(str, world.strange.items())]
    assert found == [], "\n".join(found)


@only_root
def test_nobody_reaches_by_a_path_what_is_not_theirs(made: World) -> None:
    cases = all_cases()
    chosen = cases[::SAMPLE]
    assert {it.flag.name + it.task.name for it in chosen} == {
        it.flag.name + it.task.name for it in cases
    }
    assert {it.role for it in chosen} == set(ROLES)
    assert {it.gift for it in chosen} == set(GIFTS)
    try_all(made, chosen)


@only_root
@pytest.mark.soak
def test_nobody_reaches_by_any_path_what_is_not_theirs(made: World) -> None:
    try_all(made, all_cases())


@only_root
def test_a_client_of_ones_own_gets_no_further(made: World) -> None:
    """It names a key and hands nothing over, or something else than what it says."""
    key, cases = str(made.gifts["key"]), dict[str, Case]()
    for it in all_cases():
        if it.role in (it.task.roles or {it.role}) and it.gift == "key":
            cases.setdefault(it.what, it)
    for it in cases.values():
        values = it.values(Path("/nowhere"), made.gifts["key"])
        files = [
            {"flag": flag.name, "shape": flag.shape, "typed": typed, "descriptor": -1}
            for flag in it.task.flags.values()
            if flag.shape in get_args(OfCaller) and flag.shape != "own-folder"
            for typed in (
                [values.get(flag.name)] if flag.kind is str else values.get(flag.name, ())
            )
            if typed
        ]

        def do(it: Case = it, values: Any = values, files: Any = files) -> str:
            theirs = socket.socketpair()[1]  # a line that ends at once
            told, said = say(
                it.task.name, values, files, [theirs.detach()], line=0, is_silent=False
            )
            return json.dumps(told) + said

        print(it.what, it.role)  # which it was, where it fails
        said = done_there(made.service, of_role(it.role), do, seconds=SECONDS)
        assert not any(secret in said for secret in secrets_of(made)), (it, said)
        assert key in str(values)
    made.note_opened()
    assert made.strange == {}
    assert_nothing_lasts(made)
    seen = {json.loads(line)["task"] for line in made.told.read_bytes().splitlines()}
    assert {it.task.name for it in cases.values()} <= seen  # the hook sees each of them


def test_the_hook_sees_what_a_path_leads_to(tmp_path: Path) -> None:
    """Else the tests above prove nothing."""
    told, link, theirs = tmp_path / "told", tmp_path / "link", tmp_path / "theirs"
    told.touch()
    theirs.write_text("x")
    link.symlink_to(theirs)
    script = tmp_path / "act.py"
    script.write_text(OPENS, encoding="utf-8")
    environment = {"PYTHONPATH": str(WATCHING), "WATCHED_INTO": str(told)}
    subprocess.run([sys.executable, script, link], env=environment, cwd=tmp_path, check=True)
    seen = [json.loads(it) for it in told.read_text().splitlines()]
    assert {(it["event"], it["path"], it["writes"]) for it in seen} == {
        ("open", str(theirs), False), ("open", str(theirs), True),
        ("open", str(tmp_path), False), ("os.listdir", str(tmp_path), False),
        ("os.rename", str(link), True), ("os.rename", str(tmp_path / "new"), True),
    }  # fmt: skip


OPENS = """
import os, sys, types

def do_act(order, link):
    open(link).close()
    os.close(os.open(link, os.O_RDWR))
    os.listdir(".")
    folder = os.open(".", os.O_RDONLY)
    os.rename("link", "new", src_dir_fd=folder)

do_act(types.SimpleNamespace(task="x"), sys.argv[1])
"""
