"""The console for tests: an office in this process, or service and web as real processes.

People stand in the estate with a role each, or several; their names say which.
"""

import base64
import http.client
import itertools
import json
import os
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pyotp
import uvicorn

from ops import wiring as _wiring  # noqa: F401 - lists who gives what to which seam
from ops.access.approvals.requests import Wish
from ops.access.approvals.require import ApprovalAwaitedError, require_approval
from ops.access.caller import Caller
from ops.access.credentials import Issued
from ops.access.rights import ROLES
from ops.alerts.outbox import write_notices
from ops.catalog.open import open_catalog
from ops.console.office.act_runs import ActRuns
from ops.console.office.counter import Counter
from ops.console.office.desk import EstateKeeper
from ops.console.office.server import listen, serve
from ops.console.web.__main__ import configure
from ops.console.web.app import make_app
from ops.console.web.guard import COOKIE, csrf_of
from ops.console.web.shown import make_templates, render
from ops.schedule.ledger.endings import Recording, record_events
from ops.schedule.ledger.job import LedgerEvent
from tests.forks import forks
from tests.integration.jobs.small_estate import GIUCONG, build_estate
from tests.links import strange_links
from tests.people import KEY_TEXT, appoint, enrol, origin_of, password_of
from tests.private_server import end

_SQLITE = "sqlite:///state/giucong.db"
_KEY = 'repository = "file:keys/repository.key"'
PEOPLE = {
    **{role.replace("_", "-"): (role,) for role in ROLES},
    "bach": ("operator", "backup_admin", "security_officer"),
    "chau": ("approver", "head"),
}
"""Name → roles."""
AROUND: dict[str, object] = {
    "me": None, "nav": [], "acts": {}, "name": "", "title": "", "organisation": "Trung tâm",
    "zone": "Asia/Ho_Chi_Minh", "csrf": "", "path": "/",
}  # fmt: skip
OTHER_SITE = """
[[units]]
name = "khac"
title = "Xã Khác"
[[sites]]
name = "cong-khac"
title = "Cổng xã Khác"
unit = "khac"
  [[sites.files]]
  name = "www"
  path = "www"
"""
"""A site of a unit that nobody here belongs to."""


@dataclass
class ConsoleEstate:
    """An estate with a console, and people who can prove who they are."""

    path: Path
    listen: str
    captured: str
    catalog: str
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

    def proof_of(self, person: str) -> dict[str, str]:
        """Give what somebody proves with, once."""
        return {"password": password_of(person), "code": self.code_of(person)}


def build_console_estate(
    folder: Path, more: str = "", proving: Collection[str] = ("bach", "chau"), *, catalog: str = ""
) -> ConsoleEstate:
    """Build a small estate with a console and the people of `PEOPLE`.

    Args:
        folder: Where.
        more: What else the estate says.
        proving: Who can prove who they are; each costs as much time as a login does.
        catalog: Its URL, where it is not SQLite.
    """
    people = "".join(
        f'\n[[people]]\nname = "{name}"\ntitle = "Người {name}"\nlogin = "{name}"\nunit = "xa"\n'
        for name in PEOPLE
    )
    port, captured = _free_port(), _free_port()
    address = f"127.0.0.1:{port}"
    console = f'\n[console]\nlisten = "{address}"\ncaptured = "127.0.0.1:{captured}"\n'
    path = build_estate(folder, people + console + more)
    text = path.read_text(encoding="utf-8")
    text = text.replace(_KEY, f'{_KEY}\ncredentials = "file:keys/credentials.key"')
    path.write_text(text.replace(_SQLITE, catalog or _SQLITE), encoding="utf-8")
    key = folder / "keys" / "credentials.key"
    key.parent.mkdir(exist_ok=True)
    key.write_text(KEY_TEXT, encoding="utf-8")
    key.chmod(0o600)
    (folder / "state").mkdir(exist_ok=True)
    url = catalog or f"sqlite:///{folder}/state/giucong.db"
    estate, opened = ConsoleEstate(path, address, f"127.0.0.1:{captured}", url), open_catalog(url)
    with opened:
        for name, roles in PEOPLE.items():
            began = datetime.now(UTC) - timedelta(days=1)
            if name in proving:
                estate.issued[name] = enrol(opened, name, *roles, now=began)
            else:
                appoint(opened, name, *roles, now=began)
    estate.environment = {
        **{name: it for name, it in os.environ.items() if not name.startswith("GIUCONG")},
        "GIUCONG_ESTATE": str(path), "GIUCONG_LANG": "vi",
    }  # fmt: skip
    return estate


def let_backups_fail(estate: ConsoleEstate, sites: Iterable[str], reason: str) -> None:
    """Let the last try of each site's backup have failed, and `bach` ask for a restore of it."""
    catalog = open_catalog(estate.catalog)
    now = datetime.now(UTC)
    failed: dict[str, Any] = {
        "occasion": "ended", "kind": "backup", "outcome": "failed", "reason": "secret",
        "attempt": 3, "due_at": now - timedelta(hours=1),
    }  # fmt: skip
    with catalog:
        for site in sites:
            event = LedgerEvent(job=f"backup/{site}", site=site, **failed)
            with catalog.writing() as session:  # as the service tells of a last try
                record_events(session, Recording(listener=write_notices), [event])
            wish = Wish(
                action="restore-in-place", subject=site, plan={"snapshot": site}, reason=reason
            )
            with suppress(ApprovalAwaitedError):
                require_approval(catalog, origin_of("bach"), wish, now=now)


@dataclass
class InProcess:
    """An office in this process: pages and acts without socket and browser."""

    estate: ConsoleEstate
    counter: Counter
    tokens: dict[str, str] = field(default_factory=dict)

    def ask(self, what: str, person: str = "bach", **values: Any) -> dict[str, Any]:
        """Ask as somebody, `upload` as bytes or base64; raises what would be answered as error."""
        request = {
            "token": self.token_of(person),
            "address": "10.0.0.7",
            "language": "en",
        }
        sent = values.pop("upload", b"")
        pieces = iter([base64.b64decode(sent) if isinstance(sent, str) else sent])
        request = json.loads(json.dumps({**request, **values}))
        answer = self.counter.handlers()[what]({**request, "file": pieces})
        return json.loads(json.dumps(dict(answer.value)))  # type: ignore[no-any-return]  # JSON

    def page(self, name: str, person: str = "bach", **arguments: str) -> dict[str, Any]:
        """Give what a page shows somebody."""
        return self.ask("page", person, page=name, arguments=arguments)["page"]  # type: ignore[no-any-return]  # JSON

    def html(self, page: str, person: str = "bach", /, **arguments: str) -> str:
        """Give a page as a browser gets it."""
        answer = self.ask("page", person, page=page, arguments=arguments)
        values = {**AROUND, **answer, "data": answer["page"], "arguments": arguments}
        text = render(make_templates(), f"pages/{page}.html", values)
        assert strange_links(text) == []
        return text

    def act(self, task: str, person: str = "bach", **values: Any) -> dict[str, Any]:
        """Have somebody do something, and wait for its end; `form` and `proof` as a browser's."""
        told = self.ask("act", person, task=task, **values)
        until = time.monotonic() + 120
        while not told["is_over"] and time.monotonic() < until:
            time.sleep(0.05)
            told = self.ask("act-state", person, id=told["id"])["page"]
        return told

    def token_of(self, person: str) -> str:
        """Give the token of a session of somebody's."""
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
    keeper = EstateKeeper()
    acts = ActRuns(estate.path.parent / "state" / "console", forks())
    try:
        yield InProcess(estate, Counter(keeper, acts))
    finally:
        acts.close()
        keeper.get()[1].readers.dispose()
        if before is None:
            del os.environ["GIUCONG_ESTATE"]
        else:
            os.environ["GIUCONG_ESTATE"] = before


@dataclass
class Running:
    """Service and console as people run them, each a process that can be killed."""

    estate: ConsoleEstate
    started: dict[str, "subprocess.Popen[bytes]"] = field(default_factory=dict)

    @property
    def log(self) -> Path:
        """What both have said."""
        return self.estate.path.parent / "console.log"

    @property
    def browser(self) -> "Browser":
        """A browser in which nobody is logged in."""
        return Browser(self.estate.listen)

    def start(self, task: str) -> None:
        """Start `service.run` or `console.run`, and wait until it answers."""
        socket_of = self.estate.path.parent / "state" / "office.sock"
        if task == "service.run":
            socket_of.unlink(missing_ok=True)
        with self.log.open("ab") as out:
            self.started[task] = subprocess.Popen(
                [sys.executable, str(GIUCONG), task], env=self.estate.environment,
                stdin=subprocess.DEVNULL, stdout=out, stderr=out, cwd=self.estate.path.parent,
            )  # fmt: skip
        if task == "service.run":
            _wait(socket_of.exists, self.log)
        else:
            _wait(lambda: _answers(f"http://{self.estate.listen}/login"), self.log)

    def end(self) -> None:
        """End what runs, the web first."""
        for process in reversed(self.started.values()):
            process.terminate()
        for process in self.started.values():
            end(process, 240)


@contextmanager
def running_parts(estate: ConsoleEstate) -> Iterator[Running]:
    """Run service and console as people do."""
    running = Running(estate)
    try:
        for task in ("service.run", "console.run"):
            running.start(task)
        yield running
    finally:
        running.end()


@contextmanager
def running_console(estate: ConsoleEstate) -> Iterator[str]:
    """Do the same; gives the address of the pages."""
    with running_parts(estate):
        yield f"http://{estate.listen}"


@contextmanager
def served(
    office: InProcess, proxy: str = "127.0.0.1", name: str = "office.sock"
) -> Iterator["Browser"]:
    """Serve an office of this process over its socket and to browsers; gives one.

    `proxy` may say who asks: each browser here says an address of its own.
    """
    host, _colon, port = office.estate.listen.rpartition(":")
    path = office.estate.path.parent / "state" / name
    stop, listener = threading.Event(), listen(path)
    counter = threading.Thread(
        target=serve, args=(listener, office.counter.handlers(), stop, office.counter.whose)
    )
    counter.start()
    app = make_app(path, office.estate.captured.rpartition(":")[2])
    server = uvicorn.Server(configure(app, host, int(port), proxy))
    web = threading.Thread(target=server.run)
    web.start()
    try:
        _wait(lambda: _answers(f"http://{office.estate.listen}/login"), office.estate.path)
        yield Browser(office.estate.listen)
    finally:
        server.should_exit = server.force_exit = True
        web.join(20)
        stop.set()
        counter.join(20)
        listener.close()


@dataclass(frozen=True)
class Reply:
    """What a server has answered."""

    status: int
    headers: Mapping[str, str]
    text: str


_ADDRESSES = itertools.count(1)


@dataclass
class Browser:
    """Speaks HTTP to a console, from an address of its own, with whatever headers one likes."""

    listen: str
    cookie: str = ""
    address: str = field(default_factory=lambda: f"192.0.2.{next(_ADDRESSES) % 250}")

    def as_somebody(self, office: InProcess, person: str) -> "Browser":
        """Give a browser in which somebody is logged in."""
        return Browser(self.listen, f"{COOKIE}={office.token_of(person)}")

    @property
    def csrf(self) -> str:
        """What a form of this session holds."""
        return csrf_of(self.cookie.partition("=")[2])

    def get(self, path: str, method: str = "GET", **headers: str) -> Reply:
        """Ask for a page."""
        return self.send(method, path, None, headers)

    def post(self, path: str, form: Mapping[str, str] | str | bytes, **headers: str) -> Reply:
        """Send a form; `form` may be a whole body."""
        body = form if isinstance(form, str | bytes) else urlencode(form)
        kind = {"Content_Type": "application/x-www-form-urlencoded"}
        return self.send("POST", path, body, {**kind, **headers})

    def send(
        self, method: str, path: str, body: str | bytes | None, headers: Mapping[str, str]
    ) -> Reply:
        """Send whatever; underscores in names of headers are hyphens."""
        host, _colon, port = self.listen.rpartition(":")
        connection = http.client.HTTPConnection(host, int(port), timeout=60)
        given = {"X-Forwarded-For": self.address, "Cookie": self.cookie}
        given |= {name.replace("_", "-"): value for name, value in headers.items()}
        try:
            connection.request(method, path, body, {k: v for k, v in given.items() if v})
            answer = connection.getresponse()
            found = {name.lower(): value for name, value in answer.getheaders()}
            return Reply(answer.status, found, answer.read().decode("utf-8", "replace"))
        finally:
            connection.close()

    def speak(self, raw: bytes, seconds: float = 20.0) -> bytes:
        """Send bytes as they are; gives what comes until the server closes, or that long."""
        host, _colon, port = self.listen.rpartition(":")
        heard = b""
        with socket.create_connection((host, int(port)), timeout=seconds) as line:
            line.sendall(raw)
            with suppress(TimeoutError, ConnectionResetError):
                while part := line.recv(65_536):
                    heard += part
        return heard


def _wait(is_so: Any, log: Path) -> None:
    until = time.monotonic() + 240
    while not is_so():
        assert time.monotonic() < until, log.read_text(encoding="utf-8")
        time.sleep(0.1)


def _answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=60) as answer:  # noqa: S310 - our own, http
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
