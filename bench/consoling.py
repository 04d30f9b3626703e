"""The console over a hundred sites, a million journal rows, a hundred thousand runs, a year.

`python -m bench.consoling [FOLDER]` fills a catalog (a minute or two, kept in FOLDER), then says of
each page how long the office and the template take, and how long the page is, as sent. With
`--people 50 --seconds 120` service and console run as processes and so many people read meanwhile.
"""

import argparse
import gzip
import json
import os
import random
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psutil
from sqlalchemy import func, insert, select

from ops import wiring as _wiring  # noqa: F401 - lists who gives what to which seam
from ops.access.caller import Caller
from ops.canonical import canonical_json
from ops.catalog.open import Catalog, open_catalog
from ops.catalog.tables.core import JournalRow, Run
from ops.console.office.act_runs import ActRuns
from ops.console.office.counter import Counter
from ops.console.office.desk import EstateKeeper
from ops.console.page import all_pages
from ops.console.web.shown import make_templates, render
from ops.estate.model.references import reveal
from ops.journal import journal
from ops.journal.journal import Entry, Origin
from tests.a_year import name_of, write_estate, write_year
from tests.forks import forks
from tests.people import KEY_TEXT, enrol, password_of

SITES, ROWS, RUNS = 100, 1_000_000, 100_000
PERSON = "nva"
_ROLES = ("operator", "backup_admin", "security_officer", "head", "approver", "auditor")
_BATCH = 20_000
_HOSTS = """
[console]
listen = "{listen}"
[service]
state = "state"
scratch = "scratch"
cache = "cache"
[catalog]
url = "sqlite:///state/giucong.db"
"""


def fill(folder: Path) -> Path:
    """Fill an estate's catalog, unless that was done; gives the estate file."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        listen = f"127.0.0.1:{probe.getsockname()[1]}"
    (folder / "var" / "keys").mkdir(parents=True, exist_ok=True)
    key = folder / "var" / "keys" / "credentials.key"
    key.write_text(KEY_TEXT, encoding="utf-8")
    key.chmod(0o600)
    estate = write_estate(folder, SITES, more=_HOSTS.format(listen=listen))
    text = estate.path.read_text(encoding="utf-8")
    repository = 'repository = "file:var/keys/repository.key"'
    text = text.replace(
        repository, f'{repository}\ncredentials = "file:var/keys/credentials.key"'
    ).replace(f'name = "{PERSON}"\n', f'name = "{PERSON}"\nlogin = "{PERSON}"\n', 1)
    estate.path.write_text(text, encoding="utf-8")
    (folder / "state").mkdir(exist_ok=True)
    with open_catalog(reveal(estate.catalog.url)) as catalog:
        with catalog.reading() as session:
            is_full = session.execute(select(func.count()).select_from(Run)).scalar_one() >= RUNS
        if not is_full:
            write_year(estate)
            enrol(catalog, PERSON, *_ROLES, now=datetime.now(UTC))
            _fill_runs(catalog)
            _fill_journal(catalog)
    return estate.path


def _fill_runs(catalog: Catalog) -> None:
    with catalog.writing() as session:
        there = session.execute(select(func.count()).select_from(Run)).scalar_one()
        began = datetime.now(UTC)
        rows: list[dict[str, Any]] = [
            {"id": uuid.uuid4(), "job": f"{kind}/{site}", "kind": kind, "site": site, "attempt": 1,
             "host": "may-chu", "pid": 1, "started_at": at, "ended_at": at + timedelta(minutes=2),
             "outcome": "failed" if number % 97 == 0 else "ok",
             "reason": "", "params": {}, "summary": {}}
            for number in range(RUNS - there)
            for kind in [("check", "copy", "forget", "scan")[number % 4]]
            for site in [name_of(number % SITES)]
            for at in [began - timedelta(minutes=5 * number)]
        ]  # fmt: skip
        for at in range(0, len(rows), _BATCH):
            session.connection().execute(insert(Run), rows[at : at + _BATCH])


def _fill_journal(catalog: Catalog) -> None:
    """Write the journal's rows past its chain, which would take an hour: pages don't verify it."""
    actions = ("run.end", "backup.run", "archive.ingest", "alert.open", "notice.sent")
    with catalog.writing() as session:
        head = session.execute(select(func.max(JournalRow.sequence))).scalar_one() or 0
        began = datetime.now(UTC) - timedelta(days=365)
        names = [it.name for it in JournalRow.__table__.columns]
        for start in range(head + 1, ROWS, _BATCH):
            rows = [
                {**dict.fromkeys(names, ""), "sequence": number, "at": began
                 + timedelta(seconds=30 * number), "via": "clock", "action": actions[number % 5],
                 "subject": name_of(number % SITES), "details": canonical_json({}),
                 "hash": f"{number:064x}"}
                for number in range(start, min(start + _BATCH, ROWS))
            ]  # fmt: skip
            session.connection().execute(insert(JournalRow), rows)
    with catalog.writing() as session:
        journal.append(session, Origin(via="cli", person=PERSON), [Entry("bench.filled")])


def time_pages(path: Path, rounds: int) -> None:
    """Say how long each page takes, read and rendered, and how long it is."""
    os.environ["GIUCONG_ESTATE"] = str(path)
    keeper, templates = EstateKeeper(), make_templates()
    counter = Counter(keeper, ActRuns(path.parent / "state" / "console", forks()))
    _estate, catalog = keeper.get()
    with catalog.reading() as session:
        token = counter.sessions.begin(session, Caller(PERSON, PERSON, "127.0.0.1"))
    print(f"{'page':16} {'first':>7} {'p50 ms':>7} {'p95 ms':>7} {'kB':>6} {'gz kB':>6}")
    for name in all_pages():
        _time_page(counter, templates, name, token, rounds)
    print(f"memory: {psutil.Process().memory_info().rss >> 20} MiB")


def _time_page(counter: Counter, templates: Any, name: str, token: str, rounds: int) -> None:
    site = name_of(1)
    arguments = {"site": site} if name in {"site", "restore"} else {}
    times, text = [], ""
    for _round in range(rounds):
        began = time.perf_counter()
        try:
            text = _render(counter, templates, name, token, arguments)
        except Exception as error:  # noqa: BLE001 - a page that needs more arguments
            print(f"{name:16} {type(error).__name__}: {str(error)[:80]}")
            return
        times.append(1_000 * (time.perf_counter() - began))
    p95 = sorted(times[1:])[int(0.95 * (len(times) - 2))]
    packed = len(gzip.compress(text.encode(), 6))
    print(
        f"{name:16} {times[0]:7.0f} {statistics.median(times[1:]):7.0f} {p95:7.0f}"
        f" {len(text.encode()) / 1_000:6.1f} {packed / 1_000:6.1f}"
    )


def _render(
    counter: Counter, templates: Any, name: str, token: str, arguments: dict[str, str]
) -> str:
    answer = counter.show({"token": token, "page": name, "arguments": arguments})
    sent = json.loads(json.dumps(answer.value))
    values = {"csrf": "x", "path": f"/{name}", "organisation": "", "zone": "Asia/Ho_Chi_Minh",
              **sent, "data": sent["page"], "arguments": arguments}  # fmt: skip
    return render(templates, f"pages/{name}.html", values)


@contextmanager
def started(path: Path) -> Iterator[tuple[str, "list[subprocess.Popen[bytes]]"]]:
    """Run service and console as people do; gives the address of the pages, and both."""
    environment = {**os.environ, "GIUCONG_ESTATE": str(path), "GIUCONG_LANG": "vi"}
    program = str(Path(sys.executable).with_name("giucong"))
    socket_of = path.parent / "state" / "office.sock"
    socket_of.unlink(missing_ok=True)
    listen = next(
        line.split('"')[1] for line in path.read_text().splitlines() if line.startswith("listen")
    )
    running = list["subprocess.Popen[bytes]"]()
    try:
        for task, is_up in (
            ("service.run", socket_of.exists),
            ("console.run", lambda: _get(f"http://{listen}/login", "")[0] == 200),  # noqa: PLR2004 - OK
        ):
            running.append(
                subprocess.Popen(
                    [program, task], env=environment,
                    stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                )
            )  # fmt: skip
            _wait_for(is_up)
        yield f"http://{listen}", running
    finally:
        for process in reversed(running):
            process.terminate()
        for process in running:
            process.wait(30)


def read_together(path: Path, people: int, seconds: float) -> None:
    """Have so many people read pages of a running console, a page every few seconds each."""
    with started(path) as (base, running):
        _read(path, base, people, seconds, running)


def _read(
    path: Path, base: str, people: int, seconds: float, running: "list[subprocess.Popen[bytes]]"
) -> None:
    cookie = log_in(path, base)
    names = [it.name for it in all_pages().values() if it.group]
    times, wrong = list[float](), list[str]()
    until = time.monotonic() + seconds

    def read() -> None:
        chosen = random.Random()
        while time.monotonic() < until:
            name = chosen.choice(names)
            began = time.perf_counter()
            status, _body = _get(f"{base}/{name}", cookie)
            times.append(time.perf_counter() - began)
            if status != 200:  # noqa: PLR2004 - OK
                wrong.append(f"{name} {status}")
            time.sleep(chosen.uniform(2.0, 6.0))

    threads = [threading.Thread(target=read) for _number in range(people)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    ordered = sorted(times)
    print(
        f"{len(times)} pages, p50 {1_000 * ordered[len(times) // 2]:.0f} ms,"
        f" p95 {1_000 * ordered[int(0.95 * len(times))]:.0f} ms, wrong {wrong[:5]} {len(wrong)}"
    )
    for process in running:
        parent = psutil.Process(process.pid)
        for one in (parent, *parent.children(recursive=True)):
            print(f"  {one.memory_full_info().pss / 1e6:.0f} MB {' '.join(one.cmdline())[-60:]}")


def log_in(path: Path, base: str) -> str:
    """Log in with a recovery code that is made for it; gives the cookie, `NAME=TOKEN`."""
    with open_catalog(f"sqlite:///{path.parent}/state/giucong.db") as catalog:
        issued = enrol(catalog, PERSON, now=datetime.now(UTC))
    from urllib.parse import urlencode

    form = urlencode({"name": PERSON, "password": password_of(PERSON), "code": issued.codes[0]})
    request = urllib.request.Request(f"{base}/login", form.encode())  # noqa: S310 - our own
    opener = urllib.request.build_opener(_NoRedirect)
    try:
        opener.open(request, timeout=30)
    except urllib.error.HTTPError as answer:
        return str(answer.headers["set-cookie"]).partition(";")[0]
    raise RuntimeError("nobody was let in")


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_arguments: Any, **_named: Any) -> None:
        """Follow nothing."""


def _get(address: str, cookie: str) -> tuple[int, bytes]:
    request = urllib.request.Request(address, headers={"Cookie": cookie})  # noqa: S310 - our own
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 - our own
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, b""
    except OSError:
        return 0, b""


def _wait_for(is_so: Any) -> None:
    until = time.monotonic() + 90
    while not is_so():
        if time.monotonic() > until:
            raise TimeoutError
        time.sleep(0.2)


def main() -> None:
    """Fill and time."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path)
    parser.add_argument("--rounds", type=int, default=21)
    parser.add_argument("--people", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=120.0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = (options.folder or Path(place)).absolute()
        folder.mkdir(parents=True, exist_ok=True)
        path = fill(folder)
        if options.people:
            read_together(path, options.people, options.seconds)
        else:
            time_pages(path, options.rounds)


if __name__ == "__main__":
    main()
