"""The machine of the service, installed by what the how-to pages say, line by line.

Where a page says to edit a file, the lab writes it; what the page shows stands in it. Nothing else
is done for the reader but `make venv`: its environment is there already.
"""

import json
import re
import shlex
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from itertools import dropwhile
from pathlib import Path
from typing import Any, TypeVar

from tests.integration.service.systemd_portal import SITE_OF_ESTATE, build_portal
from tests.lab.machines import ROOTS_SSH, Machine, administrators_key, machine
from tests.lab.network import DOMAIN, Network
from tests.lab.pages import CONSOLE, PEOPLE, SERVICE, blocks, lines_before
from tests.lab.people import FIRST_ID, ROLES, TITLES, People
from tests.lab.roots import PROGRAM, copy_checkout, find_environment
from tests.lab.terminal import Typed, type_at_terminal
from tests.s3_server import WRITER
from tests.systemd_machine import VARIABLES, move_environment

ESTATE = "/etc/giucong/estate.toml"
KEYS = "/var/lib/giucong/keys"
_CHECKOUT = "/root/giucong"
_FIRST_OF_ESTATE = "estate.sample"
_SOURCES = "archive backup ops provisioning runbooks"
_GIUCONG = f"{PROGRAM}/.venv/bin/giucong"
_RELAY = f"mailto://mail.{DOMAIN}/?from=giucong@{DOMAIN}&mode=insecure"
_AWAITED = 4
_EVENT = re.compile(
    r'event=(worker-started|worker-ended|run-ended|run-retried) job=(\S+) .*?outcome="?(\w*)'
)
_PATIENCE_SECONDS = 600.0
_FAKETIME = "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1"
# In place of the environment's `python`, so that all that is ours gets the moved clock.
_MOVED_PYTHON = f"""#!/bin/sh
exec env LD_PRELOAD={_FAKETIME} FAKETIME='AHEAD' FAKETIME_DONT_FAKE_MONOTONIC=1 NO_FAKE_STAT=1 \\
  "${{0%/*}}/python3" "$@"
"""
_ARCHIVED = """
  [sites.archive]
  connector = "mapping"
  mapping = "/etc/giucong/archive-cong-xa.toml"
  part = "db"
"""
_MAPPING = """
schema = 1
[[items]]
name = "tin"
class = "news"
query = "SELECT id, title, '2026-11-20 08:00:00' AS published_at FROM posts"
key = "id"
title = "{title}"
bodies = [{ text = "{title}", type = "text/plain" }]
authors = ["Ban biên tập"]
published = "{published_at}"
addresses = ["index.php?id={id}"]
"""
_SIGNATURE = f"{'0' * 32}:68:Nothing-Has-This-Hash\n"
T = TypeVar("T")


class Ops(Machine):
    """The machine of the service, where people type.

    Attributes:
        people: Who works here.
    """

    def __init__(self, name: str, folder: Path, network: Network) -> None:
        super().__init__(name, folder, network)
        self.people = People(folder / "people.json")

    def type(
        self, login: str, command: str | Sequence[str], answers: Sequence[str] = (), *, at: str = ""
    ) -> Typed:
        """Type a task at a terminal, as who has logged in as somebody; root has no role.

        Args:
            login: Who types; passwords and codes are given as they are asked for.
            command: The task with its flags.
            answers: What is typed for all other questions, in their order.
            at: Whose password and code are asked for where nobody is named; empty: the same.
        """
        words = shlex.split(command) if isinstance(command, str) else list(command)
        whole = self.words_as(login, _GIUCONG, *words)
        asked = at or login
        answering: Callable[[str], str] = self.people.answering(login, answers, at=asked)
        typed = type_at_terminal(whole, answering, environment=VARIABLES)
        whose = words[words.index("--person") + 1] if "--person" in words else asked
        self.people.note(whose, typed.told)  # recovery codes come last
        return Typed(tuple(words), typed.code, typed.told)

    def ask(self, login: str, command: str) -> list[dict[str, Any]]:
        """Give what a task that prints JSON says, whatever it ends with."""
        found: list[dict[str, Any]] = json.loads(self.write_out(login, f"{command} --json"))[
            "items"
        ]
        return found

    def write_out(self, login: str, command: str) -> str:
        """Give what a task writes where nobody sits at the terminal, as for a file.

        Raises:
            AssertionError: It writes nothing.
        """
        words = self.words_as(login, _GIUCONG, *shlex.split(command))
        done = subprocess.run(words, env=VARIABLES, capture_output=True, text=True, check=False)
        assert done.stdout, f"{command}: {done.stderr}"
        return done.stdout

    def agree(
        self, login: str, approver: str, command: str, answers: Sequence[str] = (), *, at: str = ""
    ) -> Typed:
        """Type a task that takes two people: one asks, the other approves, the first types again.

        Raises:
            AssertionError: Nothing waited for the other, or it was not approved.
        """
        first = self.type(login, command, answers, at=at)
        if first.code != _AWAITED:
            return first
        waiting = [it for it in self.ask(login, "approval.list") if it["state"] == "waiting"]
        for it in waiting:
            approve = f"approval.approve --id {it['id']} --person {approver}"
            self.type(approver, approve).check()
        return self.type(login, command, answers, at=at)

    def job(self, *names: str, by: str = "nva") -> dict[str, str]:
        """Have the service do jobs, as its own user; gives how they ended.

        Raises:
            AssertionError: One does not end, or there is none of that name.
        """
        before = len(self.systemd.journal("giucong"))
        self.type(by, " ".join(f"service.trigger --job {it}" for it in names)).check()

        def look() -> dict[str, str] | None:
            ended = _read_ends(self.systemd.journal("giucong")[before:])
            return {it: ended[it] for it in names} if ended.keys() >= set(names) else None

        return wait_for(look, 0.5, lambda: self.systemd.journal("giucong")[-3000:])

    def renew(self) -> None:
        """Have a new machine in its place; of the old one there are the disks below /srv."""
        state = self.folder / "state"
        state.rename(self.folder / f"lost-{time.monotonic_ns()}")
        state.mkdir()
        super().renew()
        move_environment(self.systemd, (self.folder / "made_for").read_text(encoding="utf-8"))

    def list_last(self) -> dict[str, dict[str, Any]]:
        """Give job → how its last run ended; an empty one for those that never ran."""
        return {it["job"]["name"]: it["last"] or {} for it in self.ask("nva", "service.jobs")}

    def add_to_estate(self, name: str, text: str) -> None:
        """Write a file of the estate, e.g. a site's, check it and have the service take it up."""
        self.write(f"/etc/giucong/sites.d/{name}.toml", text, mode="640", owner="root:giucong")
        self.type("nva", "estate.check").check(0, 3)
        self.run("systemctl", "reload", "giucong")

    def move_clock(self, ahead: timedelta) -> None:
        """Let all programs of ours see a later time, with zero the true one, and start anew.

        Programs of others that link themselves (restic, the object store) keep the true time.
        """
        place = f"{PROGRAM}/.venv/bin/python"
        self.run("rm", "-f", place)
        self.people.ahead = ahead.total_seconds()
        if ahead:
            text = _MOVED_PYTHON.replace("AHEAD", f"{ahead.total_seconds():+.0f}")
            self.write(place, text, mode="755")
        else:
            self.run("ln", "-s", "python3", place)
        self.run("systemctl", "restart", "giucong", "giucong-console")


def _read_ends(log: str) -> dict[str, str]:
    """Give how jobs ended that began in this piece of the service's log."""
    begun: set[str] = set()
    outcomes: dict[str, str] = {}
    left: set[str] = set()
    for event, job, outcome in _EVENT.findall(log):
        if event == "worker-started":
            begun.add(job)
        elif job in begun and event == "worker-ended":
            left.add(job)
        elif job in begun:
            outcomes[job] = outcome or "failed"  # empty where it is tried again
    return {it: outcomes[it] for it in left if it in outcomes}


def wait_for(
    look: Callable[[], T | None], pause: float = 0.2, tell: Callable[[], str] = lambda: ""
) -> T:
    """Wait until there is something, and give it."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while (found := look()) is None:
        assert time.monotonic() < deadline, f"waited too long\n{tell()}"
        time.sleep(pause)
    return found


@contextmanager
def ops_machine(folder: Path, network: Network, below: Path = Path("/")) -> Iterator[Ops]:
    """Boot the machine, with the checkout and a ready environment, and nothing installed yet."""
    environment = find_environment(below)
    checkout = copy_checkout(folder / "checkout")
    for name in ("state", "srv"):
        (folder / name).mkdir()
    shared = {"/var/lib/giucong": folder / "state", "/srv": folder / "srv"}
    copied = {_CHECKOUT: checkout, f"{PROGRAM}/.venv": environment.folder}
    with machine(folder, "ops", network, below=below, shared=shared, copied=copied,
                 units=("nginx.service",)) as made:  # fmt: skip
        (folder / "made_for").write_text(environment.made_for, encoding="utf-8")
        move_environment(made.systemd, environment.made_for)
        yield Ops("ops", folder, network)


def install(ops: Ops, folder: Path, store: Machine) -> None:
    """Follow the pages: service, stores, console and people; a small site is here already."""
    key = administrators_key(folder)
    for it in (key, key.with_suffix(".pub")):
        name = it.name.replace("administrators", "id_ed25519")
        ops.write(f"{ROOTS_SSH}/{name}", it.read_text(), mode="600")
    ops.write(f"{ROOTS_SSH}/config", "StrictHostKeyChecking accept-new\n")
    build_portal(ops.systemd)
    _install_service(ops, store)
    _install_console(ops)
    _put_nginx_before(ops)
    _let_people_in(ops)


def install_program(ops: Ops) -> None:
    """Follow the page until the program is there with its user and folders, and no estate yet."""
    where = _CHECKOUT
    for line in lines_before(SERVICE, _FIRST_OF_ESTATE):
        if line.startswith("cd "):
            where = line.split()[1]
        elif line != "make run":
            ops.script(line, where)
        if line.startswith("make venv"):  # it found one that is ready, and left out its last step
            ops.script(f".venv/bin/python -m compileall -q {_SOURCES}", where)


def _install_service(ops: Ops, store: Machine) -> None:
    install_program(ops)
    lines = dropwhile(lambda it: _FIRST_OF_ESTATE not in it, lines_before(SERVICE, "no-drills"))
    for line in lines:
        if line.startswith("nano "):
            _write_estate(ops)
            _enter_stores(ops, store)
        elif line.startswith("systemctl edit"):
            drop_in = "[Service]\nRestartSec=100ms\n"
            ops.write("/etc/systemd/system/giucong.service.d/override.conf", drop_in)
        else:
            # What the service makes later cannot be tried yet: that is told, and ends with 3.
            ops.script(f"{line} || [ $? -eq 3 ]" if "estate.test" in line else line, PROGRAM)


def _write_estate(ops: Ops) -> None:
    """Write it as the pages say."""
    text = (Path(__file__).with_name("estate.toml")).read_text(encoding="utf-8")
    text = text.replace("OBJECT_STORE", ops.network.s3().endpoint)
    people = "".join(
        f'[[people]]\nname = "{name}"\ntitle = "{title}"\nlogin = "{name}"\n'
        f'mail = "{name}@{DOMAIN}"\n' + ('unit = "xa"\n' if name == "ptd" else "")
        for name, title in TITLES.items()
    )
    parts = ['schema = 1\ninclude = ["sites.d/*.toml"]\n', blocks(SERVICE, "toml")[0],
             blocks(CONSOLE, "toml")[0], text, people]  # fmt: skip
    ops.write(ESTATE, "\n".join(parts), mode="640", owner="root:giucong")
    ops.run("install", "-d", "-o", "root", "-g", "giucong", "-m", "750", "/etc/giucong/sites.d")
    site = SITE_OF_ESTATE.replace('owner = "nva"', 'owner = "nva"\nclasses = ["news"]') + _ARCHIVED
    ops.write("/etc/giucong/sites.d/cong-xa.toml", site)
    ops.write("/etc/giucong/archive-cong-xa.toml", _MAPPING)
    ops.write("/etc/giucong/signatures/own.hdb", _SIGNATURE)


def _enter_stores(ops: Ops, store: Machine) -> None:
    """Make the keys that enter the stores and the relay, and let the SFTP server know its own."""
    ops.script(f"install -d -o giucong -g giucong -m 700 {KEYS}")
    secrets = {"s3-access": WRITER.access_key, "s3-secret": WRITER.secret_key, "relay": _RELAY}
    for name, text in secrets.items():
        ops.write(f"/root/{name}", text, mode="600")
        ops.script(f"giucong estate.secret --name file:{KEYS}/{name} --file - < /root/{name}")
    ops.script(
        f"""
        runuser -u giucong -- ssh-keygen -q -t ed25519 -N "" -f {KEYS}/far
        ssh-keyscan backup.{DOMAIN} 2> /dev/null > {KEYS}/known_hosts
        chown giucong: {KEYS}/known_hosts
        """
    )
    store.write("/root/far.pub", ops.read(f"{KEYS}/far.pub"))
    store.script(
        """
        useradd -m -s /usr/sbin/nologin giucong
        install -d -o giucong -g giucong -m 700 /srv/stores /srv/stores/far ~giucong/.ssh
        install -o giucong -g giucong -m 600 far.pub ~giucong/.ssh/authorized_keys
        cd /etc/ssh/sshd_config.d
        printf 'Match User giucong\n  ForceCommand internal-sftp\n' > store.conf
        systemctl reload ssh
        """
    )


def _install_console(ops: Ops) -> None:
    for line in lines_before(CONSOLE, "nothing"):
        if line != "fab console.run":
            ops.script(line, PROGRAM)


def _put_nginx_before(ops: Ops) -> None:
    """Put nginx with TLS before the console, with the page's own words for it."""
    names = [f"giucong.{DOMAIN}", "localhost"]
    certificate = ops.network.authority.issue("console", days=90, hosts=names).read_text()
    for name in ("fullchain", "privkey"):
        ops.write(f"/etc/ssl/giucong/{name}.pem", certificate, mode="600")
    ops.write("/etc/nginx/conf.d/giucong.conf", blocks(CONSOLE, "nginx")[0])
    ops.run("systemctl", "-q", "enable", "--now", "nginx")


def give_logins(ops: Ops) -> None:
    """Give people logins on the machine, in the group of those who type."""
    for number, name in enumerate(ROLES, start=FIRST_ID):
        login = ops.people[name].login
        ops.script(f"useradd -m -s /bin/bash -u {number} -G giucong-operators {name}")
        ops.run("chpasswd", typed=f"{name}:{login}\n")


def _let_people_in(ops: Ops) -> None:
    """Give them logins, then credentials and roles, as the page says."""
    give_logins(ops)
    first = next(iter(ROLES))
    for line in lines_before(PEOPLE, "user.list"):
        words = shlex.split(line.removeprefix("fab "))
        is_first = words[words.index("--person") + 1] == first
        ops.type("root" if is_first else first, words, at=first).check()
        if words[0] == "user.role" and is_first:  # alone, it gives what will take two people later
            for name in ROLES.keys() - {first, "ttb"}:  # of whom the page tells
                ops.type(first, f"user.add --person {name}").check()
            ops.type(first, " ".join(_list_appointments())).check()
    ops.agree(first, "ttb", "user.role --person lvc --role approver --reason 'Phân công'").check()


def _list_appointments() -> Iterator[str]:
    """Yield the tasks that give all their roles but the first, and approving."""
    for name, roles in ROLES.items():
        for role in roles:
            if role not in {"security_officer", "approver"}:
                yield f"user.role --person {name} --role {role} --reason 'Phân công'"
