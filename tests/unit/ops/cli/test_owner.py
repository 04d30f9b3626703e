"""Whose user a task runs as."""

from pathlib import Path

import pytest

from ops.estate.owner import Step, decide_step, find_state_folder


@pytest.mark.parametrize(
    ("folder_owner", "me", "step"),
    [
        (0, 0, "stay"),
        (1000, 1000, "stay"),
        (998, 0, "become"),
        (998, 1000, "refuse"),
        (0, 1000, "refuse"),
    ],
)
def test_root_becomes_the_owner_and_nobody_else_does(
    folder_owner: int, me: int, step: Step
) -> None:
    assert decide_step(folder_owner, me) == step


def test_the_state_folder_is_the_one_the_estate_names(tmp_path: Path) -> None:
    path = tmp_path / "estate.toml"
    path.write_text('[service]\nstate = "elsewhere"\n')

    assert find_state_folder(path) is None

    (tmp_path / "elsewhere").mkdir()

    assert find_state_folder(path) == tmp_path / "elsewhere"


@pytest.mark.parametrize("text", ["service = 5", "= broken", ""])
def test_a_broken_estate_is_reported_elsewhere(tmp_path: Path, text: str) -> None:
    (tmp_path / "estate.toml").write_text(text)

    assert find_state_folder(tmp_path / "estate.toml") is None
