"""What holds for every runbook that is shipped."""

from pathlib import Path

from ops.runbooks.library import load_runbooks


def test_a_step_leaves_it_to_its_command_where_that_asks_for_a_second_person() -> None:
    """One write, one approval: what a command asks for binds the snapshot and the files, too."""
    steps = [it for book in load_runbooks(Path("/nowhere/estate.toml")) for it in book.steps]
    twice = [
        (step.sentence, words)
        for step in steps
        for words in step.commands
        if step.two_people and ("--in-place" in words or "backup.switch" in words)
    ]
    assert steps
    assert twice == []
