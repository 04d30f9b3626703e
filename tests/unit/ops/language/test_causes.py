"""What the system, Python and SQLite say in English is told in the reader's language."""

import csv
import errno
import io
import os
import sqlite3
import tomllib
from datetime import UTC, datetime
from pathlib import Path

import pytest

from backup.repository.ids import SnapshotNotFoundError, choose_id
from backup.snapshots.selection import SnapshotFilter
from backup.sources.remote.command_stream import failed
from backup.sources.remote.sftp_tree import LOST
from ops.alerts.courier import explain
from ops.errors import WrongUseError
from ops.language.causes import CAUSES, tell_cause, tell_error
from ops.language.text import fill, render_error
from ops.outcomes import explain as explain_reason
from ops.status.heartbeat import tell_heartbeat
from ops.terminal.exit_codes import UnexpectedError


@pytest.fixture(autouse=True)
def _in_vietnamese(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIUCONG_LANG", "vi")


@pytest.mark.parametrize(
    "number",
    [
        errno.EPERM, errno.ENOENT, errno.EIO, errno.ENXIO, errno.EBADF, errno.EAGAIN, errno.ENOMEM,
        errno.EACCES, errno.EBUSY, errno.EEXIST, errno.EXDEV, errno.ENODEV, errno.ENOTDIR,
        errno.EISDIR, errno.EINVAL, errno.ENFILE, errno.EMFILE, errno.ETXTBSY, errno.EFBIG,
        errno.ENOSPC, errno.ESPIPE, errno.EROFS, errno.EMLINK, errno.EPIPE, errno.ENAMETOOLONG,
        errno.ENOTEMPTY, errno.ELOOP, errno.EOPNOTSUPP, errno.EADDRINUSE, errno.EADDRNOTAVAIL,
        errno.ENETDOWN, errno.ENETUNREACH, errno.ECONNRESET, errno.ENOTCONN, errno.ETIMEDOUT,
        errno.ECONNREFUSED, errno.EHOSTDOWN, errno.EHOSTUNREACH, errno.ESTALE, errno.EDQUOT,
    ],
)  # fmt: skip
def test_each_common_error_of_the_system_is_told(number: int) -> None:
    text = os.strerror(number)

    assert text in CAUSES
    assert tell_cause(text) != text


def test_every_cause_has_a_translation_of_its_own() -> None:
    assert [text for text in CAUSES if tell_cause(text) == text] == []


def test_a_cause_among_an_errors_values_is_translated_where_it_is_filled_in() -> None:
    error = OSError(errno.EACCES, os.strerror(errno.EACCES), "/srv/tên")

    assert fill("{reason}", {"reason": "No such file or directory"}) == (
        "không có tệp hoặc thư mục này"
    )
    assert fill("{reason}", {"reason": "the name is not known: Name or service not known"}) == (
        "không phân giải được tên: không có tên máy này"
    )
    assert "không được phép truy cập: '/srv/tên'" in render_error(UnexpectedError(error))
    assert "Permission denied" not in render_error(UnexpectedError(error))


def test_english_and_what_nobody_foresaw_stay_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    assert tell_cause("the relay has a cold") == "the relay has a cold"
    monkeypatch.setenv("GIUCONG_LANG", "en")
    assert tell_cause("Permission denied") == "Permission denied"
    assert tell_cause("[Errno 13] Permission denied: 'x'") == "Permission denied: 'x'"


@pytest.mark.parametrize(
    "text",
    [
        "a", "a = ", "a = 1\na = 2", "[a]\n[a]", "a.b = 1\n[a.b]", "x = {a = 1, a = 2}", "a = [1",
        'a = "', 'a = "\\q"', "a = 2026-13-45", "[a", "[[a", "= 1", "a = 1 b = 2", 'a = "\\ud800"',
        "a = {b = 1", "a = \x01", "[a]b", 'a = "\x01"', "!", "a = 'x",
    ],
)  # fmt: skip
def test_each_mistake_in_toml_is_told(text: str) -> None:
    with pytest.raises(tomllib.TOMLDecodeError) as caught:
        tomllib.loads(text)
    reason = str(caught.value).rpartition(" (at ")[0]

    assert tell_cause(reason) != reason


@pytest.mark.parametrize("text", ['"a', '"a"b'])
def test_each_mistake_in_a_table_is_told(text: str) -> None:
    with pytest.raises(csv.Error) as caught:
        list(csv.reader(io.StringIO(text), strict=True))

    assert tell_cause(str(caught.value)) != str(caught.value)


def test_what_sqlite_says_is_told(tmp_path: Path) -> None:
    (tmp_path / "x.db").write_text("no database, but long enough to be read as one")
    with pytest.raises(sqlite3.Error) as missing:
        sqlite3.connect(tmp_path / "none/x.db")
    connection = sqlite3.connect(tmp_path / "x.db")
    with pytest.raises(sqlite3.Error) as other:
        connection.execute("SELECT 1 FROM x")
    connection.close()

    for caught in (missing, other):
        assert tell_cause(str(caught.value)) != str(caught.value)


@pytest.mark.parametrize(
    ("told", "shown"),
    [
        ("", "không nêu lý do"),
        ('Connection error while submitting email to "127.0.0.1".\nmore', "không kết nối được"),
        ("A Connection error occurred posting to https://h:k@x.vn/y.", "không kết nối được"),
        ("Failed to send JSON POST notification: Not Found., error=404.", "404"),
        ("Something odd at https://user:key@x.vn/path", "Something odd at …"),
    ],
)
def test_what_a_relay_answers_is_told_without_its_address(told: str, shown: str) -> None:
    error = explain(told)

    assert shown in fill(error.what, error.params)
    assert "key" not in str(error)


def test_the_filter_that_found_nothing_is_told() -> None:
    wanted = SnapshotFilter(hosts=("xa",), paths=("/giucong",)).describe()

    assert str(wanted) == "host xa, path /giucong"
    assert fill("no snapshot has {wanted}", {"wanted": wanted}) == (
        "không bản sao lưu nào có máy xa, đường dẫn /giucong"
    )


def test_an_id_that_is_not_there_is_told() -> None:
    with pytest.raises(SnapshotNotFoundError) as caught:
        choose_id(["aa", "ab"], "zz", "snapshot")
    with pytest.raises(SnapshotNotFoundError) as several:
        choose_id(["aa", "ab"], "a", "snapshot")

    assert "không có bản sao lưu “zz”" in render_error(caught.value)
    assert "có 2 mã bản sao lưu bắt đầu bằng “a”" in render_error(several.value)
    assert str(caught.value) == "there is no snapshot 'zz'"


def test_the_reasons_of_a_run_are_told() -> None:
    params = {"count": 1, "first": [{"path": "/a", "reason": "Permission denied"}]}

    assert "không được phép truy cập" in explain_reason("unreadable", params).why
    assert tell_error(OSError(errno.EACCES, "Permission denied")) == "không được phép truy cập"
    assert tell_error(WrongUseError("leave the value out")) == "bỏ giá trị đi"


def test_why_the_heartbeat_url_did_not_answer_is_told() -> None:
    now = datetime(2026, 11, 24, tzinfo=UTC)
    document = {"at": "2026-11-24T00:00:00Z", "call": {"at": "2026-11-24T00:00:00Z"}}
    for error, told in (
        ("Connection refused", "kết nối bị từ chối"),
        ("its address cannot be read; `estate.check` says why", "không đọc được địa chỉ"),
    ):
        document["call"] |= {"error": error}  # type: ignore[operator]  # a table of the file
        assert told in list(tell_heartbeat(document, now))[1]


def test_what_went_wrong_with_the_files_of_a_host_is_told() -> None:
    told = render_error(failed("web1", b"the listing has no end", None))
    assert "đầu bên kia bị lỗi: danh sách tệp không có phần kết" in told
    assert tell_cause("what it sent makes no sense: not one name").endswith(
        "khuôn dạng: not one name"
    )


def test_what_a_way_of_reading_cannot_keep_is_told() -> None:
    assert [text for text in LOST if tell_cause(text) == text] == []
