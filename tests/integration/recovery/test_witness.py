"""Stock restic as a witness: what it confirms, a flipped bit it finds, and when it is not there."""

import json
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from ops.backups.checks.witness import bear_witness
from tests.integration.jobs.small_estate import INIT, build_estate, build_used_estate, giucong
from tests.integration.recovery.signed_estate import reset_each_time, run, run_job
from tests.ssh_server import SshServer, make_ssh_server, ssh_server

__all__ = ["make_ssh_server", "ssh_server"]

pytestmark = pytest.mark.slow

DAILY = """
[sites.targets]
reread_days = 1
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = build_estate(tmp_path_factory.mktemp("witness") / "estate", DAILY)
    run(path, "backup.init")
    run(path, "backup.run", "--site", "cong-xa")
    return path


@pytest.fixture
def estate(made: Path) -> Iterator[Path]:
    with reset_each_time(made.parent, made.parent.with_name("pristine")):
        yield made


def locks(estate: Path) -> list[Path]:
    return list((estate.parent / "stores/near/cong-xa/locks").iterdir())


def test_it_confirms_a_sound_repository_and_the_verdict_is_journaled(estate: Path) -> None:
    results = [run_job(estate, bear_witness, "witness", "cong-xa") for _night in range(2)]
    with closing(sqlite3.connect(estate.parent / "state/giucong.db")) as database:
        (details,) = database.execute(
            "SELECT details FROM journal WHERE subject = 'witness/cong-xa'"
        ).fetchone()
    status = json.loads(giucong(estate, "backup.status", "--json").stdout)

    assert [it.outcome for it in results] == ["ok", "ok"], results
    assert results[0].summary["by"].startswith("restic 0.")
    assert results[0].summary["share_total"] == 1
    assert len(results[0].summary["sha256"]) == 64
    assert results[0].summary["file"].startswith("/cong-xa/")
    assert json.loads(details)["summary"]["independent"] is True
    assert status["items"][0]["last_witness"]["outcome"] == "ok"
    assert locks(estate) == []


def test_a_flipped_bit_is_found_and_red(estate: Path) -> None:
    packs = [it for it in (estate.parent / "stores/near/cong-xa/data").rglob("*") if it.is_file()]
    pack = max(packs, key=lambda it: it.stat().st_size)
    content = bytearray(pack.read_bytes())
    content[100] ^= 1
    pack.chmod(0o600)
    pack.write_bytes(content)
    result = run_job(estate, bear_witness, "witness", "cong-xa")
    told = giucong(estate)

    assert (result.outcome, result.reason) == ("failed", "witness_disagrees")
    assert any(pack.name[:8] in line for line in result.params["lines"]), result.params
    assert told.returncode == 1
    assert "stock restic does not confirm the backups" in told.stdout


def test_without_restic_nothing_was_checked_and_the_package_is_named(
    estate: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    result = run_job(estate, bear_witness, "witness", "cong-xa")
    monkeypatch.undo()
    told = giucong(estate)

    assert (result.outcome, result.params) == ("not_checked", {"package": "restic"})
    assert "apt-get install restic" in told.stdout


def test_the_password_is_never_an_argument(
    estate: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = tmp_path / "seen"
    recorder = tmp_path / "bin/restic"
    recorder.parent.mkdir()
    recorder.write_text(f'#!/bin/sh\necho "$@" >> {seen}\nPATH=/usr/bin:/bin exec restic "$@"\n')
    recorder.chmod(0o755)
    monkeypatch.setenv("PATH", f"{recorder.parent}:{os.environ['PATH']}")
    result = run_job(estate, bear_witness, "witness", "cong-xa")
    key = (estate.parent / "keys/repository.key").read_text().strip()
    words = seen.read_text()

    assert result.outcome == "ok"
    assert "check" in words
    assert "dump" in words
    assert "--no-lock" in words
    assert key not in words


def test_a_site_without_a_snapshot_is_not_called_well(tmp_path: Path) -> None:
    path = build_used_estate(tmp_path / "estate", DAILY, tasks=(INIT,))
    result = run_job(path, bear_witness, "witness", "cong-xa")

    assert (result.outcome, result.reason) == ("not_checked", "nothing_to_witness")


def test_it_enters_an_sftp_server_as_we_do(tmp_path: Path, ssh_server: SshServer) -> None:
    path = build_estate(tmp_path / "estate", DAILY)
    store = (f'url = "sftp://127.0.0.1:{ssh_server.port}/{tmp_path}/far store"\n'
             f'identity = "file:{ssh_server.identity}"\n'
             f'known_hosts = "{ssh_server.known_hosts}"')  # fmt: skip
    path.write_text(path.read_text().replace('url = "stores/near"', store))
    run(path, "backup.init")
    run(path, "backup.run", "--site", "cong-xa")
    result = run_job(path, bear_witness, "witness", "cong-xa")

    assert result.outcome == "ok", result
