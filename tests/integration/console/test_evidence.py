"""What proves something leads to the thing itself: the finding, the run, the drill, the entry."""

import uuid
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any
from urllib.parse import parse_qsl

import pytest

from ops.catalog.tables.alerts import Alert
from ops.catalog.tables.drills import Drill, DrillFinding
from ops.catalog.tables.register import Asset
from ops.catalog.tables.security import SecurityFinding
from ops.console.subjects import page_of_row
from tests.console_office import InProcess
from tests.integration.console.test_duty_pages import PDF, done, upload

pytestmark = pytest.mark.slow

NOW = datetime(2026, 11, 30, 9, tzinfo=UTC)
CONCLUDED: Mapping[str, Any] = {
    "scope": "site", "source": "backup", "engine": "ours", "from_paper": False, "wanted": "",
    "store": "near", "snapshot": "", "run": "", "person": "bach", "via": "cli", "reason": "",
    "document": "", "outcome": "failed", "reason_code": "secret", "params": {},
    "minutes_sha256": "",
    **dict.fromkeys(("incident_at", "started_at", "ended_at"), NOW),
}  # fmt: skip
WATCH = {
    "watch": {"subject": "host:web", "since": NOW.isoformat(), "hidden": [], "hidden_count": 0}
}


@pytest.fixture(scope="module")
def ids(office: InProcess) -> dict[str, str]:
    """Make two of each thing, and give the id of one of each."""
    entry = {"kind": "incident", "site": "cong-xa"}
    for title in ("Hỏng một", "Hỏng hai"):
        done(office.act("register.add", form={**entry, "title": title}))
        done(upload(office, f"{title}.pdf", PDF + title.encode(), title=title, about="plan:2027"))
    found = dict[str, str]()
    _estate, catalog = office.counter.keeper.get()
    with catalog.writing() as session:
        for number in range(2):
            drill, row = uuid.uuid4(), uuid.uuid4()
            session.add(Drill(id=drill, site="cong-xa", **CONCLUDED))
            session.flush()
            session.add(DrillFinding(
                id=row, drill=drill, site="cong-xa", scope="site", code="secret", params={},
                owner="", due=date(2026, 12, 9), opened_at=NOW))  # fmt: skip
            weak, alert = uuid.uuid4(), uuid.uuid4()
            session.add(SecurityFinding(
                id=weak, subject="site:cong-xa", tool="tls", check=f"c{number}", severity="low",
                evidence="", first_seen_at=NOW, last_seen_at=NOW, title=f"Yếu {number}",
                state="fixed" if number else "open", fixed_at=NOW if number else None))  # fmt: skip
            session.add(Alert(
                id=alert, subject=f"host:web{number}", severity="warning", code="x", params=WATCH,
                opened_at=NOW, seen_at=NOW, told_at=NOW, closed_at=NOW))  # fmt: skip
            session.add(Asset(
                name=f"may-{number}0" if number else "may-1", kind="server", title="Máy may-1",
                warranty_until=date(2026, 12, 1), changed_at=NOW))  # fmt: skip
        found |= {"drill": drill.hex, "drill-finding": row.hex, "finding": weak.hex,
                  "alert": alert.hex, "asset": "may-1"}  # fmt: skip
    office.counter.keeper.documents.forget()
    return {
        **found,
        "register": office.page("register")["items"][1]["called"],
        "quotation": office.page("documents")["items"][1]["id"],
        "journal": str(office.page("journal")["items"][3]["sequence"]),
    }


def test_each_piece_of_evidence_leads_to_the_thing_itself(
    office: InProcess, ids: Mapping[str, str]
) -> None:
    def look(kind: str, row: str) -> dict[str, Any]:
        name, _mark, query = page_of_row(kind, row).strip("/").partition("?")
        assert "<h1>" in office.html(name, **dict(parse_qsl(query)))
        return office.page(name, **dict(parse_qsl(query)))

    assert [it["full_id"] for it in look("alert", ids["alert"])["items"]] == [ids["alert"]]
    assert [it["name"] for it in look("asset", ids["asset"])["items"]] == [ids["asset"]]
    assert [it["id"] for it in look("quotation", ids["quotation"])["items"]] == [ids["quotation"]]
    (weak,) = look("finding", ids["finding"])["items"]
    assert weak["id"].replace("-", "") == ids["finding"]
    (row,) = look("journal", ids["journal"])["items"]
    assert str(row["sequence"]) == ids["journal"]
    assert look("register", ids["register"])["entry"]["called"] == ids["register"]
    shown = look("drill", ids["drill"])["drill"]
    assert shown["id"].replace("-", "") == ids["drill"]
    assert look("drill-finding", ids["drill-finding"])["drill"] == shown
    duty = look("duty", "daily-backup@2025-03-09")
    assert (duty["duty"], duty["year"], duty["month"]) == ("daily-backup", 2025, 3)
    assert look("duty", "daily-backup:cong-xa")["duty"] == "daily-backup"
    assert look("forecast", "host:this-machine/disk:/")["thing"] == "this-machine"
    assert look("forecast", "store:near/store:")["thing"] == "near"
    assert look("snapshots", "cong-xa")["site"]["name"] == "cong-xa"
    assert page_of_row("plan", "2026-3") == "/plan?year=2026&item=3"
    assert page_of_row("medium", "LTO-1") == ""


@pytest.mark.usefixtures("ids")
def test_the_plan_s_evidence_leads_to_pages_that_its_reader_may_open(office: InProcess) -> None:
    done(office.act("plan.draft", form={"year": "2027"}))
    lines = office.page("plan", year="2027")["items"]
    pieces = [piece for line in lines for piece in line["evidence"]]
    assert pieces
    assert [it for it in pieces if not it["page"]] == []
    for line in lines:
        office.html("plan", year="2027", item=str(line["number"]))
