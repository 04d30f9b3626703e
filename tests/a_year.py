"""A year of the records of many sites: backups, drills, samples, incidents; written in seconds."""

import uuid
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import insert
from sqlalchemy.orm import Session

from ops.catalog.open import open_catalog
from ops.catalog.tables.copies import ArchivePlace
from ops.catalog.tables.core import Occurrence, Run
from ops.catalog.tables.drills import Drill
from ops.catalog.tables.index import Snapshot, StoreSeen
from ops.catalog.tables.security import SecurityFinding, SecurityLook
from ops.estate.load.load import load_estate
from ops.estate.model.estate import Estate
from ops.estate.model.references import reveal
from ops.journal import journal
from ops.journal.journal import Entry, Origin
from ops.monitor.series.store import days, open_series, series_url, visits
from ops.register.entry import Change, NewEntry
from ops.register.records import add_entry, change_entry

FIRST, LAST = date(2025, 12, 15), date(2026, 12, 14)
NOW = datetime(2026, 12, 14, 10, 0, tzinfo=UTC)
ORIGIN = Origin(via="cli", person="nva")

HEAD = """
schema = 1
[organisation]
name = "Trung tâm Công nghệ thông tin và Truyền thông"
authority = "Sở Khoa học và Công nghệ"
place = "Đồng Nai"
[[organisation.roles]]
from = 2018-01-01
decides = "Ủy ban nhân dân thành phố Đồng Nai"
submits = "Sở Khoa học và Công nghệ"
opinions = ["Sở Tài chính"]
[keys]
repository = "file:var/keys/repository.key"
[[people]]
name = "nva"
title = "Nguyễn Văn A"
phone = "0251 0000000"
[[systems]]
name = "cong-ttdt"
title = "Hệ thống Cổng Thông tin điện tử"
level = 3
decision = "123/QĐ-UBND"
[[stores]]
name = "near"
url = "var/stores/near"
role = "primary"
location = "Trung tâm dữ liệu"
medium = "disk"
[[stores]]
name = "offsite"
url = "var/stores/offsite"
role = "mirror"
of = "near"
location = "Biên Hòa"
medium = "object"
[[reports.letterheads]]
from = 2026-01-01
abbreviation = "TTCNTT"
post = "Giám đốc"
signer = "Nguyễn Văn A"
"""


def write_estate(folder: Path, sites: int, *, more: str = "") -> Estate:
    """Write and load an estate of so many sites and units; the first site is the main portal."""
    text = HEAD + more
    for number in range(sites):
        name = name_of(number)
        title = "Cổng Thông tin điện tử" if number == 0 else f"Trang của đơn vị số {number}"
        text += (
            f'[[units]]\nname = "u-{name}"\ntitle = "Đơn vị số {number}"\n'
            f'[[sites]]\nname = "{name}"\ntitle = "{title}"\nunit = "u-{name}"\nowner = "nva"\n'
            f'system = "cong-ttdt"\nurl = "https://{name}.example.vn"\n'
            f'[[sites.files]]\nname = "www"\npath = "/var/www/{name}"\n'
        )
    path = folder / "estate.toml"
    path.write_text(text, encoding="utf-8")
    return load_estate(path)


def name_of(number: int) -> str:
    """Give the name of the n-th site."""
    return "cong-chinh" if number == 0 else f"trang-{number:03}"


def write_year(estate: Estate) -> None:
    """Write a year's records of an estate: a backup a day and site, some of them bad."""
    names = [it.name for it in estate.named_sites]
    with open_catalog(reveal(estate.catalog.url)) as catalog, catalog.writing() as session:
        connection = session.connection()
        connection.execute(insert(Run), list(_runs(names)))
        connection.execute(insert(Occurrence), list(_missed(names)))
        connection.execute(insert(Drill), list(_drills(names)))
        connection.execute(insert(Snapshot), list(_snapshots(names)))
        connection.execute(insert(StoreSeen), list(_stores(names)))
        session.add_all(_security())
        session.add(
            ArchivePlace(name="public", since=NOW, scrub={}, oldest_at=NOW, objects=1234,
                         damaged=[], lacks=0, checked_at=NOW)
        )  # fmt: skip
        _register(session, estate)
        _stop(session, names[0])
    _watch(estate, names)


def _nights() -> list[date]:
    return [FIRST + timedelta(days=it) for it in range((LAST - FIRST).days + 1)]


def _at(day: date, hour: int = 17) -> datetime:
    return datetime(day.year, day.month, day.day, hour, tzinfo=UTC)


def outcome_of(site: int, night: int) -> str:
    """Say how the backup of a site's night ended."""
    if (site * 7 + night) % 97 == 0:
        return "failed"
    return "incomplete" if (site * 5 + night) % 131 == 0 else "ok"


def _runs(names: list[str]) -> Iterator[dict[str, Any]]:
    for number, site in enumerate(names):
        for night, day in enumerate(_nights()[:-1]):
            yield {
                "id": uuid.uuid4(), "job": f"backup/{site}", "kind": "backup", "site": site,
                "attempt": 1, "host": "may-chu", "pid": 1, "started_at": _at(day),
                "ended_at": _at(day) + timedelta(minutes=3), "outcome": outcome_of(number, night),
                "reason": "", "params": {}, "summary": {"snapshot": "ab" * 32, "files": 10},
            }  # fmt: skip
    for kind, site in (("check", names[0]), ("archive-check", "luu-tru"), ("scan", names[0])):
        for month in range(1, 12):
            yield {
                "id": uuid.uuid4(), "job": f"{kind}/{site}", "kind": kind, "site": site,
                "attempt": 1, "host": "may-chu", "pid": 1, "started_at": _at(date(2026, month, 2)),
                "ended_at": _at(date(2026, month, 2)), "outcome": "ok", "reason": "", "params": {},
                "summary": {},
            }  # fmt: skip


def _missed(names: list[str]) -> Iterator[dict[str, Any]]:
    for site in names[::10]:
        yield {
            "id": uuid.uuid4(), "job": f"backup/{site}", "kind": "backup", "site": site,
            "due_at": _at(date(2026, 5, 1)), "trigger": "clock", "requested_by": "",
            "arguments": {}, "state": "ended", "outcome": "missed", "reason": "", "params": {},
            "attempts": 0, "host": "", "heartbeat": 0, "created_at": NOW, "ended_at": NOW,
        }  # fmt: skip


def _drills(names: list[str]) -> Iterator[dict[str, Any]]:
    for number, site in enumerate(names[::3]):
        day = date(2026, 1 + number % 11, 10)
        yield {
            "id": uuid.uuid4(), "site": site, "scope": "site", "source": "backup",
            "engine": "ours", "from_paper": False, "wanted": "", "store": "near",
            "snapshot": "ab" * 32, "taken_at": _at(day, 1), "run": "", "person": "nva",
            "via": "cli", "reason": "", "document": "", "incident_at": _at(day, 2),
            "started_at": _at(day, 2), "ended_at": _at(day, 3),
            "outcome": "failed" if number % 9 == 8 else "ok", "reason_code": "", "params": {},
            "isolated": True, "minutes": None, "minutes_sha256": "",
        }  # fmt: skip


def _snapshots(names: list[str]) -> Iterator[dict[str, Any]]:
    for site in names:
        for store in ("near", "offsite"):
            for night in range(1, 15):
                yield {
                    "site": site, "store": store, "id": uuid.uuid4().hex * 2,
                    "taken_at": _at(LAST - timedelta(days=night)), "hostname": site,
                    "paths": [f"/{site}"], "tags": [], "parent": "", "original": "",
                    "outcome": "ok", "file_count": 10, "processed_bytes": 10**8,
                    "added_bytes": 10**6, "added_packed_bytes": 10**5, "seconds": 3.0,
                    "summary": {},
                }  # fmt: skip


def _stores(names: list[str]) -> Iterator[dict[str, Any]]:
    for site in names:
        for store in ("near", "offsite"):
            yield {
                "site": site, "store": store, "repository_id": "ab" * 32, "seen_at": NOW,
                "snapshot_count": 14, "size_bytes": 3 * 10**9, "key_ids": [],
            }  # fmt: skip


def _security() -> Iterator[SecurityFinding | SecurityLook]:
    for number, severity in enumerate(("low", "medium", "high")):
        yield SecurityFinding(
            subject="site:cong-chinh", tool="tls", check=f"check-{number}", severity=severity,
            params={}, evidence="ab" * 32, first_seen_at=_at(date(2026, 3, 1)),
            last_seen_at=NOW, state="fixed" if number == 0 else "open",
            fixed_at=_at(date(2026, 4, 1)) if number == 0 else None,
        )  # fmt: skip
    for month in range(1, 12):
        yield SecurityLook(
            subject="site:cong-chinh", tool="tls", at=_at(date(2026, month, 1)), outcome="ok",
            params={}, score=None, items=None,
        )  # fmt: skip


def _register(session: Session, estate: Estate) -> None:
    at = datetime(2026, 6, 3, 2, 0, tzinfo=UTC)
    incident = add_entry(
        session, ORIGIN,
        NewEntry(kind="incident", title="Cổng không truy cập được do đầy ổ đĩa", site="cong-chinh",
                 occurred_at=at, received_at=at + timedelta(minutes=5), is_serious=True),
        zone=estate.zone, now=NOW,
    )  # fmt: skip
    change_entry(
        session, ORIGIN, incident,
        Change(restored_at=at + timedelta(hours=2), closed_at=at + timedelta(hours=3),
               cause="Nhật ký không được xoay vòng", result="Đã dọn và đặt lịch xoay vòng"),
        now=NOW,
    )  # fmt: skip
    add_entry(
        session, ORIGIN,
        NewEntry(kind="difficulty", title="Thiếu kinh phí thay ổ đĩa của máy chủ sao lưu",
                 occurred_at=at, received_at=at),
        zone=estate.zone, now=NOW,
    )  # fmt: skip


def _stop(session: Session, site: str) -> None:
    details = {
        "begins": "2026-08-20T22:00:00+07:00", "until": "2026-08-21T02:00:00+07:00",
        "notice_by": "2026-08-11", "duty": "stop-notice@2026-07-01", "force_majeure": "",
    }  # fmt: skip
    origin = Origin(via="cli", person="nva", reason="Nâng cấp máy chủ cơ sở dữ liệu")
    journal.append(session, origin, [Entry("stop.planned", site, details)])


def _watch(estate: Estate, names: list[str]) -> None:
    store = open_series(series_url(estate))
    whole = ((1 << 1440) - 1).to_bytes(180, "little")
    most = ((1 << 1440) - 1 - ((1 << 30) - 1)).to_bytes(180, "little")
    hour = ((1 << 30) - 1).to_bytes(4, "little")
    try:
        with store.writing() as connection:
            rows = [
                {"site": site, "day": day, "unknown": b"",
                 "up": most if (number + night) % 61 == 0 else whole,
                 "down": hour if (number + night) % 61 == 0 else b""}
                for number, site in enumerate(names)
                for night, day in enumerate(_nights()[:-1])
                if night % 50
            ]  # fmt: skip
            connection.execute(insert(days), rows)
            connection.execute(
                insert(visits),
                [{"site": names[0], "day": it, "people": 5000, "robots": 900} for it in _nights()],
            )
    finally:
        store.close()
