"""The works beside hosts, databases and lines; each group starts its servers and ends them.

| group | works |
|---|---|
| ssh | ssh-first on the portal, ssh-unchanged on 100 000 small files, against rsync |
| many | ssh-many and ssh-many-apart: 40 hosts, 8 at a time |
| mariadb | mariadb: 1 GB, against mariadb-dump |
| line | bad-line: the portal into a bucket over a line of 20 Mbit/s, against an undisturbed run; |
| | cut twice until the run has failed, then run again; bad-line-short: one run outlives both cuts |

The servers' own work counts as nobody's CPU time, and takes part of the same cores.
"""

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

from bench.buckets import InBucket, in_buckets
from bench.dataset import Dataset, ensure_dataset
from bench.figures import UNDISTURBED, Outcome
from bench.hosts import (
    Dumper,
    FarBackup,
    Order,
    Rsync,
    apart_command,
    far_command,
    make_order,
)
from bench.line import BAD, BadLine
from bench.measure import Command, Measurement, measure, run
from bench.peers import OURS
from bench.rounds import Note, Setting, describe, do_rounds, make_fresh, read_once
from bench.servers import many_hosts, one_database, one_host

SMALL_SHARE = 1 / 3  # of data set (c): 100 000 files, whether the run is quick or not
DATABASE_BYTES = 1_000_000_000
HOSTS, SITE_FILES = 40, 20
CUTS = (1 / 3, 2 / 3)  # of what an undisturbed run sends
SHORT_SECONDS = 5.0  # of a cut that a run outlives
FAILED = tuple(range(1, 128))
FarPeer = FarBackup | Rsync
Way = Callable[[Setting, BadLine, Sequence[int], Command], list[Measurement]]


def run_ssh(setting: Setting, note: Note) -> None:
    """Time reading a host against rsync."""
    with one_host() as server:
        peers: Sequence[FarPeer] = (FarBackup(server), Rsync(server))
        if "ssh-first" in setting.works:
            data = setting.data("site")
            read_once(data.root)

            def first(peer: FarPeer, number: int) -> Command:
                make_fresh(setting, peer)
                return peer.backup(setting.state(peer), data.root, f"first-{number}")

            note(do_rounds(setting, "ssh-first", describe(data), peers, first))
        if "ssh-unchanged" in setting.works:
            _run_unchanged(setting, note, peers)


def _run_unchanged(setting: Setting, note: Note, peers: Sequence[FarPeer]) -> None:
    scale = setting.scales["site"] * SMALL_SHARE
    data = ensure_dataset("small", setting.folder / "data", scale=scale)
    for peer in peers:
        setting.say(f"ssh-unchanged: {peer.name} reads everything, not timed")
        make_fresh(setting, peer)
        run(peer.backup(setting.state(peer), data.root, "first"))

    def again(peer: FarPeer, number: int) -> Command:
        return peer.backup(setting.state(peer), data.root, f"unchanged-{number}")

    note(do_rounds(setting, "ssh-unchanged", describe(data), peers, again))


def run_many(setting: Setting, note: Note) -> None:
    """Time small unchanged sites on many hosts."""
    peer, folder = OURS, setting.folder / "run"
    count = max(round(HOSTS * min(setting.scales["site"], 1.0)), 2)
    sites = make_sites(folder / "sites", count)
    with many_hosts(count) as hosts:
        orders: list[Order] = []
        for number, (site, (server, port)) in enumerate(zip(sites, hosts, strict=True)):
            state = setting.state(peer) / f"{number:02d}"
            state.mkdir(parents=True)
            peer.prepare(state)
            orders.append(make_order(server, port, f"host{number:02d}", site, state))
        together = far_command("many", folder, orders)
        apart = apart_command(folder, orders)
        setting.say("ssh-many: all sites are read, not timed")
        run(together)
        what = f"{count} hosts with {SITE_FILES} files each"
        for work, command in (("ssh-many", together), ("ssh-many-apart", apart)):
            if work in setting.works:
                note(_time_alone(setting, work, what, command))


def _time_alone(setting: Setting, work: str, what: str, command: Command) -> Outcome:
    """Time what has no peer; its many repositories are not weighed."""
    outcome = do_rounds(setting, work, what, [OURS], lambda _peer, _number: command)
    return replace(outcome, sizes={})


def make_sites(folder: Path, count: int) -> list[Path]:
    """Write a small site for each host."""
    sites = [folder / f"{number:02d}" for number in range(count)]
    for site in sites:
        site.mkdir(parents=True)
        for number in range(SITE_FILES):
            page = site / f"trang-{number:02d}.html"
            page.write_text(f"<p>{site.name} {number}</p>\n" * 40, encoding="utf-8")
            os.utime(page, (1_720_000_000, 1_720_000_000))
    return sites


def run_mariadb(setting: Setting, note: Note) -> None:
    """Time the dump of a live database against its own program."""
    size = max(int(DATABASE_BYTES * setting.scales["dump"]), 1_000_000)
    setting.say(f"mariadb: a database of {size / 1e9:.2f} GB is filled, not timed")
    with one_database(size) as (server, database), one_host() as host:
        peers: Sequence[FarBackup | Dumper] = (
            FarBackup(host, "dump", database),
            Dumper(database),
        )

        def turn(peer: FarBackup | Dumper, number: int) -> Command:
            make_fresh(setting, peer)
            return peer.backup(setting.state(peer), server.socket, f"dump-{number}")

        what = f"{size / 1e9:.2f} GB of statements, InnoDB, a pool of 256 MB"
        note(do_rounds(setting, "mariadb", what, peers, turn))


def run_bad_line(setting: Setting, note: Note) -> None:
    """Count what is sent into a bucket over a line that is cut twice.

    What is needed is what a run over a line sends that only counts.
    """
    data = setting.data("site")
    ways = {"bad-line": _run_again, "bad-line-short": _outlive}
    with in_buckets([OURS], setting.folder / "run") as (near,):
        for work, way in ways.items():
            if work in setting.works:
                note(_compare_bytes(setting, work, near, data, way))


def _compare_bytes(setting: Setting, work: str, near: InBucket, data: Dataset, way: Way) -> Outcome:
    load = os.getloadavg()[0]
    sent: dict[str, list[int]] = {"ours": [], UNDISTURBED: []}
    rounds: dict[str, list[Measurement]] = {"ours": [], UNDISTURBED: []}
    for number in range(setting.rounds):
        make_fresh(setting, near)
        with BadLine(_port(near)) as line:
            rounds[UNDISTURBED].append(measure(_backup(setting, near, line, data)))
            needed = line.sent
        make_fresh(setting, near)
        with BadLine(_port(near), BAD) as line:
            marks = [int(needed * share) for share in CUTS]
            rounds["ours"].append(
                _add(way(setting, line, marks, _backup(setting, near, line, data)))
            )
            mine = line.sent
        run(near.check(setting.state(near)))
        sent[UNDISTURBED].append(needed)
        sent["ours"].append(mine)
        setting.say(f"{work} round {number + 1}: sent {mine}, needed {needed} bytes")
    what = f"{describe(data)}; 20 Mbit/s, 40 ms and 1 % loss imitated by a line of this program"
    when = datetime.now(UTC).isoformat(timespec="seconds")
    sizes = {near.name: near.size(setting.state(near))}
    return Outcome(work, what, when, rounds, sizes, load, sent)


def _run_again(
    setting: Setting, line: BadLine, marks: Sequence[int], command: Command
) -> list[Measurement]:
    """Leave the line cut until the run gives up, then start another."""
    runs: list[Measurement] = []
    for mark in marks:
        line.cut_at(mark)
        runs.append(measure(replace(command, accepted=FAILED)))
        setting.say(f"bad-line: a run gave up, {line.sent} bytes sent so far")
        line.mend()
    return [*runs, measure(command)]


def _outlive(
    setting: Setting, line: BadLine, marks: Sequence[int], command: Command
) -> list[Measurement]:
    """Mend the line soon, so that the run goes on."""
    line.cut_at(*marks, seconds=SHORT_SECONDS)
    measured = measure(command)
    setting.say(f"bad-line-short: {line.cuts} cuts")
    return [measured]


def _add(runs: Sequence[Measurement]) -> Measurement:
    return Measurement(
        seconds=sum(it.seconds for it in runs),
        cpu_seconds=sum(it.cpu_seconds for it in runs),
        peak_bytes=max(it.peak_bytes for it in runs),
        is_pss=all(it.is_pss for it in runs),
    )


def _port(near: InBucket) -> int:
    port = urlsplit(near.server.endpoint).port
    if port is None:
        raise AssertionError("a private server listens on a port of its own")
    return port


def _backup(setting: Setting, near: InBucket, line: BadLine, data: Dataset) -> Command:
    far = replace(near, server=replace(near.server, endpoint=f"http://127.0.0.1:{line.port}"))
    return far.backup(setting.state(near), data.root, "first")
