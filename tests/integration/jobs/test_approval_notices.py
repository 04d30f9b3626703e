"""Who is told of a request for approval, and of what was decided; never the one who asked."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import select

from ops.access.approvals.decide import Ruling, decide_request
from ops.access.approvals.requests import Wish
from ops.access.approvals.require import ApprovalAwaitedError, require_approval
from ops.access.credentials import disable_credentials
from ops.alerts.notice_wording import Message, NoticeRow, word_notice
from ops.catalog.open import Catalog, open_catalog
from ops.catalog.tables.core import Notice
from tests.integration.jobs.small_estate import build_estate
from tests.people import appoint, origin_of

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
MORE = "".join(
    f'[[people]]\nname = "{name}"\ntitle = "{name}"\n{mail}'
    for name, mail in (
        ("ttb", 'mail = "ttb@example.vn"\n'),
        ("lvc", 'mail = "lvc@example.vn"\n'),
        ("ptd", 'mail = "ptd@example.vn"\n'),
        ("vve", ""),
    )
)
WISH = Wish(action="restore-in-place", subject="cong-xa", plan={"snapshot": "4f2a"}, reason="Sửa")


@pytest.fixture
def catalog(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Catalog]:
    path = build_estate(tmp_path / "estate", MORE + '[notices]\nrelay = "env:GIUCONG_TEST_RELAY"\n')
    monkeypatch.setenv("GIUCONG_ESTATE", str(path))
    monkeypatch.setenv("GIUCONG_TEST_RELAY", "mailto://127.0.0.1:1/?from=a@example.vn")
    opened = open_catalog(f"sqlite:///{tmp_path / 'catalog.db'}")
    appoint(opened, "nva", "operator", "approver", now=NOW)
    appoint(opened, "ttb", "approver", now=NOW)
    appoint(opened, "lvc", "operator", now=NOW)
    appoint(opened, "ptd", "approver", now=NOW)
    appoint(opened, "vve", "approver", now=NOW)
    with opened.writing() as session:
        disable_credentials(session, "ptd", now=NOW)
    yield opened
    opened.close()


def ask(catalog: Catalog) -> str:
    with pytest.raises(ApprovalAwaitedError) as caught:
        require_approval(catalog, origin_of("nva"), WISH, now=NOW)
    return str(caught.value.params["request"])


def told(catalog: Catalog, code: str) -> list[tuple[str, Message]]:
    with catalog.reading() as session:
        rows = session.execute(select(Notice).where(Notice.code == code)).scalars().all()
    return [
        (it.target, word_notice(
            NoticeRow(it.severity, it.code, it.params, it.job, it.site, it.created_at),
            organisation="TT", zone="Asia/Ho_Chi_Minh",
        ))
        for it in rows
    ]  # fmt: skip


def test_those_who_may_approve_are_told_once_and_the_one_who_asked_is_not(catalog: Catalog) -> None:
    request = ask(catalog)
    assert ask(catalog) == request
    ((target, message),) = told(catalog, "approval")

    assert target == "ttb"  # lvc has no right, ptd no credentials any more, vve no mail address
    assert "yêu cầu chờ phê duyệt của nva: khôi phục đè" in message.title
    assert f"giucong approval.approve --id {request}" in message.body
    assert "25/11/2026 19:00 +07:00" in message.body


@pytest.mark.parametrize(
    ("verdict", "text"), [("approved", "đã được ttb phê duyệt"), ("refused", "bị ttb từ chối")]
)
def test_the_one_who_asked_is_told_what_was_decided(
    catalog: Catalog, verdict: str, text: str
) -> None:
    ruling = Ruling(ask(catalog), verdict, "đúng quy trình")  # type: ignore[arg-type]  # one of two
    decide_request(catalog, origin_of("ttb"), ruling, now=NOW, prove=lambda: None)
    ((target, message),) = told(catalog, "approval-decided")

    assert target == "nva"
    assert text in message.title
    assert "đúng quy trình" in message.body


def test_a_relay_that_is_no_mail_is_told_for_all(
    catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIUCONG_TEST_RELAY", "json://127.0.0.1:1/")
    ask(catalog)

    assert [target for target, _message in told(catalog, "approval")] == ["relay"]
