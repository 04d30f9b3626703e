"""Builds the example sites: portals of invented offices, with files and a live database each.

Order, so that an interrupted build is simply built again:

1. everything is made in a folder beside the final one;
2. that folder gets its final name.
"""

import contextlib
import os
import shutil
import sqlite3
from pathlib import Path

from examples.pictures import draw_picture

_SITE = Path(__file__).parent / "commune_portal"
_SMALL = Path(__file__).parent / "small_portals"
_PICTURES = 48
_BUILT_AT_NS = 1_790_000_000_123_456_789  # nanoseconds, so that the comparison has some to lose


def build_site(folder: Path) -> None:
    """Build the site in `folder`, unless it is there already.

    Afterwards `folder` holds `www` (pages, pictures, documents and the database `du-lieu/
    cong-xa.sqlite` in WAL mode) and `config`. Among the files are a symbolic link, a hard link,
    an extended attribute where the file system has them, an empty folder, a program with the
    setgid bit and a file whose name is not UTF-8.
    """
    if folder.exists():
        return
    unfinished = folder.with_name(folder.name + ".unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    shutil.copytree(_SITE / "www", unfinished / "www")
    shutil.copytree(_SITE / "config", unfinished / "config")
    _add_pictures(unfinished / "www" / "media")
    _add_special_files(unfinished / "www")
    _build_database(unfinished / "www" / "du-lieu" / "cong-xa.sqlite", _SITE)
    for path in (unfinished / "www" / "media").iterdir():
        os.utime(path, ns=(_BUILT_AT_NS, _BUILT_AT_NS))
    unfinished.rename(folder)


def build_small_site(folder: Path, database: str) -> None:
    """Build one of the two small sites, that of the folder's name, unless it is there already."""
    if folder.exists():
        return
    unfinished = folder.with_name(folder.name + ".unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    shutil.copytree(_SMALL / folder.name / "www", unfinished / "www")
    shutil.copytree(_SMALL / folder.name / "config", unfinished / "config")
    _build_database(unfinished / "www" / "du-lieu" / database, _SMALL / folder.name)
    unfinished.rename(folder)


def _add_pictures(folder: Path) -> None:
    folder.mkdir()
    for number in range(_PICTURES):
        (folder / f"anh-{number:03}.png").write_bytes(draw_picture(number))


def _add_special_files(www: Path) -> None:
    """Add what plain copies tend to lose."""
    (www / "tin-moi-nhat.html").symlink_to("tin-tuc/sua-duong-ap-tan-lap.html")
    plan = www / "van-ban" / "ke-hoach-chuyen-doi-so.txt"
    (www / "van-ban" / "12-KH-UBND.txt").hardlink_to(plan)
    with contextlib.suppress(OSError):  # not every file system has attributes
        os.setxattr(plan, "user.nguon", "Văn phòng HĐND và UBND xã".encode())
    (www / "tam").mkdir()
    tool = www / "inc" / "don-rac.sh"
    tool.write_text("#!/bin/sh\nfind /var/www/cong-xa/tam -type f -mtime +7 -delete\n")
    tool.chmod(0o2750)
    latin = os.fsencode(www / "van-ban") + b"/b\xe1o-c\xe1o-c\xf9.txt"  # an old server's encoding
    Path(os.fsdecode(latin)).write_text("Báo cáo cũ, tên tệp không phải UTF-8.\n")


def _build_database(path: Path, site: Path) -> None:
    """Create the database in WAL mode from the site's `site.sql`."""
    path.parent.mkdir()
    with contextlib.closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA journal_mode = WAL")
        database.executescript((site / "site.sql").read_text(encoding="utf-8"))
        database.commit()
