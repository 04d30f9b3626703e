"""Log lines are one line each, whatever is in them."""

import logging

import pytest

from ops.service.log_lines import LineFormatter


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

    assert LineFormatter().format(record) == expected
