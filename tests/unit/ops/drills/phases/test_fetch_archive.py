"""What a drill from the archive comes to, judged from what was taken back."""

from archive.ocfl.findings import Finding
from archive.ocfl.validate import Verdict
from ops.drills.phases.fetch_archive import Drawn, judge

LOT = [Drawn("cong-khai", f"ab/cd/{number}", "v2") for number in range(3)]


def verdict(head: str = "v2", *, wrong: bool = False) -> Verdict:
    findings = (Finding("E092", "v1/c/body.html"),) if wrong else ()
    return Verdict("", "urn:x", head, "00", findings, files=8, size=100)


def test_all_whole_is_ok_and_counts_every_file() -> None:
    found = judge(LOT, 900, [verdict()] * 3, {})

    assert found.outcome == "ok"
    assert (found.facts["items"], found.facts["whole_items"], found.facts["files"]) == (3, 3, 24)
    assert found.facts["chosen_from"] == 900


def test_one_that_is_damaged_or_missing_fails_it() -> None:
    found = judge(LOT, 3, [verdict(), verdict(wrong=True), None], {})

    assert (found.outcome, found.reason) == ("failed", "drill_differs")
    assert [it["what"] for it in found.params["first"]] == ["content", "missing"]


def test_an_older_version_is_whole_and_still_lacks_something() -> None:
    found = judge(LOT, 3, [verdict(), verdict("v1"), verdict("v3")], {})

    assert (found.outcome, found.reason) == ("incomplete", "drill_archive_behind")
    assert found.params == {"count": 1}


def test_a_captured_page_counts_only_where_somebody_could_look() -> None:
    unknown = judge(LOT, 3, [verdict()] * 3, {"outcome": "not_checked"})
    wrong = judge(LOT, 3, [verdict()] * 3, {"outcome": "failed", "page": "/", "why": "other bytes"})

    assert (unknown.outcome, unknown.facts["page"]["outcome"]) == ("ok", "not_checked")
    assert (wrong.outcome, wrong.reason) == ("failed", "drill_page_not_shown")
