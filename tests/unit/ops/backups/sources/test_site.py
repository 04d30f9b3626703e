"""A site as sources: their order, their places, what is left out, what is refused."""

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from backup.sources.source import FolderSource
from ops.backups.repositories.catalog_index import outcome_of
from ops.backups.sources.availability import (
    PartClosedError,
    PartMissingError,
    PartNotSupportedError,
    check_site,
)
from ops.backups.sources.parts import keeps_to_one_file_system
from ops.backups.sources.site import compile_excludes, find_live_files, make_request
from ops.estate.load.load import load_estate
from ops.estate.model.estate import Estate
from ops.estate.site_rules import list_not_available
from tests.somebody_else import somebody_else

NOW = datetime(2026, 11, 24, 18, 30, tzinfo=UTC)
HEAD = """
schema = 1
[organisation]
name = "Trung tâm"
[keys]
repository = "file:key"
[[stores]]
name = "near"
url = "stores/near"
role = "primary"
location = "đây"
medium = "disk"
[[units]]
name = "xa"
title = "Xã"
[[systems]]
name = "cong"
level = 2
[[classes]]
name = "news"
[[hosts]]
name = "web1"
address = "192.0.2.10"
known_hosts = "known_hosts"
identity = "file:id"
"""
SITE = """
[[sites]]
name = "cong-xa"
title = "Cổng xã"
unit = "xa"
system = "cong"
classes = ["news"]
exclude = ["cache/**"]
"""
WWW = '[[sites.files]]\nname = "www"\npath = "www"\n'
DATABASE = '[[sites.databases]]\nname = "db"\nengine = "sqlite"\ndatabase = "www/data/live.db"\n'


def an_estate(folder: Path, *parts: str) -> Estate:
    (folder / "www" / "data").mkdir(parents=True, exist_ok=True)
    (folder / "www" / "data" / "live.db").touch()
    path = folder / "estate.toml"
    path.write_text(HEAD + SITE + "".join(parts), encoding="utf-8")
    return load_estate(path)


def test_databases_come_first_then_files_then_the_manifest(tmp_path: Path) -> None:
    estate = an_estate(tmp_path, WWW, DATABASE)
    request, reading = make_request(
        estate, estate.sites[0], manifest=lambda _reading: b"{}", now=NOW
    )

    assert [os.fsdecode(mount.at) for mount in request.mounts] == [
        "/cong-xa/databases/db.sqlite", "/cong-xa/files/www", "/cong-xa/manifest.json",
    ]  # fmt: skip
    assert (request.hostname, request.paths) == ("cong-xa", ("/cong-xa",))
    assert request.tags == ("unit:xa", "system:cong", "class:news")
    assert request.time.isoformat() == "2026-11-25T01:30:00+07:00"
    assert [it.part.name for it in reading.databases] == ["db"]


def test_a_run_of_a_database_alone_has_paths_of_its_own(tmp_path: Path) -> None:
    estate = an_estate(tmp_path, WWW, DATABASE)
    request, _reading = make_request(
        estate, estate.sites[0], manifest=lambda _reading: b"{}", now=NOW, database="db"
    )

    assert request.paths == ("/cong-xa/databases/db.sqlite",)
    assert len(request.mounts) == 2


def test_the_live_database_and_its_companions_are_left_out(tmp_path: Path) -> None:
    estate = an_estate(tmp_path, WWW, DATABASE)
    request, reading = make_request(
        estate, estate.sites[0], manifest=lambda _reading: b"{}", now=NOW
    )
    source = request.mounts[1].source
    assert isinstance(source, FolderSource)
    assert source.is_excluded is not None
    status = (tmp_path / "estate.toml").stat()
    data = os.fsencode(tmp_path) + b"/www/data/"
    names = [b"live.db", b"live.db-wal", b"live.db-shm", b"live.db-journal", b"live.db.old"]

    assert [source.is_excluded(data + it, status) for it in names] == [True] * 4 + [False]
    assert reading.files[0].files == 1


def test_a_linked_folder_is_followed_and_its_database_still_left_out(tmp_path: Path) -> None:
    (tmp_path / "current").symlink_to("www")
    estate = an_estate(tmp_path, WWW.replace('path = "www"', 'path = "current"'), DATABASE)
    request, _reading = make_request(
        estate, estate.sites[0], manifest=lambda _reading: b"{}", now=NOW
    )
    source = request.mounts[1].source
    assert isinstance(source, FolderSource)

    assert source.path == os.fsencode(tmp_path / "www")
    assert len(find_live_files(estate.sites[0], source.path)) == 4


@pytest.mark.parametrize(
    ("pattern", "path", "is_excluded"),
    [
        ("cache/**", b"/cache/a", True),
        ("cache/**", b"/cache", True),
        ("/cache", b"/cache/a", True),
        ("/cache", b"/x/cache", False),
        ("/var/cache/site/tmp", b"/tmp", True),
        ("cache", b"/index.html", False),  # although the part lies in /var/cache
        ("*.log", b"/x/y.log", True),
    ],
)
def test_patterns_start_at_the_part(pattern: str, path: bytes, is_excluded: bool) -> None:
    assert compile_excludes([pattern], b"/var/cache/site").match(path) is is_excluded


@pytest.mark.parametrize(
    "part",
    [
        '[[sites.databases]]\nname = "m"\nengine = "sqlite"\nhost = "web1"\ndatabase = "/x"\n',
    ],
)
def test_what_cannot_be_read_yet_is_refused_before_anything_starts(
    tmp_path: Path, part: str
) -> None:
    estate = an_estate(tmp_path, WWW, part)
    with pytest.raises(PartNotSupportedError) as caught:
        check_site(estate.sites[0])

    (problem,) = list_not_available(estate)
    assert problem.severity == "error"
    assert problem.key == caught.value.params["key"]


@pytest.mark.parametrize("url", ["ftp:u@h:/b"])
def test_a_primary_store_of_a_later_kind_is_a_problem(tmp_path: Path, url: str) -> None:
    estate = an_estate(tmp_path, WWW)
    store = estate.stores[0].model_copy(update={"url": url})
    (problem,) = list_not_available(estate.model_copy(update={"stores": (store,)}))

    assert (problem.severity, problem.key) == ("error", "stores[near].url")


def test_a_copy_of_a_later_kind_is_a_warning_and_stops_no_backup(tmp_path: Path) -> None:
    far = '[[stores]]\nname = "far"\nurl = "var/far"\nlocation = "x"\n'
    estate = an_estate(tmp_path, WWW, far + 'medium = "object"\nrole = "mirror"\nof = "near"\n')
    check_site(estate.sites[0])
    assert list_not_available(estate) == []

    later = estate.stores[1].model_copy(update={"url": "ftp:u@h:/b"})
    changed = estate.model_copy(update={"stores": (estate.stores[0], later)})
    assert [(it.severity, it.key) for it in list_not_available(changed)] == [
        ("warning", "stores[far].url")
    ]


@pytest.mark.parametrize(
    ("more", "keeps"),
    [("", True), ("one_file_system = false\n", False), ("one_file_system = true\n", True)],
)
def test_files_of_a_host_keep_to_one_file_system_unless_told(
    tmp_path: Path, more: str, keeps: bool
) -> None:
    far = '[[sites.files]]\nname = "far"\nhost = "web1"\npath = "/var/www"\n' + more
    estate = an_estate(tmp_path, WWW, far)
    check_site(estate.sites[0])

    assert list_not_available(estate) == []
    assert keeps_to_one_file_system(estate.sites[0].files[-1]) is keeps
    assert not keeps_to_one_file_system(estate.sites[0].files[0])


def test_what_this_version_can_do_is_no_problem(tmp_path: Path) -> None:
    assert list_not_available(an_estate(tmp_path, WWW, DATABASE)) == []


def test_a_part_that_is_not_there_is_refused(tmp_path: Path) -> None:
    estate = an_estate(tmp_path, WWW, '[[sites.files]]\nname = "x"\npath = "gone"\n')
    with pytest.raises(PartMissingError):
        check_site(estate.sites[0])


@pytest.mark.parametrize(
    ("missing", "is_sound", "outcome"),
    [(0, True, "ok"), (1, True, "incomplete"), (0, False, "incomplete")],
)
def test_a_manifest_tells_whether_its_snapshot_is_whole(
    missing: int, is_sound: bool, outcome: str
) -> None:
    manifest = {"missing": {"count": missing}, "databases": [{"check": {"ok": is_sound}}]}

    assert outcome_of(manifest) == outcome


@pytest.mark.parametrize(("part", "key"), [(WWW, "files[www].path"), (DATABASE, "databases[db]")])
def test_a_part_that_a_user_may_not_look_for_is_told_in_words(
    tmp_path: Path, part: str, key: str
) -> None:
    site = an_estate(tmp_path, part).sites[0]
    with somebody_else(tmp_path), pytest.raises(PartClosedError) as caught:
        check_site(site)

    assert key in str(caught.value.params["key"])
    assert Path(str(caught.value.params["folder"])) in (tmp_path, *tmp_path.parents)
