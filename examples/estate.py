"""Builds the demo's estate: three sites, a random key, the estate file."""

import os
import secrets
import shutil
from pathlib import Path

from examples import kept
from examples.compare import count_files
from examples.portal import build_site, build_small_site
from ops.access.identity import login_at_terminal

_SMALL_SITES = {"phuong-tan-lap": "tan-lap.sqlite", "so-cong-thuong": "cong-thuong.sqlite"}


def build_estate(folder: Path) -> tuple[int, int]:
    """Build the sites, a random key that only its owner can read, and the estate file.

    Gives how many files the main site has, and their bytes.

    What exists already stays: a new key would make the old backups unreadable.
    """
    folder.mkdir(parents=True, exist_ok=True)
    build_site(folder / "sources")
    (folder / "sites").mkdir(exist_ok=True)
    for name, database in _SMALL_SITES.items():
        build_small_site(folder / "sites" / name, database)
    (folder / "stores").mkdir(exist_ok=True)  # stands for a disk, which would be mounted
    keys = folder / "keys"
    keys.mkdir(mode=0o700, exist_ok=True)
    _write_key(keys / "repository.key")
    shutil.copyfile(
        kept.ROOT / "examples" / "commune_portal" / "archive.toml", folder / "archive.toml"
    )
    small = kept.ROOT / "examples" / "small_portals" / "archive.toml"
    shutil.copyfile(small, folder / "small.toml")
    shutil.copyfile(kept.ROOT / "examples" / "prices.csv", folder / "prices.csv")
    if not (folder / "estate.toml").exists():
        _write_estate(folder / "estate.toml")
    return count_files(folder / "sources", leave_out=frozenset())


def _write_key(path: Path) -> None:
    """Write a new random key of 256 bits, as one line of text, unless there is one."""
    if path.exists():
        return
    unfinished = path.with_suffix(".unfinished")
    unfinished.unlink(missing_ok=True)
    handle = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(secrets.token_urlsafe(32) + "\n")
    unfinished.rename(path)


def _write_estate(path: Path) -> None:
    """Write the estate with a free port for each site."""
    text = (kept.ROOT / "examples" / "demo_estate.toml").read_text(encoding="utf-8")
    text = text.replace("LOGIN", login_at_terminal())
    while "PORT" in text:
        text = text.replace("PORT", str(kept.find_port()), 1)
    path.write_text(text, encoding="utf-8")
