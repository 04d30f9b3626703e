"""What the service, or a name, says for Tab is text: no shell runs it."""

import os
import subprocess
from pathlib import Path

import pytest

from tests.integration.jobs.small_estate import GIUCONG

HOSTILE = ["$(touch run)", "`touch run`", "x;touch run", "*", "a\\$(touch run)"]
BASH = """
PATH=.:$PATH; eval "$(cat script)"
COMP_WORDS=(giucong backup.run --site "$1"); COMP_CWORD=3
_complete_giucong giucong "$1" --site; printf '%s\\n' "${COMPREPLY[@]}"
"""
ZSH = """
PATH=.:$PATH; compctl() { : }; eval "$(cat script)"
words=(giucong backup.run --site "$1"); _complete_giucong; printf '%s\\n' "${reply[@]}"
"""
FISH = """
set PATH . $PATH; eval (cat script | string collect); complete --do-complete="giucong x $argv[1]"
"""
SHELLS = {"bash": ("--norc", "-c", BASH, "-"), "zsh": ("-f", "-c", ZSH, "-"),
          "fish": ("--no-config", "-c", FISH)}  # fmt: skip


@pytest.mark.slow  # a process of its own
@pytest.mark.parametrize(
    "shell", ["bash", *(pytest.param(it, marks=pytest.mark.slow) for it in ("zsh", "fish"))]
)
def test_a_shell_runs_nothing_of_what_it_is_told(tmp_path: Path, shell: str) -> None:
    """Invoke's script for bash hands it to `compgen -W`, which expands it."""
    script = subprocess.run(
        [GIUCONG, "--print-completion-script", shell], capture_output=True, text=True, check=True
    )
    (tmp_path / "script").write_text(script.stdout)
    (tmp_path / "told").write_text("\n".join([*HOSTILE, "cong-xa", "cong-phuong", "so-y-te"]))
    (tmp_path / "giucong").write_text("#!/bin/sh\ncat told\n")
    (tmp_path / "giucong").chmod(0o755)
    done = subprocess.run(
        [shell, *SHELLS[shell], "cong"], cwd=tmp_path, env={**os.environ, "HOME": str(tmp_path)},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert not (tmp_path / "run").exists()
    assert {"cong-xa", "cong-phuong"} <= set(done.stdout.split()), done.stderr


@pytest.mark.slow  # a process of its own
def test_another_shell_is_told_which_there_are() -> None:
    refused = subprocess.run(
        [GIUCONG, "--print-completion-script", "csh"], capture_output=True, text=True, check=False,
        env={**os.environ, "GIUCONG_LANG": "en"},
    )  # fmt: skip
    assert refused.returncode == 2
    assert "bash, zsh, fish" in refused.stderr
