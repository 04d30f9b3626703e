"""What servers inside say of an error is found, and read bounded and in plain characters."""

from pathlib import Path

import pytest

from ops.sandbox.processes import _read_end, find_cause
from ops.sandbox.result import Remark, tell_remark

PHP = "site: [7] PHP Fatal error:  Uncaught mysqli_sql_exception: No such table in a.php:9"


@pytest.mark.parametrize(
    ("log", "cause"),
    [
        ([], ""),
        (["site: 127.0.0.1 [200]: GET /"], ""),
        ([PHP, "mariadb-1: 0 [ERROR] later", "site: PHP Warning:  x"], PHP),
        (["mariadb-1: 0 [ERROR] Out of memory", "site: [500]: GET /"],
         "mariadb-1: 0 [ERROR] Out of memory"),
    ],
)  # fmt: skip
def test_the_gravest_last_line_is_the_cause(log: list[str], cause: str) -> None:
    assert find_cause(log) == cause


def test_lines_of_a_log_are_few_short_and_plain(tmp_path: Path) -> None:
    log = tmp_path / "site.log"
    lines = ["#0 a.php(3): b()", "Stack trace:", "\x1b[31mPHP Warning\x1b[0m \x07", "x" * 9_000]
    log.write_text("\n".join(["y"] * 500 + lines), encoding="utf-8")

    read = _read_end(log)
    assert len(read) == 20
    assert read[-2:] == ["[31mPHP Warning [0m", "x" * 400]
    assert not any("\x1b" in it for it in read)


def test_a_page_that_fails_is_told_with_what_it_said_and_why(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("GIUCONG_LANG", "en")
    params = {"page": "/", "problem": "status", "detail": "500 (User Error)", "cause": PHP}

    assert tell_remark(Remark("failed", "page_failed", params)) == (
        "the page / fails on the restored site: the server answered with status 500 (User Error);"
        f" in the logs of its servers: {PHP}"
    )
