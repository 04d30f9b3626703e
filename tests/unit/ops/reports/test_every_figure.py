"""Every figure of the year's report is what a query of its own gives: of plain SQL, bit by bit.

A paragraph is told by its template, so each number in it has a name; a table by its heads, and its
rows are compared whole. A number that no query here gives is a complaint.
"""

import json
import re
import sqlite3
import uuid
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import cache, cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import insert

import ops.wiring  # noqa: F401 - who asks for parts needs them given
from ops.catalog.open import open_catalog
from ops.catalog.tables.core import JournalRow
from ops.catalog.tables.drills import Drill, DrillFinding
from ops.catalog.tables.plans import Plan, PlanItem, PlanNote
from ops.duties.evidence.judge import find_verdicts
from ops.duties.reminders import make_setting
from ops.duties.table.load import SHIPPED_DUTIES, load_duties, read_duties
from ops.duties.wording import tell_title
from ops.estate.model.estate import Estate
from ops.estate.model.references import reveal
from ops.language.text import speaking
from ops.monitor.series.minutes import write_minutes
from ops.monitor.series.store import open_series, series_url
from ops.planning.item import Item
from ops.reports import tasks
from ops.reports.cli import read_wish
from ops.reports.kinds.kind import Ask
from ops.reports.make import PAPER_LANGUAGE, make_frame, reading_series
from ops.reports.papers.paper import Block, Heading, Paper, Paragraph, Table
from ops.reports.texts import Texts
from tests.a_year import FIRST, LAST, name_of, write_estate, write_year

pytestmark = pytest.mark.slow
SITES = 5
ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
NOW = datetime(2026, 12, 20, 3, 0, tzinfo=UTC)
TAKEN = "10 giờ 00 phút ngày 20/12/2026"
SINCE, UNTIL = (datetime.combine(it, datetime.min.time(), ZONE).astimezone(UTC)
                for it in (FIRST, LAST + timedelta(days=1)))  # fmt: skip
STOP = (datetime(2026, 8, 20, 15, 0, tzinfo=UTC), datetime(2026, 8, 20, 19, 0, tzinfo=UTC))
"""As `tests.a_year` plans it."""

TITLES = ["Cổng Thông tin điện tử", *(f"Trang của đơn vị số {it}" for it in range(1, SITES))]
NAMES = [name_of(it) for it in range(SITES)]


@dataclass(frozen=True)
class Made:
    """The report, the texts it is made of, and where its figures lie."""

    paper: Paper
    texts: Texts
    estate: Estate
    catalog: Path
    series: Path


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    folder = tmp_path_factory.mktemp("year")
    estate = write_estate(folder, SITES)
    _begin_records(estate)
    write_year(estate)
    _write_more(estate)
    wish = read_wish(tasks.Make(kind="annual", out="", year=2026), estate, NOW)
    frame = make_frame(estate, wish, NOW)
    with (
        open_catalog(reveal(estate.catalog.url)) as catalog, speaking(PAPER_LANGUAGE),
        reading_series(estate) as series, catalog.reading() as session,
    ):  # fmt: skip
        ask = Ask(estate=estate, catalog=catalog, session=session, series=series,
                  window=wish.window, site="", of="", now=NOW)  # fmt: skip
        paper = wish.kind.find("write")(wish.kind.find("gather")(ask), frame)
    places = (Path(reveal(estate.catalog.url).removeprefix("sqlite:///")),
              Path(series_url(estate).removeprefix("sqlite:///")))  # fmt: skip
    return Made(paper, frame.texts, estate, *places)


def _begin_records(estate: Estate) -> None:
    """Have the records begin before the year: the journal's first row."""
    shared = dict.fromkeys(
        (it.name for it in JournalRow.__table__.columns if it.name not in {"sequence", "at"}), ""
    )
    row = {**shared, "sequence": 1, "at": SINCE - timedelta(days=30), "via": "cli",
           "action": "estate.seen", "details": "{}", "hash": "0" * 64}  # fmt: skip
    with open_catalog(reveal(estate.catalog.url)) as catalog, catalog.writing() as session:
        session.execute(insert(JournalRow), [row])


LINES = (
    ("a", "Thay thế máy chủ web", "granted", 200, 190, 180, 170, date(2026, 5, 15)),
    ("c", "Bảo dưỡng máy phát điện", "granted", 30, 30, 0, 0, None),
    ("c", "Thuê đường truyền", "cut", 20, 20, 20, 20, date(2026, 7, 1)),
    ("đ", "Kiểm thử xâm nhập", "deferred", 0, 0, 0, 0, None),
)
"""Use, title, decision, million đồng granted, contracted, accepted and paid, day of acceptance."""


def _write_more(estate: Estate) -> None:
    """Write what `tests.a_year` lacks: a plan, a failed drill, minutes down in a planned stop."""
    begun = datetime(2026, 3, 3, 2, 0, tzinfo=UTC)
    with open_catalog(reveal(estate.catalog.url)) as catalog, catalog.writing() as session:
        plan = Plan(id=uuid.uuid4(), year=2026, state="running", authors=[], made_at=begun,
                    made_by="nva", decision="118/QĐ", decided_on=date(2025, 12, 26),
                    decided_at=begun)  # fmt: skip
        session.add(plan)
        session.flush()
        for number, (use, title, decision, *money, day) in enumerate(LINES, start=1):
            item = Item(group="duy-tri", title=title, use=use, source="Ngân sách", unit_price=1)
            amounts = zip(("granted", "contracted", "accepted", "paid"), money, strict=True)
            session.add(PlanItem(
                id=uuid.uuid4(), plan_id=plan.id, number=number, body=item.as_values(),
                decision=decision, accepted_on=day,
                **{name: amount * 10**6 for name, amount in amounts},
            ))  # fmt: skip
        session.add(PlanNote(id=uuid.uuid4(), plan_id=plan.id, item=2, kind="work", at=begun,
                             person="nva", begins=begun, text="Thay bộ lọc",
                             result="Chờ linh kiện", document="31/BB"))  # fmt: skip
        session.add(PlanNote(
            id=uuid.uuid4(), plan_id=plan.id, item=3, kind="window", at=begun, person="nva",
            begins=begun + timedelta(days=1), until=begun + timedelta(days=1, hours=2),
        ))  # fmt: skip
        drill = Drill(
            id=uuid.uuid4(), site=NAMES[1], scope="site", source="backup", engine="ours",
            from_paper=False, wanted="", store="near", snapshot="ab" * 32, taken_at=begun, run="",
            person="nva", via="cli", reason="", document="", incident_at=begun, started_at=begun,
            ended_at=begun, outcome="failed", reason_code="", params={}, isolated=True,
            minutes=None, minutes_sha256="",
        )  # fmt: skip
        session.add(drill)
        session.flush()
        session.add(DrillFinding(drill=drill.id, site=NAMES[1], scope="site", code="rpo", params={},
                                 owner="", due=date(2026, 4, 1), opened_at=begun))  # fmt: skip
    turn = datetime(2026, 2, 14, 17, 0, tzinfo=UTC)  # of a month of the report
    down = [
        (site, at + timedelta(minutes=it), "down")
        for site, at, minutes in ((NAMES[0], STOP[0], (-7, 31)), (NAMES[1], turn, (-10, 10)))
        for it in range(*minutes)
    ]
    with closing(open_series(series_url(estate))) as store:
        write_minutes(store, down, ZONE)  # type: ignore[arg-type] # one of its verdicts


# What the figures are, by queries of their own.


def told(number: float, digits: int = 0) -> str:
    return f"{number:,.{digits}f}".translate(str.maketrans(",.", ".,"))


def percent(part: int, whole: int) -> str:
    tenths = part * 1000 // whole
    return f"{tenths // 10}%" if tenths % 10 == 0 else f"{tenths // 10},{tenths % 10}%"


def stamp(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S.%f}"


def local(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).astimezone(ZONE)


def short(text: str | datetime) -> str:
    return f"{(local(text) if isinstance(text, str) else text.astimezone(ZONE)):%d/%m/%Y %H:%M}"


@dataclass
class Queries:
    """The figures, each by a query."""

    catalog: sqlite3.Connection
    series: sqlite3.Connection
    estate: Estate

    def rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        return self.catalog.execute(query, values).fetchall()

    def ended(self, kind: str) -> Counter[str]:
        query = ("SELECT outcome, count(*) FROM runs WHERE kind = ? AND outcome IS NOT NULL AND"
                 " started_at >= ? AND started_at < ? GROUP BY outcome")  # fmt: skip
        return Counter(dict(self.rows(query, kind, stamp(SINCE), stamp(UNTIL))))

    def days(self) -> dict[str, tuple[int, int]]:
        """Give of each site how many days a backup was owed for, and on how many it came."""
        good: dict[str, set[date]] = {it: set() for it in NAMES}
        query = "SELECT site, ended_at FROM runs WHERE kind = 'backup' AND outcome = 'ok'"
        for site, ended in self.rows(query):
            good[site].add(local(ended).date())
        owed = {
            date(2026, 1, 1) + timedelta(days=it) for it in range((LAST - date(2025, 12, 31)).days)
        }
        return {site: (len(owed), len(owed & found)) for site, found in good.items()}

    def duties(self) -> list[list[str]]:
        """Give what `duty.evidence` tells of every duty, of the periods that ended in the year."""
        found: dict[str, Counter[str]] = {}
        setting = make_setting(self.estate, NOW)
        duties = load_duties(self.estate).duties
        with open_catalog(reveal(self.estate.catalog.url)) as catalog, catalog.reading() as session:
            for duty in duties:
                for it in (*find_verdicts(session, duty, setting, 2025),
                           *find_verdicts(session, duty, setting, 2026)):  # fmt: skip
                    if FIRST <= it.period.end <= LAST and it.reason != "nothing_yet":
                        found.setdefault(duty.name, Counter())[
                            _standing(it.outcome, it.reason)
                        ] += 1
        titles = {it.name: tell_title(it) for it in duties}
        return [
            [titles[name], *map(told, (
                sum(it.values()) - it["unrecorded"], it["met"], it["stated"], it["missed"],
                it["unknown"], it["unrecorded"],
            ))]
            for name, it in found.items()
        ]  # fmt: skip

    @cached_property
    def minutes(self) -> dict[str, str]:
        """Give a letter a minute of the year, by site: up, down, unknown, planned, or a gap."""
        days = {
            (site, date.fromisoformat(day)): _letters(*packed)
            for site, day, *packed in self.series.execute(
                "SELECT site, day, up, unknown, down FROM series_days"
            )
        }
        dates = [FIRST + timedelta(days=it) for it in range((LAST - FIRST).days + 1)]
        found = {site: "".join(days.get((site, it), "g" * 1440) for it in dates) for site in NAMES}
        begin, end = ((it - SINCE) // timedelta(minutes=1) for it in STOP)
        own = found[NAMES[0]]
        found[NAMES[0]] = own[:begin] + own[begin:end].replace("d", "p") + own[end:]
        return found

    def months(self) -> list[Counter[str]]:
        """Count minutes of each kind and outages of all sites: a month each, then in all."""
        first = [date(2025 + (it > 0), 12 if it == 0 else it, 15) for it in range(13)]
        found = [Counter[str]() for _it in range(12)]
        for letters in self.minutes.values():
            outages = [it.start() for it in re.finditer("d+", letters)]
            for place, (begin, end) in enumerate(pairwise(first)):
                cut = [1440 * (it - FIRST).days for it in (begin, end)]
                found[place] += Counter(letters[cut[0] : cut[1]])
                found[place]["outages"] += sum(cut[0] <= it < cut[1] for it in outages)
        return [*found, sum(found, Counter())]


def _letters(up: bytes, unknown: bytes, down: bytes) -> str:
    """Give a letter for each minute of a day; of two about one minute the graver counts."""
    bits = [f"{int.from_bytes(it, 'little'):01440b}"[::-1] for it in (down, up, unknown)]
    return "".join(
        "d" if d == "1" else "u" if u == "1" else "k" if k == "1" else "g"
        for d, u, k in zip(*bits, strict=True)
    )


def _standing(outcome: str, reason: str) -> str:
    words = {"ok": "met", "stated": "stated"}
    if outcome == "not_checked":
        return "unrecorded" if reason == "no_records" else "unknown"
    return words.get(outcome, "missed")


# What the report says: by template and by head.


@cache
def pattern_of(template: str) -> re.Pattern[str]:
    """Give what matches a template with its names filled in, one name always with one text."""
    known: set[str] = set()
    parts = []
    for part in re.split(r"(\{\w+\})", template):
        field = part.strip("{}")
        if not part.startswith("{"):
            parts.append(re.escape(part))
        else:
            parts.append(f"(?P={field})" if field in known else f"(?P<{field}>.*?)")
            known.add(field)
    return re.compile("".join(parts))


def match(texts: Texts, told: str) -> tuple[str, Mapping[str, str]] | None:
    """Give the name of the template that a paragraph is made of, and what fills it."""
    found = []
    for table in ("text", "lacking"):
        for name, text in texts.tables[table].items():
            if fitting := pattern_of(text).fullmatch(told):
                found.append((len(re.sub(r"\{\w+\}", "", text)), name, fitting.groupdict()))
    return max(found, key=lambda it: it[0])[1:] if found else None


def figures(it: Paragraph, texts: Texts) -> Iterator[tuple[str, str, str]]:
    """Yield each figure that a paragraph says: name of the template, of the field, and what."""
    found = match(texts, it.text)
    if found is None:
        yield ("", "", it.text)
        return
    name, fields = found
    for field, value in fields.items():
        if re.search(r"\d", value) and field != "dated_regulation":
            yield name, field, value


def expect_texts(query: Queries) -> Mapping[str, Mapping[str, str]]:
    """Give what each field of each template says, by queries of their own."""
    ran, checks = query.ended("backup"), query.ended("check")
    fixity, scans = query.ended("archive-check"), query.ended("scan")
    whole = query.months()[-1]
    owed, met = (sum(it) for it in zip(*query.days().values(), strict=True))
    [[people, shown]] = query.series.execute("SELECT sum(people), count(*) FROM series_visits")
    [[granted, contracted, accepted, paid]] = query.rows(
        "SELECT sum(granted), sum(contracted), sum(accepted), sum(paid) FROM plan_items"
    )
    incidents = query.rows("SELECT is_serious, closed_at, occurred_at, restored_at FROM"
                           " register_entries WHERE kind = 'incident'")  # fmt: skip
    spans = [local(end) - local(begin) for *_rest, begin, end in incidents]
    drills = query.rows("SELECT site, outcome FROM drills")
    ended = Counter(it for _site, it in drills)
    undrilled = SITES - len({it for it, _outcome in drills})
    looks = query.rows("SELECT tool, outcome FROM security_looks")
    [[left]] = query.rows("SELECT count(*) FROM drill_findings WHERE closed_at IS NULL")
    found = Counter(
        it for (it,) in query.rows("SELECT severity FROM security_findings WHERE state = 'open'")
    )
    duties = query.duties()
    others = [it for it in duties if it[0] != "Sao lưu hằng ngày"]
    rows = read_duties((SHIPPED_DUTIES,)).duties
    by_law = {it.title.vi: it for it in rows
              if any(basis.certainty != "own" for basis in it.basis)}  # fmt: skip
    urgent = {title for title, it in by_law.items() if it.due.unit == "hours"}
    bad = sorted(
        (it for it in others if it[4] != "0"),
        key=lambda it: (it[0] not in urgent, it[0] not in by_law, -int(it[4])),
    )
    good = [it for it in others if it[1] == it[2] != "0"]
    [[alive, done]] = query.rows("SELECT count(*), sum(accepted_on IS NOT NULL) FROM plan_items"
                                 " WHERE granted > 0")  # fmt: skip
    days = {"owed": told(owed), "met": told(met), "missed": told(owed - met), "unknown": "0",
            "percent": percent(met, owed)}  # fmt: skip
    down = {"down": told(whole["d"]), "outages": told(whole["outages"])}
    [[works, windows]] = query.rows(
        "SELECT sum(kind = 'work'), sum(kind = 'window') FROM plan_notes"
    )
    return {
        "source": {"taken": TAKEN},
        "opening": {"year": "2026", "first": "15/12/2025", "last": "14/12/2026"},
        "content_sites": {"sites": str(len(TITLES)), "units": str(len(TITLES))},
        "visits": {"people": told(people), "daily": told(round(people / shown)),
                   "days": str(shown), "sites": "1"},
        "uptime": {**down, "percent": percent(whole["u"], whole["u"] + whole["d"]),
                   "planned": told(whole["p"]), "gap": told(whole["g"])},
        "incidents": {
            "count": str(len(incidents)), "serious": str(sum(it for it, *_rest in incidents)),
            "open": str(sum(it[1] is None for it in incidents)),
            "median": span(sorted(spans)[len(spans) // 2]), "longest": span(max(spans)),
        },
        "works": {"count": str(works), "windows": str(windows)},
        "maintenance": {"count": "1", "minutes": told(whole["p"])},
        "owed": days,
        "not_in_force": {"first": "15/12/2025", "last": "31/12/2025"},
        "runs": {"ran": told(sum(ran.values())), "ok": told(ran["ok"]),
                 "incomplete": told(ran["incomplete"]), "failed": told(ran["failed"])},
        "rule": {"good": "0", "sites": str(SITES)},
        "drills": {"count": str(len(drills)), "sites": str(SITES - undrilled),
                   **{it: str(ended[it]) for it in ("ok", "incomplete", "failed")}},
        "drills_none": {"count": str(undrilled)},
        "checks": {"ran": told(sum(checks.values())), "ok": told(checks["ok"]),
                   "failed": told(sum(checks.values()) - checks["ok"]),
                   "fixity": told(sum(fixity.values())), "fixity_ok": told(fixity["ok"])},
        "looks": {"looks": str(len(looks)), "tools": str(len({it for it, _outcome in looks})),
                  "failed": str(sum(it != "ok" for _tool, it in looks)),
                  "scans": told(sum(scans.values())), "scans_ok": told(scans["ok"])},
        "money": {"year": "2026", "decision": "118/QĐ", "decided": "26/12/2025", "taken": TAKEN,
                  "granted": told(granted), "contracted": told(contracted),
                  "accepted": told(accepted), "paid": told(paid),
                  "percent": percent(paid, granted)},
        "good_duties": {"count": str(len(good)), "names": name(good, 2)},
        "bad_days": days,
        "bad_rule": {"count": str(SITES), "sites": str(SITES)},
        "bad_drills": {"count": str(len(drills) - ended["ok"]), "of": str(len(drills))},
        "bad_drill_findings": {"count": str(left)},
        "bad_undrilled": {"count": str(undrilled), "sites": str(SITES)},
        "bad_findings": {"count": str(found.total()),
                         "grave": str(found["high"] + found["critical"])},
        "bad_uptime": down,
        "bad_duties": {"count": str(len(bad)), "names": name(bad, 4)},
        "bad_plan": {"count": str(alive - done), "of": str(alive), "year": "2026"},
        "next": {"next": "2027"},
        "h_next": {"next": "2027"},
        "closing": {"year": "2026"},
    }  # fmt: skip


def span(length: timedelta) -> str:
    hours, minutes = divmod(length // timedelta(minutes=1), 60)
    return f"{hours} giờ" + (f" {minutes} phút" if minutes else "")


def name(duties: Sequence[Sequence[str]], column: int) -> str:
    """Give the first five of the duties, each with a count of all that was owed."""
    first = [f"{it[0]} ({it[column]}/{it[1]})" for it in duties[:5]]
    more = f"; và {len(duties) - 5} nghĩa vụ khác" if len(duties) > 5 else ""
    return "; ".join(first) + more


def expect_tables(query: Queries) -> Mapping[str, list[tuple[str, ...]]]:
    """Give the rows of each table, likewise; by the head of its first column and its last."""
    *months, whole = query.months()
    names = [f"{it:02}/2026" for it in range(1, 13)]
    uptime = [
        (month, percent(it["u"], it["u"] + it["d"]),
         *(told(it[part]) for part in "dpkg"))
        for month, it in zip(names, months, strict=True)
    ]  # fmt: skip
    incidents: list[tuple[str, ...]] = [
        (short(at), title, cause, span(local(end) - local(at)))
        for at, title, cause, end in query.rows(
            "SELECT occurred_at, title, cause, restored_at FROM register_entries"
            " WHERE kind = 'incident'"
        )
    ]
    kept: list[tuple[str, ...]] = [
        (role, place, str(sites), str(count), "14,0 GiB", short(newest))
        for role, place, store in (
            ("Nơi lưu chính", "Trung tâm dữ liệu (ổ đĩa)", "near"),
            ("Bản sao đồng bộ", "Biên Hòa (kho đối tượng)", "offsite"),
        )
        for sites, count, newest in query.rows(
            "SELECT count(DISTINCT site), count(*), max(taken_at) FROM snapshots WHERE store = ?"
            " AND taken_at <= ?", store, stamp(datetime.now(UTC) + timedelta(minutes=10)),
        )
    ]  # fmt: skip
    outcomes = {"ok": "đạt", "failed": "không đạt"}
    titles = dict(zip(NAMES, TITLES, strict=True))
    drills: list[tuple[str, ...]] = [
        (f"{local(at):%d/%m/%Y}", titles[site], outcomes[outcome], "– / –", "– / –")
        for at, site, outcome in query.rows(
            "SELECT started_at, site, outcome FROM drills WHERE scope = 'site' ORDER BY started_at"
        )
    ]
    findings = [
        (word, *(str(it) for it in query.rows(
            "SELECT count(*), coalesce(sum(state = 'fixed'), 0), coalesce(sum(state = 'open'), 0),"
            " coalesce(sum(accepted_until IS NOT NULL), 0) FROM security_findings"
            " WHERE severity = ?",
            severity,
        )[0]))
        for severity, word in (("critical", "nghiêm trọng"), ("high", "cao"),
                               ("medium", "trung bình"), ("low", "thấp"))
    ]  # fmt: skip
    return {
        "Tháng": uptime,
        "Thời điểm": incidents,
        "Thời gian": [
            ("03/03/2026 09:00", "Bảo dưỡng máy phát điện: Thay bộ lọc", "Chờ linh kiện", "31/BB"),
            ("04/03/2026 09:00 – 04/03/2026 11:00", "Thuê đường truyền",
             "đã xếp lịch, chưa ghi kết quả", "–"),
        ],
        "Trang thông tin|Từ": [(TITLES[0], short(STOP[0]), short(STOP[1]), told(whole["p"]))],
        "Nơi lưu": kept,
        "Ngày": drills,
        "Kho lưu trữ": [
            ("Kho lưu trữ, phần công khai", told(objects), "0", str(lacks), short(at))
            for objects, lacks, at in query.rows(
                "SELECT objects, lacks, checked_at FROM archive_places")
        ],
        "Hệ thống thông tin": [("Hệ thống Cổng Thông tin điện tử", "3", "123/QĐ-UBND")],
        "Mức độ": findings,
        "Mục chi (khoản 2 Điều 10 Quy chế)": _money(query, "use", {
            "a": "a) hạ tầng, đường truyền", "c": "c) vận hành", "đ": "đ) an ninh mạng"}),
        "Nguồn kinh phí": _money(query, "source", {"Ngân sách": "Ngân sách"}),
        "STT|Hạng mục": [
            ("1", LINES[0][1], "200.000.000", "170.000.000", "đã nghiệm thu ngày 15/05/2026",
             "chưa giải trình: .........."),
            ("2", LINES[1][1], "30.000.000", "0", "đã ký hợp đồng, chưa nghiệm thu",
             "Chờ linh kiện"),
            ("3", LINES[2][1], "20.000.000", "20.000.000", "đã nghiệm thu ngày 01/07/2026", "–"),
            ("4", LINES[3][1], "0", "0", "lùi theo quyết định phê duyệt", "118/QĐ"),
        ],
        "Số": [("2026-002", "Thiếu kinh phí thay ổ đĩa của máy chủ sao lưu", "–", "đã tiếp nhận")],
        "STT|Trang thông tin": _sites(query),
        "Nghĩa vụ": [tuple(it) for it in query.duties()],
    }  # fmt: skip


def _money(query: Queries, field: str, titles: Mapping[str, str]) -> list[tuple[str, ...]]:
    """Add money up by a word in the body of each line, which is JSON, and in all."""
    rows = query.rows("SELECT body, granted, contracted, accepted, paid FROM plan_items")
    columns = {
        title: [money for body, *money in rows if json.loads(body)[field] == word]
        for word, title in titles.items()
    }
    columns["Cộng"] = [money for _body, *money in rows]
    return [(title, *(told(sum(it)) for it in zip(*found, strict=True)))
            for title, found in columns.items()]  # fmt: skip


def _sites(query: Queries) -> list[tuple[str, ...]]:
    """Give the rows of the annex: days, the last good backup, drills, uptime of each site."""
    last = dict(
        query.rows(
            "SELECT site, max(started_at) FROM runs WHERE kind = 'backup' AND outcome = 'ok'"
            " GROUP BY site"
        )
    )
    drills = Counter(query.rows("SELECT site, outcome FROM drills"))
    counted = {site: Counter(it) for site, it in query.minutes.items()}
    rows, sums = [], Counter[str]()
    for number, (site, (owed, met)) in enumerate(query.days().items(), start=1):
        good, held = drills[site, "ok"], drills[site, "ok"] + drills[site, "failed"]
        up, down = counted[site]["u"], counted[site]["d"]
        rows.append((str(number), TITLES[number - 1], told(owed), told(met), told(owed - met), "0",
                     f"{local(last[site]):%d/%m/%Y}", f"{good} / {held}",
                     percent(up, up + down)))  # fmt: skip
        sums.update(owed=owed, met=met, good=good, held=held, up=up, down=down)
    total = ("", "Cộng", told(sums["owed"]), told(sums["met"]), told(sums["owed"] - sums["met"]),
             "0", f"{len(last)} / {SITES}", f"{sums['good']} / {sums['held']}",
             percent(sums["up"], sums["up"] + sums["down"]))  # fmt: skip
    return [*rows, total]


_UNCOUNTED = {"Đối tượng", "Trang thông tin|Phần chưa đáp ứng"}
"""Tables of words: what nobody can forecast here, and which parts of the rule are not met."""


@dataclass(frozen=True)
class Expected:
    """What templates and tables say, by the queries."""

    texts: Mapping[str, Mapping[str, str]]
    tables: Mapping[str, list[tuple[str, ...]]]


def complain(made: Made, blocks: Sequence[Block], expected: Expected) -> Iterator[str]:
    """Yield what a report says that no query gives, or gives otherwise."""
    for it in blocks:
        if isinstance(it, Paragraph):
            for template, field, value in figures(it, made.texts):
                if expected.texts.get(template, {}).get(field) != value:
                    yield f"{template}.{field}: {value}"
        elif isinstance(it, Table) and (key := call(it, expected)) not in _UNCOUNTED:
            if rows_of(it) != expected.tables[key]:
                yield f"{key}: {rows_of(it)}"
        elif isinstance(it, Heading) and re.search(r"\d\d", it.text.replace("2027", "")):
            yield it.text


def rows_of(table: Table) -> list[tuple[str, ...]]:
    """Give the rows; of duties without how often, and of whom, which is no figure."""
    rows = [*table.rows, *table.totals]
    is_of_duties = table.columns[0].head == "Nghĩa vụ"
    return [(row[0], *row[2:]) for row in rows] if is_of_duties else rows


def call(table: Table, expected: Expected) -> str:
    """Give what a table is called here: the head of its first column, or of its first two."""
    heads = [it.head for it in table.columns]
    known = {*expected.tables, *_UNCOUNTED}
    return next(it for it in (heads[0], "|".join(heads[:2])) if it in known)


@pytest.fixture(scope="module")
def expected(made: Made) -> Expected:
    with (
        closing(sqlite3.connect(made.catalog)) as catalog,
        closing(sqlite3.connect(made.series)) as series,
        speaking(PAPER_LANGUAGE),
    ):
        query = Queries(catalog, series, made.estate)
        return Expected(expect_texts(query), expect_tables(query))


def test_every_figure_of_the_year_walks_back_to_a_query(made: Made, expected: Expected) -> None:
    said = {name for it in made.paper.blocks if isinstance(it, Paragraph)
            for name, _field, _value in figures(it, made.texts)}  # fmt: skip

    assert list(complain(made, made.paper.blocks, expected)) == []
    assert {"owed", "runs", "money", "uptime", "bad_days", "bad_drills", "bad_duties"} <= said


def test_any_other_figure_is_complained_of(made: Made, expected: Expected) -> None:
    """Each digit of the report in turn becomes another one."""
    planted = [it for block in made.paper.blocks for it in plant(block, expected)]
    missed = [it for it in planted if not list(complain(made, [it], expected))]

    assert len(planted) > 500
    assert missed == []


def plant(block: Block, expected: Expected) -> Iterator[Block]:
    """Yield a block with one wrong figure, for each that it has."""
    if isinstance(block, Paragraph):
        if "Quyết định số 57/2018" not in block.text:  # a citation is checked where it is made
            yield from (replace(block, text=it) for it in falsify(block.text))
    elif isinstance(block, Table) and call(block, expected) not in _UNCOUNTED:
        for place, row in enumerate(block.rows):
            for at, cell in enumerate(row):
                for it in falsify(cell) if block.columns[at].head != "Chu kỳ, phạm vi" else ():
                    other = (*row[:at], it, *row[at + 1 :])
                    yield replace(
                        block, rows=(*block.rows[:place], other, *block.rows[place + 1 :])
                    )


def falsify(text: str) -> Iterator[str]:
    """Yield a text with another digit at the beginning of each of its numbers."""
    for it in re.finditer(r"\d+", text):
        yield f"{text[: it.start()]}{(int(it[0][0]) + 1) % 10}{text[it.start() + 1 :]}"
