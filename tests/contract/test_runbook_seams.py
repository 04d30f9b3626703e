"""Commands, questions and approvals of a runbook: stand-in and real one keep one promise."""

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ops.access.approvals.decide import Ruling, decide_request
from ops.access.approvals.requests import Wish, list_requests, request_approval
from ops.access.approvals.require import ApprovalAwaitedError
from ops.access.session import Bench
from ops.catalog.open import Catalog, open_catalog
from ops.errors import OpsError
from ops.estate.load.load import load_estate
from ops.runbooks.asker import EstateApprover
from ops.runbooks.commands import ProcessCommands
from ops.runbooks.run import MachineClock
from runbooks.errors import RunbookError, SamePersonError
from runbooks.memory import MemoryApprover, MemoryCommands, ScriptedAsker
from runbooks.seams import (
    EXIT_NO_PROGRAM,
    EXIT_TOO_LATE,
    KEPT_CHARACTERS,
    Approver,
    CommandResult,
    Commands,
    Request,
)
from runbooks.variables import MASK, Command
from tests.integration.jobs.small_estate import build_estate
from tests.people import appoint, origin_of

SECRET = "lúa vàng"  # noqa: S105 -- of a test


def _echo(words: Sequence[str]) -> CommandResult:
    return CommandResult(0, " ".join(words) + "\n")


@pytest.fixture(params=["memory", "processes"])
def commands(request: pytest.FixtureRequest) -> Commands:
    if request.param == "processes":
        return ProcessCommands({"GIUCONG_TEST": "là đây"})
    programs = {
        "true": lambda _: CommandResult(0, ""),
        "false": lambda _: CommandResult(1, ""),
        "echo": _echo,
        "cat": lambda words: CommandResult(0, "".join(words)),
    }
    return MemoryCommands(programs)


def line(*words: str, **secrets: str) -> Command:
    held = {int(place[1:]): secret for place, secret in secrets.items()}
    return Command(words, held, " ".join(words))


def test_a_command_ends_with_its_code_and_what_it_wrote(commands: Commands) -> None:
    assert commands.run(line("true"), deadline=10) == CommandResult(0, "")
    assert commands.run(line("false"), deadline=10).exit_code == 1
    assert commands.run(line("echo", "a b; c", "*"), deadline=10).output == "a b; c *\n"


def test_a_secret_reaches_the_command_and_no_other_place(commands: Commands) -> None:
    assert commands.run(line("cat", "", p1=SECRET), deadline=10).output == SECRET


def test_a_program_that_is_not_there_is_told(commands: Commands) -> None:
    result = commands.run(line("no-such-program"), deadline=10)

    assert result.exit_code == EXIT_NO_PROGRAM
    assert "no-such-program" in result.output


def test_a_process_past_its_deadline_is_ended() -> None:
    result = ProcessCommands({}).run(line("sleep", "30"), deadline=0.2)

    assert result.exit_code == EXIT_TOO_LATE


def test_a_process_gets_the_path_of_a_file_and_no_secret_in_its_arguments() -> None:
    script = "import os, sys; print(sys.argv[1], os.environ['GIUCONG_TEST'], SECRET)"
    script = script.replace("SECRET", "open(sys.argv[1]).read()")
    command = Command((sys.executable, "-c", script, ""), {3: SECRET}, "python")
    result = ProcessCommands({"GIUCONG_TEST": "là đây"}).run(command, deadline=10)

    assert result.output.startswith("/dev/fd/")
    assert result.output.endswith(f" là đây {SECRET}\n")


def test_no_half_of_a_secret_is_left_where_long_output_is_cut() -> None:
    script = f"import sys; print('x' * {KEPT_CHARACTERS - 3} + open(sys.argv[1]).read() + 'end')"
    command = Command((sys.executable, "-c", script, ""), {3: SECRET}, "python")
    result = ProcessCommands({}).run(command, deadline=10)

    assert result.output == "x" * (KEPT_CHARACTERS - 3) + MASK


@dataclass
class Office:
    """An approver, and the second person who may speak."""

    approver: Approver
    catalog: Catalog | None
    memory: dict[tuple[str, int], str] = field(default_factory=dict)

    def agree(self, request: Request, person: str) -> None:
        """Have the second person approve what waits."""
        if self.catalog is None:
            self.memory[request.run, request.number] = person
            return
        with self.catalog.reading() as session:
            waiting = next(it for it in list_requests(session) if it.state == "waiting")
        ruling = Ruling(str(waiting.id), "approved", "")
        decide_request(
            self.catalog, origin_of(person), ruling, now=datetime.now(UTC), prove=lambda: None
        )


REQUEST = Request("run-1", "thu", 3, "Đưa về chỗ cũ", ("restore •••",))


@pytest.fixture(params=["memory", "estate"])
def office(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Office]:
    if request.param == "memory":
        approver = MemoryApprover()
        yield Office(approver, None, approver.approvals)
        return
    path = build_estate(tmp_path / "estate")
    catalog = open_catalog(f"sqlite:///{tmp_path}/giucong.db")
    since = datetime.now(UTC) - timedelta(minutes=1)
    appoint(catalog, "nva", "operator", now=since)
    appoint(catalog, "ttb", "approver", now=since)
    wish = Wish(
        action="runbook-step",
        subject="thu",
        plan={"run": "run-1", "step": 3, "does": "Đưa về chỗ cũ", "commands": ["restore •••"]},
        reason="Bị sửa",
    )
    with catalog.writing() as session:
        request_approval(session, origin_of("nva"), wish, now=since)
    bench = Bench(load_estate(path), catalog, origin_of("nva"))
    yield Office(EstateApprover(bench, MachineClock(), "Bị sửa"), catalog)
    catalog.close()


def test_a_step_waits_until_another_person_agrees_and_uses_that_up(office: Office) -> None:
    with pytest.raises((RunbookError, ApprovalAwaitedError)) as waited:
        office.approver.approve(REQUEST, "nva")
    assert isinstance(waited.value, RunbookError | OpsError)
    assert waited.value.exit_code == 4

    office.agree(REQUEST, "ttb")
    assert office.approver.approve(REQUEST, "nva") == "ttb"


def test_who_approved_may_not_carry_out_and_the_approval_stays(office: Office) -> None:
    office.agree(REQUEST, "ttb")
    with pytest.raises(SamePersonError):
        office.approver.approve(REQUEST, "ttb")

    assert office.approver.approve(REQUEST, "nva") == "ttb"


TELLING = """
from ops.terminal.output import BORDER
from ops.terminal.printer import Printer
BORDER.set(Printer())
"""
ASKING = f"""{TELLING}
from ops.runbooks.asker import TerminalAsker
asker = TerminalAsker()
print(repr([asker.ask("Bản nào?", yes_or_no=False), asker.ask("Đúng?", yes_or_no=True),
            asker.ask_secret("Mật khẩu"), asker.ask("Nữa?", yes_or_no=False)]))
"""


@pytest.mark.slow  # a process of its own
def test_answers_come_in_order_and_none_is_given_where_none_is_left() -> None:
    scripted = ScriptedAsker(["ab12", "có"], {"Mật khẩu": SECRET})
    memory = [
        scripted.ask("Bản nào?", yes_or_no=False),
        scripted.ask("Đúng?", yes_or_no=True),
        scripted.ask_secret("Mật khẩu"),
        scripted.ask("Nữa?", yes_or_no=False),
    ]
    real = subprocess.run(
        [sys.executable, "-c", ASKING],
        input=f"ab12\ncó\n{SECRET}\n",
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), "PYTHONUTF8": "1"},
    )

    assert memory == ["ab12", "có", SECRET, ""]
    assert real.stdout.splitlines()[-1] == repr(memory)


ASKING_ONCE = f"""{TELLING}
from ops.runbooks.asker import TerminalAsker
print(repr(TerminalAsker().ask("Đúng?", yes_or_no=True)))
"""


@pytest.mark.slow  # a process of its own
def test_the_end_of_input_at_a_terminal_is_no_answer() -> None:
    ours, theirs = os.openpty()
    os.write(ours, b"\x04")  # Ctrl-D
    subprocess.run(
        [sys.executable, "-c", ASKING_ONCE],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        check=True,
        timeout=60,
        env={
            **os.environ,
            "PYTHONPATH": str(Path(__file__).parents[2]),
            "PYTHONUTF8": "1",
            "TERM": "xterm",
        },
    )
    shown = os.read(ours, 65_536)
    for end in (ours, theirs):
        os.close(end)

    assert shown.splitlines()[-1] == b"''"
