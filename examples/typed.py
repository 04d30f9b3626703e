"""Runs the operators' tasks in this process, as somebody would type them."""

import contextlib
import io
import json
import os
from collections.abc import Container
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

from invoke.collection import Collection

from examples import moved_clock
from examples.failure import DemoFailedError
from examples.people import APPROVER, OPERATOR, write_proof
from ops.access.factors import STEP_SECONDS
from ops.cli.collections import load_tasks
from ops.cli.main import Giucong
from ops.cli.program import PRIVATE, ClosedConfig
from ops.estate.load.load import load_estate
from ops.estate.model.estate import Estate
from ops.language.text import _

_AWAITED = 4


@cache
def _tasks() -> Collection:
    return load_tasks()


@dataclass(frozen=True, slots=True)
class Terminal:
    """A terminal of the demo, in this process.

    Attributes:
        folder: The demo's.
    """

    folder: Path

    @property
    def estate(self) -> Estate:
        """Give the demo's estate, which `GIUCONG_ESTATE` names."""
        return load_estate()

    def type(self, task: str, *flags: str, good: Container[int] = (0,)) -> str:
        """Run a task; give what it wrote.

        Raises:
            DemoFailedError: It ended with another exit code.
        """
        code, told = _run(task, *flags)
        if code not in good:
            text = _("the demo stops: `fab {task}` ended with exit code {code}")
            raise DemoFailedError(text.format(task=task, code=code) + f"\n{told}")
        return told

    def read(self, task: str, *flags: str) -> Any:
        """Run a task that prints JSON; give that."""
        return json.loads(self.type(task, *flags, "--json", good=(0, 1, 3)))

    def agree(self, task: str, *flags: str) -> str:
        """Run a task that takes two people: one asks, the other approves, the first types again."""
        code, told = self._prove(task, *flags)
        if code == _AWAITED:
            waiting = [it for it in self.read("approval.list")["items"] if it["state"] == "waiting"]
            for request in waiting:
                proof = str(self._proof_of(APPROVER))
                self.type(
                    "approval.approve", "--id", request["id"], "--person", APPROVER,
                    "--password-file", proof, "--reason", "Phê duyệt",
                )  # fmt: skip
            code, told = self._prove(task, *flags)
        if code:
            text = _("the demo stops: `fab {task}` ended with exit code {code}")
            raise DemoFailedError(text.format(task=task, code=code) + f"\n{told}")
        return told

    def _prove(self, task: str, *flags: str) -> tuple[int, str]:
        return _run(task, *flags, "--proof-file", str(self._proof_of(OPERATOR)))

    def _proof_of(self, person: str) -> Path:
        """Wait for the next code, as each is good once, and write it down."""
        moved_clock.move_to(moved_clock.now() + timedelta(seconds=STEP_SECONDS))
        return write_proof(self.folder, self.estate, person, moved_clock.now())


def _run(*words: str) -> tuple[int, str]:
    told = io.StringIO()
    before = os.umask(PRIVATE)
    try:
        with contextlib.redirect_stdout(told), contextlib.redirect_stderr(told):
            program = Giucong(
                name="fab", binary="fab", namespace=_tasks(), config_class=ClosedConfig
            )
            program.run(["fab", *words])
    except SystemExit as ended:
        return int(ended.code or 0), told.getvalue()
    finally:
        os.umask(before)
    return 0, told.getvalue()
