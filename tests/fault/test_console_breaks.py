"""The console when something of it is gone or held in the middle of an act."""

import re
import signal
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TypeVar

import psutil
import pytest

from tests.console_office import Browser, Reply, Running, build_console_estate, running_parts

pytestmark = pytest.mark.slow

JOB = "backup/cong-xa"
PATIENCE = 240.0
T = TypeVar("T")


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    estate = build_console_estate(tmp_path_factory.mktemp("console") / "estate")
    with running_parts(estate) as found:
        yield found


def test_each_part_may_go_while_an_act_is_under_way(running: Running) -> None:
    """One act after another is stopped where it wants to write; the web, the office, all goes."""
    browser = log_in(running)

    act, doing = begin_and_hold(running, browser)
    running.started["console.run"].send_signal(signal.SIGKILL)
    running.started["console.run"].wait(30)
    running.start("console.run")
    assert "đang thực hiện" in browser.get(act).text
    assert triggers(running) == 0
    doing.resume()
    told = wait_for(lambda: over(browser.get(act)))
    assert 'class="problem"' not in told
    assert triggers(running) == 1

    act, doing = begin_and_hold(running, browser)
    part(running, "ops.service.office_process").kill()
    psutil.wait_procs([doing], timeout=60)
    assert not doing.is_running()
    assert browser.get(act).status in {503, 303}
    assert running.started["service.run"].poll() is None
    # It comes back by itself; nobody is logged in, and nothing was half done.
    wait_for(lambda: browser.get("/today").status == 303 or None)
    assert triggers(running) == 1

    browser = log_in(running)
    act, doing = begin_and_hold(running, browser)
    running.started["service.run"].terminate()
    running.started["service.run"].wait(120)
    psutil.wait_procs([doing], timeout=60)
    assert not doing.is_running()
    for path in (act, "/today"):
        answer = browser.get(path)
        assert answer.status == 503
        assert "không kết nối được dịch vụ" in answer.text
        assert answer.headers["x-frame-options"] == "DENY"
    assert browser.get("/login").status == 200
    assert browser.get("/static/console.css").status == 200
    refused = browser.post("/act/service.trigger", {"csrf": browser.csrf, "job": JOB})
    assert refused.status == 503
    assert triggers(running) == 1
    running.start("service.run")
    assert log_in(running).get("/today").status == 200
    assert "Traceback" not in running.log.read_text(encoding="utf-8")


def test_a_catalog_that_another_holds_for_long_is_a_clear_error(running: Running) -> None:
    browser, before = log_in(running), triggers(running)
    with catalog_held(running):
        act = begin(browser)
        assert browser.get("/today").status == 200  # who only looks does not wait
        told = wait_for(lambda: over(browser.get(act)))
        assert 'class="problem"' in told
        assert "Traceback" not in told
        assert "OperationalError" not in told
        assert "cơ sở dữ liệu của dịch vụ" in told
    assert triggers(running) == before


def test_the_web_process_holds_nothing_of_the_services(running: Running) -> None:
    web = psutil.Process(running.started["console.run"].pid)
    assert "ops.console.web" in web.cmdline()
    assert not any(name.startswith("GIUCONG") for name in web.environ())
    folder = str(running.estate.path.parent)
    opened = [Path(f"/proc/{web.pid}/fd/{it}") for it in range(200)]
    held = [str(it.resolve()) for it in opened if it.is_symlink()]
    assert [it for it in held if it.startswith(folder) and not it.endswith("console.log")] == []
    assert [it for it in (it.path for it in web.memory_maps()) if it.startswith(folder)] == []


def log_in(running: Running) -> Browser:
    browser, estate = running.browser, running.estate
    form = {"name": "bach", "password": estate.password_of("bach"), "code": estate.code_of("bach")}
    answer = browser.post("/login", form)
    assert answer.status == 303, answer.text
    browser.cookie = answer.headers["set-cookie"].partition(";")[0]
    return browser


def begin(browser: Browser) -> str:
    """Have a job run at once; gives the page of the act."""
    answer = browser.post("/act/service.trigger", {"csrf": browser.csrf, "job": JOB})
    assert answer.status == 303, answer.text
    return answer.headers["location"]


def begin_and_hold(running: Running, browser: Browser) -> tuple[str, psutil.Process]:
    """Begin an act and stop its process before it can write."""
    with catalog_held(running):
        act = begin(browser)
        doing = wait_for(lambda: acting(running))
        wait_for(lambda: has_catalog(doing) or None)  # it has tied its life to the office's
        doing.suspend()
    return act, doing


def acting(running: Running) -> psutil.Process | None:
    """Find the process of an act: forked beside the office, and after it."""
    forking = part(running, "ops.service.office_process")
    _office, *acts = sorted(forking.children(), key=lambda it: it.create_time())
    return next(iter(acts), None)


def has_catalog(process: psutil.Process) -> bool:
    return any(it.path.endswith("giucong.db") for it in process.open_files())


def over(answer: Reply) -> str | None:
    """Give what an act's page says, once it is over."""
    assert answer.status == 200
    return None if "đang thực hiện" in answer.text else answer.text


def triggers(running: Running) -> int:
    with closing(sqlite3.connect(catalog_of(running))) as database:
        query = "SELECT count(*) FROM journal WHERE action = 'job.triggered' AND person = 'bach'"
        return int(database.execute(query).fetchone()[0])


def catalog_of(running: Running) -> Path:
    return running.estate.path.parent / "state" / "giucong.db"


@contextmanager
def catalog_held(running: Running) -> Iterator[None]:
    """Hold the catalog as another writer does."""
    with closing(sqlite3.connect(catalog_of(running), timeout=60)) as database:
        database.isolation_level = None
        database.execute("BEGIN IMMEDIATE")
        yield
        database.execute("ROLLBACK")


def part(running: Running, module: str) -> psutil.Process:
    """Find a process below the service; what it works on has begun."""

    def find() -> psutil.Process | None:
        service = psutil.Process(running.started["service.run"].pid)
        for it in service.children(recursive=True):
            if re.search(rf"\b{module}\b", " ".join(it.cmdline())):
                return it
        return None

    return wait_for(find)


def wait_for(look: Callable[[], T | None]) -> T:
    deadline = time.monotonic() + PATIENCE
    while (found := look()) is None:
        assert time.monotonic() < deadline
        time.sleep(0.2)
    return found
