"""Everything that can be red on a site has words, in both languages, with nothing left open."""

import re
from pathlib import Path
from typing import Any

import pytest

import ops.monitor.probes
import ops.wiring
from ops.monitor.alert_wording import NOTICE_KINDS
from ops.monitor.probes.wording import EXPLANATIONS, tell_problem
from ops.outcomes import explain

PARAMS: dict[str, Any] = {
    "problem": "certificate", "detail": "expired", "address": "https://cong.thu/", "check": "",
    "words": ["một", "hai"], "before": "A", "found": ["192.0.2.9"], "name": "cong.thu",
    "names": 3, "sites": 4, "days": 6, "ends_at": "2026-11-30T18:00:00+00:00", "issuer": "A",
    "seconds": 6.2, "most": 5,
}  # fmt: skip
FOLDER = Path(ops.monitor.probes.__file__).parent


def used_codes() -> set[str]:
    source = "".join((FOLDER / f"{it}.py").read_text() for it in ("look", "probe"))
    found = re.findall(r'"((?:site|certificate|name|names|page|form|ipv6|issuer|addresses|own|'
                       r'resolver|nameservers)_[a-z_]+)"', source)  # fmt: skip
    return set(found) - {"certificate_days"}  # a threshold


def test_every_code_has_words() -> None:
    assert used_codes() == set(EXPLANATIONS)
    assert set(EXPLANATIONS) <= set(NOTICE_KINDS)


@pytest.mark.parametrize("language", ["vi", "en"])
@pytest.mark.parametrize("code", sorted(EXPLANATIONS))
def test_nothing_is_left_open(code: str, language: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIUCONG_LANG", language)

    told = explain(code, PARAMS, site="cong")
    text = f"{told.what}\n{told.why}\n{told.data}\n{told.next_step}"

    assert told.what
    assert told.next_step
    assert not {"{", "}", "NAME"} & set(text.split())
    assert not re.search(r"[{}]", text)


def test_why_a_page_did_not_come(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIUCONG_LANG", "vi")
    assert tell_problem(PARAMS) == "chứng chỉ TLS của trang không được tin cậy: đã hết hạn"
    without = {"problem": "broken", "address": "https://cong.thu/"}
    assert tell_problem(without) == "câu trả lời của https://cong.thu/ không đọc được"


def test_days_are_those_of_the_organisation() -> None:
    """18:00 UTC is past midnight in Việt Nam."""
    assert "01/12/2026" in explain("certificate_runs_out", PARAMS, site="cong").what
