"""Log lines are one line each, whatever is in them."""

import logging
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ops.schedule.ledger.job import LedgerEvent
from ops.service.log_lines import LineFormatter, describe, is_read_by_journald


@pytest.mark.parametrize(
    ("level", "fields", "expected"),
    [
        (logging.INFO, {"job": "backup/a"}, "<6>event=run-ended job=backup/a"),
        (
            logging.ERROR,
            {"text": 'two\nlines "x"'},
            '<3>event=run-ended text="two\\nlines \\"x\\""',
        ),
        (logging.WARNING, {"site": "Cổng chính"}, '<4>event=run-ended site="Cổng chính"'),
        (logging.INFO, {"empty": ""}, '<6>event=run-ended empty=""'),
    ],
)
def test_a_record_becomes_one_line_of_pairs(
    level: int, fields: dict[str, str], expected: str
) -> None:
    record = logging.LogRecord("ops", level, __file__, 1, "run-ended", None, None)
    record.fields = fields

    assert LineFormatter(for_systemd=True).format(record) == expected
    assert LineFormatter(for_systemd=False).format(record) == expected[3:]


def test_only_a_stream_of_journald_gets_priorities(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (tmp_path / "log").open("w") as file:
        status = os.fstat(file.fileno())
        monkeypatch.setenv("JOURNAL_STREAM", f"{status.st_dev}:{status.st_ino}")
        assert is_read_by_journald(file.fileno())
        monkeypatch.setenv("JOURNAL_STREAM", "8:1")  # of whoever started us, say
        assert not is_read_by_journald(file.fileno())


def test_a_run_is_a_line_with_job_site_outcome_and_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIUCONG_LANG", "en")
    full = {"what": "no room is left in {location}", "why": "{key} could not be written",
            "params": {"location": "/srv", "key": "data/a8"}}  # fmt: skip
    event = LedgerEvent(
        occasion="ended", job="backup/a", kind="backup", site="a", outcome="failed", attempt=3,
        due_at=datetime(2026, 11, 24, tzinfo=UTC), reason="store_full", params=full,
        summary={"seconds": 1.5},
    )  # fmt: skip
    record = logging.LogRecord("ops", logging.ERROR, __file__, 1, "run-ended", None, None)
    record.fields = describe(event)

    assert LineFormatter(for_systemd=False).format(record) == (
        "event=run-ended job=backup/a site=a outcome=failed reason=store_full"
        " due=2026-11-24T00:00:00+00:00 attempt=3 seconds=1.5"
        ' told="no room is left in /srv: data/a8 could not be written"'
    )
