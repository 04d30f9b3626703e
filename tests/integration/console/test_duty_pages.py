"""The pages of duty at work: a plan through its states, a runbook step by step, documents."""

import base64
from typing import Any

import pytest

from ops.access.caller import Caller
from ops.access.identity import NotAllowedError
from ops.console.acts import all_acts, read_values
from ops.errors import WrongUseError
from ops.terminal.task import find_task
from tests.console_office import InProcess, served

pytestmark = pytest.mark.slow

PDF = b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[]/Count 0>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"  # noqa: E501 - one file

SHEET = "mã,loại,tên\nmay-1,server,Máy 1\n".encode()

RUNBOOK = """+++
id = "thu"
title = "Thử từng bước"
owner = "Trung tâm"
systems = []
[variables.site]
title = "Tên trang"
[variables.word]
title = "Một từ"
pattern = "[a-z]+"
+++

# Thử từng bước

1. Chọn một từ cho {{site}}.

   ```ask word
   Từ nào?
   ```

2. Khóa tài khoản.

   ```run
   giucong user.disable --person {{word}} --dry-run
   ```
"""


def done(told: dict[str, Any]) -> dict[str, Any]:
    assert told["code"] == 0, told
    return told


def approve(office: InProcess, request: str) -> None:
    form, proof = {"id": request}, office.estate.proof_of("chau")
    done(office.act("approval.approve", "chau", form=form, proof=proof))


def do_here(office: InProcess, act: str, **form: str) -> None:
    """Do an act as its process would, in this one."""
    with office.counter.keeper.at_desk(Caller("bach", "bach", "")):
        assert not find_task(all_acts()[act].task).run(read_values(all_acts()[act], form))


def upload(office: InProcess, name: str, content: bytes, **form: str) -> dict[str, Any]:
    sent = base64.b64encode(content).decode()
    return office.act("document.add", upload=sent, upload_name=name, form=form)


def test_a_plan_goes_from_its_draft_to_its_decision_by_two_people(office: InProcess) -> None:
    year = {"year": "2027"}
    assert not office.page("plan", **year)["is_there"]
    done(office.act("plan.draft", form=year))
    title = "Mua thêm đĩa <script>"
    added = {"add": "1", "set.title": title, "set.unit_price": "12.500.000", "set.quantity": "2",
             "set.vat_percent": "10", "set.risk": "Hết chỗ chứa bản sao"}  # fmt: skip
    done(office.act("plan.edit", form={**year, **added}))
    for line in office.page("plan", **year)["items"]:  # what the facts asked for has no price
        if line["title"] != title:
            why = {"item": str(line["number"]), "reject": "đã làm trong năm"}
            do_here(office, "plan.edit", **year, **why)
    page = office.page("plan", **year)
    assert (page["asked"], page["can"]["submit"]) == (27_500_000, False)
    done(office.act("plan.submit", form={**year, "review": "1"}))
    items = office.page("plan", **year)["items"]
    number = str(next(it["number"] for it in items if it["title"] == title))
    done(office.act("plan.submit", form={**year, "document": "01/TTr"}))
    assert not office.page("plan", **year)["can"]["change"]
    done(upload(office, "../../QĐ số 1.pdf", PDF, title="Quyết định", about="plan:2027"))
    [scan, _title] = office.page("plan", **year)["scans"][0]
    form = {**year, "number": "9/QĐ", "date": "2026-11-20", "signer": "Chủ tịch",
            "document": scan, f"grant.{number}": "20000000", "amount": "20.000.000",
            "reason": "đã ký"}  # fmt: skip
    asked = office.act("plan.record-decision", form=form, proof=office.estate.proof_of("bach"))
    assert asked["code"] == 4
    request = asked["document"]["error"]["values"]["request"]
    answer = office.ask("page", "bach", page="approvals", arguments={})
    assert any(f"{number}. {title} → 20.000.000" in it
               for it in answer["page"]["items"][0]["words"])  # fmt: skip
    again = answer["awaiting"][request]
    assert "proof_code" not in again["form"]
    assert request not in office.ask("page", "chau", page="approvals", arguments={})["awaiting"]
    approve(office, request)
    done(office.act(again["task"], form=again["form"]))
    page = office.page("plan", year="2027", item=number)
    assert (page["state"], page["granted"], page["can"]["work"]) == ("decided", 20_000_000, True)


def test_the_approved_policy_is_recorded_and_a_wrong_record_taken_back(office: InProcess) -> None:
    seen = {it: office.ask("page", it, page="duties", arguments={"policy": "1"})["acts"]
            for it in ("bach", "viewer")}  # fmt: skip
    assert "duty.policy.approve" in seen["bach"]
    assert not any(it.startswith("duty.policy") for it in seen["viewer"])
    decision = {"number": "5/QĐ", "date": "2026-11-02"}
    with pytest.raises(NotAllowedError):
        office.act("duty.policy.approve", "viewer", form=decision)
    done(office.act("duty.policy.approve", form=decision))
    standing = office.page("duties", policy="1")["policy"]["standing"]
    assert (standing["number"], standing["decided_on"]) == ("5/QĐ", "2026-11-02")
    do_here(office, "duty.policy.withdraw", **decision, reason="ghi nhầm")
    office.counter.keeper.documents.forget()
    assert office.page("duties", policy="1")["policy"]["standing"]["number"] is None


def test_what_is_held_stands_at_its_site(office: InProcess) -> None:
    do_here(office, "backup.hold", site="cong-xa", reason="thanh tra", reference="1/QĐ-TTr")
    answer = office.ask("page", page="site", arguments={"site": "cong-xa"})
    (hold,) = answer["page"]["holds"]
    assert (hold["reference"], hold["placed_by"]) == ("1/QĐ-TTr", "bach")
    assert {"backup.hold", "backup.release"} <= set(answer["acts"])
    assert office.page("site", "viewer", site="cong-xa")["holds"] is None


def test_a_run_goes_on_one_step_an_act_with_the_rights_of_who_is_there(office: InProcess) -> None:
    folder = office.estate.path.parent / "runbooks"
    folder.mkdir(exist_ok=True)
    (folder / "thu.vi.md").write_text(RUNBOOK, encoding="utf-8")
    form = {"id": "thu", "set.site": "cong-xa"}
    with pytest.raises(NotAllowedError):
        office.act("runbook.run", "viewer", form=form)
    done(office.act("runbook.run", "operator", form=form))
    run = office.page("runbooks", id="thu")["runs"][0]["id"]
    page = office.page("runbooks", run=run)
    assert (page["next"]["number"], page["records"]) == (1, [])
    form = {"run": run, "step": "1", "answer": "viewer"}
    done(office.act("runbook.resume", "operator", form=form))
    page = office.page("runbooks", run=run)
    assert (page["run"]["standing"], page["next"]["number"]) == ("running", 2)
    failed = office.act("runbook.resume", "operator", form={"run": run, "step": "2"})
    assert failed["code"] == 1
    record = office.page("runbooks", run=run)["records"][-1]
    assert record["person"] == "operator"
    assert "--person operator" in record["output"]  # who may not take credentials away


def test_documents_and_papers_come_out_as_they_went_in(office: InProcess) -> None:
    done(upload(office, "bien-ban.pdf", PDF + b"% 2", title="Biên bản", about="drill:1"))
    [kept] = office.page("documents", about="drill:1")["items"]
    assert kept["name"] == "bien-ban.pdf"
    told = done(office.act("document.export", "auditor", form={"id": kept["id"]}))
    [file] = told["files"]
    handed = office.counter.hand_out(
        {"token": office.tokens["auditor"], "id": told["id"], "name": file["name"]}
    )
    assert handed.file is not None
    assert handed.file.read_bytes() == PDF + b"% 2"
    with pytest.raises(WrongUseError):
        office.counter.hand_out(
            {"token": office.tokens["auditor"], "id": told["id"], "name": f"../{file['name']}"}
        )
    [row] = office.page("journal", action="document.exported")["items"]
    assert (row["person"], row["via"], row["subject"]) == ("auditor", "console", kept["id"])
    sent = {"upload": base64.b64encode(SHEET).decode(), "upload_name": "may.csv"}
    done(office.act("asset.import", form={}, **sent))
    assert office.page("assets", kind="server", part="MAY")["items"][0]["title"] == "Máy 1"


def test_the_journal_is_found_by_day_and_person(office: InProcess) -> None:
    today = office.page("journal")["items"][0]["at"][:10]
    rows = office.ask("page", page="journal", arguments={"day": today, "person": "test"})["page"][
        "items"
    ]
    assert {it["person"] for it in rows} <= {"test"}
    assert office.page("journal", day="01/01/2020")["items"] == []
    assert office.page("journal", day="hôm qua")["is_day_wrong"]


def test_a_flag_that_may_be_given_several_times_takes_lines_and_named_fields() -> None:
    act = all_acts()["plan.edit"]
    form = {"year": "2027", "item": "1", "set": "a=1\n\nb=2", "set.unit_price": "", "other.x": "y"}
    assert read_values(act, form)["set"] == ["a=1", "b=2", "unit_price="]
    decision = {"year": "2027", "grant.3": "", "grant.4": "12.000"}
    assert read_values(all_acts()["plan.record-decision"], decision)["grant"] == ["4=12.000"]
    with pytest.raises(WrongUseError):
        read_values(act, {f"set.{number}": "x" for number in range(201)})


def test_a_contact_writes_and_confirms_the_own_unit_s_part_alone(office: InProcess) -> None:
    with pytest.raises(NotAllowedError):
        office.page("today", "unit-contact")
    answer = office.ask("page", "unit-contact", page="unit", arguments={})
    assert answer["page"]["site"] == "cong-xa"
    assert "unit" in {it["name"] for group in answer["nav"] for it in group["pages"]}
    with pytest.raises(NotAllowedError):
        office.page("reports", "unit-contact")
    texts = dict.fromkeys(("board", "content", "shortcomings", "proposals"), "không có")
    form = {"site": "cong-xa", **texts}
    done(office.act("report.section", "unit-contact", form=form))
    with pytest.raises(NotAllowedError):  # who types what came on paper confirms nothing
        office.act("report.section", form={"site": "cong-xa", "confirm": "1"})
    form = {"site": "cong-xa", "confirm": "1"}
    done(office.act("report.section", "unit-contact", form=form))
    [part] = office.page("unit", "unit-contact")["items"]
    assert (part["confirmed_by"], part["lacks"]) == ("unit-contact", [])


def test_a_contact_begins_at_the_own_unit_s_page(office: InProcess) -> None:
    with served(office) as anybody:
        contact = anybody.as_somebody(office, "unit-contact")
        path = "/"
        for then in ("/today", "/unit"):
            answer = contact.get(path)
            assert (answer.status, answer.headers["location"]) == (303, then)
            path = then
        answer = contact.get(path)
        assert answer.status == 200
        assert "Cổng" in answer.text
        assert 'class="problem"' not in answer.text
        assert contact.get("/alerts").status == 403
