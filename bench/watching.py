"""The works of the watch: a look at 40 hosts, cold and warm, and what the idle service costs.

What is timed runs inside one process, as it does in the service, so that start-up does not count.
The hosts are private sshd on the same machine and take part of the same cores.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from typing import Any

import psutil

from bench.figures import Outcome
from bench.measure import CommandFailedError, Measurement
from bench.peers import CHECKOUT
from bench.rounds import Note, Setting
from bench.servers import many_hosts
from ops.monitor.beat import read_beat

COLD, WARM, IDLE = "watch-sample-cold", "watch-sample-warm", "watch-idle"
LOOKS = frozenset({COLD, WARM})
HOSTS, SITES = 40, 100
WARM_ROUNDS = 9
PACE_SECONDS = 15
IDLE_SECONDS = 120
SETTLE_SECONDS = 45
BEGIN_SECONDS = 300

_HEAD = """
schema = 1
[organisation]
name = "Trung tâm"
[service]
state = "state"
[catalog]
url = "sqlite:///state/giucong.db"
[keys]
repository = "file:repository.key"
[[units]]
name = "xa"
title = "Xã"
[[stores]]
name = "near"
url = "stores/near"
role = "primary"
location = "Ở đây"
medium = "disk"
"""


def run_looks(setting: Setting, note: Note) -> None:
    """Time looks at all hosts: the first, with its connections, and those that follow."""
    count = max(round(HOSTS * min(setting.scales["site"], 1.0)), 2)
    folder = setting.folder / "run"
    cold, warm = [], []
    load = os.getloadavg()[0]
    with many_hosts(count) as hosts:
        write_estate(folder, hosts, {})
        for number in range(setting.rounds):
            argv = (sys.executable, "-m", "bench.watching", str(folder / "estate.toml"))
            ended = subprocess.run(argv, cwd=CHECKOUT, capture_output=True, text=True, check=False)
            if ended.returncode:
                raise CommandFailedError(f"{COLD}: {ended.stderr[-2000:]}")
            told = json.loads(ended.stdout)
            cold.append(_measured(told["cold"], told["peak"]))
            warm += [_measured(it, told["peak"]) for it in told["warm"]]
            setting.say(f"{COLD} round {number + 1}: {told['cold'][0]:.2f} s")
    what = f"{count} hosts and this machine, 8 wide, loopback sshd on the same cores"
    for work, found in ((COLD, cold), (WARM, warm)):
        if work in setting.works:
            note(Outcome(work, what, _now(), {"ours": found}, {}, load))


def _measured(times: Sequence[float], peak: int) -> Measurement:
    seconds, cpu_seconds = times
    return Measurement(seconds, cpu_seconds, peak, is_pss=False)


def run_idle(setting: Setting, note: Note) -> None:
    """Count the processor seconds of the whole service, as it would need them in a minute."""
    count = max(round(HOSTS * min(setting.scales["site"], 1.0)), 2)
    sites = max(round(SITES * min(setting.scales["site"], 1.0)), 2)
    folder, load = setting.folder / "run", os.getloadavg()[0]
    with many_hosts(count) as hosts, _many_sites(sites) as told:
        write_estate(folder, hosts, told)
        environment = {**os.environ, "GIUCONG_ESTATE": str(folder / "estate.toml")}
        command = [str(Path(sys.executable).with_name("fab")), "service.run"]
        with (folder / "log").open("wb") as log:
            service = subprocess.Popen(command, env=environment, cwd=CHECKOUT, stderr=log)
        try:
            _await_beat(folder / "state")
            time.sleep(SETTLE_SECONDS)
            before = _cost(service.pid)
            time.sleep(IDLE_SECONDS)
            after = _cost(service.pid)
        finally:
            service.terminate()
            service.wait()
    rounds = IDLE_SECONDS / PACE_SECONDS
    share = (after[0] - before[0]) / rounds
    what = (
        f"{count} hosts and {sites} sites; processor seconds of the service and its watch for one"
        f" round of all of them, which a minute has one of; memory of both: {after[1] / 1e6:.0f} MB"
    )
    measured = Measurement(share, share, after[1], is_pss=True)
    note(Outcome(IDLE, what, _now(), {"ours": [measured]}, {}, load))


def write_estate(folder: Path, hosts: list[tuple[Any, int]], told: dict[str, Any]) -> None:
    """Write an estate of some hosts and sites, looked at more often than anybody needs."""
    (folder / "state").mkdir(parents=True, exist_ok=True)
    parts = [_HEAD, f"[monitor]\nsample_seconds = {PACE_SECONDS}\nprobe_seconds = {PACE_SECONDS}\n"]
    if told:
        place = "{}:{}".format(*told["nameserver"])
        parts.append(
            f'[monitor.probes]\nnameservers = ["{place}"]\nauthorities = "{told["authorities"]}"\n'
        )
    for number, (server, port) in enumerate(hosts):
        target = server.target()
        parts.append(
            f'[[hosts]]\nname = "h{number}"\naddress = "127.0.0.1"\nport = {port}\n'
            f'user = "{target.user}"\nidentity = "file:{target.identity}"\n'
            f'known_hosts = "{target.known_hosts}"\n'
        )
    parts += [
        f'[[sites]]\nname = "s{number}"\ntitle = "Trang"\nunit = "xa"\nurl = "{url}"\n'
        f'[sites.schedule]\nbackup = ""\ncheck = ""\nforget = ""\nfull_read = ""\n'
        f'[[sites.files]]\nname = "www"\npath = "/nowhere"\n'
        for number, url in enumerate(told.get("urls", ()))
    ]
    (folder / "estate.toml").write_text("\n".join(parts), encoding="utf-8")


@contextmanager
def _many_sites(count: int) -> Iterator[dict[str, Any]]:
    command = (sys.executable, "-m", "bench.many_sites", str(count))
    with subprocess.Popen(command, cwd=CHECKOUT, stdout=subprocess.PIPE, text=True) as server:
        try:
            yield json.loads((server.stdout or StringIO()).readline())
        finally:
            server.terminate()


def _await_beat(state: Path) -> None:
    """Wait until the watch has looked, however long a busy machine takes to start it."""
    ends = time.monotonic() + BEGIN_SECONDS
    while read_beat(state) is None:
        if time.monotonic() > ends:
            raise CommandFailedError(f"{IDLE}: the watch does not look")
        time.sleep(1.0)


def _cost(pid: int) -> tuple[float, int]:
    """Give the processor seconds and the memory (PSS) of a service and its watch."""
    service = psutil.Process(pid)
    watches = [it for it in service.children() if any("watch_process" in w for w in it.cmdline())]
    if len(watches) != 1:
        raise CommandFailedError(f"{IDLE}: the service has {len(watches)} watches")
    both = [service, *watches]
    times = [it.cpu_times() for it in both]
    seconds = sum(it.user + it.system + it.children_user + it.children_system for it in times)
    return seconds, sum(it.memory_full_info().pss for it in both)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def main(estate_file: str) -> int:
    """Look at all hosts of an estate, once without connections and then with them."""
    from ops.estate.load.load import load_estate
    from ops.monitor.samples.sample import Sample
    from ops.monitor.samples.sampler import Sampler

    sampler = Sampler(load_estate(Path(estate_file)))
    found = []
    try:
        for _number in range(1 + WARM_ROUNDS):
            began, worked = time.perf_counter(), time.process_time()
            look = sampler.look(time.monotonic() + 60, with_upkeep=False)
            found.append((time.perf_counter() - began, time.process_time() - worked))
            unseen = {k: it for k, it in look.machines.items() if not isinstance(it, Sample)}
            if unseen:
                raise SystemExit(f"not seen: {unseen}")
    finally:
        sampler.close()
    peak = psutil.Process().memory_info().rss
    print(json.dumps({"cold": found[0], "warm": found[1:], "peak": peak}))
    return 0


if __name__ == "__main__":
    raise SystemExit(main(*sys.argv[1:]))
