"""A drill is judged by everything its phases have found; what was not checked is never passed."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from ops.canonical import digest_of
from ops.drills.findings import Terms
from ops.drills.minutes.cli import refuse_changed
from ops.drills.minutes.minutes import DrillVerdict, Minutes, Setting, make_minutes, read_minutes
from ops.drills.minutes.tables import measure_rows
from ops.drills.minutes.verdict import Aims, judge_drill, measure_drill
from ops.drills.phases.run import find_cause
from ops.drills.records import KeptDrill, KeptPhase
from ops.errors import OpsError
from ops.language.text import speaking
from ops.terminal.output import Cell

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
TERMS = Terms("nva", date(2026, 12, 1))
AIMS = Aims(rto=timedelta(hours=4), rpo=timedelta(hours=24))
RESULT: dict[str, Any] = {
    "isolated": True,
    "isolation": {"way": "root", "why": ""},
    "databases": [],
    "way": "php",
    "found": [{"page": "/", "problem": ""}, {"page": "/tin", "problem": "status"}],
    "pages": [],
    "log": [f"site: dòng {number}" for number in range(100)],
    "remarks": [],
    "seconds": {"isolate": 1.0, "restore": 20.0, "verify": 5.0, "switch": 3.0, "total": 30.0},
}
FACTS: Mapping[str, Mapping[str, Any]] = {
    "fetch": {
        "seconds_restore": 40.0,
        "seconds_compare": 10.0,
        "newest_file_ns": int((NOW - timedelta(hours=5)).timestamp()) * 10**9,
        "path": "/a/files/b",
    },
    "scan": {"needed": True},
    "rehearse": {"result": RESULT, "newest": (NOW - timedelta(hours=3)).isoformat()},
}


def phase(name: str, outcome: Any = "ok", *, start: float = 0, end: float = 1, **more: Any) -> Any:
    values: dict[str, Any] = {"reason": "", "params": {}, "facts": FACTS.get(name, {}), **more}
    return KeptPhase(
        name=name,
        attempt=1,
        person="nva",
        started_at=NOW + timedelta(seconds=start),
        ended_at=NOW + timedelta(seconds=end),
        outcome=outcome,
        **values,
    )


def a_drill(*changed: KeptPhase, scope: Any = "site", **more: Any) -> KeptDrill:
    """Give a good drill of one hundred seconds, with some phases changed."""
    good = [
        phase("prepare", start=0, end=2),
        phase("keys", start=2, end=3),
        phase("fetch", start=3, end=55),
        phase("scan", start=55, end=65),
        phase("rehearse", start=65, end=100),
        phase("wipe", start=100, end=101),
    ]
    if scope == "file":
        good = [phase("fetch"), phase("wipe")]
    values: dict[str, Any] = {
        "incident_at": NOW - timedelta(minutes=10),
        "taken_at": NOW - timedelta(hours=2),
        **more,
    }
    return KeptDrill(
        id="01", site="a", scope=scope, source="backup", engine="ours", from_paper=False,
        wanted="", store="near", snapshot="c" * 64, run="02", person="nva", via="cli", reason="",
        document="", started_at=NOW, ended_at=None, outcome=None, reason_code="", params={},
        isolated=None, minutes=None, minutes_sha256="",
        phases={it.name: it for it in [*good, *changed]}, **values,
    )  # fmt: skip


def judge(drill: KeptDrill) -> tuple[str, str]:
    judged = judge_drill(drill, measure_drill(drill), AIMS)
    return judged.outcome, judged.reason


def without(drill: KeptDrill, name: str) -> KeptDrill:
    return replace(drill, phases={key: it for key, it in drill.phases.items() if key != name})


def test_a_drill_without_a_fault_is_passed() -> None:
    assert judge(a_drill()) == ("ok", "")
    assert judge_drill(a_drill(), measure_drill(a_drill()), AIMS).isolated is True


@pytest.mark.parametrize("name", ["prepare", "keys", "fetch", "scan", "rehearse", "wipe"])
def test_a_phase_that_never_ended_is_never_passed(name: str) -> None:
    begun = replace(phase(name), ended_at=None, outcome=None)
    assert judge(a_drill(begun)) == ("incomplete", "drill_phase_missing")
    assert judge(without(a_drill(), name)) == ("incomplete", "drill_phase_missing")


def test_the_gravest_fault_decides_and_all_are_told() -> None:
    remarks = [
        {"outcome": "not_checked", "code": "page_not_noted", "params": {"page": "/"}},
        {"outcome": "failed", "code": "page_failed", "params": {"page": "/a"}},
    ]
    facts = {**FACTS["rehearse"], "result": {**RESULT, "remarks": remarks}}
    failed = phase("rehearse", "failed", reason="page_failed", params={"page": "/a"}, facts=facts)
    drill = a_drill(phase("scan", "not_checked", reason="scan_impossible"), failed)
    judged = judge_drill(drill, measure_drill(drill), AIMS)
    assert (judged.outcome, judged.reason, judged.params) == (
        "failed", "page_failed", {"page": "/a"},
    )  # fmt: skip
    assert [it[1] for it in judged.faults] == ["page_failed", "scan_impossible", "page_not_noted"]


@pytest.mark.parametrize(
    ("needed", "outcome", "verdict"),
    [
        (True, "not_checked", "incomplete"),
        (True, "incomplete", "incomplete"),
        (False, "not_checked", "ok"),
        (False, "failed", "failed"),
        (True, "failed", "failed"),
    ],
)
def test_a_look_for_malware_is_only_missed_where_it_is_needed(
    needed: bool, outcome: str, verdict: str
) -> None:
    scan = phase("scan", outcome, reason="scan", facts={"needed": needed})
    assert judge(a_drill(scan))[0] == verdict


def test_a_warning_of_the_copy_is_a_remark_and_never_hides_what_is_graver() -> None:
    warning = {"reason": "suspicious", "params": {"oddities": [], "losses": []}}
    fetched = phase("fetch", start=3, end=55, facts={**FACTS["fetch"], "warnings": [warning]})
    late = phase("keys", "not_checked", reason="drill_without_restic", start=2, end=3)

    assert judge(a_drill(fetched)) == ("incomplete", "drill_copy_warned")
    assert judge(a_drill(fetched, late)) == ("incomplete", "drill_without_restic")
    assert make(a_drill(fetched)).shortcomings[-1]["params"] == warning


def test_the_times_are_those_of_a_stop_watch_part_by_part() -> None:
    measured = measure_drill(a_drill())
    assert measured.rto == timedelta(minutes=10, seconds=100)
    assert measured.parts == {
        "detect": 600.0, "decide": 2.0, "keys": 1.0, "data": 42.0, "scan": 10.0, "restore": 20.0,
        "verify": 15.0, "switch": 3.0, "other": 7.0,
    }  # fmt: skip
    assert sum(measured.parts.values()) == measured.rto.total_seconds()


def test_what_may_be_lost_is_as_old_as_the_copy_and_the_newest_content_is_told_beside_it() -> None:
    measured = measure_drill(a_drill())
    assert measured.rpo == timedelta(hours=1, minutes=50)
    assert (measured.newest_in, measured.newest_at) == ("rows", NOW - timedelta(hours=3))
    without_rows = phase("rehearse", start=65, end=100, facts={"result": RESULT, "newest": None})
    measured = measure_drill(a_drill(without_rows))
    assert (measured.newest_in, measured.newest_at) == ("files", NOW - timedelta(hours=5))


@pytest.mark.parametrize(
    ("newest", "taken", "verdict"),
    [
        (30, 2, ("ok", "")),
        (30, 25, ("failed", "drill_rpo_missed")),
        (1, 25, ("failed", "drill_rpo_missed")),
    ],
)
def test_the_verdict_follows_the_numbers_that_are_shown(
    newest: int, taken: int, verdict: tuple[str, str]
) -> None:
    facts = {"result": RESULT, "newest": (NOW - timedelta(hours=newest)).isoformat()}
    rehearsed = phase("rehearse", start=65, end=100, facts=facts)
    fetched = phase("fetch", facts={"seconds_compare": 0.0})
    drill = a_drill(rehearsed, fetched, taken_at=NOW - timedelta(hours=taken))
    assert judge(drill) == verdict
    with speaking("en"):
        rows = {str(row[0]): row[1:] for row in measure_rows(make(drill).results)}
    reached = rows["RPO: age of the copy at the incident"]
    assert (reached[0], reached[2]) == ("1 day", Cell(*(
        ("not passed", "bad") if verdict[1] else ("passed", "good")
    )))  # fmt: skip
    assert str(rows["Newest content in the copy: age at the incident"][1]).startswith(
        "1 day" if newest == 30 else "50 min"
    )


@pytest.mark.parametrize(
    "result",
    [
        {"way": "none", "found": []},
        {"way": "php", "found": [{"page": "/", "problem": "status"}]},
        {"way": "none", "found": [{"page": "/", "problem": ""}]},
    ],
    ids=["never started", "only failures", "not served"],
)
def test_a_site_that_does_not_run_again_has_no_recovery_time(result: dict[str, Any]) -> None:
    facts = {**FACTS["rehearse"], "result": {**RESULT, **result}}
    drill = a_drill(phase("rehearse", "failed", reason="page_failed", facts=facts))
    assert measure_drill(drill).rto is None
    with speaking("en"):
        row = next(measure_rows(make(drill).results))
    assert row == ("RTO: until the site runs again", "4 hours", "–", Cell("not checked", "warning"))


def test_the_last_lines_of_the_servers_stand_in_the_minutes_where_not_all_was_well() -> None:
    failed = phase("rehearse", "failed", reason="page_failed")
    log = make(a_drill(failed)).results["log"]
    assert (len(log), log[-1]) == (60, "site: dòng 99")
    assert make(a_drill()).results["log"] == []


def test_minutes_of_an_earlier_version_are_shown_by_the_age_of_the_copy() -> None:
    values = make(a_drill()).as_values()
    newest = values["results"].pop("newest")
    values["results"]["rpo"] |= {
        "reached_seconds": newest["age_seconds"], "copy_age_seconds": 60.0,
        "newest_at": newest["at"], "newest_in": newest["in"],
    }  # fmt: skip
    results = read_minutes({**values, "version": 1}).results
    assert results["rpo"]["reached_seconds"] == 60.0
    assert results["newest"] == newest


def test_a_copy_from_after_the_incident_proves_nothing() -> None:
    young = a_drill(incident_at=NOW - timedelta(hours=3), taken_at=NOW - timedelta(hours=2))
    assert judge(young) == ("incomplete", "drill_copy_too_young")


@pytest.mark.parametrize("back", [50, 400, 86_400])
def test_a_clock_that_was_set_back_makes_no_good_time(back: int) -> None:
    rehearsed = phase("rehearse", start=65 - back, end=100 - back)
    assert judge(a_drill(rehearsed)) == ("incomplete", "drill_clock_moved")


def test_a_recovery_beyond_its_target_fails() -> None:
    late = phase("rehearse", start=65, end=4 * 3600)
    assert judge(a_drill(late)) == ("failed", "drill_rto_missed")


def test_a_drill_of_one_file_names_it() -> None:
    drill = a_drill(scope="file")
    judged = judge_drill(drill, measure_drill(drill), AIMS)
    assert (judged.outcome, judged.params) == ("ok", {"path": "/a/files/b"})


@pytest.mark.parametrize(
    ("changed", "name", "cause"),
    [
        ([], "rehearse", ""),
        ([phase("fetch", "failed")], "scan", "fetch"),
        ([phase("fetch", "failed")], "wipe", ""),
        ([phase("fetch", "failed")], "conclude", ""),
        ([phase("prepare", "not_checked")], "fetch", "prepare"),
        ([phase("scan", "not_checked")], "rehearse", ""),
        ([phase("scan", "failed")], "rehearse", "scan"),
    ],
)
def test_a_phase_is_skipped_where_an_earlier_one_left_nothing_to_work_with(
    changed: list[KeptPhase], name: str, cause: str
) -> None:
    assert find_cause(a_drill(*changed), name) == cause


SETTING = Setting(
    organisation="Trung tâm", authority="UBND", place="Đồng Nai", site_title="Cổng xã",
    unit_title="Xã", system="", location="đây", medium="disk", machine="vm",
    people={"nva": "Nguyễn Văn A"}, owner="nva", personal_data=True,
)  # fmt: skip


def make(drill: KeptDrill) -> Minutes:
    measured = measure_drill(drill)
    verdict = DrillVerdict(judge_drill(drill, measured, AIMS), measured, AIMS, TERMS)
    return make_minutes(drill, SETTING, verdict, ended_at=NOW)


def test_minutes_come_back_as_they_were_kept() -> None:
    drill = a_drill(phase("fetch", "failed", reason="drill_differs", params={"path": "x"}))
    minutes = make(drill)

    values = minutes.as_values()
    assert read_minutes(values) == minutes
    assert len(digest_of(values)) == 64
    assert [it["part"] for it in minutes.people] == ["carried_out", "answers_for_site"]
    assert minutes.shortcomings[0]["code"] == "drill_differs"
    assert minutes.shortcomings[0]["owner"] == "nva"
    assert minutes.results["wiped"]["personal_data"] is True
    assert [it["phase"] for it in minutes.course] == [
        "prepare", "keys", "fetch", "scan", "rehearse", "wipe",
    ]  # fmt: skip


def test_minutes_that_somebody_changed_are_not_shown() -> None:
    values = {"conclusion": {"status": "failed"}}
    drill = replace(a_drill(), minutes=values, minutes_sha256=digest_of(values))
    refuse_changed(drill)
    refuse_changed(a_drill())

    with pytest.raises(OpsError):
        refuse_changed(replace(drill, minutes={"conclusion": {"status": "ok"}}))
    with pytest.raises(OpsError):
        refuse_changed(replace(drill, minutes=None))


@pytest.mark.parametrize("hours", [9, -1])
def test_a_clock_that_is_set_meanwhile_changes_no_duration(hours: int) -> None:
    def clock(begun: float, ended: float, boot: str = "a") -> dict[str, Any]:
        return {"clock": {"boot": boot, "begun": 500 + begun, "ended": 500 + ended}}

    moved = 3600 * hours
    fetched = phase("fetch", start=3, end=55 + moved, facts={**FACTS["fetch"], **clock(3, 55)})
    rehearsed = {
        boot: phase(
            "rehearse", start=65 + moved, end=100 + moved,
            facts={**FACTS["rehearse"], **clock(65, 100, boot)},
        )
        for boot in "ab"
    }  # fmt: skip
    begun = phase("prepare", end=2, facts=clock(0, 2))

    measured = measure_drill(a_drill(begun, fetched, rehearsed["a"]))
    assert measured.rto is not None
    assert measured.rto.total_seconds() == pytest.approx(
        (NOW - a_drill().incident_at).total_seconds() + 100
    )
    assert measured.parts["data"] == 42.0

    anew = measure_drill(a_drill(begun, fetched, rehearsed["b"]))
    assert anew.rto is not None
    assert anew.rto - measured.rto == timedelta(hours=hours)
