"""What is red of what a probe found, how grave, and what it hangs on."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ops.monitor.probes.probe import CHANGE_TOLD, judge_look, judge_probe
from ops.monitor.probes.result import (
    Certificate,
    Known,
    ProbeFinding,
    ProbeResult,
    learn,
    list_changes,
    list_points,
    recall,
)
from ops.monitor.probes.target import PageWish, ProbeTarget

NOW = datetime(2026, 11, 30, 17, 30, tzinfo=UTC)
THRESHOLDS = {"first_byte_seconds": 5, "certificate_days": 30}
TARGET = ProbeTarget(
    site="cong",
    page=PageWish(address="https://cong.thu/"),
    checks=(PageWish(name="tim", address="https://cong.thu/tim"),),
    parent="host:web1",
)


def result(**changes: Any) -> ProbeResult:
    usual: dict[str, Any] = {
        "target": TARGET,
        "at": NOW,
        "verdict": "up",
        "findings": {"answer": ProbeFinding("good")},
    }
    return ProbeResult(**{**usual, **changes})


def red(found: ProbeResult) -> dict[str, tuple[str, str]]:
    return {
        it.subject: (it.code, it.severity)
        for it in judge_probe(found, THRESHOLDS)
        if it.state == "bad"
    }


@pytest.mark.parametrize(
    ("days", "severity"),
    [(31, None), (29, "info"), (15, "warning"), (14, "warning"), (7, "critical"), (1, "critical")],
)
def test_a_certificate_gets_graver_as_it_ends(days: int, severity: str | None) -> None:
    shown = Certificate("Ai đó", NOW + timedelta(days=days))
    found = result(
        certificate=shown,
        findings={"answer": ProbeFinding("good"), "certificate": ProbeFinding("good")},
    )

    expected = {"site:cong/certificate": ("certificate_runs_out", severity)} if severity else {}
    assert red(found) == expected
    assert list_points(found)["certificate_days"] == days


def test_a_slow_site_is_told_when_it_stays_slow() -> None:
    (slow,) = [
        it
        for it in judge_probe(result(seconds={"first_byte": 6.25}), THRESHOLDS)
        if it.subject == "site:cong/speed"
    ]
    quick = judge_probe(result(seconds={"first_byte": 4.9}), THRESHOLDS)

    assert (slow.state, slow.params) == ("bad", {"seconds": 6.2, "most": 5})
    assert slow.holds_for >= timedelta(minutes=2)
    assert {it.subject: it.state for it in quick}["site:cong/speed"] == "good"


def test_a_site_hangs_on_its_host_and_its_checks_on_it() -> None:
    lacks = ProbeFinding("bad", "words", "page_lacks", {"words": ["kết quả"]})
    conditions = judge_probe(
        result(findings={"answer": ProbeFinding("good"), "check:tim": lacks}), THRESHOLDS
    )

    assert {it.subject: it.parent for it in conditions} == {
        "site:cong": "host:web1", "site:cong/check:tim": "site:cong",
    }  # fmt: skip
    assert {it.site for it in conditions} == {"cong"}


def test_a_site_that_is_down_tells_nothing_good_of_its_parts() -> None:
    findings = {
        "answer": ProbeFinding(
            "bad", "status", "site_down", {"problem": "status", "detail": "503"}
        ),
        "certificate": ProbeFinding("good"),
        "names": ProbeFinding("good", "192.0.2.1"),
    }
    conditions = judge_probe(result(verdict="down", findings=findings), THRESHOLDS)

    assert [(it.subject, it.severity) for it in conditions] == [("site:cong", "critical")]


def test_a_change_is_red_for_a_day() -> None:
    def seen(aspect: str, before: str, now: str, age: timedelta) -> dict[str, tuple[str, str]]:
        known = {aspect: Known(now, NOW - age, before)}
        findings = {"answer": ProbeFinding("good"), aspect: ProbeFinding("good", now)}
        return red(result(findings=findings, known=known))

    hour = timedelta(hours=1)
    changed = {"site:cong/issuer": ("issuer_changed", "warning")}
    assert seen("issuer", "A", "B", CHANGE_TOLD - hour) == changed
    assert seen("issuer", "A", "B", CHANGE_TOLD) == {}
    assert seen("issuer", "", "B", hour) == {}, "the first time it is seen"
    assert seen("names", "nxdomain", "192.0.2.1", hour) == {}, "it is there again"
    assert set(seen("names", "192.0.2.1", "192.0.2.2", hour)) == {"site:cong/names"}


def test_ipv6_is_lost_only_where_it_was() -> None:
    def none_now(before: str) -> dict[str, tuple[str, str]]:
        known = {"ipv6": Known("none", NOW, before)}
        findings = {"answer": ProbeFinding("good"), "ipv6": ProbeFinding("not_checked", "none")}
        return red(result(findings=findings, known=known))

    assert none_now("") == {}
    assert none_now("reachable") == {"site:cong/ipv6": ("ipv6_lost", "warning")}


def test_what_all_sites_share() -> None:
    failed = ProbeFinding("bad", "", "resolver_failed", {})
    one = result(line="up", findings={"answer": ProbeFinding("good"), "names": failed})
    other = result(
        line="up", findings={"answer": ProbeFinding("good"), "names": ProbeFinding("good", "1")}
    )
    outside = result(line="up", findings={"answer": ProbeFinding("good"),
                                          "names": ProbeFinding("not_checked", "")})  # fmt: skip

    def states(*results: ProbeResult) -> dict[str, str]:
        return {it.subject: it.state for it in judge_look(results)}

    assert states(one, outside) == {"watch:line": "good", "watch:resolver": "bad"}
    assert states(one, other) == {"watch:line": "good", "watch:resolver": "good"}
    assert states(replace(outside, line="not_checked")) == {
        "watch:line": "not_checked", "watch:resolver": "not_checked",
    }  # fmt: skip
    assert states(replace(one, line="down"))["watch:line"] == "bad"
    assert judge_look([]) == []


def test_what_is_written_is_what_is_remembered() -> None:
    looks = [
        {"answer": ProbeFinding("good"), "issuer": ProbeFinding("good", "A"),
         "names": ProbeFinding("good", "192.0.2.1 192.0.2.2"),
         "ipv6": ProbeFinding("good", "reachable")},
        {"answer": ProbeFinding("bad", "status", "site_down", {"detail": "503"}),
         "names": ProbeFinding("bad", "nxdomain", "name_unknown", {})},
        {"answer": ProbeFinding("good"), "issuer": ProbeFinding("good", "B"),
         "names": ProbeFinding("not_checked", ""), "ipv6": ProbeFinding("not_checked", "none")},
    ]  # fmt: skip
    known: dict[str, Known] = {}
    written = []
    for number, findings in enumerate(looks):
        at = NOW + timedelta(minutes=number)
        known = learn(known, findings, at)
        changes = list_changes(result(at=at, findings=findings, known=known))
        written += [(aspect, at, state, detail) for aspect, state, detail in changes]

    assert ("answer", NOW + timedelta(minutes=1), "status", "503") in written
    assert all(len(state) <= 40 for _aspect, _at, state, _detail in written)
    kept = {name: replace(it, looked_at=None) for name, it in known.items()}
    assert recall(written) == kept
    again = learn(known, looks[2], NOW + timedelta(hours=1))
    assert list_changes(result(at=NOW + timedelta(hours=1), findings=looks[2], known=again)) == []


def test_what_a_watch_that_began_anew_wrote_again_is_no_change() -> None:
    written = [("ipv6", NOW + timedelta(hours=it), "none", "") for it in range(2)]
    known = recall(written)

    assert known["ipv6"] == Known("none", NOW)
    at = NOW + timedelta(hours=2)
    findings = {"answer": ProbeFinding("good", "good"), "ipv6": ProbeFinding("not_checked", "none")}
    found = judge_probe(result(at=at, findings=findings, known=known), THRESHOLDS)
    assert [it.state for it in found if it.subject.endswith("/ipv6")] == ["not_checked"]
