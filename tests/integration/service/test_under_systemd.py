"""The unit under a real systemd: installed as the page says, it works, is killed, is stopped.

The page is followed line by line. Left out are only the program's own installation, which is there
already and needs the network, and editors, which do what the page says one does in them.
"""

import json
import re
import textwrap
import time
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import pytest

from tests.integration.service.systemd_portal import ESTATE, SITE, SITE_OF_ESTATE, build_portal
from tests.interop.test_readme_followed import read_lines
from tests.systemd_machine import ROOT, SystemdMachine, systemd_machine

# In `make soak`: a machine is booted, which only root can, and all of it takes a minute and a half.
pytestmark = [pytest.mark.soak, pytest.mark.timeout(1200)]

PAGE, CONSOLE_PAGE = "docs/how-to/run-as-a-service.md", "docs/how-to/the-console.md"
LEFT_OUT = re.compile(r"make |install -d /opt/giucong|git |nano ")
TOML = re.compile(r"^ *```toml\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
PROGRAM = "/opt/giucong"
DROP_INS = "/etc/systemd/system/giucong.service.d"
OF_THE_TEST = f"mkdir {DROP_INS}; printf '[Service]\\nRestartSec=100ms\\n' > {DROP_INS}/test.conf"
LIMIT = 'medium = "disk"\nlimit_mbps = 1'
LARGE = """
[[sites]]
name = "{name}"
title = "Trang {name}"
unit = "xa"
  [[sites.files]]
  name = "www"
  path = "/srv/www/{name}"
"""
PATIENCE_SECONDS = 240.0
T = TypeVar("T")


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SystemdMachine]:
    """A machine with a portal, on which the page was followed up to its first section."""
    with systemd_machine(tmp_path_factory.mktemp("machine")) as started:
        build_portal(started)
        for line in page_lines():
            # What the service makes later cannot be tried yet: that is told, and ends with 3.
            started.script(f"{line} || [ $? -eq 3 ]" if "estate.test" in line else line, PROGRAM)
        yield started


def page_lines() -> Iterator[str]:
    """Give what somebody types who follows the page, and what is done in the editors."""
    for line in read_lines(PAGE):
        if line.startswith("nano "):
            yield f"cat > {line.removeprefix('nano ')} <<'EOF'\n{whole_estate()}\nEOF"
        elif line.startswith("systemctl edit"):
            yield OF_THE_TEST
        elif "no-drills" in line:
            return
        elif not LEFT_OUT.match(line):
            yield line


def whole_estate() -> str:
    found = TOML.search((ROOT / PAGE).read_text(encoding="utf-8"))
    assert found
    return ESTATE + SITE_OF_ESTATE + textwrap.dedent(found[1])


def wait_for(look: Callable[[], T | None], pause: float = 0.2) -> T:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while (found := look()) is None:
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(pause)
    return found


def read_json(machine: SystemdMachine, *words: str) -> Any:
    return json.loads(machine.run("giucong", *words, "--json", check=False).stdout)["items"]


def list_last(machine: SystemdMachine) -> dict[str, dict[str, Any]]:
    """Give how each job ended last; an empty one for those that never ran."""
    found = read_json(machine, "service.jobs")
    return {it["job"]["name"]: it["last"] or {} for it in found}


def work(machine: SystemdMachine, *jobs: str) -> dict[str, str]:
    """Have the service do jobs; gives how they ended."""
    before = list_last(machine)
    for job in jobs:
        machine.run("giucong", "service.trigger", "--job", job)

    def look() -> dict[str, str] | None:
        now = list_last(machine)
        ended = {
            it: now[it]["outcome"]
            for it in jobs
            if now[it].get("ended_at") != before[it].get("ended_at")
        }
        return ended if len(ended) == len(jobs) else None

    return wait_for(look, 2.0)  # each look starts a program


def show(machine: SystemdMachine, *names: str) -> list[str]:
    """Give properties of the unit, in the order of systemd."""
    wanted = [f"--property={it}" for it in names]
    return machine.run("systemctl", "show", "--value", *wanted, "giucong").stdout.splitlines()


def test_it_backs_up_and_drills_within_the_unit(machine: SystemdMachine) -> None:
    assert show(machine, "ActiveState", "UnitFileState") == ["active", "enabled"]
    verified = machine.run("systemd-analyze", "--man=no", "verify", "giucong.service")
    assert verified.stdout + verified.stderr == ""
    machine.run("systemd-analyze", "security", "--threshold=31", "giucong")

    assert work(machine, "backup/cong-xa") == {"backup/cong-xa": "ok"}
    jobs = ("drill/cong-xa", "witness/cong-xa", "backup/giucong", "journal-head/giucong")
    assert work(machine, *jobs) == dict.fromkeys(jobs, "ok"), machine.journal("giucong")
    (drill,) = read_json(machine, "drill.show", "--site", "cong-xa")
    assert (drill["outcome"], drill["isolated"]) == ("ok", True)

    machine.run("install", "-d", "-m", "700", "/srv/restored")  # root's, who gives owners back
    restoring = ("backup.restore", "--site", "cong-xa", "--target", "/srv/restored", "--verify")
    done = machine.run("giucong", *restoring, check=False)
    assert (done.returncode, "have another owner" in done.stdout) == (0, False), done.stderr
    machine.run("cmp", "/srv/restored/cong-xa/files/www/index.php", f"{SITE}/index.php")
    told = [
        machine.run("stat", "-c", "%u:%g", f"{place}/index.php").stdout
        for place in (SITE, "/srv/restored/cong-xa/files/www")
    ]
    assert told[0] == told[1]
    foreign = "find /var/lib/giucong /var/cache/giucong /srv/stores ! -user giucong"
    assert machine.script(foreign).stdout == ""
    assert "Traceback" not in machine.journal("giucong")

    def has_pinged() -> bool | None:
        return show(machine, "WatchdogTimestampMonotonic") != pinged or None

    pinged = show(machine, "WatchdogTimestampMonotonic")
    assert wait_for(has_pinged)


def test_another_login_is_told_whose_the_tasks_are(machine: SystemdMachine) -> None:
    somebody = ("setpriv", "--reuid=www-data", "--regid=www-data", "--clear-groups", "giucong")
    refused = machine.run(*somebody, "service.status", check=False)

    assert (refused.returncode, refused.stdout) == (1, "")
    assert "you may not speak to the service" in refused.stderr
    assert "giucong-operators" in refused.stderr


def test_killed_it_comes_back_and_stopped_it_leaves_nothing(machine: SystemdMachine) -> None:
    larger = whole_estate().replace('medium = "disk"', LIMIT)
    for name in ("lon", "rong"):
        larger += LARGE.format(name=name)
        machine.run("mkdir", f"/srv/www/{name}")
        machine.script(f"head -c 30000000 /dev/urandom > /srv/www/{name}/phim.mp4")
    machine.run("tee", "/etc/giucong/estate.toml", typed=larger)
    machine.script("giucong backup.init; systemctl reload giucong")
    wait_for(lambda: "backup/rong" in list_last(machine) or None, 2.0)

    worker, restarts = begin(machine, "backup/lon"), show(machine, "NRestarts")
    machine.run("systemctl", "kill", "--kill-whom=main", "--signal=KILL", "giucong")
    wait_for(lambda: show(machine, "NRestarts") != restarts or None)
    wait_for(lambda: show(machine, "ActiveState") == ["active"] or None)
    assert is_gone(machine, worker)

    worker = begin(machine, "backup/rong")
    machine.run("systemctl", "stop", "giucong")
    assert is_gone(machine, worker)
    assert show(machine, "ActiveState") == ["inactive"]
    assert show(machine, "Result") == ["success"]
    assert show(machine, "ExecMainStatus") == ["0"]
    assert "event=service-stopped" in machine.journal("giucong")
    machine.run("tee", "/etc/giucong/estate.toml", typed=whole_estate())
    machine.run("systemctl", "start", "giucong")


def begin(machine: SystemdMachine, job: str) -> int:
    """Ask for a job that takes minutes; gives its worker's process as soon as it has begun."""
    machine.run("giucong", "service.trigger", "--job", job)
    started = re.compile(rf"worker-started job={job} .*pid=(\d+)")
    return int(wait_for(lambda: started.search(machine.journal("giucong")))[1])


def is_gone(machine: SystemdMachine, process: int) -> bool:
    return machine.run("test", "-e", f"/proc/{process}", check=False).returncode != 0


def test_the_console_runs_beside_it_and_reaches_nothing_but_the_socket(
    machine: SystemdMachine,
) -> None:
    console = '[console]\nlisten = "127.0.0.1:8443"\n'
    machine.run("tee", "/etc/giucong/estate.toml", typed=f"{whole_estate()}\n{console}")
    # Python lies in a home, maybe, unlike Debian's own.
    drop_in = "[Service]\nProtectHome=no\n"
    machine.run("mkdir", "-p", "/etc/systemd/system/giucong-console.service.d")
    machine.run("tee", "/etc/systemd/system/giucong-console.service.d/t.conf", typed=drop_in)
    for line in read_lines(CONSOLE_PAGE):
        if line != "fab console.run":
            machine.script(f"{line} || {{ journalctl --no-pager -n 40 >&2; exit 1; }}", PROGRAM)
    verified = machine.run("systemd-analyze", "--man=no", "verify", "giucong-console.service")
    assert verified.stdout + verified.stderr == ""
    machine.run("systemd-analyze", "security", "--threshold=20", "giucong-console")
    fetch = ("curl", "-s", "http://127.0.0.1:8443/login")

    def is_told_whose() -> bool | None:
        return "Trung tâm Công nghệ thông tin" in machine.run(*fetch, check=False).stdout or None

    wait_for(is_told_whose)
    web = machine.run("systemctl", "show", "--value", "--property=MainPID", "giucong-console")
    into = ("nsenter", f"--target={web.stdout.strip()}", "--mount", "setpriv",
            "--reuid=giucong-console", "--regid=giucong-console", "--clear-groups")  # fmt: skip
    for place in ("/etc/giucong/estate.toml", "/var/lib/giucong/giucong.db", "/srv/stores/near",
                  "/var/lib/giucong/keys/repository.key", "/var/cache/giucong"):  # fmt: skip
        assert machine.run("test", "-e", place).returncode == 0
        assert machine.run(*into, "test", "-r", place, check=False).returncode != 0, place
    assert machine.run(*into, "ls", "/run/giucong", check=False).returncode != 0
    assert machine.run(*into, "test", "-w", "/run/giucong/office.sock").returncode == 0
    assert "console-cannot-reach-the-office" not in machine.journal("giucong")
    machine.script("systemctl disable --now giucong-console")
    machine.run("tee", "/etc/giucong/estate.toml", typed=whole_estate())
    machine.run("systemctl", "restart", "giucong")


def test_without_drills_it_backs_up_in_a_tighter_unit(machine: SystemdMachine) -> None:
    lines = list(read_lines(PAGE))
    for line in lines[next(n for n, it in enumerate(lines) if "no-drills" in it) :]:
        machine.script(line, PROGRAM)
    machine.run("systemd-analyze", "security", "--threshold=16", "giucong")

    assert work(machine, "backup/cong-xa", "check/cong-xa") == {
        "backup/cong-xa": "ok",
        "check/cong-xa": "ok",
    }
    machine.script(
        f"rm {DROP_INS}/no-drills.conf; systemctl daemon-reload; systemctl restart giucong"
    )
