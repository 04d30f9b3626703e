"""What lies before every task."""

from dataclasses import dataclass
from typing import Annotated, Any

import pytest
from invoke.config import Config
from invoke.context import Context
from invoke.exceptions import Exit

from ops.cli.collections import FabricTask, make_fabric_task
from ops.cli.program import explain_parse_error
from ops.errors import OpsError
from ops.terminal.flags import DryRun
from ops.terminal.task import Flag, Task


@dataclass(frozen=True, kw_only=True)
class Made:
    """Do something."""

    site: Annotated[str, Flag("help")]
    dry_run: DryRun = False


@dataclass(frozen=True, kw_only=True)
class Look:
    """Look."""


def make(body: Any = None) -> FabricTask:
    """Make a task that needs a site and can plan; what it does is the function given."""

    def act(wish: Made) -> int | None:
        result: int | None = body(wish.site, wish.dry_run) if body else None
        return result

    return make_fabric_task(Task(name="made.run", act=act, wish=Made, roles=None, as_owner=False))


def call(task: FabricTask, *, dry: bool = False, **values: object) -> int:
    context = Context(Config(overrides={"run": {"dry": dry}}))
    try:
        task(context, **{"site": "a", "dry_run": False, **values})
    except Exit as ending:
        return int(ending.code)
    return 0


def test_flags_only_and_no_short_names() -> None:
    arguments = make().get_arguments()

    assert [argument.names for argument in arguments] == [("site",), ("dry-run",), ("json",)]
    assert not any(argument.positional for argument in arguments)


def test_the_value_given_back_is_the_exit_code() -> None:
    assert call(make(lambda *_: None)) == 0
    assert call(make(lambda *_: 3)) == 3


def test_a_flag_without_default_must_be_given(capsys: pytest.CaptureFixture[str]) -> None:
    started: list[object] = []

    assert call(make(lambda *values: started.append(values)), site=None) == 2
    assert "--site" in capsys.readouterr().err
    assert started == []


def test_invokes_dry_means_plan_only() -> None:
    seen: list[bool] = []

    assert call(make(lambda _site, dry_run: seen.append(dry_run)), dry=True) == 0
    assert seen == [True]


def test_invokes_dry_is_refused_where_nothing_can_be_planned() -> None:
    def act(_wish: Look) -> int | None:
        pytest.fail("it ran")

    look = make_fabric_task(Task(name="made.look", act=act, wish=Look, roles=None, as_owner=False))
    with pytest.raises(Exit) as caught:
        look(Context(Config(overrides={"run": {"dry": True}})))

    assert caught.value.code == 2


def test_an_error_becomes_its_text_and_its_exit_code(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIUCONG_LANG", "en")

    class LockedError(OpsError):
        exit_code = 11

    def fail(*_: object) -> int:
        raise LockedError("the site {site} is locked", site="a")

    assert call(make(fail)) == 11
    assert capsys.readouterr().err == "error: the site a is locked\n"


def test_a_bug_shows_no_traceback_and_no_password(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GIUCONG_DEBUG", raising=False)

    def fail(*_: object) -> int:
        raise RuntimeError("cannot reach postgresql://giucong:bi-mat@db/x")

    assert call(make(fail)) == 1

    told = capsys.readouterr().err

    assert "RuntimeError" in told
    assert "Traceback" not in told
    assert "bi-mat" not in told


def test_debug_shows_where_it_happened(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIUCONG_DEBUG", "1")

    assert call(make(lambda *_: 1 // 0)) == 1
    assert "Traceback" in capsys.readouterr().err


def test_an_interrupt_ends_with_130() -> None:
    def interrupt(*_: object) -> int:
        raise KeyboardInterrupt

    assert call(make(interrupt)) == 130


def test_a_broken_pipe_that_is_not_the_terminals_is_an_error() -> None:
    def fail(*_: object) -> int:
        raise BrokenPipeError(32, "the store hung up")

    assert call(make(fail)) == 1


@pytest.mark.parametrize(
    ("message", "what"),
    [
        ("No idea what '--foo' is!", "the flag {flag} is not known here"),
        ("No idea what 'estate.chek' is!", 'there is no task "{word}"'),
        ("Flag '--site' needed value and was not given one!", "the flag {flag} needs a value"),
        (
            "Flag <Argument: site> needed value and was not given one!",
            "the flag {flag} needs a value",
        ),
        (
            "Flag <Argument: days [int]> needed value and was not given one!",
            "the flag {flag} needs a value",
        ),
        ("Flag '--json' doesn't take any value!", "the flag {flag} takes no value"),
        (
            "'estate.check' is ambiguous when given after an optional-value flag",
            'it is not clear what "{word}" belongs to',
        ),
        ("Sub-collection 'x' not found!", 'there is no group of tasks "{word}"'),
        ("something new", "the command cannot be understood: {reason}"),
    ],
)
def test_invokes_complaints_become_ours(message: str, what: str) -> None:
    error = explain_parse_error(message)

    assert error.what == what
    assert error.exit_code == 2


@pytest.mark.parametrize("given", ["'--site'", "<Argument: site>", "<Argument: site [int]>"])
def test_a_flag_without_its_value_is_named_as_it_is_typed(given: str) -> None:
    error = explain_parse_error(f"Flag {given} needed value and was not given one!")

    assert error.params["flag"] == "--site"
