"""The console for tests: an office in this process, or service and web as real processes.

People stand in the estate with a role each, or several; their names say which.
"""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyotp

from ops import wiring as _wiring  # noqa: F401 - lists who gives what to which seam
from ops.access.caller import Caller
from ops.access.credentials import Issued
from ops.access.rights import ROLES
from ops.catalog.open import open_catalog
from ops.console.office.act_runs import ActRuns
from ops.console.office.counter import Counter
from ops.console.office.desk import Keeper
from tests.integration.jobs.small_estate import GIUCONG, build_estate
from tests.people import KEY_TEXT, enrol, password_of

_KEY = 'repository = "file:keys/repository.key"'
PEOPLE = {
    **{role.replace("_", "-"): (role,) for role in ROLES},
    "bach": ("operator", "backup_admin", "security_officer"),
    "chau": ("approver", "head"),
}
"""Name → roles."""


@dataclass
class ConsoleEstate:
    """An estate with a console, and people who can prove who they are."""

    path: Path
    listen: str
    issued: dict[str, Issued] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)
    used: dict[str, int] = field(default_factory=dict)

    def code_of(self, person: str) -> str:
        """Give a code that was not used yet: a recovery code; ten of them are there."""
        number = self.used[person] = self.used.get(person, -1) + 1
        return self.issued[person].codes[number]

    def totp_of(self, person: str) -> str:
        """Give the time-based code of now; each is good once."""
        return pyotp.TOTP(self.issued[person].secret).now()

    def password_of(self, person: str) -> str:
        """Give somebody's password."""
        return password_of(person)


def build_console_estate(folder: Path, more: str = "") -> ConsoleEstate:
    """Build a small estate with a console and the people of `PEOPLE`, all with credentials."""
    people = "".join(
        f'\n[[people]]\nname = "{name}"\ntitle = "Người {name}"\nlogin = "{name}"\nunit = "xa"\n'
        for name in PEOPLE
    )
    port, captured = _free_port(), _free_port()
    listen = f"127.0.0.1:{port}"
    console = f'\n[console]\nlisten = "{listen}"\ncaptured = "127.0.0.1:{captured}"\n'
    path = build_estate(folder, people + console + more)
    text = path.read_text(encoding="utf-8")
    path.write_text(
        text.replace(_KEY, f'{_KEY}\ncredentials = "file:keys/credentials.key"'), encoding="utf-8"
    )
    key = folder / "keys" / "credentials.key"
    key.parent.mkdir(exist_ok=True)
    key.write_text(KEY_TEXT, encoding="utf-8")
    key.chmod(0o600)
    (folder / "state").mkdir(exist_ok=True)
    catalog = open_catalog(f"sqlite:///{folder}/state/giucong.db")
    estate = ConsoleEstate(path, listen)
    try:
        for name, roles in PEOPLE.items():
            began = datetime.now(UTC) - timedelta(days=1)
            estate.issued[name] = enrol(catalog, name, *roles, now=began)
    finally:
        catalog.close()
    estate.environment = {
        **{name: it for name, it in os.environ.items() if not name.startswith("GIUCONG")},
        "GIUCONG_ESTATE": str(path), "GIUCONG_LANG": "vi",
    }  # fmt: skip
    return estate


@dataclass
class InProcess:
    """An office in this process: pages and acts without socket and browser."""

    estate: ConsoleEstate
    counter: Counter
    tokens: dict[str, str] = field(default_factory=dict)

    def ask(self, what: str, person: str = "bach", **values: Any) -> dict[str, Any]:
        """Ask as somebody; raises what the office would answer as an error."""
        request = {"token": self._token(person), "address": "10.0.0.7", "language": "en", **values}
        answer = self.counter.handlers()[what](json.loads(json.dumps(request)))
        return json.loads(json.dumps(dict(answer.value)))  # type: ignore[no-any-return]  # JSON

    def page(self, name: str, person: str = "bach", **arguments: str) -> dict[str, Any]:
        """Give what a page shows somebody."""
        return self.ask("page", person, page=name, arguments=arguments)["page"]  # type: ignore[no-any-return]  # JSON

    def act(self, task: str, person: str = "bach", **values: Any) -> dict[str, Any]:
        """Have somebody do something, and wait for its end; `form` and `proof` as a browser's."""
        told = self.ask("act", person, task=task, **values)
        until = time.monotonic() + 120
        while not told["is_over"] and time.monotonic() < until:
            time.sleep(0.05)
            told = self.ask("act-state", person, id=told["id"])["page"]
        return told

    def _token(self, person: str) -> str:
        if person not in self.tokens:
            _estate, catalog = self.counter.keeper.get()
            with catalog.reading() as session:
                caller = Caller(person, person, "10.0.0.7")
                self.tokens[person] = self.counter.sessions.begin(session, caller)
        return self.tokens[person]


@contextmanager
def office_in_process(estate: ConsoleEstate) -> Iterator[InProcess]:
    """Give an office for an estate; the environment names the estate meanwhile."""
    before = os.environ.get("GIUCONG_ESTATE")
    os.environ["GIUCONG_ESTATE"] = str(estate.path)
    keeper = Keeper()
    acts = ActRuns(estate.path.parent / "state" / "console")
    try:
        yield InProcess(estate, Counter(keeper, acts))
    finally:
        acts.close()
        keeper.get()[1].readers.dispose()
        if before is None:
            del os.environ["GIUCONG_ESTATE"]
        else:
            os.environ["GIUCONG_ESTATE"] = before


@contextmanager
def running_console(estate: ConsoleEstate) -> Iterator[str]:
    """Run service and console as people do; gives the address of the pages."""
    started = list[subprocess.Popen[bytes]]()
    log = estate.path.parent / "console.log"
    try:
        for task in ("service.run", "console.run"):
            with log.open("ab") as out:
                started.append(
                    subprocess.Popen(
                        [sys.executable, str(GIUCONG), task], env=estate.environment,
                        stdin=subprocess.DEVNULL, stdout=out, stderr=out, cwd=estate.path.parent,
                    )
                )  # fmt: skip
            if task == "service.run":
                _wait((estate.path.parent / "state" / "office.sock").exists, log)
        address = f"http://{estate.listen}"
        _wait(lambda: _answers(f"{address}/login"), log)
        yield address
    finally:
        for process in reversed(started):
            process.terminate()
        for process in started:
            process.wait(30)


def _wait(is_so: Any, log: Path) -> None:
    until = time.monotonic() + 60
    while not is_so():
        assert time.monotonic() < until, log.read_text(encoding="utf-8")
        time.sleep(0.1)


def _answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=5) as answer:  # noqa: S310 - our own, http
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
