"""The texts of papers: shipped ones, and those that an office has put in their place.

A file `KIND.toml` holds texts, and lists of texts, in tables. `{names}` in braces are filled in; in
an office's text only those may stand that the shipped text of that name has. A file that the office
does not have, and a text that its file does not have, are the shipped ones.
"""

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from pathlib import Path
from typing import Any

from ops.errors import OpsError, WrongUseError
from ops.language.text import N_
from ops.toml import NestedTooDeeplyError, read_toml

SHIPPED = Path(__file__).with_name("wordings")
EVERY = "every_paper"
MOST_BYTES = 200_000
_FREE = {"readme", "body"}
"""Lists beside those of `[paper]` that may have more or fewer lines than the shipped ones."""

_NAME = re.compile(r"\{([a-z_][a-z0-9_]*)\}")
_LINE = re.compile(r"line (\d+)")


class TextsError(OpsError):
    """A file of texts cannot be used."""

    def __init__(self, path: Path, *, why: str, line: int = 0, **params: object) -> None:
        super().__init__(
            "the texts in {path}, line {line}, cannot be used"
            if line
            else "the texts in {path} cannot be used",
            why=why,
            data="nothing was written; the shipped texts are as they were",
            next_step="correct the line, or remove the file to have the shipped texts",
            path=path,
            line=line,
            **params,
        )


@dataclass(frozen=True, slots=True)
class Texts:
    """The texts of one kind of paper, by table and name."""

    tables: Mapping[str, Mapping[str, Any]]

    def say(self, name: str, /, *, table: str = "text", **values: object) -> str:
        """Give a text with its names filled in; what is filled in stays text."""
        return fill_names(str(self.tables[table][name]), values)

    def list(self, name: str, /, *, table: str = "lists", **values: object) -> tuple[str, ...]:
        """Give a list of texts, likewise; a name of several, alone, gives a text each."""
        return tuple(chain.from_iterable(_each(str(it), values) for it in self.tables[table][name]))

    def heads(self, name: str) -> tuple[str, ...]:
        """Give the heads of a table."""
        return self.list(name, table="heads")


def _each(text: str, values: Mapping[str, object]) -> Iterator[str]:
    alone = _NAME.fullmatch(text)
    several = values.get(alone[1]) if alone else None
    if isinstance(several, tuple):
        yield from map(str, several)
    else:
        yield fill_names(text, values)


def fill_names(text: str, values: Mapping[str, object]) -> str:
    """Fill `{names}`; one that nobody gives stays as it stands."""
    return _NAME.sub(lambda it: str(values.get(it[1], it[0])), text)


def load_texts(kinds: Iterable[str], folder: Path | None) -> Texts:
    """Give texts, those of a later file on top, and what all kinds have in common below.

    Args:
        kinds: Names of files without the ending.
        folder: The office's own; None for none.
    """
    if folder is not None and not folder.is_dir():
        raise WrongUseError(
            "the folder of texts {folder} is not there",
            next_step="correct `[reports] texts` in the estate, or make the folder",
            folder=folder,
        )
    if folder is not None:
        _refuse_strays(folder)
    tables: dict[str, dict[str, Any]] = {}
    for name in (EVERY, *kinds):
        shipped = _read_shipped(name)
        own = folder / f"{name}.toml" if folder is not None else None
        changes = read_own(own, shipped) if own is not None and own.exists() else {}
        for table, texts in shipped.items():
            tables.setdefault(table, {}).update({**texts, **changes.get(table, {})})
    return Texts(tables)


def _refuse_strays(folder: Path) -> None:
    """Refuse a file that no paper would ever read: its name is written in another way."""
    known = {it.name for it in SHIPPED.glob("*.toml")}
    stray = next((it for it in sorted(folder.glob("*.toml")) if it.name not in known), None)
    if stray is not None:
        why = N_("no kind of paper is called so; known are: {known}")
        raise TextsError(stray, why=why, known=", ".join(sorted(known)))


@lru_cache(maxsize=32)
def _read_shipped(name: str) -> Mapping[str, Mapping[str, Any]]:
    return read_toml(SHIPPED / f"{name}.toml")


def read_own(path: Path, shipped: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Read an office's file, each text against the shipped one."""
    found = read_file(path)
    for table, name, value in _entries(path, found):
        _compare(path, table, name, value, shipped)
    return found


def read_file(path: Path) -> dict[str, Any]:
    """Read an office's file as TOML.

    Raises:
        TextsError: It is no file, too large, or no TOML; names the line.
    """
    try:
        if not path.is_file():  # a pipe would be waited for
            raise FileNotFoundError
        if path.stat().st_size > MOST_BYTES:
            raise TextsError(path, why="it is larger than {most} bytes", most=MOST_BYTES)
        return read_toml(path)
    except tomllib.TOMLDecodeError as error:
        line = _LINE.search(str(error))
        raise TextsError(
            path,
            why="it is no TOML: {told}",
            line=int(line[1]) if line else 0,
            told=str(error)[:200],
        ) from error
    except (OSError, UnicodeDecodeError, NestedTooDeeplyError) as error:
        raise TextsError(path, why="it cannot be read as UTF-8 text") from error


def _entries(path: Path, found: Mapping[str, Any]) -> Iterator[tuple[str, str, Any]]:
    for table, texts in found.items():
        if not isinstance(texts, dict):
            why = N_("{name} stands in no table")
            raise TextsError(path, why=why, line=find_line(path, table), name=table)
        for name, value in texts.items():
            yield table, name, value


def _compare(
    path: Path, table: str, name: str, value: Any, shipped: Mapping[str, Mapping[str, Any]]
) -> None:
    line = find_line(path, name, table)
    known = shipped.get(table, {}).get(name)
    if known is None:
        why = N_("the shipped texts have no {name} in [{table}]")
        raise TextsError(path, why=why, line=line, name=name, table=table)
    is_list = isinstance(known, list)
    texts = value if isinstance(value, list) else [value]
    if is_list != isinstance(value, list) or not all(isinstance(it, str) for it in texts):
        why = N_("{name} has to be a list of texts") if is_list else N_("{name} has to be a text")
        raise TextsError(path, why=why, line=line, name=name)
    if is_list and table != "paper" and name not in _FREE and len(texts) != len(known):
        why = N_("{name} has to have {count} texts, as the shipped one")
        raise TextsError(path, why=why, line=line, name=name, count=len(known))
    given = set(_NAME.findall(" ".join(texts)))
    allowed = set(_NAME.findall(" ".join(known) if is_list else known))
    if unknown := sorted(given - allowed):
        why = N_("{name} knows these names in braces: {allowed}; not {unknown}")
        raise TextsError(
            path,
            why=why,
            line=line,
            name=name,
            unknown=", ".join(unknown),
            allowed=", ".join(sorted(allowed)) or "–",
        )


def find_line(path: Path, name: str, table: str = "") -> int:
    """Give the line on which a name stands in its table; 0 where it is written in another way."""
    inside = not table
    for number, line in enumerate(path.read_text(encoding="utf-8-sig").splitlines(), start=1):
        if line.strip().startswith("["):
            inside = line.split("#")[0].strip().strip("[] ") == table
        elif inside and re.match(rf"\s*[\"']?{re.escape(name)}[\"']?\s*=", line):
            return number
    return 0
