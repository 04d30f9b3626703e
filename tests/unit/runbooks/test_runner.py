"""A run of a runbook: what comes next, what is kept, what two people may, what nobody sees."""

from collections.abc import Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest

from runbooks.errors import (
    RunbookPausedError,
    RunbookUseError,
    SamePersonError,
    ValuesMissingError,
)
from runbooks.memory import (
    MemoryApprover,
    MemoryCommands,
    MemoryStates,
    Program,
    ScriptedAsker,
    SteppedClock,
)
from runbooks.next_step import Finish, Perform, decide_next, is_yes
from runbooks.parse import read_runbook
from runbooks.runner import Runner, Seams
from runbooks.seams import CommandResult
from runbooks.state import RunState
from runbooks.variables import (
    check_value,
    choose_values,
    correct_values,
    fill_command,
    fill_text,
)

TEXT = """\
+++
id = "thu"
title = "Thử"
owner = "Trung tâm"
systems = []
[variables.site]
title = "Tên trang"
pattern = "[a-z-]+"
[variables.snapshot]
title = "Bản sao lưu"
[variables.password]
title = "Mật khẩu"
secret = true
+++
1. Xem các bản của {{site}}.
   ```check
   list {{site}}
   ```
2. Chọn một bản.
   ```ask snapshot
   Bản nào của {{site}}?
   ```
3. [hai người] Đưa {{snapshot}} về chỗ cũ.
   ```run
   restore {{site}} {{snapshot}} --key {{password}}
   after
   ```
4. Trả lại.
   ```rollback
   undo first
   ```
5. Trang đã đúng chưa?
   ```ask
   Đúng chưa?
   ```
6. Chờ.
   ```wait deadline=30 every=10
   status
   ```
7. Trả lại nữa.
   ```rollback
   undo second
   ```
8. Kiểm tra.
   ```verify
   compare {{site}}
   ```
"""
RUNBOOK = read_runbook(TEXT, Path("thu.vi.md"))
SECRET = "lúa vàng"  # noqa: S105 -- of a test


class KilledError(BaseException):
    """The process was ended in the middle of something."""


class World:
    """A run with stand-ins for everything outside."""

    def __init__(self) -> None:
        self.exit_codes: dict[str, list[int]] = {}
        self.killing = ""
        names = ("list", "restore", "after", "undo", "status", "compare")
        self.commands = MemoryCommands({name: self._program(name) for name in names})
        self.states = MemoryStates()
        self.approver = MemoryApprover({("run", 3): "ttb"})
        self.asker = ScriptedAsker(["ab12", "có"], {"Mật khẩu": SECRET})
        self.clock = SteppedClock()

    def _program(self, name: str) -> Program:
        def run(words: Sequence[str]) -> CommandResult:
            if self.killing == name:
                raise KilledError
            codes = self.exit_codes.get(name, [])
            return CommandResult(codes.pop(0) if codes else 0, f"{name} {' '.join(words)}\n")

        return run

    def go(self, person: str = "nva", *, roll_back: bool = False) -> RunState:
        seams = Seams(self.states, self.commands, self.approver, self.asker, self.clock)
        state = self.states.kept.get("run") or RunState(
            id="run",
            runbook="thu",
            text=TEXT,
            person=person,
            values=choose_values(RUNBOOK, {"site": "cong-xa"}),
            started_at=self.clock.now(),
        )
        return Runner(RUNBOOK, seams, person).go(state, roll_back=roll_back)


def numbers_of(state: RunState) -> list[tuple[int, str]]:
    return [(record.number, record.state) for record in state.records]


def test_what_is_incomplete_is_left_to_the_person_where_the_step_says_so() -> None:
    text = TEXT.replace("   ```verify\n", "   ```verify incomplete\n   compare first\n")
    runbook = read_runbook(text, Path("thu.vi.md"))
    world = World()
    state = RunState(
        id="run", runbook="thu", text=text, person="nva", started_at=world.clock.now(),
        values=choose_values(RUNBOOK, {"site": "cong-xa"}),
    )  # fmt: skip
    seams = Seams(world.states, world.commands, world.approver, world.asker, world.clock)
    world.exit_codes["compare"] = [3, 0]
    world.asker.answers.append("không")
    stopped = Runner(runbook, seams, "nva").go(state)
    world.exit_codes["compare"] = [3, 0]
    world.asker.answers.append("có")
    done = Runner(runbook, seams, "nva").go(stopped)

    assert stopped.standing == "declined"
    assert (done.standing, done.records[-1].answer, done.records[-1].exit_code) == ("done", "có", 3)
    assert world.commands.ran[-2:] == ["compare first", "compare cong-xa"]


def test_a_run_goes_through_all_steps_but_the_rollbacks() -> None:
    world = World()
    state = world.go()

    assert state.standing == "done"
    assert numbers_of(state) == [(n, "done") for n in (1, 2, 3, 5, 6, 8)]
    assert world.commands.ran == [
        "list cong-xa", "restore cong-xa ab12 --key •••", "after", "status", "compare cong-xa",
    ]  # fmt: skip
    assert state.values == {"site": "cong-xa", "snapshot": "ab12"}
    assert world.states.kept["run"] == state


def test_outputs_answers_and_persons_are_kept_and_hashed_without_secrets() -> None:
    state = World().go()
    record = state.last_of(3)

    assert record is not None
    assert record.output == "restore cong-xa ab12 --key •••\nafter \n"
    assert record.output_sha256 == sha256(record.output.encode()).hexdigest()
    assert (record.person, record.approved_by) == ("nva", "ttb")
    asked = state.last_of(2)
    assert asked is not None
    assert (asked.answer, asked.person) == ("ab12", "nva")


def test_a_secret_is_asked_for_once_another_person_has_agreed() -> None:
    world = World()
    world.approver.approvals.clear()
    with pytest.raises(Exception):  # noqa: B017, PT011 - whatever waits
        world.go()
    before = world.asker.heard.count("Mật khẩu")
    world.approver.approvals["run", 3] = "ttb"
    world.go()

    assert (before, world.asker.heard.count("Mật khẩu")) == (0, 1)


def test_no_state_that_was_stored_holds_the_secret() -> None:
    world = World()
    world.go()

    assert not [state for state in world.states.saves if SECRET in repr(state)]
    assert SECRET not in repr(world.asker.shown)


def test_a_failed_step_stops_the_run_and_is_tried_again() -> None:
    world = World()
    world.exit_codes = {"after": [1]}
    state = world.go()
    assert (state.standing, numbers_of(state)[-1]) == ("failed", (3, "failed"))

    world.approver.approvals["run", 3] = "ttb"
    state = world.go()

    assert state.standing == "done"
    assert [it.attempt for it in state.records if it.number == 3] == [1, 2]
    assert world.asker.heard.count("Bản nào của cong-xa?") == 1


def test_a_command_that_waits_for_approval_pauses_the_run() -> None:
    world = World()
    world.exit_codes = {"restore": [4]}

    assert world.go().standing == "waiting"
    with pytest.raises(SamePersonError):
        world.go("ttb")
    state = world.go()
    assert state.standing == "done"
    assert [it.approved_by for it in state.records if it.number == 3] == ["ttb", "ttb"]


def test_who_agreed_to_what_a_command_asked_for_stands_in_the_minutes() -> None:
    world = World()
    world.exit_codes = {"compare": [4]}
    state = world.go()
    assert state.records[-1].approved_by == ""
    world.approver.agreed = "ttb"
    world.go()

    assert world.states.kept["run"].records[-1].approved_by == "ttb"


@pytest.mark.parametrize("name", ["list", "restore", "after", "status", "compare"])
def test_a_run_killed_in_a_step_goes_on_with_it(name: str) -> None:
    world = World()
    world.killing = name
    with pytest.raises(KilledError):
        world.go()
    assert world.states.kept["run"].records[-1].state == "running"

    world.killing = ""
    world.approver.approvals["run", 3] = "ttb"
    state = world.go()

    assert state.standing == "done"
    assert [it.state for it in state.records].count("lost") == 1
    assert {it.number for it in state.records if it.state == "done"} == {1, 2, 3, 5, 6, 8}


def test_a_step_of_two_waits_and_refuses_the_same_person() -> None:
    world = World()
    world.approver.approvals.clear()
    with pytest.raises(RunbookPausedError) as paused:
        world.go()
    assert paused.value.exit_code == 4
    assert world.states.kept["run"].standing == "waiting"
    assert "restore" not in " ".join(world.commands.ran)

    world.approver.approvals["run", 3] = "nva"
    with pytest.raises(SamePersonError):
        world.go()
    assert world.go("ttb").standing == "done"


def test_a_no_stops_the_run_and_is_asked_again() -> None:
    world = World()
    world.asker.answers = ["ab12", "không", "yes"]

    assert world.go().standing == "declined"
    assert world.go().standing == "done"


def test_an_answer_that_does_not_fit_is_asked_for_again() -> None:
    world = World()
    world.asker.answers = ["-x", "ab12", "có"]
    state = world.go()

    assert state.standing == "done"
    assert state.values["snapshot"] == "ab12"
    assert 'the value of "snapshot" cannot be used: Bản sao lưu' in world.asker.heard

    unknown = World()
    unknown.asker.answers, unknown.asker.unknown = ["dead", "ab12", "có"], ["dead"]
    assert unknown.go().values["snapshot"] == "ab12"
    assert 'there is no run "dead"' in unknown.asker.heard

    silent = World()
    silent.asker.answers = ["-x"]
    assert silent.go().standing == "declined"


def test_rollbacks_run_from_the_last_to_the_first_and_only_where_needed() -> None:
    world = World()
    world.exit_codes = {"status": [1] * 9}
    assert world.go().standing == "failed"
    state = world.go(roll_back=True)
    assert state.standing == "rolled_back"
    assert world.commands.ran[-2:] == ["undo second", "undo first"]

    early = World()
    early.exit_codes = {"after": [1]}
    early.go()
    early.go(roll_back=True)
    assert early.commands.ran[-1:] == ["undo first"]


def test_a_rollback_that_failed_is_next_when_taken_up_again() -> None:
    world = World()
    world.exit_codes = {"compare": [1], "undo": [0, 1, 0]}
    world.go()
    assert world.go(roll_back=True).standing == "failed"
    assert world.go().standing == "rolled_back"
    assert world.commands.ran[-3:] == ["undo second", "undo first", "undo first"]


def test_a_wait_tries_until_its_deadline() -> None:
    world = World()
    world.exit_codes = {"status": [1, 1, 0]}
    assert world.go().standing == "done"
    assert world.clock.seconds == 20

    late = World()
    late.exit_codes = {"status": [1] * 9}
    assert late.go().standing == "failed"
    assert late.commands.ran.count("status") == 4


def test_what_comes_next_follows_from_the_state_alone() -> None:
    state = World().go()
    assert decide_next(RUNBOOK, state) == Finish("done")
    begun = replace(state, records=())
    assert decide_next(RUNBOOK, begun) == Perform(RUNBOOK.steps[0], 1)
    assert decide_next(RUNBOOK, replace(begun, going_back=True)) == Finish("rolled_back")


@pytest.mark.parametrize("value", ["", "  ", "-x", "a\nb", "Cổng"])
def test_a_value_that_could_mean_something_else_is_refused(value: str) -> None:
    with pytest.raises(RunbookUseError):
        check_value(RUNBOOK.variables["site"], value)


@pytest.mark.parametrize("given", [{}, {"site": "a", "other": "b"}, {"site": "a", "password": "b"}])
def test_missing_unknown_and_secret_values_are_refused(given: dict[str, str]) -> None:
    with pytest.raises(RunbookUseError):
        choose_values(RUNBOOK, given)


def test_a_value_is_corrected_as_long_as_nothing_was_done_with_it() -> None:
    world = World()
    world.approver.approvals.clear()
    with pytest.raises(RunbookPausedError):
        world.go()
    state = world.states.kept["run"]
    corrected = correct_values(RUNBOOK, state, {"snapshot": "cd34"})
    with pytest.raises(RunbookUseError, match="cannot be changed"):
        correct_values(RUNBOOK, state, {"site": "cong-khac"})
    with pytest.raises(RunbookUseError):
        correct_values(RUNBOOK, state, {"password": "x"})
    assert corrected == {"site": "cong-xa", "snapshot": "cd34"}

    world.approver.approvals["run", 3] = "ttb"
    world.exit_codes = {"restore": [1]}
    failed = world.go()
    with pytest.raises(RunbookUseError, match="cannot be changed"):
        correct_values(RUNBOOK, failed, {"snapshot": "cd34"})


def test_nobody_is_shown_a_regular_expression() -> None:
    with pytest.raises(RunbookUseError) as caught:
        check_value(RUNBOOK.variables["site"], "Cổng")
    assert "[a-z-]+" not in repr((caught.value.why, caught.value.params))


def test_nobody_is_told_to_type_a_secret_on_a_command_line() -> None:
    with pytest.raises(RunbookUseError) as caught:
        check_value(RUNBOOK.variables["password"], "")
    assert "--set" not in caught.value.next_step


def test_a_value_whose_default_is_empty_may_be_left_out() -> None:
    text = TEXT.replace('pattern = "[a-z-]+"', 'pattern = "[a-z-]+"\ndefault = ""')
    runbook = read_runbook(text, Path("thu.vi.md"))
    values = choose_values(runbook, {})

    assert values == {"site": ""}
    assert fill_command(("list", "--site", "{{site}}"), values, {}, runbook).words[-1] == ""


def test_a_value_stays_one_word_whatever_it_holds() -> None:
    words = RUNBOOK.steps[2].commands[0]
    command = fill_command(words, {"site": "a b; c"}, {"password": SECRET}, RUNBOOK)

    assert command.words == ("restore", "a b; c", "{{snapshot}}", "--key", "")
    assert dict(command.secrets) == {4: SECRET}
    assert command.shown == "restore 'a b; c' '{{snapshot}}' --key •••"
    assert SECRET not in repr(command)
    assert fill_text("{{site}} {{password}}", {"site": "a"}, RUNBOOK) == "a •••"


@pytest.mark.parametrize(
    ("answer", "agreed"), [("Có", True), ("y ", True), ("", False), ("0", False)]
)
def test_only_a_clear_yes_is_one(answer: str, agreed: bool) -> None:
    assert is_yes(answer) is agreed


def test_all_missing_values_are_named_at_once() -> None:
    text = TEXT.replace(
        "[variables.snapshot]", '[variables.reason]\ntitle = "Lý do"\n[variables.snapshot]'
    )
    text = text.replace("   list {{site}}", "   list {{site}} {{reason}}")
    with pytest.raises(ValuesMissingError) as caught:
        choose_values(read_runbook(text, Path("thu.vi.md")), {"site": " "})

    assert [(it.key, it.params["title"]) for it in caught.value.problems] == [
        ("site", "Tên trang"),
        ("reason", "Lý do"),
    ]
    assert "reason: Lý do" in str(caught.value)


KEYED = (
    TEXT
    .replace("   list {{site}}", "   list {{site}} {{file}}")
    .replace("secret = true", 'secret = true\nkey = "file"')
    .replace("[variables.password]", '[variables.file]\ntitle = "Khóa"\n[variables.password]')
)  # fmt: skip


@pytest.mark.parametrize("locked", [(), ("/k",)])
def test_a_passphrase_is_asked_for_only_where_the_key_has_one(locked: tuple[str, ...]) -> None:
    world = World()
    world.asker = ScriptedAsker(["ab12", "có"], {"Mật khẩu": SECRET}, locked)
    runbook = read_runbook(KEYED, Path("thu.vi.md"))
    state = RunState(
        id="run", runbook="thu", text=KEYED, person="nva", started_at=world.clock.now(),
        values=choose_values(runbook, {"site": "cong-xa", "file": "/k"}),
    )  # fmt: skip
    seams = Seams(world.states, world.commands, world.approver, world.asker, world.clock)
    ended = Runner(runbook, seams, "nva").go(state)

    assert ended.standing == "done"
    assert ("Mật khẩu" in world.asker.heard) is bool(locked)


def test_a_secret_that_may_be_left_out_is_asked_for_and_may_be_empty() -> None:
    text = TEXT.replace("secret = true", 'secret = true\ndefault = ""')
    runbook = read_runbook(text, Path("thu.vi.md"))

    assert choose_values(runbook, {"site": "a"}) == {"site": "a"}
    assert check_value(runbook.variables["password"], "") == ""


SHARED = """+++
id = "chia"
title = "Thử"
owner = "A"
systems = []
[variables.shares]
title = "Mảnh"
secret = "shares"
+++
1. Ghép.
   ```run
   combine --share {{shares}}
   ```
"""


@pytest.mark.parametrize("given", ["lua vang / gao trang", ""])
def test_a_secret_in_several_hands_reaches_the_command_and_no_part_of_it_is_kept(
    given: str,
) -> None:
    seen: list[str] = []

    def combine(words: Sequence[str]) -> CommandResult:
        seen.append(words[-1])
        return CommandResult(0, "gao trang: mảnh thứ hai\n")

    states, asker = MemoryStates(), ScriptedAsker([], {"Mảnh": given})
    commands = MemoryCommands({"combine": combine})
    seams = Seams(states, commands, MemoryApprover(), asker, SteppedClock())
    runbook = read_runbook(SHARED, Path("chia.vi.md"))
    state = RunState(
        id="run", runbook="chia", text=SHARED, person="nva", values={},
        started_at=SteppedClock().now(),
    )  # fmt: skip

    ended = Runner(runbook, seams, "nva").go(state)

    assert (ended.standing, seen) == ("done", [given])
    assert ("gao trang" in repr(states.saves)) is (not given)


def go_alone(world: World, number: int, answer: str = "") -> RunState:
    seams = Seams(world.states, world.commands, world.approver, world.asker, world.clock)
    state = world.states.kept.get("run") or RunState(
        id="run", runbook="thu", text=TEXT, person="nva", started_at=world.clock.now(),
        values=choose_values(RUNBOOK, {"site": "cong-xa"}),
    )  # fmt: skip
    return Runner(RUNBOOK, seams, "nva").go(state, only=number, answer=answer)


def test_a_step_is_carried_out_alone_only_where_it_is_next_and_nothing_lacks() -> None:
    world = World()
    with pytest.raises(RunbookUseError):
        go_alone(world, 2)
    assert world.states.kept == {}
    state = go_alone(world, 1)
    assert (numbers_of(state), state.standing) == ([(1, "done")], "running")
    for answer in ("", "-- không hợp"):
        with pytest.raises(RunbookUseError):
            go_alone(world, 2, answer)
    assert world.states.kept["run"] == state
    assert go_alone(world, 2, "ab12").values["snapshot"] == "ab12"
    with pytest.raises(RunbookUseError, match="secret"):
        go_alone(world, 3)


def test_the_last_step_alone_ends_the_run() -> None:
    world = World()
    head = '+++\nid = "thu"\ntitle = "Thử"\nowner = "Trung tâm"\nsystems = []\n+++\n'
    text = f"{head}1. Xem.\n   ```check\n   list\n   ```\n"
    runbook = read_runbook(text, Path("thu.vi.md"))
    state = RunState(id="run", runbook="thu", text=text, person="nva", values={},
                     started_at=world.clock.now())  # fmt: skip
    seams = Seams(world.states, world.commands, world.approver, world.asker, world.clock)
    assert Runner(runbook, seams, "nva").go(state, only=1).standing == "done"
