"""The watch's sign of life, and what is said where it is missing."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ops.estate.model.estate import Estate
from ops.monitor.beat import FILE, Beat, find_silent, read_beat, tell_watch, write_beat
from tests.unit.ops.estate.conftest import Load

NOW = datetime(2026, 12, 1, 8, 0, tzinfo=UTC)


@pytest.fixture
def estate(load: Load, tmp_path: Path) -> Estate:
    estate = load()
    service = estate.service.model_copy(update={"state": tmp_path})
    return estate.model_copy(update={"service": service})


def beat(seconds: dict[str, float]) -> Beat:
    return Beat({name: NOW - timedelta(seconds=ago) for name, ago in seconds.items()})


def test_it_comes_back_as_it_was_written(tmp_path: Path) -> None:
    assert read_beat(tmp_path) is None
    write_beat(tmp_path, beat({"samples": 1, "probes": 2}))
    assert read_beat(tmp_path) == beat({"samples": 1, "probes": 2})


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"null", b'{"format": "other"}', b'{"format": "giucong-watch-1"}',
     b'{"format": "giucong-watch-1", "parts": {"samples": "soon"}}',
     b'{"format": "giucong-watch-1", "parts": {"samples": "2026-12-01T08:00:00"}}', b"\xff"],
)  # fmt: skip
def test_what_is_no_sign_of_life_is_none(tmp_path: Path, content: bytes) -> None:
    (tmp_path / FILE).write_bytes(content)
    assert read_beat(tmp_path) is None


def test_a_part_that_stands_still_is_named(estate: Estate) -> None:
    well = {"samples": 100.0, "probes": 299.0, "series": 10.0}
    assert find_silent(beat(well), estate, NOW) == []
    assert find_silent(beat({**well, "probes": 301.0}), estate, NOW) == ["probes"]
    assert find_silent(beat({"samples": 1.0}), estate, NOW) == ["probes", "series"]
    assert find_silent(None, estate, NOW) == ["samples", "probes", "series"]


def test_it_is_told_whether_the_watch_looks(
    estate: Estate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIUCONG_LANG", "en")
    state = estate.service.state
    assert list(tell_watch(estate, NOW)) == ["the watch has not looked at anything yet"]
    write_beat(state, beat({"samples": 30.0, "probes": 30.0, "series": 30.0}))
    assert list(tell_watch(estate, NOW)) == ["the watch last looked 30 seconds ago"]
    (late,) = tell_watch(estate, NOW + timedelta(hours=1))
    assert late.startswith("the watch does not look")
    off = estate.monitor.model_copy(update={"enabled": False})
    (told,) = tell_watch(estate.model_copy(update={"monitor": off}), NOW)
    assert told.startswith("nothing is watched")
