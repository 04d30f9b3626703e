"""Run our command line in this process, quickly, and compare what it says with what restic says."""

import io
import json
import os
import re
import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

from backup.commands.main import main
from tests.restic_oracle import PASSWORD

_NANOSECONDS = re.compile(r"(:\d\d\.\d{6})\d{1,3}(?=Z|[+-]\d\d:\d\d)")


@dataclass(frozen=True)
class Answer:
    """What a command line gave: exit code, stdout, stderr."""

    code: int
    stdout: bytes
    stderr: str

    @property
    def text(self) -> str:
        return self.stdout.decode("utf-8", "surrogateescape")

    def documents(self) -> list[Any]:
        """Read stdout as JSON, one document a line."""
        return read_documents(self.stdout)


def run_ours(
    *words: str,
    repository: Path | str | None = None,
    environment: Mapping[str, str] | None = None,
    stdin: bytes = b"",
) -> Answer:
    """Run one command line; the environment holds what restic's runner gives too, and no more.

    Its home is none: what is kept there for the next run would be there for the next test.
    """
    variables = {"RESTIC_PASSWORD": PASSWORD, "HOME": os.devnull}
    if repository is not None:
        variables["RESTIC_REPOSITORY"] = str(repository)
    variables |= environment or {}
    results = io.BytesIO()
    messages = io.TextIOWrapper(io.BytesIO(), "utf-8", "backslashreplace", write_through=True)
    before = signal.getsignal(signal.SIGTERM)
    try:
        with (
            mock.patch.object(sys, "stdout", io.TextIOWrapper(results, "utf-8")),
            mock.patch.object(sys, "stderr", messages),
            mock.patch.object(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin), "utf-8")),
        ):
            code = main([*words], variables)
            sys.stdout.flush()
            stdout = results.getvalue()
    finally:
        signal.signal(signal.SIGTERM, before)
    messages.seek(0)
    return Answer(code, stdout, messages.read())


def read_documents(stdout: bytes) -> list[Any]:
    """Read JSON, one document a line; times to the microsecond, which is as far as we keep them."""
    text = _NANOSECONDS.sub(r"\1", stdout.decode())
    return [json.loads(line) for line in text.splitlines() if line]


def shape(value: Any) -> Any:
    """Give the keys and types of a JSON document, without its values."""
    if isinstance(value, dict):
        return {key: shape(member) for key, member in value.items()}
    if isinstance(value, list):
        return [shape(member) for member in value[:1]]
    if isinstance(value, bool) or value is None:
        return type(value).__name__
    return "number" if isinstance(value, int | float) else "text"
