"""A small site of static pages and an SQLite database, backed up while it was served."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ops.catalog.open import open_catalog
from ops.drills.records import KeptDrill, list_drills
from tests.integration.jobs.small_estate import build_estate, giucong
from tests.web_server import say, web_server

PAGE = """<!doctype html><html lang="vi"><head><title>Cổng xã</title></head>
<body><h1>Cổng thông tin xã Bình Minh</h1><p>Lịch tiếp công dân ngày 26/11.</p></body></html>"""
MORE = """
  [sites.drill]
  serve = "static"
"""


@dataclass(frozen=True, slots=True)
class StaticSite:
    """The site `cong-xa` of an estate."""

    estate: Path

    @property
    def work(self) -> Path:
        """Where drills work."""
        return self.estate.parent / "var" / "drill"

    def list(self) -> list[KeptDrill]:
        """List its drills, newest first."""
        with (
            open_catalog(f"sqlite:///{self.estate.parent}/state/giucong.db") as catalog,
            catalog.reading() as session,
        ):
            return list_drills(session, site="cong-xa")

    def newest(self) -> KeptDrill:
        """Give its newest drill."""
        return self.list()[0]

    def drill(self, *flags: str) -> tuple[int, dict[str, Any]]:
        """Drill it; gives the exit code and the drill."""
        done = giucong(self.estate, "drill.run", "--site", "cong-xa", "--json", *flags)
        assert done.stdout, done.stderr
        found: dict[str, Any] = json.loads(done.stdout)["items"][0]
        return done.returncode, found


def make_static_site(folder: Path, more: str = "") -> StaticSite:
    """Make it, serve it, back it up.

    Args:
        folder: Where.
        more: Lines for the end of the estate file.
    """
    estate = build_estate(folder / "estate")
    (estate.parent / "www" / "index.html").write_text(PAGE, encoding="utf-8")
    (estate.parent / "www" / "index.php").unlink()
    with web_server({"/": say(PAGE.encode())}) as address:
        named = f'name = "cong-xa"\nowner = "nva"\nurl = "{address}"\npages = ["/"]\n'
        text = estate.read_text(encoding="utf-8").replace('name = "cong-xa"\n', named, 1)
        estate.write_text(text + MORE + more, encoding="utf-8")
        for words in (("backup.init",), ("backup.run", "--site", "cong-xa")):
            done = giucong(estate, *words)
            assert done.returncode == 0, done.stdout + done.stderr
    return StaticSite(estate)
