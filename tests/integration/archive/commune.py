"""A commune's portal on SQLite with its archive, run by the operator's own program."""

import json
import shutil
import sqlite3
import subprocess
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from archive.ocfl.root import StorageRoot
from archive.search.index import open_index
from examples.estate import build_estate
from tests.integration.jobs.small_estate import giucong

SITE = "cong-xa"
NEWS, ALL, PRIVATE = 8, 19, 3
"""Items that the example has: articles, all, and personal parts among them."""

FAR = """
[[stores]]
name = "far"
url = "stores/far"
location = "Nơi khác"
medium = "disk"
role = "copy"
of = "near"
key = "file:keys/far.key"
"""


@dataclass(frozen=True, slots=True)
class Commune:
    """The estate in a folder.

    Attributes:
        folder: All of it.
    """

    folder: Path

    @property
    def estate(self) -> Path:
        return self.folder / "estate.toml"

    @property
    def public(self) -> StorageRoot:
        return StorageRoot(self.folder / "archive")

    @property
    def private(self) -> StorageRoot:
        return StorageRoot(self.folder / "archive-private")

    @property
    def second(self) -> StorageRoot:
        return StorageRoot(self.folder / "archive-second")

    def run(self, *words: str, language: str = "en") -> "subprocess.CompletedProcess[str]":
        return giucong(self.estate, *words, language=language)

    def good(self, *words: str) -> str:
        """Run what must end well; gives what it wrote."""
        ended = self.run(*words)
        assert ended.returncode == 0, ended.stdout + ended.stderr
        return ended.stdout

    def items(self, *words: str) -> list[dict[str, Any]]:
        """Run something for its rows."""
        found: list[dict[str, Any]] = json.loads(self.run(*words, "--json").stdout)["items"]
        return found

    def ask(self, statement: str) -> list[tuple[Any, ...]]:
        """Ask the portal's database."""
        with closing(sqlite3.connect(self._database)) as database:
            return database.execute(statement).fetchall()

    def journaled(self, action: str) -> list[str]:
        """Give the subjects of the journal's rows of an action, in order."""
        with closing(sqlite3.connect(self.folder / "state/giucong.db")) as database:
            query = "SELECT subject FROM journal WHERE action = ? ORDER BY sequence"
            return [subject for (subject,) in database.execute(query, [action])]

    def actions(self) -> list[str]:
        """Give every action that the journal tells of."""
        with closing(sqlite3.connect(self.folder / "state/giucong.db")) as database:
            return [it for (it,) in database.execute("SELECT DISTINCT action FROM journal")]

    @property
    def _database(self) -> Path:
        return self.folder / "sources/www/du-lieu/cong-xa.sqlite"

    def sql(self, statement: str, *values: object) -> None:
        """Change what the portal holds."""
        with closing(sqlite3.connect(self._database)) as database, database:
            database.execute(statement, values)

    def capture(self, *flags: str) -> dict[str, Any]:
        """Archive what the newest backup has; gives the run's result."""
        (found,) = self.items("archive.capture", "--site", SITE, *flags)
        return found

    def save_and_capture(self) -> dict[str, Any]:
        """Back the site up and archive it."""
        self.good("backup.run", "--site", SITE)
        return self.capture()

    def archive(self) -> None:
        """Archive everything, and back the archive up."""
        assert self.save_and_capture()["outcome"] == "ok"
        self.good("backup.run", "--site", "luu-tru")

    def verify(self, *flags: str) -> dict[str, Any]:
        """Read everything back; gives the run's result."""
        (found,) = self.items("archive.verify", "--all", *flags)
        return found

    def index_mark(self, name: str = "index.db") -> str:
        index = open_index(self.folder / "state/archive" / name, read_only=True)
        try:
            return index.fingerprint()
        finally:
            index.close()

    def index_rows(self, name: str = "index.db") -> dict[str, set[tuple[Any, ...]]]:
        """Give every row of an index, and every word that counts, by item and not by number."""
        path = self.folder / "state/archive" / name
        with closing(sqlite3.connect(path)) as database:
            ids = dict(database.execute("SELECT number, id FROM items"))
            database.execute(
                "CREATE VIRTUAL TABLE temp.seen USING fts5vocab(main, words, instance)"
            )
            words = database.execute("SELECT doc, term, col, offset FROM seen")
            addresses = database.execute("SELECT number, address FROM addresses")
            items = database.execute("SELECT * FROM items")
            return {
                "items": {row[2:] for row in items},
                "addresses": {(ids[number], address) for number, address in addresses},
                "words": {(ids[number], *rest) for number, *rest in words if number in ids},
            }

    def copy_to(self, folder: Path) -> "Commune":
        """Copy all of it, modes included."""
        shutil.copytree(self.folder, folder, symlinks=True)
        return Commune(folder)


def build_commune(folder: Path) -> Commune:
    """Build it with a second store."""
    build_estate(folder)
    commune = Commune(folder)
    text = commune.estate.read_text(encoding="utf-8")
    lines = [it for it in text.splitlines() if not it.startswith(("pages =", "  serve ="))]
    commune.estate.write_text("\n".join(lines) + FAR, encoding="utf-8")
    commune.good("backup.init")
    return commune
