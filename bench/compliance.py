"""The compliance table over a hundred sites on twenty hosts and three years of evidence.

`python -m bench.compliance` fills a catalog (a minute) and says how long the table takes, by the
clock and by the processor.
"""

import sys
import tempfile
import time
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from ops.catalog.columns import new_id
from ops.catalog.open import Catalog, open_catalog
from ops.catalog.tables.core import Run
from ops.catalog.tables.security import SecurityFinding, SecurityLook
from ops.duties.evidence.due import make_calendar
from ops.duties.evidence.queries import Setting
from ops.duties.table.load import SHIPPED_DUTIES, read_duties
from ops.security.compliance import read_compliance
from ops.security.controls import SHIPPED, read_controls
from ops.security.subjects import TOOLS

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)


def make_document(sites: int = 100, hosts: int = 20) -> dict[str, Any]:
    """Give the estate as it is stored: three systems of the levels 1 to 3."""
    return {
        "systems": [
            {"name": f"ht-{level}", "level": level, "title": f"Hệ thống {level}",
             "decision": "12/QĐ" * (level // 3)}
            for level in (1, 2, 3)
        ],
        "hosts": [{"name": f"web{number}"} for number in range(hosts)],
        "stores": [{"name": "near", "url": "stores/near", "medium": "disk", "location": "đây"}],
        "sites": [
            {"name": f"trang-{number}", "system": f"ht-{number % 3 + 1}", "role": "component",
             "files": [{"name": "www", "host": f"web{number % hosts}"}]}
            for number in range(sites)
        ],
    }  # fmt: skip


def make_setting(document: dict[str, Any]) -> Setting:
    """Give what evidence is looked for in, on the day of the catalog."""
    return Setting(ZoneInfo("Asia/Ho_Chi_Minh"), date(2026, 11, 29), document, make_calendar([]))


def fill_catalog(
    catalog: Catalog, document: dict[str, Any], *, days: int, findings: int, runs_every: int = 1
) -> None:
    """Write looks of each tool, daily or monthly, runs of each site, and open findings."""
    subjects = [(f"host:{it['name']}", "host") for it in document["hosts"]]
    subjects += [(f"site:{it['name']}", "site") for it in document["sites"]]
    looks = [
        {"id": new_id(), "subject": subject, "tool": tool.name, "outcome": "ok",
         "at": NOW - timedelta(days=day, hours=1)}
        for subject, where in subjects
        for tool in TOOLS.values()
        if tool.where == where
        for day in range(0, days, 30 if tool.name in {"lynis", "ssh", "tls", "unicode"} else 1)
    ]  # fmt: skip
    rows = [
        {"id": new_id(), "subject": subject, "tool": "lynis", "check": f"T-{number}",
         "severity": "low", "params": {}, "evidence": "ab", "state": "open",
         "first_seen_at": NOW, "last_seen_at": NOW}
        for subject, where in subjects
        if where == "host"
        for number in range(findings)
    ]  # fmt: skip
    runs = [
        {"id": new_id(), "job": f"{kind}/{site['name']}", "kind": kind, "site": site["name"],
         "host": "here", "pid": 1, "started_at": moment, "ended_at": moment, "outcome": "ok"}
        for site in document["sites"]
        for day in range(0, days, runs_every)
        for moment in [NOW - timedelta(days=day, hours=10)]
        for kind in ("backup", "check")
    ]  # fmt: skip
    with catalog.writing() as session:
        for table, values in ((SecurityLook, looks), (SecurityFinding, rows), (Run, runs)):
            if values:
                session.bulk_insert_mappings(table.__mapper__, values)


def main() -> None:
    """Fill a catalog, make the table three times, say how long each took."""
    document = make_document()
    controls, duties = read_controls([SHIPPED]), read_duties((SHIPPED_DUTIES,))
    with tempfile.TemporaryDirectory() as folder:
        catalog = open_catalog(f"sqlite:///{folder}/catalog.db")
        fill_catalog(catalog, document, days=1_095, findings=20)
        for _round in range(3):
            begun, worked = time.perf_counter(), time.process_time()
            with catalog.reading() as session:
                rows = read_compliance(session, make_setting(document), controls, duties, NOW)
            told = time.perf_counter() - begun, time.process_time() - worked
            sys.stdout.write(f"{len(rows)} rows: {told[0]:.2f} s, {told[1]:.2f} s of processor\n")
        catalog.close()


if __name__ == "__main__":
    main()
