"""Hồ sơ minh chứng: tables, the journal's rows with their chain, hashes, and how to check them.

The journal's rows lie in it as they were hashed, so that nobody needs this software to check the
chain: `journal.jsonl` has a row a line, each a list of the fields in the order of the chain, then
the hash; `README.txt` says how, with a script in plain Python of its own. Who writes every file
anew is found by the head alone, which stores keep signed (`ops.audit.heads`).
"""

import hashlib
import json
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, timedelta

from ops.csv_file import write_csv
from ops.errors import OpsError
from ops.journal.journal import FIELDS, FIRST_PREVIOUS, STORED
from ops.journal.rows import read_rows
from ops.reports.figures.figure import Timespan
from ops.reports.figures.gather import YearFacts
from ops.reports.figures.gather import gather as gather_facts
from ops.reports.figures.runs import RunRow, list_runs
from ops.reports.kinds.enclosed import (
    Enclosed,
    gather_enclosed,
    verdict_rows,
    write_documents,
    write_minutes,
)
from ops.reports.kinds.kind import Ask, Frame, Package, day
from ops.reports.kinds.sites import site_rows

MOST_ROWS = 1_000_000
_AT = FIELDS.index("at")
CHECK_SCRIPT = r"""import hashlib, json, sys

for line in open("SHA256SUMS", encoding="utf-8"):
    digest, name = line.rstrip("\n").split("  ", 1)
    if hashlib.sha256(open(name, "rb").read()).hexdigest() != digest:
        sys.exit(f"{name} is not what was written")
previous = open("journal-before.txt").read().strip()
expected = open("journal-last.txt").read().strip()
number, rows = None, 0
for line in open("journal.jsonl", encoding="utf-8", newline="\n"):
    *fields, stored = json.loads(line)
    seal = hashlib.sha256("\x1f".join([previous, *fields]).encode("utf-8")).hexdigest()
    if seal != stored or number not in (None, int(fields[0]) - 1):
        sys.exit(f"row {fields[0]} does not hold")
    previous, number, rows = stored, int(fields[0]), rows + 1
if previous != expected:
    sys.exit("the last rows are missing")
print(f"the files are as written; the chain of {rows} rows holds; last hash: {previous}")
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceFacts:
    """What a package holds.

    Attributes:
        facts: The figures of the time.
        enclosed: Documents, minutes and verdicts of it.
        runs: Every backup, check and scan in it.
        before: Hash of the journal's row before the first one.
        journal: The rows in it as they were hashed, the hash last.
    """

    facts: YearFacts
    enclosed: Enclosed
    runs: Sequence[RunRow]
    before: str
    journal: Sequence[Sequence[str]]


def gather_evidence(ask: Ask) -> EvidenceFacts:
    """Read figures, runs, and the rows of the journal that were written in the time."""
    window = ask.window
    runs = [
        it
        for kind in ("backup", "check", "scan", "archive-check")
        for it in list_runs(ask.session, window, kind).value or ()
    ]
    before, rows = _read_journal(ask, window)
    facts = gather_facts(ask.session, ask.series, ask.estate, window, ask.now)
    return EvidenceFacts(
        facts=facts,
        enclosed=gather_enclosed(ask, facts),
        runs=runs,
        before=before,
        journal=rows,
    )


def _read_journal(ask: Ask, window: Timespan) -> tuple[str, list[Sequence[str]]]:
    since, until = (
        f"{it.astimezone(UTC):%Y-%m-%d %H:%M:%S.%f}" for it in (window.since, window.until)
    )
    before, rows = FIRST_PREVIOUS, list[Sequence[str]]()
    with (
        ask.catalog.readers.connect() as connection,
        closing(read_rows(connection, STORED)) as read,
    ):
        for row in read:
            at = row[_AT]
            if at < since and not rows:
                before = row[-1]
            elif at < until:
                rows.append(tuple(row))
            else:
                break
            if len(rows) > MOST_ROWS:
                raise OpsError(
                    "the journal has more than {most} rows in this time",
                    data="nothing was written",
                    next_step="ask for a shorter time",
                    most=MOST_ROWS,
                )
    return before, rows


def write_evidence(found: EvidenceFacts, frame: Frame) -> Package:
    """Put the package together; every other file's hash stands in `SHA256SUMS`."""
    texts, window = frame.texts, found.facts.window
    last = found.journal[-1][-1] if found.journal else found.before
    readme = "\r\n".join(
        texts.list(
            "readme",
            first=day(window.first),
            last=day(window.last),
            rows=len(found.journal),
            head=last,
            taken=frame.moment(frame.taken_at),
            fields=", ".join(FIELDS),
            body=frame.office.letterhead.body,
        )
    )
    documents, listed = write_documents(found.enclosed, frame)
    minutes, minutes_of = write_minutes(found.enclosed, found.facts.titles, frame)
    drills = [
        (
            it.id,
            it.site,
            it.scope,
            it.source,
            it.started_at.isoformat(),
            it.outcome,
            _seconds(it.rto),
            _seconds(it.rpo),
            *minutes_of.get(it.id, ("", "")),
        )
        for it in found.facts.drills.value or ()
    ]
    runs = [
        (
            it.id,
            it.job,
            it.site,
            it.started_at.isoformat(),
            it.ended_at.isoformat() if it.ended_at else "",
            it.outcome,
            it.snapshot,
        )
        for it in found.runs
    ]
    lines = (json.dumps(list(it), ensure_ascii=False) + "\n" for it in found.journal)
    files = {
        "README.txt": f"\ufeff{readme}\r\n".encode(),
        "check.py": CHECK_SCRIPT.encode(),
        "journal.jsonl": "".join(lines).encode(),
        "journal-before.txt": f"{found.before}\n".encode(),
        "journal-last.txt": f"{last}\n".encode(),
        "sites.csv": write_csv([texts.heads("sites"), *site_rows(found.facts, frame)]),
        "runs.csv": write_csv([texts.heads("runs"), *runs]),
        "drills.csv": write_csv([texts.heads("drills"), *drills]),
        "documents.csv": write_csv([texts.heads("documents"), *listed]),
        "duties.csv": write_csv(
            [texts.heads("duties"), *verdict_rows(found.enclosed, found.facts.titles)]
        ),
        **documents,
        **minutes,
    }
    sums = "".join(
        f"{hashlib.sha256(content).hexdigest()}  {name}\n"
        for name, content in sorted(files.items())
    )
    return Package(files={**files, "SHA256SUMS": sums.encode()})


def _seconds(span: timedelta | None) -> str:
    return "" if span is None else f"{span.total_seconds():.0f}"
