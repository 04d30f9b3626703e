"""The passphrase of a key is asked for only where the key's file has one, in every procedure."""

from pathlib import Path

import pytest

import runbooks
from runbooks.parse import read_runbook

PROCEDURES = sorted((Path(runbooks.__file__).parent / "procedures").glob("*.md"))


@pytest.mark.parametrize("path", PROCEDURES, ids=lambda it: it.name)
def test_a_passphrase_belongs_to_the_key_beside_it(path: Path) -> None:
    runbook = read_runbook(path.read_text(encoding="utf-8"), path)
    commands = [it for step in runbook.steps for it in step.commands if "--passphrase-file" in it]
    for words in commands:
        key, secret = (
            words[words.index(flag) + 1].strip("{}") for flag in ("--identity", "--passphrase-file")
        )
        assert runbook.variables[secret].key == key, words
