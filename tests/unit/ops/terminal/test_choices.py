"""A flag that is one of a fixed list: the list is told everywhere, and nothing else is taken."""

from dataclasses import MISSING

import pytest

from ops import wiring as _wiring  # noqa: F401 - lists the modules that hold tasks
from ops.cli.completing import tell_choices
from ops.console.acts import all_acts
from ops.errors import WrongUseError
from ops.service.completion import list_values
from ops.terminal.task import DeclaredFlag, Task, all_tasks

CHOSEN = [(task, it) for task in all_tasks().values() for it in task.flags.values() if it.one_of]


def test_there_are_flags_to_judge() -> None:
    assert {"user.role", "backup.restore", "report.make"} < {task.name for task, _flag in CHOSEN}


@pytest.mark.parametrize(
    ("task", "flag"), CHOSEN, ids=[f"{it.name} {to.name}" for it, to in CHOSEN]
)
def test_a_choice_is_told_and_nothing_else_is_taken(task: Task, flag: DeclaredFlag) -> None:
    given: dict[str, object] = {it.name: "x" for it in task.flags.values() if it.is_required}
    known = list(flag.choices())
    for it in known:
        task.make({**given, flag.name: (it,) if flag.kind is tuple else it})
    with pytest.raises(WrongUseError) as caught:
        task.make({**given, flag.name: ("khác",) if flag.kind is tuple else "khác"})

    assert (caught.value.exit_code, caught.value.params["known"]) == (2, ", ".join(known))
    assert flag.default in (MISSING, "", (), *known)
    assert all(it in tell_choices(flag.help, flag) for it in known)
    assert list_values(task.name, flag.written, {}) == sorted(known)


def test_a_form_lists_them() -> None:
    fields = {it.name: it for it in all_acts()["user.role"].fields()}

    assert fields["role"].choices["backup_admin"] == "backup administrator"
    assert fields["reason"].choices == {}
