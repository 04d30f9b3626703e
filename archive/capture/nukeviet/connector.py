"""Find NukeViet's modules by their tables, ask for their rows, and give the items.

The schema is public: `action_mysql.php` of each module of nukeviet/nukeviet and of
nukeviet/module-laws. A table is called `<prefix>_<language>_<module>_<what>`; moments are seconds
of Unix; texts of one line are stored with HTML's entities.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import ClassVar

from archive.capture.captured import (
    Captured,
    Portal,
    PortalFacts,
    Query,
    Row,
    Tally,
    not_of_kind,
)  # fmt: skip
from archive.capture.joined import Key, each_item, rows_of
from archive.capture.nukeviet import contact, laws, news, page
from archive.capture.nukeviet.module import Module, Tables, is_for_all
from archive.capture.values import Cells, is_name

_MODULES = re.compile(r"([A-Za-z0-9]\w*)_([a-z]{2})_modules", re.ASCII)
_SETTINGS = ("rewrite_enable", "rewrite_optional", "rewrite_op_mod", "rewrite_exturl",
             "rewrite_endurl")  # fmt: skip
_MARKS: Mapping[str, Sequence[str]] = {
    "news": ("rows", "detail", "cat", "sources"),
    "laws": ("row", "row_area", "subject", "signer"),
    "contact": ("send", "reply", "department"),
    "page": ("config", ""),
}
_PAGE_COLUMNS = {"alias", "bodytext", "add_time"}
_QUERIES: Mapping[str, Callable[[Tables], Mapping[str, str]]] = {
    "news": news.queries, "laws": laws.queries, "contact": contact.queries,
    "page": page.queries,
}  # fmt: skip
_MAKERS: Mapping[str, Callable[[Module], Callable[[int, Cells], Captured | None]]] = {
    "news": lambda module: news.News(module).make,
    "laws": lambda module: laws.Laws(module).make,
    "contact": lambda module: contact.Contact(module).make,
    "page": lambda module: page.Page(module).make,
}


class NukeViet:
    """Connector for NukeViet on MariaDB; every language and every module of these kinds."""

    name: ClassVar[str] = "nukeviet"

    def queries(self, facts: PortalFacts) -> list[Query]:
        """Ask each module; a query is called `<language>:<kind>:<module>:<what>`.

        Options: `prefix` of the tables, found unless given.
        """
        found = []
        for table in sorted(facts.tables):
            match = _MODULES.fullmatch(table)
            if match and match[1] == facts.options.get("prefix", match[1]):
                found += list(self._ask_language(facts, match[1], match[2]))
        if not found:
            raise not_of_kind("NukeViet", f"{facts.options.get('prefix', 'nv4')}_vi_modules")
        return found

    @staticmethod
    def _ask_language(facts: PortalFacts, prefix: str, language: str) -> Iterator[Query]:
        head = f"{prefix}_{language}_"
        yield Query(
            f"{language}:modules",
            "SELECT title, module_data, module_upload, act, groups_view"
            f" FROM {head}modules ORDER BY weight",
        )
        names = ", ".join(f"'{it}'" for it in _SETTINGS)
        yield Query(
            f"{language}:settings",
            f"SELECT config_name, config_value FROM {prefix}_config WHERE lang = 'sys'"
            f" AND config_name IN ({names})",
        )
        for kind, marks in _MARKS.items():
            for table in sorted(facts.tables):
                if not (table.startswith(head) and table.endswith(f"_{marks[0]}")):
                    continue
                data = table.removeprefix(head).removesuffix(f"_{marks[0]}")
                tables = Tables(facts.tables, prefix, language, data)
                if is_name(data) and _is_of(kind, tables, marks):
                    for what, sql in _QUERIES[kind](tables).items():
                        yield Query(f"{language}:{kind}:{data}:{what}", sql)

    def items(
        self, rows: Mapping[str, Iterable[Row]], portal: Portal, tally: Tally | None = None
    ) -> Iterator[Captured]:
        """Give the items of each module, in the order of their numbers."""
        tally = tally or Tally()
        asked = dict.fromkeys(tuple(name.split(":")[:3]) for name in rows if name.count(":") == 3)  # noqa: PLR2004 -- as `queries` calls them
        languages = {it[0] for it in asked}
        known = {it: _read_modules(rows, it) for it in languages}
        settings = {it: _read_settings(rows, it) for it in languages}
        for language, kind, data in asked:
            told = known[language].get(data)
            # A module that is switched off, or is for members, shows nobody anything.
            if told is None or (kind != "contact" and not told["is_public"]):
                continue
            module = Module(
                portal=portal, language=language, title=str(told["title"]), data=data,
                upload=str(told["upload"]), settings=settings[language],
                rows={name.rpartition(":")[2]: them for name, them in rows.items()
                      if name.startswith(f"{language}:{kind}:{data}:")},
            )  # fmt: skip
            yield from each_item(
                rows_of(module.rows, "items"), _MAKERS[kind](module), portal, tally,
                Key("id", module.key_of),
            )  # fmt: skip


def _is_of(kind: str, tables: Tables, marks: Sequence[str]) -> bool:
    """Say whether a module has the tables of a kind; a plain name tells no page: its columns do."""
    return all(tables.of(it) in tables.known for it in marks) and (
        kind != "page" or set(tables.known[tables.of("")]) >= _PAGE_COLUMNS
    )


def _read_modules(
    rows: Mapping[str, Iterable[Row]], language: str
) -> dict[str, dict[str, str | bool]]:
    found: dict[str, dict[str, str | bool]] = {}
    for row in rows_of(rows, f"{language}:modules"):
        cells = Cells(row, "UTC")
        found[cells.text("module_data")] = {
            "title": cells.text("title"),
            "upload": cells.text("module_upload") or cells.text("title"),
            "is_public": cells.whole("act") == 1 and is_for_all(cells.text("groups_view")),
        }
    return found


def _read_settings(rows: Mapping[str, Iterable[Row]], language: str) -> dict[str, str]:
    cells = (Cells(row, "UTC") for row in rows_of(rows, f"{language}:settings"))
    return {it.text("config_name"): it.text("config_value") for it in cells}
