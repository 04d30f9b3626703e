"""What is kept of a command: what it told, made, journaled, changed in the catalog, and sent."""

import json
import re
import sqlite3
import subprocess
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any

import docx

from tests.record.stable import Stable
from tests.record.world import Told, World

_LEFT_OUT = frozenset({"alembic_version"})
_JOURNALED = ("action", "subject", "person", "via", "requested_by", "reason", "document", "details")
_LONGEST = 60_000  # characters of one file; the beginning tells enough of a longer one
_LONG_LINE = 300
_SIZES = (1, 100, 10_000, 1_000_000)
Row = dict[str, Any]
Rows = Mapping[tuple[str, ...], Row]


@dataclass
class Standing:
    """How things stand before a command, and after it."""

    catalog: Mapping[str, Rows] = field(default_factory=dict)
    mails: int = 0


def look(world: World) -> Standing:
    """Note how things stand."""
    return Standing(read_catalog(world.here / "state" / "giucong.db"), len(world.sink.mails))


def write_down(
    world: World,
    head: str,
    told: Told,
    before: Standing,
    now: Standing,
    out: Path,
    *,
    numbers: bool,
) -> str:
    """Give all that is kept of a command as text."""
    stable = Stable(world.known, _short_ids(now.catalog), numbers=numbers)
    parts = [f"{head}\n", f"exit code: {told.code}\n"]
    parts += [f"── stdout\n{stable.written(told.stdout)}"] if told.stdout else []
    parts += [f"── stderr\n{stable.written(told.stderr)}"] if told.stderr else []
    for title, lines in (
        ("files", _files(out, stable)),
        ("journal", _journal(before, now, stable)),
        ("catalog", _changes(before, now, stable)),
        ("mails", _mails(world, before, stable)),
    ):
        found = list(lines)
        parts += [f"── {title}\n", *(f"{it}\n" for it in found)] if found else []
    return "".join(it if it.endswith("\n") else f"{it}\n" for it in parts)


# The catalog ------------------------------------------------------------------------------------


def read_catalog(path: Path) -> Mapping[str, Rows]:
    """Read every table: primary key → row."""
    if not path.exists():
        return {}
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
        database.row_factory = sqlite3.Row
        names = [it[0] for it in database.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
            " ORDER BY name")]  # fmt: skip
        return {it: _read_table(database, it) for it in names if it not in _LEFT_OUT}


def _read_table(database: sqlite3.Connection, table: str) -> Rows:
    keys = [it["name"] for it in database.execute(f"PRAGMA table_info({table})") if it["pk"]]
    rows = [dict(it) for it in database.execute(f"SELECT * FROM {table}")]  # noqa: S608 - its own
    return {tuple(str(row[key]) for key in keys or row): row for row in rows}


def _short_ids(catalog: Mapping[str, Rows]) -> frozenset[str]:
    """Give the short ids, of eight digits alone, that no rule tells from a number."""
    return frozenset(
        short
        for rows in catalog.values()
        for row in rows.values()
        for value in row.values()
        if isinstance(value, str) and re.fullmatch(r"[0-9a-f]{32}|[0-9a-f]{64}", value)
        for short in (value[:8], value[-8:])
        if short.isdecimal()
    )


def _changes(before: Standing, now: Standing, stable: Stable) -> Iterator[str]:
    for table, rows in now.catalog.items():
        if table == "journal":
            continue
        earlier = before.catalog.get(table, {})
        lines = [("-", row) for key, row in earlier.items() if key not in rows]
        for key, row in rows.items():
            if key not in earlier:
                lines.append(("+", row))
            elif row != earlier[key]:
                names = [it for it in row if row[it] != earlier[key][it]]
                changed = {it: [earlier[key][it], row[it]] for it in names}
                lines.append(("~", {**dict(zip(_keys_of(row, key), key, strict=False)), **changed}))
        for mark, row in sorted(lines, key=lambda it: (it[0], _without_ids(it[1], stable))):
            yield f"{mark} {table} {_as_json(row, stable)}"


def _keys_of(row: Row, key: tuple[str, ...]) -> list[str]:
    names = [name for name, value in row.items() if str(value) in key]
    return names[: len(key)]


def _without_ids(row: Row, stable: Stable) -> str:
    """Give what sorts rows alike in each record: ids are of chance."""
    other = Stable({**stable.known}, numbers=True)
    return re.sub(r"<(id|secret) \d+>", r"<\1>", _as_json(row, other))


def _as_json(row: Row, stable: Stable) -> str:
    value = stable.value({key: _opened(it) for key, it in row.items()})
    line = json.dumps(value, ensure_ascii=False)
    return line if len(line) < _LONG_LINE else json.dumps(value, ensure_ascii=False, indent=1)


def _opened(value: Any) -> Any:
    """Give a value of the catalog: JSON inside opened, bytes as such."""
    if isinstance(value, bytes):
        return "<bytes>"
    if isinstance(value, str) and value[:1] in {"{", "["}:
        try:
            return json.loads(value)
        except ValueError:
            return value
    return [_opened(it) for it in value] if isinstance(value, list) else value


def _journal(before: Standing, now: Standing, stable: Stable) -> Iterator[str]:
    earlier = before.catalog.get("journal", {})
    rows = [row for key, row in now.catalog.get("journal", {}).items() if key not in earlier]
    for row in sorted(rows, key=lambda it: it["sequence"]):
        yield _as_json({it: row[it] for it in _JOURNALED if row.get(it)}, stable)


def _mails(world: World, before: Standing, stable: Stable) -> Iterator[str]:
    for mail in sorted(world.sink.mails[before.mails :], key=lambda it: (it.recipients, it.body)):
        yield stable.text(f"to: {', '.join(mail.recipients)}\nsubject: {mail.subject}\n{mail.body}")


# Files ------------------------------------------------------------------------------------------


def _files(out: Path, stable: Stable) -> Iterator[str]:
    for path in sorted(it for it in out.rglob("*") if not it.is_dir()) if out.exists() else ():
        name = stable.text(str(path.relative_to(out)))
        if path.is_symlink():
            yield f"{name} → {path.readlink()}"
            continue
        content = path.read_bytes()
        yield f"{name} · {oct(path.stat().st_mode & 0o777)} · {_size_class(len(content))}"
        text = text_of(path.name, content)
        if text:
            yield "\n".join(f"  │ {it}" for it in stable.text(text[:_LONGEST]).splitlines())


def _size_class(size: int) -> str:
    return next((f"< {it:,} bytes" for it in _SIZES if size < it), "larger")


def text_of(name: str, content: bytes) -> str:
    """Give what a file says: of papers their text, of a package its members; else nothing."""
    kind = name.rpartition(".")[2].lower()
    if content.startswith(b"%PDF"):
        told = subprocess.run(["pdftotext", "-layout", "-", "-"], input=content,
                              capture_output=True, check=False)  # fmt: skip
        return told.stdout.decode(errors="replace")
    if kind == "docx":
        return text_of_docx(content)
    if content.startswith(b"PK"):
        with zipfile.ZipFile(BytesIO(content)) as package:
            return "".join(
                f"[{it}]\n{text_of(it, package.read(it))}\n" for it in sorted(package.namelist())
            )
    if kind == "svg" or b"\0" in content:
        return ""
    return content.decode("utf-8", "replace")


def text_of_docx(content: bytes) -> str:
    """Give the paragraphs and the rows of the tables of a Word file."""
    paper = docx.Document(BytesIO(content))
    rows = [" | ".join(it.text for it in row.cells) for table in paper.tables for row in table.rows]
    return "\n".join([*(it.text for it in paper.paragraphs), *rows])
