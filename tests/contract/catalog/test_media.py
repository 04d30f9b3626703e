"""The record of removable media, the list of copies and the notice, on each database."""

import subprocess
import sys
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from ops.backups.media.copy_list import list_copies
from ops.backups.media.label import Held, Label, MediumContent
from ops.backups.media.records import (
    note_media,
    note_read_back,
    note_retired,
    note_written,
    read_codes,
    read_media,
)
from ops.catalog.metadata import METADATA
from ops.catalog.open import Catalog
from ops.catalog.tables.copies import Medium
from ops.catalog.tables.core import JournalRow, Notice
from ops.catalog.tables.index import Snapshot
from ops.estate.load.load import load_estate
from ops.status.facts import gather_facts
from ops.status.problem_wording import explain_problem
from ops.status.problems import find_problems
from tests.integration.jobs.small_estate import build_estate
from tests.people import origin_of

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
CONTENT = MediumContent(
    site="cong-xa", repository="1" * 64,
    snapshots=(Held("2" * 64, NOW - timedelta(days=9)), Held("3" * 64, NOW - timedelta(days=1))),
    newest_at=NOW - timedelta(days=1), objects=7, size_bytes=9_000, digest="4" * 64,
)  # fmt: skip
LABEL = Label(
    code="GC-01", organisation="Trung tâm", kind="disk", started_on=date(2024, 1, 31),
    renew_on=date(2027, 1, 31), kept_at="Két sắt", holder="nva", written_by="nva", written_at=NOW,
    contents=(CONTENT,),
)  # fmt: skip
ROUTES = """
[notices]
relay = "json://127.0.0.1:9"
[[notices.routes]]
severity = "warning"
sites = ["*"]
people = ["nva"]
"""


@pytest.fixture
def estate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = build_estate(tmp_path / "estate", ROUTES)
    monkeypatch.setenv("GIUCONG_ESTATE", str(path))
    monkeypatch.setenv("GIUCONG_LANG", "en")
    return path


def write(catalog: Catalog, label: Label = LABEL, damaged: int = 0) -> None:
    with catalog.writing() as session:
        names = [it.site for it in label.contents]
        note_written(session, origin_of("nva"), label, damaged=damaged, read_back=names)


def test_a_medium_is_kept_once_and_each_writing_is_journaled(catalog: Catalog) -> None:
    write(catalog)
    write(catalog, replace(LABEL, kept_at="Kho lưu trữ"))
    with catalog.writing() as session:
        note_read_back(session, origin_of("nva"), "GC-01", damaged=["cong-xa"], now=NOW)
    with catalog.reading() as session:
        (medium,) = read_media(session)
        acts = list(
            session.execute(select(JournalRow.action).order_by(JournalRow.sequence)).scalars()
        )
    assert (medium.kept_at, medium.renew_on) == ("Kho lưu trữ", date(2027, 1, 31))
    assert (medium.verified, medium.verified_at) == ("failed", NOW)
    assert acts == ["media.written", "media.written", "media.read-back"]


def test_what_was_not_read_back_is_no_better_than_it_was(catalog: Catalog) -> None:
    label = replace(LABEL, contents=(CONTENT, replace(CONTENT, site="so-y-te")))
    write(catalog, label)
    later = replace(label, written_at=NOW + timedelta(days=40))

    def write_one(damaged: int = 0) -> tuple[str, datetime | None]:
        with catalog.writing() as session:
            origin, names = origin_of("nva"), ["cong-xa"]
            note_written(session, origin, later, damaged=damaged, read_back=names)
        with catalog.reading() as session:
            (medium,) = read_media(session)
        assert medium.written_at == NOW + timedelta(days=40)
        return medium.verified, medium.verified_at

    assert write_one() == ("ok", NOW)
    with catalog.writing() as session:
        note_read_back(session, origin_of("nva"), "GC-01", damaged=["so-y-te"], now=NOW)
    assert write_one() == ("failed", NOW)
    write(catalog, later)
    assert write_one(damaged=1) == ("failed", NOW + timedelta(days=40))


def test_a_retired_medium_is_gone_and_its_code_stays_taken(catalog: Catalog) -> None:
    write(catalog)
    with catalog.writing() as session:
        note_retired(session, origin_of("nva"), session.get_one(Medium, "GC-01"))
    with catalog.reading() as session:
        assert list(read_media(session)) == []
        assert read_codes(session) == {"GC-01"}
        row = session.execute(
            select(JournalRow).where(JournalRow.action == "media.retired")
        ).scalar_one()
    assert '"digests":{"cong-xa":"444' in row.details


def test_the_list_names_what_lies_on_a_medium_though_no_store_has_it_any_more(
    catalog: Catalog, estate: Path
) -> None:
    write(catalog)
    with catalog.writing() as session:
        session.add(Snapshot(
            site="cong-xa", store="near", id="3" * 64, taken_at=NOW - timedelta(days=1),
            hostname="cong-xa", paths=["/cong-xa"], tags=[], outcome="ok", processed_bytes=5,
        ))  # fmt: skip
    with catalog.reading() as session:
        copies = list_copies(session, load_estate(estate))
    assert [(it.place, it.snapshot[0], it.version, it.size_bytes) for it in copies] == [
        ("near", "3", 1, 5), ("GC-01", "2", 1, None), ("GC-01", "3", 2, 5),
    ]  # fmt: skip
    assert copies[1].taken_at == NOW - timedelta(days=9)
    assert (copies[2].digest, copies[2].checked, copies[2].holder) == ("4" * 64, "ok", "nva")


def test_status_counts_a_medium_as_a_copy_and_tells_when_it_is_old(
    catalog: Catalog, estate: Path
) -> None:
    write(catalog)
    facts = gather_facts(load_estate(estate), catalog, NOW)
    (site,) = facts.sites
    told = [explain_problem(it, "Asia/Ho_Chi_Minh").what for it in find_problems(facts)]
    assert [(it.store, it.role) for it in site.copies] == [("near", "primary"), ("GC-01", "medium")]
    assert "the medium GC-01 is to be renewed by 31/01/2027" in told


@pytest.mark.usefixtures("estate")
def test_whoever_is_on_the_route_is_told_once_for_each_stage(catalog: Catalog) -> None:
    write(catalog)
    assert note_media(catalog, NOW - timedelta(days=60)) == 0
    told = [note_media(catalog, NOW + timedelta(days=days)) for days in (0, 1, 80, 81)]
    assert told == [1, 0, 1, 0]
    with catalog.reading() as session:
        notices = list(session.execute(select(Notice)).scalars())
    assert {it.params["stage"] for it in notices} == {"near", "over"}


@pytest.mark.slow  # a process of its own
def test_who_dumps_the_records_knows_every_table() -> None:
    program = (
        "from ops.recovery.catalog_copy import record_tables;"
        "print(*sorted(it.name for it in record_tables()))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    wanted = {it.name for it in METADATA.sorted_tables if it.info["kind"] == "record"}
    assert set(done.stdout.split()) == wanted
