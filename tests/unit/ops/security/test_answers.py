"""What tools answer, true, cut off, false or endless; none of it is ever a pass by mistake."""

import json
import time
from pathlib import Path
from typing import Any

import pytest

from ops.hosts.connect import read_program
from ops.security.findings import ToolLook
from ops.security.host_facts import SECTIONS, HostLimits, HostTold, judge
from ops.security.programs import (
    MOST_BYTES,
    Ended,
    read_lynis,
    read_ssh,
    read_tls,
    run_child,
)
from provisioning.hosts import Completed

HOST = "host:web1"
NOW = 1_795_000_000.0
DAY = 86_400
LIMITS = HostLimits(
    idle_days=45, log_days=90, silent_hours=24, clock_seconds=5, needs_remote_log=True
)

REPORT = b"""lynis ended 0
lynis_version=3.1.4
suggestion[]=LYNIS|This release is more than 4 months old|-|-|
suggestion[]=DEB-0880|Install fail2ban|-|-|
suggestion[]=DEB-0880|Install fail2ban|-|-|
warning[]=FIRE-4512|iptables module(s) loaded, but no rules active|-|-|
hardening_index=61
finish=true
"""
SSH = {
    "banner": {"software": "OpenSSH_10.0p2"},
    "kex": [{"algorithm": "sntrup761x25519-sha512", "notes": {"info": ["good"]}}],
    "key": [],
    "enc": [],
    "mac": [{"algorithm": "hmac-sha1", "notes": {"fail": ["using broken SHA-1"]}}],
}
TLS = [
    {"id": "engine_problem", "severity": "WARN", "finding": "ours"},
    {"id": "TLS1", "severity": "LOW", "finding": "offered"},
    {"id": "TLS1_3", "severity": "OK", "finding": "offered"},
    {"id": "scanTime", "severity": "INFO", "finding": "4"},
]


def read_rows(rows: Any) -> ToolLook:
    return read_tls(Ended(0, b""), json.dumps(rows).encode(), "site:a")


def test_lynis_is_read_once_each_and_without_its_own_age() -> None:
    look = read_lynis(Completed(0, REPORT, b""), HOST)

    assert (look.outcome, look.score, look.version) == ("ok", 61, "3.1.4")
    assert {(it.check, it.severity) for it in look.sightings} == {
        ("DEB-0880", "low"), ("FIRE-4512", "medium"),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (b"lynis missing\n", "missing"),
        (b"lynis late\n", "late"),
        (REPORT.replace(b"finish=true", b""), "no_answer"),
        (REPORT[:120], "no_answer"),
        (REPORT.replace(b"lynis ended 0", b""), "no_answer"),
        (b"", "no_answer"),
        (b"\xff" * 10_000, "no_answer"),
    ],
)
def test_lynis_that_is_missing_cut_off_or_false_is_not_checked(answer: bytes, reason: str) -> None:
    look = read_lynis(Completed(0, answer, b"\x1b[2J"), HOST)

    assert (look.outcome, look.reason, look.sightings) == ("not_checked", reason, ())
    assert "\x1b" not in str(look.params)


def test_ssh_is_judged_by_what_it_offers_not_by_what_it_says_it_is() -> None:
    liar = {**SSH, "banner": {"software": "dropbear_1999"}, "recommendations": {}}
    look = read_ssh(Ended(3, json.dumps(liar).encode()), HOST)

    assert look.outcome == "ok"
    assert [(it.check, it.severity) for it in look.sightings] == [("mac hmac-sha1", "high")]


@pytest.mark.parametrize(
    ("ended", "reason"),
    [
        (Ended(1, json.dumps(SSH).encode()), "no_answer"),
        (Ended(0, json.dumps({**SSH, "kex": []}).encode()), "no_answer"),
        (Ended(0, json.dumps({**SSH, "mac": 7}).encode()), "no_answer"),
        (Ended(0, b"[" * 100_000), "no_answer"),
        (Ended(0, b"Not allowed at this time"), "no_answer"),
        (Ended(-9, b"", is_late=True), "late"),
        (Ended(-9, b"", is_flooding=True), "flooding"),
    ],
)
def test_ssh_audit_that_says_nothing_plain_is_not_checked(ended: Ended, reason: str) -> None:
    look = read_ssh(ended, HOST)

    assert (look.outcome, look.reason, look.sightings) == ("not_checked", reason, ())


def test_tls_is_read_without_what_is_ours() -> None:
    look = read_rows(TLS)

    assert (look.outcome, [it.check for it in look.sightings]) == ("ok", ["TLS1"])


def test_tls_checks_that_could_not_be_made_are_no_pass() -> None:
    look = read_rows([*TLS, {"id": "heartbleed", "severity": "WARN", "finding": "timed out"}])

    assert (look.outcome, look.reason) == ("incomplete", "partly_blind")


@pytest.mark.parametrize(
    "rows",
    [
        TLS[:3],
        [*TLS, {"id": "scanProblem", "severity": "FATAL", "finding": "no connection"}],
        [*TLS, {"id": "<script>", "severity": "OK", "finding": ""}],
        [*TLS, {"id": "x"}],
        {"id": "x"},
        7,
    ],
)
def test_tls_that_did_not_end_or_lies_in_form_is_not_checked(rows: Any) -> None:
    look = read_rows(rows)

    assert (look.outcome, look.sightings) == ("not_checked", ())


def told(**sections: Any) -> HostTold:
    answer = json.dumps({name: {"value": value} for name, value in sections.items()}).encode()
    return HostTold(HOST, answer, offset=0.5, uncertainty=0.1, now=NOW)


def judge_one(section: str, value: Any) -> ToolLook:
    return judge(told(**{section: value}), [section], LIMITS)[0]


@pytest.mark.parametrize(
    ("section", "value", "found"),
    [
        ("updates", {"lists_age": 0, "security": [["curl", "1", "2"]], "others": 3}, ["curl"]),
        ("updates", {"lists_age": 0, "security": [], "others": 3}, []),
        ("reboot", {"waits": True, "running": "6.1", "newest": "6.12"}, ["reboot"]),
        ("reboot", {"waits": False, "running": "6.12", "newest": "6.12"}, []),
        (
            "accounts",
            [
                ["root", 0, "locked", 0],
                ["toor", 0, "password", NOW],
                ["nva", 1000, "password", NOW - 46 * DAY],
                ["ttb", 1001, "password", NOW - 44 * DAY],
                ["lvc", 1002, "empty", NOW],
                ["never", 1003, "password", 0],
                ["www-data", 33, "none", 0],
            ],
            ["account_idle nva", "account_is_root toor", "account_open lvc",
             "account_unused never"],
        ),
        (
            "logs",
            {"newest": NOW - 25 * 3600, "oldest": NOW - 80 * DAY, "born": NOW - 400 * DAY,
             "remote": False},
            ["remote", "short", "silent"],
        ),
        (
            "logs",
            {"newest": NOW, "oldest": NOW - 91 * DAY, "born": NOW - 400 * DAY, "remote": True},
            [],
        ),
        ("clock", {"now": NOW, "steered": True}, []),
        ("clock", {"now": NOW, "steered": False}, ["steered"]),
    ],
)  # fmt: skip
def test_facts_are_held_against_the_figures(section: str, value: Any, found: list[str]) -> None:
    look = judge_one(section, value)

    assert look.outcome == "ok"
    assert sorted(it.check for it in look.sightings) == found
    assert len(look.evidence) == 64


def test_a_clock_is_off_only_beyond_what_the_answer_took() -> None:
    answer = json.dumps({"clock": {"value": {"now": NOW, "steered": True}}}).encode()
    slow = judge(HostTold(HOST, answer, offset=8.0, uncertainty=4.0, now=NOW), ["clock"], LIMITS)[0]
    off = judge(HostTold(HOST, answer, offset=-60.0, uncertainty=4.0, now=NOW), ["clock"], LIMITS)[
        0
    ]

    assert slow.sightings == ()
    assert [it.check for it in off.sightings] == ["offset"]


@pytest.mark.parametrize(
    ("section", "value", "reason"),
    [
        ("updates", {"lists_age": 9 * DAY, "security": []}, "lists_old"),
        ("updates", {"lists_age": 0}, "no_answer"),
        ("updates", None, "no_answer"),
        ("reboot", {"waits": True}, "no_answer"),
        ("ports", [["tcp"]], "no_answer"),
        ("ports", 7, "no_answer"),
        ("keys", [[1]], "no_answer"),
        ("sudoers", "x", "no_answer"),
        ("accounts", [["a", 0, "password", "never"]], "no_answer"),
        ("logs", {"newest": "x"}, "no_answer"),
        ("clock", [], "no_answer"),
    ],
)
def test_facts_that_lie_in_form_are_not_checked(section: str, value: Any, reason: str) -> None:
    look = judge_one(section, value)

    assert (look.outcome, look.reason, look.sightings) == ("not_checked", reason, ())


@pytest.mark.parametrize("answer", [b"", b"[]", b"7", b"[" * 100_000, b"\xff", None])
def test_an_answer_that_is_none_makes_every_section_not_checked(answer: bytes | None) -> None:
    looks = judge(HostTold(HOST, answer, ("unreachable", "x")), list(SECTIONS), LIMITS)

    assert [it.tool for it in looks] == list(SECTIONS)
    assert {it.outcome for it in looks} == {"not_checked"}


def test_one_section_that_may_not_be_seen_leaves_the_others() -> None:
    answer = json.dumps(
        {"keys": {"error": "PermissionError: \x1b[2J"}, "ports": {"value": [["tcp", "*", 22, ""]]}}
    ).encode()
    keys, ports = judge(HostTold(HOST, answer, now=NOW), ["keys", "ports"], LIMITS)

    assert (keys.outcome, keys.reason) == ("not_checked", "not_seen")
    assert "\x1b" not in str(keys.params)
    assert ports.items == ("tcp * 22",)


def test_a_machine_younger_than_its_logs_must_be_is_not_judged() -> None:
    young = {"newest": NOW, "oldest": NOW - 9 * DAY, "born": NOW - 10 * DAY, "remote": True}
    look = judge_one("logs", young)

    assert (look.outcome, look.reason, look.sightings) == ("incomplete", "too_young", ())


def test_nothing_keeps_last_logins_so_idle_is_not_known() -> None:
    look = judge_one("accounts", [["nva", 1000, "password", None]])

    assert (look.outcome, look.reason) == ("incomplete", "no_last_login")


def test_a_child_that_floods_is_ended_and_holds_no_memory(tmp_path: Path) -> None:
    ended = run_child(["/usr/bin/yes", "x" * 1000], seconds=60, folder=tmp_path)

    assert ended.is_flooding
    assert len(ended.output) <= MOST_BYTES
    assert ended.status == -9


def test_a_child_that_is_late_is_ended_with_its_own_children(tmp_path: Path) -> None:
    words = ["/bin/sh", "-c", f"sleep 60 & echo $! > {tmp_path}/pid; wait"]
    ended = run_child(words, seconds=0.5, folder=tmp_path)

    assert ended.is_late
    grandchild = Path("/proc", (tmp_path / "pid").read_text().strip())
    for _ in range(100):
        if not grandchild.exists() or "Z" in (grandchild / "stat").read_text().split()[2]:
            break
        time.sleep(0.05)
    else:
        raise AssertionError("it still runs")


def test_every_section_of_the_program_is_judged() -> None:
    program = read_program("facts").decode()

    assert all(f'"{name}": find_{name}' in program for name in SECTIONS)
