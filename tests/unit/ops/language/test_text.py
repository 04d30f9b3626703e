"""Messages in the reader's language, and errors as an operator sees them."""

from datetime import UTC, datetime, timedelta

import pytest

from backup.errors import StoreUnavailableError
from ops.errors import OpsError
from ops.language.text import _, fill, language, make_visible, ngettext, render_error, show_path
from tests.golden_texts import assert_golden


def example() -> OpsError:
    return OpsError(
        'no site is called "{name}"',
        why='the nearest name is "{near}"',
        data="nothing was changed",
        next_step="`{program} estate.show` lists the sites",
        name="cong-chin",
        near="cong-chinh",
    )


@pytest.mark.parametrize("chosen", ["vi", "en"])
def test_an_error_is_rendered_in_four_parts(chosen: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIUCONG_LANG", chosen)

    assert_golden(f"error.{chosen}.txt", f"{render_error(example())}\n")


@pytest.mark.parametrize(
    ("value", "chosen"),
    [("", "vi"), ("vi", "vi"), ("en", "en"), ("EN_US.UTF-8", "en"), ("fr", "vi")],
)
def test_vietnamese_unless_english_is_asked_for(
    value: str, chosen: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIUCONG_LANG", value)

    assert language() == chosen


def test_counts_choose_their_form(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIUCONG_LANG", "en")

    assert ngettext("{count} day", "{count} days", 1) == "{count} day"
    assert ngettext("{count} day", "{count} days", 2) == "{count} days"

    monkeypatch.setenv("GIUCONG_LANG", "vi")

    assert ngettext("{count} day", "{count} days", 2) == "{count} ngày"


def test_an_empty_message_stays_empty() -> None:
    assert _("") == ""


def test_parts_that_are_empty_are_left_out() -> None:
    assert render_error(OpsError("a thing went wrong")).count("\n") == 0


def test_an_error_of_the_engine_is_rendered_the_same_way(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("GIUCONG_LANG", "en")
    error = StoreUnavailableError("{host} did not answer", why="{tries} tries", host="s3", tries=3)

    assert render_error(error) == "error: s3 did not answer\n  why: 3 tries"


def test_a_cause_with_braces_does_not_break_the_telling() -> None:
    assert fill("bad JSON: {'a': 1}", {}) == "bad JSON: {'a': 1}"


def test_moments_durations_and_byte_paths_become_readable(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("GIUCONG_LANG", "en")
    values = {
        "at": datetime(2026, 11, 23, 18, 3, tzinfo=UTC),
        "took": timedelta(hours=2, minutes=5),
        "path": b"/srv/\xff",
    }

    assert (
        fill("{at}, {took}, {path}", values)
        == "24/11/2026 01:03 +07:00, 2 hours 5 minutes, /srv/\\udcff"
    )


def test_nothing_that_was_told_commands_a_terminal_or_forges_a_line(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("GIUCONG_LANG", "en")
    path = "/srv/\x1b]0;x\x07\u202egpj.exe\n  ok\u009b1m".encode()
    told = render_error(OpsError("cannot read {path}: {said}", path=path, said="\x1b[31mno\r"))

    assert told == (
        r"error: cannot read /srv/\x1b]0;x\x07\u202egpj.exe\n  ok\x9b1m: \x1b[31mno\x0d"
    )
    assert show_path(b"a\xff\tb") == r"a\xff\tb"
    assert make_visible("Đồng\tNai\n") == "Đồng\tNai\n"
