"""Damage is found and healed from what proves itself; a lost disk is red and never replaced."""

import json
import re
import shutil
import stat
from pathlib import Path
from typing import Any

from archive.ocfl.root import StorageRoot
from tests.archive_roots import files_of, flip_bit, open_up
from tests.integration.archive.commune import ALL, PRIVATE, Commune


def damage(root: StorageRoot, count: int = 1) -> list[Path]:
    """Flip a bit in the body of so many objects; gives their folders."""
    folders = list(root.folders())[:count]
    for folder in folders:
        flip_bit(next(it for it in folder.rglob("item.json") if it.is_file()))
    return folders


def place(found: dict[str, Any], name: str) -> dict[str, Any]:
    places: dict[str, dict[str, Any]] = {it["place"]: it for it in found["summary"]["places"]}
    return places[name]


def test_all_places_are_read_and_what_is_known_is_shown(commune: Commune) -> None:
    found = commune.verify()
    told = commune.run("archive.status")
    places = json.loads(commune.run("archive.status", "--json").stdout)["places"]

    assert found["outcome"] == "ok"
    assert [it["name"] for it in places] == ["public", "private", "second"]
    assert [it["reread_days"] for it in places] == [30, 30, 90]
    assert all(it["oldest_at"] and it["full_pass_at"] and not it["is_overdue"] for it in places)
    assert [it["read"] for it in found["summary"]["places"]] == [16, 3, 16]
    assert told.returncode == 0
    assert "never read back" not in told.stdout


def test_flipped_bits_are_healed_from_the_other_copy_each(commune: Commune) -> None:
    whole = files_of(commune.public.path)
    damage(commune.public)
    other = list(commune.second.folders())[5]
    flip_bit(next(it for it in other.rglob("item.json") if it.is_file()))
    found = commune.verify()

    assert (found["outcome"], found["reason"]) == ("ok", "archive_repaired")
    assert found["summary"]["repaired"] == 2
    assert sorted(commune.journaled("archive.repair")) == ["public", "second"]
    assert files_of(commune.public.path) == whole == files_of(commune.second.path)


def test_two_lost_copies_are_healed_from_the_backup_and_so_is_the_private_root(
    commune: Commune,
) -> None:
    whole = files_of(commune.public.path), files_of(commune.private.path)
    (public,) = damage(commune.public)
    same = commune.second.path / public.relative_to(commune.public.path)
    open_up(same.parent)
    shutil.rmtree(same)
    damage(commune.private)
    found = commune.verify()
    again = commune.verify()

    assert (found["outcome"], found["reason"]) == ("ok", "archive_repaired")
    assert found["summary"]["repaired"] == 3
    assert (again["outcome"], again["reason"]) == ("ok", "")
    assert (files_of(commune.public.path), files_of(commune.private.path)) == whole
    assert same.is_dir()


def test_very_much_damage_at_once_is_left_to_a_person(commune: Commune) -> None:
    whole = files_of(commune.public.path)
    damage(commune.public, count=4)
    damaged = files_of(commune.public.path)
    stopped = commune.verify()
    after = files_of(commune.public.path)
    commune.run("archive.repair")
    unconfirmed = files_of(commune.public.path)
    (healed,) = commune.items("archive.repair", "--confirm", "luu-tru")

    assert (stopped["outcome"], stopped["reason"]) == ("failed", "archive_much_damaged")
    assert after == damaged == unconfirmed
    assert (healed["outcome"], healed["reason"]) == ("ok", "archive_repaired")
    assert files_of(commune.public.path) == whole


def test_what_nothing_whole_is_left_of_is_red_until_it_is_brought_back(commune: Commune) -> None:
    shutil.rmtree(commune.folder / "stores")
    (folder,) = damage(commune.private)
    path = next(it for it in folder.rglob("item.json"))
    found = commune.verify()
    told, red = commune.run("archive.status"), commune.run().stdout
    plain = commune.run("archive.status", "--json")
    flip_bit(path)  # the same bit: somebody brought the file back
    again = commune.verify()

    assert (found["outcome"], found["reason"]) == ("failed", "archive_damaged")
    assert told.returncode == plain.returncode != 0
    assert "objects of the archive are damaged" in red
    assert (again["outcome"], again["reason"]) == ("ok", "")


def test_a_lost_copy_is_red_and_is_never_made_anew(commune: Commune) -> None:
    gone = commune.second.path.rename(commune.folder / "unmounted")
    commune.second.path.mkdir()  # the mount point
    found = commune.verify()
    captured = commune.capture()
    there = list(commune.second.path.iterdir())
    commune.second.path.rmdir()
    gone.rename(commune.second.path)

    assert (found["outcome"], found["reason"]) == ("failed", "archive_place_lost")
    assert place(found, "public")["read"] == ALL - PRIVATE, "the others are checked"
    assert (captured["outcome"], captured["reason"]) == ("incomplete", "archive_place_lost")
    assert there == []
    assert commune.verify()["outcome"] == "ok"


def test_a_lost_archive_is_red_and_is_never_made_anew(commune: Commune) -> None:
    commune.public.path.rename(commune.folder / "unmounted")
    found = commune.verify()
    captured = commune.run("archive.capture", "--site", "cong-xa")
    saved = commune.run("backup.run", "--site", "luu-tru")

    assert (found["outcome"], found["reason"]) == ("failed", "archive_place_lost")
    assert place(found, "second")["read"] == ALL - PRIVATE
    assert "the archive is not at" in captured.stdout + captured.stderr
    assert captured.returncode != 0
    assert saved.returncode != 0
    assert not commune.public.path.exists()


def test_the_archive_is_backed_up_before_anything_is_in_it(bare: Commune) -> None:
    bare.good("backup.run", "--site", "luu-tru")
    found = bare.verify()

    assert stat.S_IMODE(bare.private.path.stat().st_mode) == 0o700
    assert (found["outcome"], found["reason"]) == ("not_checked", "archive_empty")


def test_the_archive_is_a_site_of_every_store(commune: Commune) -> None:
    commune.good("backup.copy", "--site", "luu-tru")
    commune.good("backup.check", "--site", "luu-tru", "--store", "far", "--read-data")
    status = commune.run("backup.status").stdout
    clash = commune.estate.read_text().replace('name = "cong-xa"', 'name = "luu-tru"')
    commune.estate.write_text(clash)
    refused = commune.run("estate.check")

    assert re.search(r"^luu-tru +far ", status, re.MULTILINE)
    assert refused.returncode != 0
    assert "belongs to the service itself" in refused.stdout + refused.stderr
