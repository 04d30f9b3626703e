"""The papers and the plan of a hundred sites, three hundred assets, three years of runs.

`python -m bench.papers [FOLDER]` fills a catalog (kept in FOLDER), then says how long the year
report, every kind of paper once in a process that has made none, and `plan.draft` take.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
import uuid
from datetime import timedelta
from pathlib import Path

from sqlalchemy import func, insert, select

from ops import wiring as _wiring  # noqa: F401 - lists who gives what to which seam
from ops.catalog.open import Catalog, open_catalog
from ops.catalog.tables.core import Run
from ops.catalog.tables.register import Asset
from ops.estate.load.load import load_estate
from ops.estate.model.estate import Estate
from ops.estate.model.references import reveal
from ops.reports.kinds.table import KINDS
from ops.reports.make import make
from tests.a_year import NOW, name_of, write_estate, write_year
from tests.unit.ops.reports.a_drill import write_minutes
from tests.unit.ops.reports.a_plan import KINDS as ASSETS
from tests.unit.ops.reports.a_plan import write_plan
from tests.unit.ops.reports.test_kinds import wish_of

SITES, MACHINES, YEARS_BEFORE = 100, 300, 2
_STATE = '[service]\nstate = "state"\n[catalog]\nurl = "sqlite:///state/giucong.db"\n'


def fill(folder: Path) -> Estate:
    """Fill an estate's catalog, unless that was done."""
    (folder / "var" / "keys").mkdir(parents=True, exist_ok=True)
    (folder / "state").mkdir(exist_ok=True)
    estate = write_estate(folder, SITES, more=_STATE)
    catalog = open_catalog(reveal(estate.catalog.url))
    try:
        with catalog.reading() as session:
            is_full = session.execute(select(func.count()).select_from(Asset)).scalar_one()
        if not is_full:
            write_year(estate)
            _write_before(catalog)
            write_plan(estate, catalog)
            with catalog.writing() as session:
                write_minutes(session, name_of(0))
    finally:
        catalog.close()
    return estate


def _write_before(catalog: Catalog) -> None:
    """Write machines, and the years before: their runs as those of the year that is there."""
    with catalog.writing() as session:
        connection = session.connection()
        whole = list(connection.execute(select(Run.__table__)).mappings())
        for year in range(1, YEARS_BEFORE + 1):
            back = timedelta(days=365 * year)
            moved = [{**it, "id": uuid.uuid4(), "started_at": it["started_at"] - back,
                      "ended_at": it["ended_at"] - back} for it in whole]  # fmt: skip
            connection.execute(insert(Run), moved)
        for number in range(MACHINES - 2 * len(ASSETS)):
            kind = ASSETS[number % len(ASSETS)]
            session.add(Asset(
                name=f"may-{kind}-{number}", kind=kind, title=f"Thiết bị {kind} thứ {number}",
                place="Phòng máy chủ", price=10_000_000, changed_at=NOW,
                bought_on=NOW.date() - timedelta(days=100 + number * 8),
                supported_until=NOW.date() + timedelta(days=number * 7 - 300),
            ))  # fmt: skip


def time_papers(estate: Estate) -> None:
    """Say how long the year report takes first and again, then each kind once."""
    catalog = open_catalog(reveal(estate.catalog.url))
    whole = 0.0
    try:
        for name in ("annual", *(it for it in KINDS if it != "annual")):
            began = time.perf_counter()
            files = make(estate, catalog, wish_of(name, estate), NOW)
            seconds = time.perf_counter() - began
            whole += seconds
            print(f"{name:18} {seconds:6.2f} s  {sum(map(len, files.values())) / 1_000:7.0f} kB")
    finally:
        catalog.close()
    print(f"{'every kind, cold':18} {whole:6.2f} s")


def time_draft(estate: Estate, rounds: int) -> None:
    """Say how long the task takes as a person starts it; nothing is recorded."""
    environment = {**os.environ, "GIUCONG_ESTATE": str(estate.path), "GIUCONG_LANG": "vi"}
    command = [str(Path(sys.executable).with_name("giucong")), "plan.draft", "--year",
               str(NOW.year + 1), "--dry-run", "--json"]  # fmt: skip
    times = []
    for _round in range(rounds):
        began = time.perf_counter()
        told = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        times.append(time.perf_counter() - began)
        if told.returncode:
            raise SystemExit(told.stderr)
    print(f"{'plan.draft':18} {sorted(times)[rounds // 2]:6.2f} s  median of {rounds}")


def main() -> None:
    """Fill and time."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = (options.folder or Path(place)).absolute()
        folder.mkdir(parents=True, exist_ok=True)
        estate = fill(folder)
        time_papers(load_estate(estate.path))
        time_draft(estate, options.rounds)


if __name__ == "__main__":
    main()
