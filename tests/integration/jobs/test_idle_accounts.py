"""Accounts that nobody uses are disabled by the service, journaled and told; the figure is data."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from ops.alerts.notice_wording import NoticeRow, word_notice
from ops.catalog.open import Catalog, open_catalog
from ops.catalog.tables.core import JournalRow, Notice
from ops.duties.idle_accounts import disable_idle
from ops.journal import journal
from ops.journal.journal import Entry
from tests.integration.jobs.small_estate import build_estate
from tests.people import appoint, credential_of, origin_of

MORE = """
[[people]]
name = "ttb"
title = "Trần Thị B"
mail = "ttb@example.vn"
[notices]
relay = "env:GIUCONG_TEST_RELAY"
[duties]
include = ["duties.local.toml"]
"""
A_YEAR = """
schema = 1
[[duties]]
name = "idle-accounts"
title = { vi = "Khóa tài khoản", en = "Disable accounts" }
basis = [{ document = "Trung tâm tự đặt", certainty = "own" }]
valid_from = 2026-08-01
applies = { kind = "organisation" }
event = "last-sign-in"
due = { count = 365, unit = "days", since = "event" }
responsible = "security officer"
"""
NOW = datetime.now(UTC)


@pytest.fixture
def estate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = build_estate(tmp_path / "estate", MORE)
    (path.parent / "duties.local.toml").write_text("schema = 1\n", encoding="utf-8")
    monkeypatch.setenv("GIUCONG_ESTATE", str(path))
    monkeypatch.setenv("GIUCONG_TEST_RELAY", "mailto://127.0.0.1:1/?from=a@example.vn")
    return path


@pytest.fixture
def catalog(estate: Path) -> Iterator[Catalog]:
    opened = open_catalog(f"sqlite:///{estate.parent / 'catalog.db'}")
    for person, role in (("nva", "security_officer"), ("ttb", "operator"), ("lvc", "operator")):
        appoint(opened, person, role, now=NOW - timedelta(days=47))
    appoint(opened, "ptd", "operator", now=NOW - timedelta(days=44))
    yield opened
    opened.close()


def act(catalog: Catalog, person: str) -> None:
    with catalog.writing() as session:
        journal.append(session, origin_of(person), [Entry("backup.run", "cong-xa")])


def disabled(catalog: Catalog) -> list[str]:
    names = ("nva", "ttb", "lvc", "ptd")
    return [name for name in names if credential_of(catalog, name).disabled_at is not None]


def test_who_was_not_seen_for_so_long_is_disabled_journaled_and_told(catalog: Catalog) -> None:
    act(catalog, "lvc")
    counts = [disable_idle(catalog, NOW), disable_idle(catalog, NOW)]
    with catalog.reading() as session:
        query = select(JournalRow).where(JournalRow.action == "user.disable")
        (row,) = session.execute(query).scalars()
        notices = session.execute(select(Notice).order_by(Notice.target)).scalars().all()
    told = sorted((it.target, it.params["person"], it.params["kept"]) for it in notices)

    assert counts == [1, 0]
    assert disabled(catalog) == ["ttb"]
    assert (row.subject, row.via, json.loads(row.details)["duty"]) == (
        "ttb", "clock", "idle-accounts@2026-08-01",
    )  # fmt: skip
    assert told == [("nva", "nva", True), ("nva", "ttb", False), ("ttb", "ttb", False)]
    it = next(it for it in notices if it.target == "ttb")
    message = word_notice(
        NoticeRow(it.severity, it.code, it.params, it.job, it.site, it.created_at),
        organisation="TT",
        zone="Asia/Ho_Chi_Minh",
    )
    assert "tài khoản của ttb đã bị khóa" in message.title
    assert "giucong user.reset-totp --person ttb" in message.body


def test_the_figure_is_that_of_the_duties_in_force(catalog: Catalog, estate: Path) -> None:
    (estate.parent / "duties.local.toml").write_text(A_YEAR, encoding="utf-8")
    act(catalog, "lvc")

    assert disable_idle(catalog, NOW) == 0


def test_nobody_is_disabled_when_the_clock_may_have_jumped(catalog: Catalog) -> None:
    act(catalog, "lvc")

    assert disable_idle(catalog, NOW + timedelta(days=400)) == 0
    assert disabled(catalog) == []
