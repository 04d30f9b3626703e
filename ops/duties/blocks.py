"""Write a table of duties as a file that reads back as the same table; pure."""

import json
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from ops.duties.models import Duty, Note


def write_table(duties: Iterable[Duty], notes: Iterable[Note] = ()) -> str:
    """Give a whole file: notes, then rows; what is as by default is left out."""
    blocks = ["schema = 1"]
    for section, parts in (("notes", notes), ("duties", duties)):
        for part in parts:
            values = part.model_dump(exclude_defaults=True, exclude_none=True)
            lines = [f"{key} = {_value(value)}" for key, value in values.items()]
            blocks.append("\n".join([f"[[{section}]]", *lines]))
    return "\n\n".join(blocks) + "\n"


def _value(value: Any) -> str:  # what a dumped model holds
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, int):
        return str(value)
    if isinstance(value, Mapping):
        inner = ", ".join(f"{key} = {_value(it)}" for key, it in value.items())
        return f"{{ {inner} }}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(_value(it) for it in value)}]"
    # A JSON string is a TOML one but for U+007F, which TOML wants escaped.
    return json.dumps(str(value), ensure_ascii=False).replace("\x7f", "\\u007f")
