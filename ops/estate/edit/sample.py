"""Write a commented sample of the estate file from the models, in the reader's language.

Keys of `sample.toml` are written, all others are there as comments with an example, so that the
sample is both a file that loads as it stands and the list of everything there is.
"""

import textwrap
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from ops.estate.load.problems import example_of, toml_value
from ops.estate.model.estate import Estate
from ops.estate.model.values import fields_of, is_list_of_tables, model_of
from ops.language.text import N_, _

_WIDTH = 100
_INTRODUCTION = (
    N_("The estate file of Giữ Cổng: what is backed up, from where, to where, and who is told."),
    N_("A line that begins with `#` and a key is an example: remove the `#` to use it."),
    N_("Secrets never stand here: write `file:PATH`, `env:NAME` or `credential:NAME`."),
    N_("Relative paths start at the folder of this file. Check it with `giucong estate.check`."),
)

_FILE = Path(__file__).with_name("sample.toml")


def write_sample() -> str:
    """Give the sample file's text; it loads without a problem as it stands."""
    lines = [f"# {line}" for text in _INTRODUCTION for line in textwrap.wrap(_(text), _WIDTH - 2)]
    filled = tomllib.loads(_FILE.read_text(encoding="utf-8"))
    lines += _table(Estate, filled, ())
    return "\n".join(lines) + "\n"


def _table(
    model: type[BaseModel], filled: Mapping[str, Any] | None, path: Sequence[str]
) -> Iterator[str]:
    """Yield a table's plain keys, then its tables; `filled` is None where all is an example."""
    nested = []
    for key, field in fields_of(model).items():
        if (model_of(field) is not None and not field.examples) or key == "profiles":
            nested.append((key, field))
        else:
            yield from _line(key, field, filled)
    for key, field in nested:
        value = None if filled is None else filled.get(key)
        yield from _section(key, field, value, path)


def _line(key: str, field: FieldInfo, filled: Mapping[str, Any] | None) -> Iterator[str]:
    is_filled = filled is not None and key in filled
    value = toml_value(filled[key]) if filled is not None and is_filled else example_of(field)
    text = f"{'' if is_filled else '# '}{key} = {value or toml_value('')}"
    comment = f"# {_(field.description or '')}"
    aligned = f"{text:<45} {comment}"
    if len(aligned) <= _WIDTH:
        yield aligned
        return
    yield from (f"## {line}" for line in textwrap.wrap(comment[2:], _WIDTH - 3))
    yield text


def _section(key: str, field: FieldInfo, value: Any, path: Sequence[str]) -> Iterator[str]:
    model = model_of(field)
    place = ".".join((*path, key))
    yield ""
    yield f"## {_(field.description or '')}"
    if model is None:
        yield from _profiles(key, value or {})
    elif is_list_of_tables(field):
        for entry in value or [None]:
            yield f"{'# ' if entry is None else ''}[[{place}]]"
            yield from _table(model, entry, (*path, key))
    else:
        has_keys = any(model_of(inner) is None for inner in model.model_fields.values())
        if has_keys:
            yield f"{'# ' if value is None else ''}[{place}]"
        yield from _table(model, value, (*path, key))


def _profiles(key: str, profiles: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    for name, profile in profiles.items():
        yield f"[{key}.{name}]"
        yield from (f"{inner} = {toml_value(value)}" for inner, value in profile.items())
