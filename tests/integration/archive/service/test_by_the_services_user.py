"""Who is not root leaves nothing of a sandbox or a repair behind, and does it all again."""

import json
import os
import subprocess
from pathlib import Path

from tests.archive_roots import flip_bit
from tests.installed_machine import SERVICE, only_root, run_installed
from tests.integration.archive.commune import SITE, Commune
from tests.integration.jobs.small_estate import giucong_words

_AS_SERVICE = ("setpriv", f"--reuid={SERVICE}", f"--regid={SERVICE}", "--clear-groups")


def installed(built: Path, folder: Path) -> Commune:
    """Give a copy of the archived commune that is the service's, on a disk: layers need one."""
    commune = Commune(built / "archived").copy_to(folder / "estate")
    for path in (commune.folder, *commune.folder.rglob("*")):
        os.lchown(path, SERVICE, SERVICE)
    return commune


def by_service(commune: Commune, *words: str) -> "subprocess.CompletedProcess[str]":
    return run_installed(commune.folder, *_AS_SERVICE, *giucong_words(), *words)


@only_root
def test_a_portal_is_captured_again(built: Path, tmp_path: Path) -> None:
    commune = installed(built, tmp_path)
    for _turn in range(2):
        ended = by_service(commune, "archive.capture", "--site", SITE, "--json")

        assert ended.returncode == 0, ended.stdout + ended.stderr
        assert json.loads(ended.stdout)["items"][0]["outcome"] == "ok"
        assert list((commune.folder / "var/drill").iterdir()) == []


@only_root
def test_rows_are_taken_again(built: Path, tmp_path: Path) -> None:
    commune = installed(built, tmp_path)
    words = ("--site", SITE, "--database", "db", "--table", "articles", "--where", "id=1")
    for turn in ("first", "second"):
        target = f"/etc/giucong/{turn}"
        ended = by_service(commune, "drill.extract", *words, "--target", target)

        assert ended.returncode == 0, ended.stdout + ended.stderr
        assert (commune.folder / turn / "rows.sql").is_file()
        assert list((commune.folder / "var/drill").iterdir()) == []


@only_root
def test_what_a_repair_took_from_the_backup_does_not_stay(built: Path, tmp_path: Path) -> None:
    commune = installed(built, tmp_path)
    for _turn in range(2):
        folder = next(iter(commune.private.folders()))
        flip_bit(next(it for it in folder.rglob("item.json") if it.is_file()))
        ended = by_service(commune, "archive.verify", "--all", "--json")

        assert ended.returncode == 0, ended.stdout + ended.stderr
        assert json.loads(ended.stdout)["items"][0]["summary"]["repaired"] == 1
        assert not (commune.folder / "scratch/archive-mend").exists(), "personal data"
