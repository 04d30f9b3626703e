"""What all modules of NukeViet share: tables, names, addresses, files, people, comments."""

import html
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from archive.capture.captured import FileRef, Portal, Row
from archive.capture.making import Making, add_comment
from archive.capture.values import Cells, address, file_name
from archive.metadata.item import Role

_EVERYBODY = {"5", "6"}  # guests; all
UPLOADS = "uploads"
_COMMENT = {"id": "cid", "moment": "post_time", "text": "content", "parent": "pid"}
_COMMENTER = {"name": "post_name", "mail": "post_email", "ip": "post_ip"}


@dataclass(frozen=True, slots=True)
class Tables:
    """Names of a module's tables."""

    known: Mapping[str, Sequence[str]]
    prefix: str
    language: str
    data: str

    def of(self, what: str) -> str:
        """Give a table of the module; without a name the one that is called as the module."""
        return f"{self.prefix}_{self.language}_{self.data}{what and '_'}{what}"

    @property
    def users(self) -> str:
        """Table of accounts."""
        return f"{self.prefix}_users"

    def columns(self, table: str, alias: str, names: Iterable[str]) -> str:
        """Write columns of a table; NULL for those that its version does not have."""
        there = self.known.get(table, ())
        return ", ".join(f"{alias}.{it}" if it in there else f"NULL AS {it}" for it in names)

    def comments(self) -> dict[str, str]:
        """Ask for what readers said of the module's items, shown or not."""
        table = f"{self.prefix}_{self.language}_comment"
        if table not in self.known:
            return {}
        return {
            "comments": "SELECT c.id, c.cid, c.pid, c.content, c.attach, c.post_time,"
            f" c.post_name, c.post_email, c.post_ip, c.status FROM {table} c"
            f" JOIN {self.prefix}_{self.language}_modules m ON m.title = c.module"
            f" WHERE m.module_data = '{self.data}' ORDER BY c.id, c.cid"
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Module:
    """A module of the portal in one language, with the rows of its queries."""

    portal: Portal
    language: str
    title: str
    data: str
    upload: str
    settings: Mapping[str, str]
    rows: Mapping[str, Iterable[Row]]

    def key_of(self, key: object) -> str:
        """Give an item's `source_key`."""
        return f"nukeviet/{self.language}/{self.data}/{key}"

    def making(self, key: int, cells: Cells) -> Making:
        """Begin an item."""
        return Making(self.portal, self.key_of(key), cells)

    def addresses(self, way: str) -> list[str]:
        """Give the addresses of a page: as the settings write it, and the one that always holds."""
        plain = f"index.php?language={self.language}&nv={self.title}&op={way}"
        if self.settings.get("rewrite_enable", "1") == "0":
            return [address(self.portal.url, plain)]
        pieces = [] if self.settings.get("rewrite_optional", "0") == "1" else [self.language]
        if self.settings.get("rewrite_op_mod", "") != self.title:
            pieces.append(self.title)
        is_page = way.endswith(self.settings.get("rewrite_exturl", ".html"))
        end = "" if is_page else self.settings.get("rewrite_endurl", "/")
        return [address(self.portal.url, "/".join([*pieces, way]) + end),
                address(self.portal.url, plain)]  # fmt: skip

    def add_files(self, making: Making, told: str, role: Role = "attachment") -> list[str]:
        """Add the files that a row names, apart by commas; gives those on other machines."""
        elsewhere = []
        for name in filter(None, (it.strip() for it in told.split(","))):
            own = name.removeprefix(f"{self.portal.url}/")
            if own == name and name.startswith(("http://", "https://", "//")):
                elsewhere.append(name)
                continue
            folder = "" if own != name else f"{UPLOADS}/{self.upload}"
            path = making.cells.path("files", own, folder)
            if path:
                making.add_file(path, role)
        return elsewhere

    def take_comments(self, making: Making, rows: Iterable[Row], *, hold_hidden: bool) -> None:
        """Take in what readers said.

        Args:
            making: Of the item.
            rows: The comments.
            hold_hidden: Whether those that the portal does not show are kept too, privately.
        """
        for row in rows:
            said = Cells(row, "UTC")
            is_shown = said.whole("status") == 1
            if not is_shown and not hold_hidden:
                continue
            add_comment(making, said, shown=is_shown, columns=_COMMENT, secret=_COMMENTER)
            if said.text("attach"):
                path = making.cells.path("attach", said.text("attach"), f"{UPLOADS}/comment")
                if path:
                    making.papers.add(FileRef(path), "private", name=file_name(path))


def is_for_all(groups: str) -> bool:
    """Say whether one of these groups is everybody."""
    return bool({it.strip() for it in groups.split(",")} & _EVERYBODY)


def line(cells: Cells, column: str, limit: int = 500) -> str:
    """Give a text of one line as people see it, without HTML's entities."""
    return html.unescape(cells.text(column, limit))


def full_name(cells: Cells) -> str:
    """Give what the account that a row was joined with is called."""
    parts = (line(cells, "last_name"), line(cells, "first_name"))
    return " ".join(filter(None, parts)) or line(cells, "username")
