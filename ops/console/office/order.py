"""What the office hands the process of one act, through its standard input."""

import json
from typing import Any

import msgspec

from ops.language.text import Language


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be done.

    Attributes:
        act: What forms call it.
        task: Full name of the task.
        values: Its parameters.
        person, login, address: Who does it.
        language: In which language it speaks.
        proof_flag: The parameter that takes password and code; empty for none.
        proof: Password and code.
        typed: New secrets that the form has taken, as `ops.access.prompts.typed_before` takes them.
    """

    act: str
    task: str
    values: dict[str, Any]
    person: str
    login: str
    address: str
    language: Language
    proof_flag: str = ""
    proof: tuple[str, str] | None = None
    typed: dict[str, str] = msgspec.field(default_factory=dict)

    def __repr__(self) -> str:
        """Say what it is about, and nothing that was typed."""
        return f"Order({self.task})"


def write_order(order: Order) -> bytes:
    """Give it as JSON in ASCII, so that bytes of a path that are no characters come through."""
    return json.dumps(msgspec.to_builtins(order)).encode()


def parse_order(text: bytes) -> Order:
    """Read what `write_order` wrote."""
    return msgspec.convert(json.loads(text), Order)
