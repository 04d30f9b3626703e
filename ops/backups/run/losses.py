"""What a site has lost since its last good backups, by their manifests; pure.

Tables and folders that all of them had, tables that have lost most of their rows, pages that were
well and fail now. A table that is emptied now and then has had few rows before and is no loss; a
folder that the estate leaves out from now on is none either.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ops.backups.pages.notes import PageNote

MOST_TOLD = 20
"""Losses that a result names; of more only the number is given."""

_WORTH_ROWS = 20
_KEPT_ROWS = 0.5
_WORTH_FILES = 8  # of a folder in a folder; of a top folder one is enough

Manifest = Mapping[str, Any]
Loss = dict[str, Any]
"""`what`: `table`, `rows`, `folder` or `page`; `part`, `name`, `before` and `now` for the words."""


def find_losses(now: Manifest, earlier: Sequence[Manifest]) -> list[Loss]:
    """Give what is gone, the databases' first.

    Args:
        now: Of the backup to judge.
        earlier: Of the last good ones.
    """
    return [*_lost_tables(now, earlier), *_lost_folders(now, earlier)] if earlier else []


def _lost_tables(now: Manifest, earlier: Sequence[Manifest]) -> Iterator[Loss]:
    for part in now["databases"]:
        tables, name = part.get("tables", {}), part["name"]
        for table, rows in _least(_find_parts(earlier, "databases", name), "tables").items():
            if table not in tables:
                yield _lose("table", name, table, rows, 0)
            elif rows >= _WORTH_ROWS and _is_few(tables[table], rows):
                yield _lose("rows", name, table, rows, tables[table])


def _is_few(now: int | None, before: int) -> bool:
    return now is not None and now < _KEPT_ROWS * before


def _lost_folders(now: Manifest, earlier: Sequence[Manifest]) -> Iterator[Loss]:
    for part in now["files"]:
        before = _find_parts(earlier, "files", part["name"])
        if any(it["left_out"] != part["left_out"] for it in before):
            continue
        there, gone = part.get("folders", {}), set[str]()
        for folder, files in sorted(_least(before, "folders").items()):
            above = folder.partition("/")[0]
            is_worth = files >= _WORTH_FILES or above == folder
            if is_worth and folder not in there and above not in gone:
                gone.add(folder)
                yield _lose("folder", part["name"], folder, files, 0)


def _find_parts(earlier: Sequence[Manifest], section: str, name: str) -> list[Manifest]:
    parts = ((it for it in manifest[section] if it["name"] == name) for manifest in earlier)
    found = [next(its, None) for its in parts]
    return [it for it in found if it is not None]


def _least(parts: Sequence[Manifest], key: str) -> dict[str, int]:
    """Give, of what all have under a key, the least count; what was not counted is none."""
    if not parts:
        return {}
    counted = [part.get(key, {}) for part in parts]
    shared = set(counted[0]).intersection(*counted[1:])
    return {name: min(it[name] or 0 for it in counted) for name in counted[0] if name in shared}


def find_failed_pages(now: Sequence[PageNote], earlier: Sequence[PageNote]) -> list[Loss]:
    """Give the pages that were well at the last good backup and fail now; the server answers."""
    well: dict[str, bool] = {}
    for note in earlier:
        well.setdefault(note.page, not note.problem)
    return [
        _lose("page", "", it.page, 0, 0) | {"problem": it.problem, "detail": it.detail}
        for it in now
        if it.problem in {"status", "empty", "error", "lacks"} and well.get(it.page)
    ]


def _lose(what: str, part: str, name: str, before: int, now: int) -> Loss:
    return {"what": what, "part": part, "name": name, "before": before, "now": now}
