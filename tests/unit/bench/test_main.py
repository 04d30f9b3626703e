import json
from pathlib import Path

import pytest

from bench.__main__ import choose_works, main
from bench.figures import LIMITS
from bench.hosts import packages_for
from bench.machine import find_file_system
from bench.peers import PEERS, find_missing_packages

MOUNTS = "/dev/a / ext4 rw 0 0\n/dev/b /srv xfs rw 0 0\ntmpfs /srv/sao tmpfs rw 0 0\n"


def test_missing_programs_are_named_by_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")

    assert find_missing_packages(PEERS) == [
        "bash",
        "borgbackup",
        "diffutils",
        "restic",
        "tar",
        "zstd",
    ]


@pytest.mark.parametrize(
    ("folder", "kind"), [("/srv/sao/x", "tmpfs"), ("/srv/saola", "xfs"), ("/home", "ext4")]
)
def test_the_nearest_mount_names_the_file_system(folder: str, kind: str) -> None:
    assert find_file_system(Path(folder), MOUNTS) == kind


def test_an_unknown_work_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["--only", "first-z"])

    assert caught.value.code == 2
    assert "first-z" in capsys.readouterr().err


def test_what_hosts_need_is_named_when_they_are_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")

    assert packages_for(["first-a", "bad-line"]) == {}
    missing = find_missing_packages((), packages_for(["ssh-first", "mariadb"]))
    assert {"rsync", "openssh-client", "mariadb-client"} <= set(missing)


def test_works_beside_hosts_are_done_only_when_they_are_asked_for() -> None:
    assert choose_works(["first-a", "real", "archive", "watch"]) == ["first-a", *LIMITS]
    assert not set(choose_works(None)) & set(LIMITS)


@pytest.mark.slow
def test_works_are_timed_and_repositories_removed(tmp_path: Path) -> None:
    """One real, tiny comparison of restic with tar, end to end."""
    results = tmp_path / "results.json"
    arguments = ["--scale", "0.0005", "--rounds", "1", "--peers", "restic,tar"]
    arguments += ["--only", "first-a,restore-a", "--work", str(tmp_path), "--json", str(results)]

    assert main(arguments) == 0

    found = json.loads(results.read_text(encoding="utf-8"))["outcomes"]
    assert [outcome["work"] for outcome in found] == ["first-a", "restore-a"]
    assert set(found[0]["rounds"]) == {"restic", "tar"}
    assert set(found[1]["rounds"]) == {"restic"}
    assert not (tmp_path / "run").exists()

    page = tmp_path / "performance.md"

    assert main(["--from", str(results), "--markdown", str(page)]) == 0
    assert "first backup of the portal (a)" in page.read_text(encoding="utf-8")


@pytest.mark.slow
def test_works_are_timed_in_buckets(tmp_path: Path) -> None:
    """Ours against restic, tiny, on a server that is gone afterwards."""
    results = tmp_path / "results.json"
    arguments = ["--scale", "0.0005", "--rounds", "1", "--peers", "ours,restic,tar"]
    arguments += ["--only", "s3-first,s3-unchanged,s3-restore", "--work", str(tmp_path)]

    assert main([*arguments, "--json", str(results)]) == 0

    found = json.loads(results.read_text(encoding="utf-8"))["outcomes"]
    assert [outcome["work"] for outcome in found] == ["s3-first", "s3-unchanged", "s3-restore"]
    assert all(set(outcome["rounds"]) == {"ours", "restic"} for outcome in found)
    assert all(size > 1000 for outcome in found for size in outcome["sizes"].values())
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
def test_works_beside_hosts_are_timed(tmp_path: Path) -> None:
    """Tiny; every server that was started is gone, and so is what it held."""
    results = tmp_path / "results.json"
    works = ["ssh-first", "ssh-unchanged", "ssh-many", "ssh-many-apart", "mariadb"]
    arguments = ["--scale", "0.0005", "--rounds", "1", "--only", ",".join(works)]

    assert main([*arguments, "--work", str(tmp_path), "--json", str(results)]) == 0

    found = {it["work"]: it for it in json.loads(results.read_text(encoding="utf-8"))["outcomes"]}
    assert list(found) == works
    assert set(found["ssh-unchanged"]["rounds"]) == {"ours", "rsync"}
    assert found["ssh-first"]["sizes"]["rsync"] > 1_000_000
    assert set(found["ssh-many"]["rounds"]) == {"ours"}
    assert found["mariadb"]["sizes"]["ours"] > 100_000
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
def test_bytes_over_a_line_that_is_cut_are_counted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    results = tmp_path / "results.json"
    arguments = ["--scale", "0.0005", "--rounds", "1", "--only", "bad-line-short"]

    assert main([*arguments, "--work", str(tmp_path), "--json", str(results)]) == 0

    (found,) = json.loads(results.read_text(encoding="utf-8"))["outcomes"]
    assert found["sent"]["ours"][0] >= found["sent"]["undisturbed"][0] * 0.9
    assert found["sent"]["undisturbed"][0] > 100_000
    assert "bad-line-short: 2 cuts" in capsys.readouterr().err
