"""Every stage that a progress names is told in the reader's language."""

import re
from pathlib import Path

import pytest

from ops.language.text import _

_ROOT = Path(__file__).parents[4]
_STARTED = re.compile(r'\.start\(\s*"([a-z ]+)",')


def list_stages() -> list[str]:
    sources = [it for folder in ("backup", "ops") for it in (_ROOT / folder).rglob("*.py")]
    found = {stage for it in sources for stage in _STARTED.findall(it.read_text(encoding="utf-8"))}
    return sorted(found)


def test_stages_are_found() -> None:
    assert {"back up", "look into snapshots", "look for malware"} <= set(list_stages())


@pytest.mark.parametrize("stage", list_stages())
def test_a_stage_is_told_in_vietnamese(monkeypatch: pytest.MonkeyPatch, stage: str) -> None:
    monkeypatch.setenv("GIUCONG_LANG", "vi")
    assert _(stage) != stage
