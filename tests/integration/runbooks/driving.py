"""Carry a runbook out as a process while a script answers its questions, stop it and go on."""

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from subprocess import CompletedProcess

from ops.catalog.open import Catalog, open_catalog
from ops.journal.journal import Origin
from ops.runbooks.states import CatalogStates
from runbooks.state import RunState
from tests.integration.jobs.small_estate import GIUCONG
from tests.people import enrol, password_of
from tests.warm_program import run_warm


@dataclass
class Desk:
    """An estate, and whoever carries runbooks out on it.

    Attributes:
        estate: Its file.
        environment: More variables for every command.
        run: Id of the run that was begun last.
        told: Everything that was written so far.
    """

    estate: Path
    environment: dict[str, str] = field(default_factory=dict)
    run: str = ""
    told: str = ""

    @property
    def folder(self) -> Path:
        return self.estate.parent

    def type(self, *words: str, answers: str = "") -> CompletedProcess[str]:
        """Type a task; a script answers its questions, one a line, and then nobody does."""
        ended = run_warm([str(GIUCONG), *words], self.environ(), 120, answers)
        self.told += ended.stdout + ended.stderr
        return ended

    def environ(self) -> dict[str, str]:
        return {
            **os.environ,
            "GIUCONG_ESTATE": str(self.estate),
            "GIUCONG_LANG": "en",
            **self.environment,
        }

    def begin(
        self, runbook: str, answers: str, values: Mapping[str, str], *flags: str
    ) -> CompletedProcess[str]:
        """Begin a runbook, and note its run."""
        given = [word for name, value in values.items() for word in ("--set", f"{name}={value}")]
        ended = self.type("runbook.run", "--id", runbook, *given, *flags, answers=answers)
        found = re.search(r"· run ([0-9a-f]{8})", ended.stdout)
        assert found, ended.stdout + ended.stderr
        self.run = found[1]
        return ended

    def resume(self, answers: str = "", *flags: str) -> CompletedProcess[str]:
        """Go on with it."""
        return self.type("runbook.resume", "--run", self.run, *flags, answers=answers)

    def state(self) -> RunState:
        """Give what became of it, out of the catalog."""
        with open_catalog(f"sqlite:///{self.folder}/state/giucong.db") as catalog:
            return CatalogStates(catalog, Origin(via="cli")).load(self.run)

    def states(self) -> list[tuple[int, str]]:
        """Give number and state of each try, in the order of time."""
        return [(it.number, it.state) for it in self.state().records]

    def outputs(self) -> dict[int, str]:
        """Give what the last try at each step wrote."""
        return {it.number: it.output for it in self.state().records}


class Office:
    """People who have credentials and roles, and prove who they are.

    Args:
        desk: Where they work.
        catalog: Of the estate, open.
        people: Name and roles of each.
    """

    def __init__(self, desk: Desk, catalog: Catalog, *people: tuple[str, ...]) -> None:
        self._desk = desk
        now = datetime.now(UTC)
        self._codes = {
            name: list(enrol(catalog, name, *roles, now=now).codes) for name, *roles in people
        }

    def prove(self, person: str) -> str:
        """Write the file somebody proves with, once; give its path."""
        path = self._desk.folder / f"{person}.proof"
        path.write_text(f"{password_of(person)}\n{self._codes[person].pop()}\n")
        path.chmod(0o600)
        return str(path)

    def approve(self, person: str) -> None:
        """Have somebody approve the request that waits."""
        listed = json.loads(self._desk.type("approval.list", "--json").stdout)["items"]
        ended = self._desk.type(
            "approval.approve", "--id", listed[0]["id"], "--person", person,
            "--password-file", self.prove(person),
        )  # fmt: skip
        assert ended.returncode == 0, ended.stderr


def assert_done(
    desk: Desk, ended: CompletedProcess[str], steps: int, back: frozenset[int] = frozenset()
) -> None:
    """Assert that a run came to its end with every step done but the rollbacks."""
    assert ended.returncode == 0, ended.stdout + ended.stderr
    state = desk.state()
    assert state.standing == "done"
    assert {it.number for it in state.records if it.state == "done"} >= {
        *range(1, steps + 1)
    } - back
    done = [it for it in state.records if it.state == "done"]
    assert all(it.commands or it.answer for it in done)
