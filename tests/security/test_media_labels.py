"""What stands on a medium that passed through other hands leads nowhere, and is proven."""

import json
import os
import subprocess
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from backup.format.crypto import generate_master_key, prove
from ops.backups.media.label import (
    NAME,
    Label,
    LabelError,
    MediumContent,
    decode_label,
    encode_label,
)
from ops.backups.media.mount_point import read_label, repository_on
from ops.errors import WrongUseError
from ops.estate.load.load import load_estate
from tests.integration.jobs.small_estate import build_estate, build_used_estate, giucong

CONTENT = MediumContent(
    site="a", repository="1" * 64, snapshots=(), newest_at=None, objects=7, size_bytes=9_000,
    digest="3" * 64,
)  # fmt: skip
LABEL = Label(
    code="GC-01", organisation="Trung tâm", kind="disk", started_on=date(2024, 2, 29),
    renew_on=None, kept_at="", holder="", written_by="nva",
    written_at=datetime(2026, 11, 24, tzinfo=UTC), contents=(CONTENT,),
)  # fmt: skip


@pytest.mark.parametrize("site", ["a/../../usb/a", "/etc", "..", "", "A", "a\n"])
def test_names_on_a_label_are_names_and_no_paths(site: str) -> None:
    data = encode_label(replace(LABEL, contents=(replace(CONTENT, site=site),)))
    with pytest.raises(LabelError):
        decode_label(data, "x")


@pytest.mark.parametrize("proof", ["é", "", "1" * 63, 7, None])
def test_a_proof_that_is_none_is_a_label_that_cannot_be_read(proof: object) -> None:
    values = json.loads(encode_label(LABEL)) | {"proofs": {"a": proof}}
    with pytest.raises(LabelError, match="cannot be read"):
        decode_label(json.dumps(values).encode(), "x")


def test_a_code_forges_no_line() -> None:
    values = json.loads(encode_label(LABEL)) | {"code": "GC bears a proof\n  a: ok"}

    assert "\n" not in decode_label(json.dumps(values).encode(), "x").code


def test_a_site_lies_below_its_store_and_nowhere_else(tmp_path: Path) -> None:
    estate = load_estate(build_estate(tmp_path / "estate"))
    with pytest.raises(WrongUseError, match="not the name of a site"):
        estate.repository_url(estate.primary_store, "a/../../usb/a")


@pytest.mark.parametrize("at", ["a", "a/data", "a/data/00"])
def test_a_link_on_a_medium_is_not_followed(tmp_path: Path, at: str) -> None:
    path = tmp_path / at
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to("/var/lib")
    with pytest.raises(LabelError, match="is a link"):
        repository_on(tmp_path, "a")


def test_a_label_that_is_no_file_keeps_nobody_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / NAME)
    with pytest.raises(LabelError):
        read_label(tmp_path)


def test_a_proof_is_of_one_text_one_purpose_and_one_key() -> None:
    key, other = generate_master_key(), generate_master_key()
    proofs = {prove(key, "a", b"b"), prove(key, "a", b"c"), prove(key, "ab", b""),
              prove(other, "a", b"b")}  # fmt: skip

    assert len(proofs) == 4
    assert prove(key, "a", b"b") in proofs


# From the task to the medium and back -------------------------------------------------------------


@pytest.fixture
def estate(tmp_path: Path) -> Path:
    path = build_used_estate(tmp_path / "estate")
    done = export(path, tmp_path / "usb", "--started", "2026-01-31")
    assert done.returncode == 0, done.stdout + done.stderr
    return path


def export(estate: Path, medium: Path, *words: str) -> subprocess.CompletedProcess[str]:
    medium.mkdir(exist_ok=True)
    return giucong(estate, "backup.export-media", "--to", str(medium), "--code", "GC-01", "--site",
                   "cong-xa", "--allow-folder", *words)  # fmt: skip


def edit(medium: Path, **changes: Any) -> dict[str, Any]:
    """Change a label as who found the medium can; gives it as it was."""
    label = json.loads((medium / NAME).read_text(encoding="utf-8"))
    (medium / NAME).write_text(json.dumps(label | changes), encoding="utf-8")
    found: dict[str, Any] = label
    return found


@pytest.mark.slow
def test_an_edited_label_writes_nothing_and_an_old_one_is_told(
    estate: Path, tmp_path: Path
) -> None:
    medium, stores = tmp_path / "usb", estate.parent / "stores"
    label = edit(medium)
    (medium / "x").mkdir()
    away = {**label["contents"][0], "site": "x/../../usb/cong-xa"}
    edit(medium, contents=[away], proofs={})
    before = sorted(stores.rglob("*"))
    led_away = giucong(estate, "backup.import-media", "--from", str(medium))
    edit(medium, **{**label, "started_on": "2026-11-01"})
    edited = [
        giucong(estate, "backup.import-media", "--from", str(medium)),
        export(estate, medium),
    ]

    assert led_away.returncode == 1
    assert "not the name of a site" in led_away.stderr
    assert sorted(stores.rglob("*")) == before
    assert [it.returncode for it in edited] == [1, 1]
    assert all("was changed after this service had written it" in it.stderr for it in edited)

    edit(medium, proofs={})  # as the versions before wrote them
    imported = giucong(estate, "backup.import-media", "--from", str(medium))
    exported = export(estate, medium)
    renewed = edit(medium)
    again = export(estate, medium)

    assert (imported.returncode, exported.returncode, again.returncode) == (0, 0, 0)
    assert "bears no proof" in imported.stdout
    assert "it gets one now" in exported.stdout
    assert "bears no proof" not in again.stdout
    assert renewed["started_on"] == "2026-01-31"
    assert set(renewed["proofs"]) == {"cong-xa"}
