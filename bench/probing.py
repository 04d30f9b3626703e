"""The work of probing sites: a hundred, eight at a time, over loopback TLS with names of their own.

`python -m bench.probing FILE FOLDER` is what is timed, start-up too: one look at the sites that a
file names, which fails where one of them is not up.
"""

import json
import subprocess
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path

from bench.measure import Command
from bench.peers import CHECKOUT
from bench.preservation import Keeper
from bench.rounds import Note, Setting, do_rounds, make_fresh

SITES = 100
WORK = "watch-probes"
_US = Keeper("ours", (sys.executable, "-m", "bench.probing"))


def run_probes(setting: Setting, note: Note) -> None:
    """Time one look at all sites."""
    count = max(round(SITES * min(setting.scales["site"], 1.0)), 8)
    told = setting.folder / "run" / "sites.json"
    told.parent.mkdir(parents=True, exist_ok=True)
    with subprocess.Popen(
        (sys.executable, "-m", "bench.many_sites", str(count)),
        cwd=CHECKOUT, stdout=subprocess.PIPE, text=True,
    ) as server:  # fmt: skip
        try:
            told.write_text((server.stdout or StringIO()).readline(), encoding="utf-8")

            def turn(peer: Keeper, number: int) -> Command:
                del number
                make_fresh(setting, peer)
                state = setting.state(peer)
                return Command((*peer.program, str(told), str(state)), folder=CHECKOUT)

            outcome = do_rounds(setting, WORK, f"{count} sites", [_US], turn)
        finally:
            server.terminate()
    alone = (setting.state(_US) / "seconds.txt").read_text(encoding="utf-8")
    what = f"{count} sites over loopback TLS, each looked up, 30 KB, words looked for; 8 at a time"
    note(replace(outcome, data=f"{what}; the last look without start-up: {alone} s"))


def main(file: str, folder: str) -> int:
    """Look at the sites once; 0 when all are up."""
    from ops.monitor.probes.probe import probe_sites
    from ops.monitor.probes.target import PageWish, ProbeTarget, Surroundings

    told = json.loads(Path(file).read_text(encoding="utf-8"))
    targets = [
        ProbeTarget(site=f"s{number}", page=PageWish(address=it, words=("thủ tục",)))
        for number, it in enumerate(told["urls"])
    ]
    around = Surroundings(
        nameservers=(tuple(told["nameserver"]),), authorities=Path(told["authorities"])
    )
    began = time.perf_counter()
    found = probe_sites(
        targets, {}, datetime.now(UTC), deadline=time.monotonic() + 60, around=around
    )
    state = Path(folder)
    state.mkdir(parents=True, exist_ok=True)
    (state / "seconds.txt").write_text(f"{time.perf_counter() - began:.2f}", encoding="utf-8")
    return 0 if all(it.verdict == "up" for it in found) else 1


if __name__ == "__main__":
    raise SystemExit(main(*sys.argv[1:]))
