"""What a condition is about, in words."""

from collections.abc import Callable

import pytest

from ops.alerts.decisions import (
    frozen_subject,
    job_subject,
    late_subject,
    vanished_subject,
)
from ops.alerts.notice_wording import NoticeRow, word_notice
from ops.alerts.subjects import name_subject, name_subjects
from ops.monitor.probes.wording import EXPLANATIONS as OF_PROBES
from tests.unit.ops.status.test_status import NOW


@pytest.fixture(autouse=True)
def _in_english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIUCONG_LANG", "en")


@pytest.mark.parametrize(
    ("subject", "named"),
    [
        ("host:web1", "host web1"),
        ("host:web1/disk:/var/lib", "host web1, disk /var/lib"),
        ("host:web1/disk:/", "host web1, disk /"),
        ("site:cong/page:/lien-he/page:2", "site cong, page /lien-he, page 2"),
        ("site:cong/page:https://a/b", "site cong, page https://a/b"),
        ("host:this-machine/memory", "this machine, memory"),
        ("host:web1/disk:/var/log", "host web1, disk /var/log"),
        ("device:ups/ping", "device ups, ping"),
        ("site:cong/check:tim-kiem", "site cong, check of tim-kiem"),
        ("forecast:host:web1/disk:/var/log", "forecast, host web1, disk /var/log"),
        ("forecast:store:near", "forecast, store near"),
        ("watch:line", "our own line"),
        ("rack:7", "rack 7"),
        ("host:web1/disk:/a\x1b[31m", "host web1, disk /a [31m"),
        ("no kind at all", "no kind at all"),
        ("", ""),
    ],
)
def test_a_subject_is_named_level_by_level(subject: str, named: str) -> None:
    assert name_subject(subject) == named


@pytest.mark.parametrize("make", [frozen_subject, job_subject, late_subject, vanished_subject])
def test_what_a_status_is_about_has_a_name(
    make: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIUCONG_LANG", "vi")
    kind = make("a").partition(":")[0]
    assert name_subject(make("a")).endswith(" a")
    assert kind not in name_subject(make("a"))


def test_of_many_subjects_ten_are_named_and_the_rest_counted() -> None:
    names = [f"host:h{number}" for number in range(30)]

    assert name_subjects(names, 1_000).endswith("host h9 and 990 more")
    assert name_subjects(names[:2], 2) == "host h0; host h1"


@pytest.mark.parametrize("language", ["en", "vi"])
def test_what_nobody_has_words_for_is_told_all_the_same(
    language: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIUCONG_LANG", language)
    watch = {"subject": "host:web1", "since": NOW.isoformat(), "hidden": ["site:a"],
             "hidden_count": 1, "changes": 5}  # fmt: skip
    many = {"count": 40, "left": 3, "subjects": ["host:h1"], "since": NOW.isoformat()}
    cleared = {"watch": watch, "was": "new_code"}
    told = [
        NoticeRow("critical", "new_code", {"watch": watch, "alert": "0186b50b"}, "", "", NOW),
        NoticeRow("warning", "many_at_once", many, "", "", NOW),
        NoticeRow("info", "many_cleared", many, "", "", NOW),
        NoticeRow("info", "cleared", cleared, "", "", NOW),
    ]
    texts = [word_notice(it, organisation="TT", zone="Asia/Ho_Chi_Minh") for it in told]

    assert "web1" in texts[0].title
    assert "site a" in texts[0].body or "trang a" in texts[0].body
    assert "5" in texts[0].body
    assert "web1" in texts[3].title
    assert not [it for it in texts if "{" in it.title + it.body]


@pytest.mark.parametrize("code", sorted(OF_PROBES))
def test_an_all_clear_names_what_is_over(code: str) -> None:
    """As the alert named it: its own code is no news to anybody."""
    params = {"watch": {"subject": "site:a", "since": NOW.isoformat()}}
    red = NoticeRow("critical", code, params, "", "a", NOW, "Cổng xã A")
    over = NoticeRow("info", "cleared", {**params, "was": code}, "", "a", NOW, "Cổng xã A")
    nowhere = NoticeRow("info", "cleared", {**params, "was": code}, "", "", NOW)

    titles = [
        word_notice(it, organisation="TT", zone="Asia/Ho_Chi_Minh").title
        for it in (red, over, nowhere)
    ]

    headline = titles[0].partition("Cổng xã A: ")[2]
    assert headline
    assert titles[1].endswith(f"no longer red: {headline}")
    assert titles[2] == f"[Giữ Cổng] for information: no longer red: {headline}"
