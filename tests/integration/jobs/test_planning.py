"""The yearly plan as people type it: from the draft to the report, with two people and its papers.

Statements are counted, not seconds: ten times the rows are read with as many questions.
"""

import io
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pyotp
import pytest
from docx import Document
from icalendar import Calendar
from sqlalchemy import Engine, event, func, select

from ops.access.identity import login_at_terminal
from ops.access.session import at_bench
from ops.canonical import digest_of
from ops.catalog.open import Catalog, open_catalog
from ops.catalog.tables.alerts import Alert
from ops.catalog.tables.core import JournalRow
from ops.catalog.tables.plans import Plan, PlanNote
from ops.catalog.tables.register import Asset, RegisterEntry
from ops.errors import OpsError, WrongUseError
from ops.estate.load.load import load_estate
from ops.planning.cli import decide, draft, edit, revise, submit
from ops.planning.cli_show import show
from ops.planning.cli_work import complete, progress
from ops.planning.money import amount_in_words, format_amount
from ops.planning.read import decide_changes, read_document, read_plan_facts
from ops.planning.records import find_in_force, get_plan
from ops.planning.tasks import (
    Complete,
    Draft,
    Edit,
    Progress,
    RecordDecision,
    Revise,
    ShowPlan,
    Submit,
)
from ops.reports.papers.paper import Table
from ops.reports.papers.pdf import write_pdf
from ops.reports.plan_papers import make_papers, write_papers
from tests.integration.jobs.small_estate import build_estate
from tests.integration.jobs.test_people_tasks import Office, request_of
from tests.people import KEY_TEXT, enrol

pytestmark = pytest.mark.slow

YEAR = datetime.now(UTC).year + 1
TODAY = f"{datetime.now(UTC) - timedelta(days=1):%d/%m/%Y}"
HOSTILE = 'Máy <b>&"chủ"</b> {{7*7}} #eval("1") =cmd|1 \u202egpj.exe 💥 ' + "x" * 200
MORE = """
[planning]
prices = "prices.csv"
[[people]]
name = "ttb"
title = "Trần Thị B"
[[people]]
name = "lvc"
title = "Lê Văn C"
"""
PRICES = f"""Mã,Tên,ĐVT,Đơn giá,Thuế GTGT,Báo giá,Ngày báo giá
thay-the.server,Máy chủ,bộ,285.333.333,10,12/BG,05/10/{YEAR - 1}
bao-duong,Bảo dưỡng,năm,18500001,8,13/BG,05/10/{YEAR - 1}
sua-chua,Sửa chữa,lần,6333333,8,,
"""


@dataclass
class Desk:
    """An estate with a table of prices, assets and three people; and its catalog."""

    office: Office
    catalog: Catalog
    secrets: dict[str, str]
    scan: str = ""

    @property
    def folder(self) -> Path:
        return self.office.estate.parent

    def items(self) -> list[dict[str, Any]]:
        shown = self.office.run("plan.show", "--year", str(YEAR), "--json")
        assert shown.returncode == 0, shown.stderr
        found: list[dict[str, Any]] = json.loads(shown.stdout)["items"]
        return found

    def approve(self, request: str, person: str) -> None:
        ended = self.try_to_approve(request, person)
        assert ended.returncode == 0, ended.stderr

    def try_to_approve(self, request: str, person: str) -> CompletedProcess[str]:
        code = pyotp.TOTP(self.secrets[person]).now()
        return self.office.run(
            "approval.approve", "--id", request, "--person", person,
            "--password-file", self.office.write(person, code),
        )  # fmt: skip

    def keep(self, name: str, **told: str) -> str:
        """Keep a paper; gives the document's id."""
        path = self.folder / f"{name}.pdf"
        path.write_bytes(b"%PDF-1.7 " + name.encode())
        flags = [word for flag, text in told.items() for word in (f"--{flag}", text)]
        ended = self.office.run("document.add", "--file", str(path), "--title", name, *flags)
        assert ended.returncode == 0, ended.stderr
        found = re.search(r"kept as (\S+):", ended.stdout)
        assert found
        return found[1]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with desk_in(tmp_path / "estate") as found:
        yield found


@contextmanager
def desk_in(folder: Path) -> Iterator[Desk]:
    with pytest.MonkeyPatch.context() as patch:
        yield from _set_up(folder, patch)


def _set_up(folder: Path, patch: pytest.MonkeyPatch) -> Iterator[Desk]:
    estate = build_estate(folder, MORE)
    text = estate.read_text(encoding="utf-8").replace(
        'repository = "file:keys/repository.key"',
        'repository = "file:keys/repository.key"\ncredentials = "file:keys/credentials.key"',
    )
    estate.write_text(
        text.replace('name = "nva"', f'name = "nva"\nlogin = "{login_at_terminal()}"'),
        encoding="utf-8",
    )
    for name in ("keys", "state"):
        (estate.parent / name).mkdir()
    (estate.parent / "keys" / "credentials.key").write_text(KEY_TEXT)
    (estate.parent / "keys" / "credentials.key").chmod(0o600)
    (estate.parent / "prices.csv").write_text(PRICES, encoding="utf-8")
    patch.setenv("GIUCONG_ESTATE", str(estate))
    patch.setenv("GIUCONG_LANG", "en")
    catalog = open_catalog(f"sqlite:///{estate.parent}/state/giucong.db")
    office, secrets = Office(estate), {}
    roles = {"nva": ("backup_admin",), "ttb": ("approver", "operator"), "lvc": ("head",)}
    for person, held in roles.items():
        issued = enrol(catalog, person, *held, now=datetime.now(UTC))
        secrets[person], office.codes[person] = issued.secret, list(issued.codes)
    add_assets(catalog, 3)
    found = Desk(office, catalog, secrets)
    found.scan = found.keep("quyet-dinh", number="99/QĐ-UBND")
    yield found
    catalog.close()


def add_assets(catalog: Catalog, count: int) -> None:
    """Add servers, whose support ends in one quarter after another; the first is hostile."""
    with catalog.writing() as session:
        have = session.execute(select(func.count()).select_from(Asset)).scalar_one()
        for number in range(have, have + count):
            session.add(Asset(
                name=f"mc-{number}", kind="server", changed_at=datetime.now(UTC),
                title=f"Dell R{number}" if number else HOSTILE, bought_on=date(2020, 1, 1),
                supported_until=date(YEAR, 1 + 3 * number % 12, 1), price=10_000_000,
            ))  # fmt: skip


def decide_flags(desk: Desk, **changes: Any) -> RecordDecision:
    values: dict[str, Any] = {
        "year": YEAR, "number": "99/QĐ-UBND", "date": TODAY, "signer": "Chủ tịch",
        "document": desk.scan, "reason": "Đã ký", "amount": "0",
    }  # fmt: skip
    return RecordDecision(**{**values, **changes})


def step(item: int, **changes: Any) -> Progress:
    return Progress(year=YEAR, item=item, **changes)


def finish(item: int, **changes: Any) -> Complete:
    return Complete(year=YEAR, item=item, **changes)


def new_device(item: int, **changes: Any) -> Complete:
    """Accept the replacement of a server."""
    told = {"serial": (f"SN-{item}",), "warranty_until": f"31/12/{YEAR + 2}",
            "supported_until": f"31/12/{YEAR + 6}"}  # fmt: skip
    return finish(item, **{**told, **changes})


def test_a_plan_from_its_draft_to_its_report(desk: Desk) -> None:
    rehearsed = desk.office.run("plan.draft", "--year", str(YEAR), "--dry-run")
    assert rehearsed.returncode == 0, rehearsed.stderr
    assert desk.office.run("plan.show", "--year", str(YEAR)).returncode == 2
    assert draft(Draft(year=YEAR, out=str(desk.folder / "papers"))) == 0
    drafted = [it for it in desk.items() if it["key"].startswith("asset:")]
    first, second, third = (it["number"] for it in drafted)
    for other in (it["number"] for it in desk.items() if it not in drafted):
        edit(Edit(year=YEAR, item=other, reject="Làm trong giờ hành chính"))
    edit(Edit(year=YEAR, item=second, set=("quantity=2", "priority=nen")))
    with pytest.raises(WrongUseError, match="is draft"):
        submit(Submit(year=YEAR))
    submit(Submit(year=YEAR, review=True))
    first, second, third = (it["number"] for it in desk.items() if it["key"].startswith("asset:"))
    submit(Submit(year=YEAR, document="15/TTr"))
    _check_frozen(desk)
    with pytest.raises(WrongUseError):
        edit(Edit(year=YEAR, item=first, set=("quantity=9",)))

    _decide(desk, first, second, third)
    _carry_out(desk, first, second)
    with desk.catalog.reading() as session:
        verbs = set(session.execute(select(JournalRow.action)).scalars())

    assert {"plan.draft", "plan.edit", "plan.review", "plan.submit", "plan.decide",
            "plan.progress", "plan.complete", "plan.report", "plan.note"} <= verbs  # fmt: skip


def _check_frozen(desk: Desk) -> None:
    """Whatever changes afterwards, what was handed in says what it said."""
    estate, now = load_estate(), datetime.now(UTC)

    def texts() -> str:
        with desk.catalog.reading() as session:
            plan = get_plan(session, YEAR)
            assert plan.row.frozen_sha256 == digest_of(plan.row.frozen)
            return repr(make_papers(read_document(session, estate, plan, now), estate))

    before = texts()
    add_assets(desk.catalog, 2)
    (desk.folder / "prices.csv").write_text(PRICES.replace("285.333.333", "1"), encoding="utf-8")

    assert texts() == before


def _decide(desk: Desk, first: int, second: int, third: int) -> None:
    wish = ("plan.record-decision", "--year", str(YEAR), "--number", "99/QĐ-UBND", "--date",
            TODAY, "--signer", "Chủ tịch", "--document", desk.scan, "--grant",
            f"{second}=500.000.000", "--defer", str(third), "--reason", "Đã ký",
            "--amount", "813.866.666")  # fmt: skip
    with pytest.raises(WrongUseError, match="cannot get"):
        decide(decide_flags(desk, grant=(f"{first}=999999999999",)))
    with pytest.raises(WrongUseError, match="is kept whole"):
        decide(decide_flags(desk, document="0f3a", amount="1255466665"))
    with pytest.raises(WrongUseError, match="the document is 99/QĐ-UBND, and the decision 98"):
        decide(decide_flags(desk, number="98/QĐ-UBND", amount="1255466665"))
    with pytest.raises(WrongUseError, match="still to come"):
        decide(decide_flags(desk, date="31/12/2999"))
    with pytest.raises(WrongUseError, match="an amount in all"):
        decide(decide_flags(desk, amount=""))
    told = desk.office.run(*wish[:-1], "813.866.667", "--dry-run")
    assert (told.returncode, "grants 813.866.667 đồng" in told.stderr) == (2, True), told.stderr
    assert "the items get 813.866.666 đồng" in told.stderr
    shown = desk.office.run(*wish, "--dry-run").stdout
    assert f"{third}    Thay thế máy chủ Dell R2" in shown
    assert "1 other items get all they ask for; 813.866.666 of" in shown
    with desk.catalog.writing() as session:  # as if she had drafted it too
        session.execute(select(Plan)).scalar_one().authors = ["nva", "ttb"]
    request = request_of(desk.office.ask(*wish))
    refused = desk.try_to_approve(request, "ttb")
    assert (refused.returncode, "you have worked on" in refused.stderr) == (1, True)
    with desk.catalog.writing() as session:
        session.execute(select(Plan)).scalar_one().authors = ["nva"]
    desk.approve(request_of(desk.office.ask(*wish)), "ttb")
    done = desk.office.run(*wish)
    assert done.returncode == 0, done.stderr
    by_number = {it["number"]: it for it in desk.items()}
    papers = desk.folder / "approved"
    told = desk.office.run("plan.show", "--year", str(YEAR), "--out", str(papers))
    assert "813.866.666 đồng granted of " in told.stdout, told.stderr
    assert {it.name for it in papers.iterdir()} == {
        f"ke-hoach-{YEAR}.docx", f"ke-hoach-{YEAR}.pdf"
    }  # fmt: skip
    draft_of_decision = desk.office.run(
        "report.make", "--kind", "decision", "--year", str(YEAR), "--out", str(papers)
    )
    assert (draft_of_decision.returncode, "is decided" in draft_of_decision.stderr) == (2, True)

    assert by_number[first]["granted"] == by_number[first]["asked"] == 313_866_666
    assert (by_number[second]["decision"], by_number[second]["granted"]) == ("cut", 500_000_000)
    assert (by_number[third]["decision"], by_number[third]["granted"]) == ("deferred", 0)


def _carry_out(desk: Desk, first: int, second: int) -> None:
    with pytest.raises(WrongUseError, match="does not fit"):
        progress(step(first, paid="1"))
    progress(step(first, contracted="300.000.000", document="01/HĐ"))
    soon = datetime.now(UTC) + timedelta(days=1)
    with pytest.raises(OpsError, match="announced"):
        progress(step(first, begins=soon.isoformat(), stops="cong-xa",
                      until=(soon + timedelta(hours=2)).isoformat()))  # fmt: skip
    begins = datetime.now(UTC).replace(microsecond=0) + timedelta(days=45)
    progress(step(first, begins=begins.isoformat(), stops="cong-xa",
                  until=(begins + timedelta(hours=2)).isoformat()))  # fmt: skip
    progress(step(first, done="Thay nguồn", result="tốt"))
    with pytest.raises(WrongUseError, match="record"):
        complete(finish(first))
    with pytest.raises(WrongUseError, match="does not know yet"):
        complete(finish(first, document="02/BB"))
    complete(new_device(first, document="02/BB"))
    progress(step(first, paid="300000000"))
    show(ShowPlan(year=YEAR, calendar=str(desk.folder / "plan.ics")))
    calendar = Calendar.from_ical((desk.folder / "plan.ics").read_bytes())
    events = list(calendar.walk("VEVENT"))
    windows = [it for it in events if isinstance(it.decoded("dtstart"), datetime)]
    assert [it.decoded("dtstart") for it in windows] == [begins]
    assert len(events) == 3

    revise(Revise(year=YEAR, reason="Giá đổi"))
    with pytest.raises(WrongUseError, match="are under contract"):
        edit(Edit(year=YEAR, item=first, set=("unit_price=1",)))
    with pytest.raises(WrongUseError, match="under contract or accepted"):
        edit(Edit(year=YEAR, item=first, reject="Thôi"))
    with desk.catalog.reading() as session:
        assert get_plan(session, YEAR).row.revision == 1
        in_force = find_in_force(session, YEAR)
    assert in_force is not None
    assert in_force.row.revision == 0
    with pytest.raises(WrongUseError, match="still to come"):
        complete(finish(second, document="03/BB", date="31/12/2999"))
    complete(finish(second, document="03/BB", asset_unchanged="máy đặt ở đơn vị khác"))
    progress(step(second, paid="500000000"))  # after all is accepted
    complete(finish(0, report="04/BC"))
    with desk.catalog.reading() as session:
        ended = find_in_force(session, YEAR)
        facts = read_plan_facts(session, load_estate(), YEAR + 1, datetime.now(UTC))
        drafted = decide_changes(session, load_estate(), facts, None)
    assert ended is not None
    assert (ended.row.state, ended.row.report) == ("reported", "04/BC")
    told = {it.line.key: (it.verb, it.line.rejected_for) for it in drafted.changes}
    # What was put off comes again; what was rejected stays so with its reason. What was accepted
    # does not: the first has a successor, and of the second somebody has to say what became of it.
    devices = [it.line.item.asset for it in drafted.changes if it.line.item.asset]
    assert devices == ["mc-2", "mc-3 mc-4"]
    assert told["asset:mc-2:support"] == ("added", "")
    [(title, why)] = drafted.left_out
    assert (title, "Sổ tài sản chưa ghi" in why) == ("Thay thế máy chủ Dell R1", True)
    again = {it for it in told.values() if it[0] == "rejected"}
    assert again <= {("rejected", "Làm trong giờ hành chính")}


def test_a_returned_plan_is_a_draft_again(desk: Desk) -> None:
    draft(Draft(year=YEAR))
    for item in [it["number"] for it in desk.items() if it["unit_price"] is None]:
        edit(Edit(year=YEAR, item=item, set=("unit_price=0",)))
    submit(Submit(year=YEAR, review=True))
    submit(Submit(year=YEAR, document="15/TTr"))
    wish = (
        "plan.record-decision",
        "--year",
        str(YEAR),
        "--returned",
        "Thiếu báo giá",
        "--reason",
        "x",
    )
    desk.approve(request_of(desk.office.ask(*wish)), "lvc")
    assert desk.office.run(*wish).returncode == 0
    with desk.catalog.reading() as session:
        plan = get_plan(session, YEAR)

    assert (plan.row.state, plan.row.returned_for, plan.row.frozen) == (
        "returned",
        "Thiếu báo giá",
        None,
    )
    edit(Edit(year=YEAR, add=True, set=("title=Tập huấn", "unit_price=5000000", "use=e")))
    with desk.catalog.reading() as session:
        assert get_plan(session, YEAR).row.state == "draft"


def test_hostile_titles_stay_text_and_every_table_adds_up(desk: Desk) -> None:
    draft(Draft(year=YEAR))
    estate = load_estate()
    with desk.catalog.reading() as session:
        document = read_document(session, estate, get_plan(session, YEAR), datetime.now(UTC))
    files = write_papers(document, estate)
    asked = document.sums.asked
    paper = make_papers(document, estate)["plan"]
    tables = [it for it in paper.blocks if isinstance(it, Table) and it.totals]
    written = Document(io.BytesIO(files[f"ke-hoach-{YEAR}.docx"]))
    cells = {cell.text for table in written.tables for row in table.rows for cell in row.cells}
    body = "\n".join(it.text for it in written.paragraphs)

    assert sorted({it.rpartition(".")[2] for it in files}) == ["docx", "pdf"]
    assert any('<b>&"chủ"</b> {{7*7}} #eval("1") =cmd|1' in it for it in cells)
    assert not any("\u202e" in it for it in cells)
    assert amount_in_words(asked) in body
    assert len(tables) == 5
    for table in tables:
        assert format_amount(asked) in table.totals[0]
    money = next(it for it in tables if "Căn cứ giá" in {column.head for column in it.columns})
    own = [row for row in money.rows if row[0].isdigit() and row[6]]
    heads = [row for row in money.rows if not row[0].isdigit()]
    for rows in (own, heads):
        assert sum(int(re.sub(r"\D", "", row[6])) for row in rows) == asked
    assert write_pdf(paper)[0].startswith(b"%PDF")


def test_ten_times_the_rows_are_read_with_as_many_questions(desk: Desk) -> None:
    _count_statements()  # makes the series
    counted = _count_statements()
    add_assets(desk.catalog, 30)
    now = datetime.now(UTC)
    with desk.catalog.writing() as session:
        for number in range(60):
            at = now - timedelta(days=number)
            session.add(Alert(subject=f"host:web{number % 6}", severity="warning", code="x",
                              opened_at=at, seen_at=at, told_at=at, closed_at=at))  # fmt: skip
            session.add(RegisterEntry(year=at.year, number=number + 1, kind="difficulty",
                                      title="x", occurred_at=at, received_at=at))  # fmt: skip

    assert _count_statements() == counted


def _count_statements() -> int:
    count, estate = 0, load_estate()

    def note(*_told: object) -> None:
        nonlocal count
        count += 1

    event.listen(Engine, "before_cursor_execute", note)
    try:
        with at_bench(estate) as bench, bench.catalog.reading() as session:
            facts = read_plan_facts(session, estate, YEAR, datetime.now(UTC))
            decide_changes(session, estate, facts, None)
    finally:
        event.remove(Engine, "before_cursor_execute", note)
    return count


def give(desk: Desk, granted: int, *flags: str) -> None:
    """Hand the reviewed plan in and record its decision with a second person."""
    submit(Submit(year=YEAR, document="15/TTr"))
    wish = ("plan.record-decision", "--year", str(YEAR), "--number", "99/QĐ-UBND", "--date",
            TODAY, "--signer", "Chủ tịch", "--document", desk.scan, "--reason", "Đã ký",
            "--amount", str(granted), *flags)  # fmt: skip
    desk.approve(request_of(desk.office.ask(*wish)), "lvc")
    done = desk.office.run(*wish)
    assert done.returncode == 0, done.stderr


def test_what_was_accepted_is_not_asked_for_again(desk: Desk) -> None:
    """Replaced, kept up, renewed, repaired: the register knows, and next year asks for no more."""
    with desk.catalog.writing() as session:
        for name, kind, values in (
            ("ups-1", "ups", {"warranty_until": date(2022, 1, 1)}),
            ("ups-2", "ups", {"warranty_until": date(2022, 2, 1)}),
            ("dn", "domain", {"supported_until": date(YEAR, 1, 31), "price": 350_000}),
            ("ups-3", "ups", {"state": "broken"}),
        ):
            session.add(Asset(name=name, kind=kind, title=name, changed_at=datetime.now(UTC),
                              **values))  # fmt: skip
    draft(Draft(year=YEAR))
    submit(Submit(year=YEAR, review=True))
    items = desk.items()
    give(desk, sum(it["asked"] for it in items))
    numbers = {it["asset"]: it["number"] for it in items}
    assert set(numbers) == {"mc-0", "mc-1", "mc-2", "ups-1 ups-2", "dn", "ups-3"}
    for asset in ("mc-0", "mc-1", "mc-2"):
        complete(new_device(numbers[asset], document="02/BB"))
    with pytest.raises(WrongUseError, match="does not know yet"):
        complete(finish(numbers["ups-1 ups-2"], document="02/BB"))
    with desk.catalog.reading() as session:  # nothing of it was recorded
        assert get_plan(session, YEAR).line(numbers["ups-1 ups-2"]).accepted_on is None
    ends = (f"31/12/{YEAR + 1}",)
    complete(finish(numbers["ups-1 ups-2"], document="02/BB", ends_on=ends))
    complete(finish(numbers["dn"], document="02/BB", ends_on=(f"dn=31/01/{YEAR + 2}",)))
    complete(finish(numbers["ups-3"], document="02/BB"))
    told = desk.office.run("plan.draft", "--year", str(YEAR + 1), "--json")
    drafted = json.loads(told.stdout)

    assert drafted["items"] == []
    assert [(it["title"].split()[-1], it["why"]) for it in drafted["not_proposed"]] == [
        (it, f"đã trả tiền bảo dưỡng đến 31/12/{YEAR + 1}") for it in ("ups-1", "ups-2")
    ]
    with desk.catalog.reading() as session:
        rows = {it.name: it for it in session.execute(select(Asset)).scalars()}
        verbs = [*session.execute(select(JournalRow.action)).scalars()]
    assert (rows["mc-1"].state, rows["ups-3"].state) == ("retired", "in-use")
    assert rows["mc-1-2026"].price == 313_866_666
    assert verbs.count("asset.added") == 3
    again = desk.office.run("plan.draft", "--year", str(YEAR + 2), "--json")
    assert {it["asset"] for it in json.loads(again.stdout)["items"]} == {"ups-1 ups-2", "dn"}


def test_an_item_has_one_number_from_its_review_to_the_end_of_the_year(desk: Desk) -> None:
    draft(Draft(year=YEAR))
    edit(Edit(year=YEAR, add=True, set=("title=Tập huấn", "unit_price=5000000", "use=e")))
    edit(Edit(year=YEAR, item=4, opinion="Nên làm sớm"))
    edit(Edit(year=YEAR, item=2, reject="Đã có nguồn khác"))
    assert [it["number"] for it in desk.items()] == [1, 2, 3, 4]  # as people have just typed them
    submit(Submit(year=YEAR, review=True))
    items = desk.items()
    assert [(it["number"], it["title"].split(" Máy")[0], bool(it["rejected_for"]))
            for it in items] == [
        (1, "Tập huấn", False), (2, "Thay thế máy chủ", False),
        (3, "Thay thế máy chủ Dell R2", False), (4, "Thay thế máy chủ Dell R1", True),
    ]  # fmt: skip
    with desk.catalog.reading() as session:
        notes = session.execute(select(PlanNote.item, PlanNote.text)).all()
    assert [tuple(it) for it in notes] == [(1, "Nên làm sớm")]
    estate = load_estate()
    with desk.catalog.reading() as session:
        document = read_document(session, estate, get_plan(session, YEAR), datetime.now(UTC))
    for paper in make_papers(document, estate).values():
        for table in (it for it in paper.blocks if isinstance(it, Table)):
            for row in (it for it in table.rows if it[1] == "Thay thế máy chủ Dell R2"):
                assert row[0] == "3"
    give(desk, 5_000_000 + 2 * 313_866_666)
    add_assets(desk.catalog, 1)
    revise(Revise(year=YEAR, reason="Thêm máy"))
    draft(Draft(year=YEAR))
    submit(Submit(year=YEAR, review=True))

    assert [(it["number"], it["asset"]) for it in desk.items()] == [
        (1, ""), (2, "mc-0"), (3, "mc-2"), (4, "mc-1"), (5, "mc-3"),
    ]  # fmt: skip
