"""`python -m bench`: compare our engine with restic, borg and tar | zstd on this machine."""

import argparse
import json
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from bench.figures import GROUPS, TARGETS, WORKS, Outcome, outcome_from_json, outcome_to_json
from bench.hosts import packages_for
from bench.machine import describe_machine
from bench.peers import CHECKOUT, PEERS, Peer, compile_ours, find_missing_packages
from bench.report import print_grids, write_page
from bench.rounds import Setting
from bench.work import run_works

NEEDED_BYTES = 18_000_000_000  # at scale 1: all data sets and the largest group's repositories
QUICK_SCALES = {"site": 1.0, "dump": 0.25, "small": 1 / 3}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what the arguments ask for and return the exit status: 0 done, 1 failed, 2 usage."""
    options = _parse(arguments)
    console = Console(width=None if sys.stdout.isatty() else 170)
    if options.saved:
        machine, outcomes = _load(options.saved)
    else:
        peers = [peer for peer in PEERS if peer.name in options.peers]
        if problem := _find_problem(options, peers):
            console.print(f"error: {problem}", markup=False)
            return 1
        machine, outcomes = _load(options.json) if options.json else ({}, {})
        machine = describe_machine(options.work, peers)
        failures = _compare(options, peers, machine, outcomes)
    print_grids(console, list(outcomes.values()), machine)
    if options.markdown:
        write_page(options.markdown, list(outcomes.values()), machine)
    if options.saved or not failures:
        return 0
    console.print(f"{len(failures)} group(s) failed, see FAILED above", markup=False)
    return 1


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    names = [peer.name for peer in PEERS]
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument(
        "--quick", action="store_true", help="3 rounds, a dump of 1 GB, 100 000 small files"
    )
    parser.add_argument(
        "--only",
        metavar="WORK,…",
        help=f"some of: {', '.join(WORKS)}; real, archive and watch for groups of "
        "those after s3-restore, which are done only when they are asked for",
    )
    parser.add_argument("--rounds", type=int, help="default 5, with --quick 3")
    parser.add_argument("--peers", metavar="PEER,…", help=f"some of: {', '.join(names)}")
    parser.add_argument("--scale", type=float, default=1.0, help="share of the data, for trials")
    parser.add_argument("--work", type=Path, default=CHECKOUT / ".bench", help="data go here")
    parser.add_argument("--json", type=Path, help="keep results here; other works in it stay")
    parser.add_argument("--from", dest="saved", type=Path, help="only print results kept earlier")
    parser.add_argument("--markdown", type=Path, help="put the tables between this page's markers")
    options = parser.parse_args(arguments)
    wanted = options.only and _choose(parser, "--only", options.only, [*WORKS, *GROUPS])
    options.only = choose_works(wanted)
    options.peers = _choose(parser, "--peers", options.peers, names)
    options.rounds = options.rounds or (3 if options.quick else 5)
    options.work = options.work.resolve()
    return options


def choose_works(names: Sequence[str] | None) -> list[str]:
    """Return the works that names of works and groups mean; those with targets without any."""
    if names is None:
        return list(TARGETS)
    return [work for name in names for work in GROUPS.get(name, (name,))]


def _choose(
    parser: argparse.ArgumentParser, flag: str, wanted: str | None, known: list[str]
) -> list[str]:
    chosen = wanted.split(",") if wanted else known
    if unknown := [name for name in chosen if name not in known]:
        parser.error(f"{flag}: unknown {', '.join(unknown)}; known are {', '.join(known)}")
    return chosen


def _find_problem(options: argparse.Namespace, peers: Sequence[Peer]) -> str:
    """Return what stands in the way, empty if nothing does."""
    if missing := find_missing_packages(peers, packages_for(options.only)):
        return f"programs are missing; run: apt-get install {' '.join(missing)}"
    compile_ours()
    options.work.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(options.work).free
    needed = int(NEEDED_BYTES * options.scale)
    if free < needed:
        return f"{options.work} has {free / 1e9:.0f} GB free, {needed / 1e9:.0f} GB are needed"
    return ""


def _compare(
    options: argparse.Namespace,
    peers: Sequence[Peer],
    machine: dict[str, str],
    outcomes: dict[str, Outcome],
) -> list[str]:
    """Run the works, add each outcome to `outcomes`, save after each, return the failures."""
    shares = QUICK_SCALES if options.quick else dict.fromkeys(QUICK_SCALES, 1.0)
    setting = Setting(
        folder=options.work,
        peers=peers,
        rounds=options.rounds,
        scales={name: share * options.scale for name, share in shares.items()},
        works=frozenset(options.only),
        say=lambda line: print(line, file=sys.stderr, flush=True),
    )

    def note(outcome: Outcome) -> None:
        outcomes[outcome.work] = outcome
        if options.json:
            _save(options.json, machine, outcomes)

    return run_works(setting, note)


def _load(path: Path) -> tuple[dict[str, str], dict[str, Outcome]]:
    """Return the machine and the outcomes by work; nothing if the file is missing."""
    if not path.exists():
        return {}, {}
    data: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    found = [outcome_from_json(one) for one in data["outcomes"]]
    return data["machine"], {outcome.work: outcome for outcome in found}


def _save(path: Path, machine: dict[str, str], outcomes: dict[str, Outcome]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    data = {"machine": machine, "outcomes": [outcome_to_json(one) for one in outcomes.values()]}
    path.write_text(json.dumps(data, indent=1, ensure_ascii=False), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
