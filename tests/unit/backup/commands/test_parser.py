"""The parser finds the verb, its module, and the flags that all verbs share."""

from datetime import timedelta

import pytest

from backup.commands.parser import VERBS, HelpWanted, parse_command_line, parse_rate, parse_retry
from backup.errors import UsageError


@pytest.mark.parametrize(
    "words",
    [
        ["snapshots", "-r", "x", "--json", "abc"],
        ["-r", "x", "--json", "snapshots", "abc"],
        ["--json", "snapshots", "abc", "-r=x"],
        ["-rx", "snapshots", "abc", "--json"],
    ],
)
def test_shared_flags_stand_before_or_behind_the_verb(words: list[str]) -> None:
    _, arguments = parse_command_line(words, {})

    assert (arguments.verb, arguments.repo, arguments.json, arguments.operands) == (
        "snapshots", "x", True, ["abc"],
    )  # fmt: skip


def test_the_environment_gives_defaults_and_flags_win() -> None:
    environment = {
        "RESTIC_REPOSITORY": "there",
        "RESTIC_PASSWORD_FILE": "file",
        "RESTIC_PASSWORD_COMMAND": "command",
        "RESTIC_CACHE_DIR": "cache",
        "RESTIC_COMPRESSION": "max",
    }

    _, given = parse_command_line(["snapshots"], environment)
    _, typed = parse_command_line(["snapshots", "--repo", "here", "-p", "mine"], environment)

    assert (given.repo, given.password_file, given.password_command, given.cache_dir) == (
        "there", "file", "command", "cache",
    )  # fmt: skip
    assert given.compression == "max"
    assert (typed.repo, typed.password_file) == ("here", "mine")


@pytest.mark.parametrize("words", [["-v", "-v"], ["-vv"], ["--verbose=2"], ["-v=2"]])
def test_verbosity_is_counted(words: list[str]) -> None:
    _, arguments = parse_command_line(["snapshots", *words], {})

    assert arguments.verbose == 2


@pytest.mark.parametrize("verb", sorted(VERBS))
def test_every_verb_has_a_module_and_help(verb: str) -> None:
    with pytest.raises(HelpWanted) as wanted:
        parse_command_line([verb, "--help"], {})

    assert f"usage: python -m backup {verb}" in str(wanted.value)


@pytest.mark.parametrize("words", [[], ["help"], ["--help"], ["-q", "-h"], ["--json"]])
def test_without_a_verb_there_is_an_overview(words: list[str]) -> None:
    with pytest.raises(HelpWanted) as wanted:
        parse_command_line(words, {})

    assert all(verb in str(wanted.value) for verb in VERBS)


def test_a_flag_of_a_verb_in_front_of_it_is_refused() -> None:
    with pytest.raises(UsageError):
        parse_command_line(["--compact", "snapshots"], {})


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("10m", 600), ("2h", 7200), ("1h30m", 5400), ("90s", 90), ("0", 0), ("1.5h", 5400)],
)
def test_durations_are_read_as_go_writes_them(text: str, seconds: float) -> None:
    assert parse_retry(text) == timedelta(seconds=seconds)


def test_rates_are_kib_a_second_and_nought_is_no_limit() -> None:
    assert (parse_rate("10"), parse_rate("0")) == (10_240, None)
