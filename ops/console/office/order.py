"""What the office hands the process of one act, through an open file."""

import json
from typing import Any

import msgspec

from ops.access.caller import Caller
from ops.language.text import Language
from ops.terminal.task import OfCaller


class GivenFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file or a folder of who types.

    Attributes:
        flag: The field that names it.
        shape: What it is.
        typed: As it was typed, for what people read.
        descriptor: Its place among the act's descriptors; -1 where it goes through the line.
    """

    flag: str
    shape: OfCaller
    typed: str
    descriptor: int = -1


class AtTerminal(msgspec.Struct, frozen=True, kw_only=True):
    """What an act knows of a terminal elsewhere.

    Attributes:
        program: What was typed: `fab` or `giucong`.
        environment: What the terminal shows, and how: `TERM`, `COLUMNS`, and so on.
        files: What the flags name.
        folder: A folder of the act's own, for them; empty where there are none.
        line: Place of the line for files among the act's descriptors.
        opener: Place of the line over which that person's process opens files.
    """

    program: str
    environment: dict[str, str]
    files: tuple[GivenFile, ...] = ()
    folder: str = ""
    line: int = -1
    opener: int


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be done.

    Attributes:
        act: What forms call it.
        task: Full name of the task.
        values: Its parameters.
        caller: Who does it.
        language: In which language it speaks.
        proof_flag: The parameter that takes password and code; empty for none.
        proof: Password and code.
        typed: New secrets that the form has taken, as `ops.access.prompts.typed_before` takes them.
        terminal: Where it was typed; None for a form.
    """

    act: str
    task: str
    values: dict[str, Any]
    caller: Caller
    language: Language
    proof_flag: str = ""
    proof: tuple[str, str] | None = None
    typed: dict[str, str] = msgspec.field(default_factory=dict)
    terminal: AtTerminal | None = None

    def __repr__(self) -> str:
        """Say what it is about, and nothing that was typed."""
        return f"Order({self.task})"


def write_order(order: Order) -> bytes:
    """Give it as JSON in ASCII, so that bytes of a path that are no characters come through."""
    return json.dumps(msgspec.to_builtins(order)).encode()


def parse_order(text: bytes) -> Order:
    """Read what `write_order` wrote."""
    return msgspec.convert(json.loads(text), Order)
