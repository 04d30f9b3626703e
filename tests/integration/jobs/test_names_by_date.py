"""Each document bears the names that the organisation and the site have on its date."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.integration.jobs.small_estate import ESTATE, ROOT, build_estate, giucong

WRITTEN, OLD, NEW = "Trung tâm Công nghệ thông tin", "Trung tâm Tin học", "Trung tâm Chuyển đổi số"
OLD_SITE, NEW_SITE = "Cổng xã Bình Minh", "Cổng phường Bình Minh"
DATED = '[[{owner}.names]]\nname = "{name}"\nfrom = 2025-07-01\n'
IN_CODE = re.compile(r"\borganisation\.name\b|\bsite\.title\b")
SOON = datetime.now(UTC).date() + timedelta(days=20)
STOP = ("--from", f"{SOON} 22:00", "--until", f"{SOON} 23:00", "--reason", "nâng cấp")


@pytest.fixture(scope="module")
def estate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = build_estate(tmp_path_factory.mktemp("names") / "estate")
    assert ESTATE.count(WRITTEN) == ESTATE.count(OLD_SITE) == 1
    text = path.read_text(encoding="utf-8").replace(WRITTEN, OLD)
    text = text.replace("[service]", DATED.format(owner="organisation", name=NEW) + "[service]")
    text += "\n" + DATED.format(owner="sites", name=NEW_SITE)
    path.write_text(text, encoding="utf-8")
    for task in (("backup.init",), ("backup.run", "--site", "cong-xa")):
        ended = giucong(path, *task)
        assert ended.returncode == 0, ended.stderr
    return path


@pytest.mark.parametrize(
    ("task", "names"),
    [
        ((), {NEW}),
        (("estate.show",), {NEW, NEW_SITE}),
        (("backup.status", "--xml"), {NEW, NEW_SITE}),
        (("runbook.print",), {NEW}),
        (("duty.planned-stop", "--site", "cong-xa", *STOP, "--dry-run"), {NEW, NEW_SITE}),
        (
            ("estate.retire", "--site", "cong-xa", "--reason", "x", "--document", "1", "--dry-run"),
            {NEW, NEW_SITE},
        ),
        (("backup.files", "--site", "cong-xa"), set()),
    ],
    ids=lambda value: value[0] if value and isinstance(value, tuple) else "",
)
def test_what_is_printed_bears_the_names_of_its_date(
    estate: Path, task: tuple[str, ...], names: set[str]
) -> None:
    ended = giucong(estate, *task)
    shown = ended.stdout

    assert {name for name in (OLD, OLD_SITE) if name in shown} == set()
    assert {name for name in names if name not in shown} == set(), ended.stderr


def test_what_is_written_beside_backups_bears_them_too(estate: Path, tmp_path: Path) -> None:
    stick = tmp_path / "stick"
    stick.mkdir()
    where = ("--to", str(stick), "--code", "GC-1", "--allow-folder")
    written = giucong(estate, "backup.export-media", *where)
    back = ("--site", "cong-xa", "--target", str(tmp_path / "back"), "--include", "/cong-xa/*.json")
    restored = giucong(estate, "backup.restore", *back)
    documents = [
        *(estate.parent / "stores/near").glob("*.txt"),
        *(it for it in stick.iterdir() if it.is_file()),
        *(tmp_path / "back").rglob("*.json"),
    ]

    assert (written.returncode, restored.returncode) == (0, 0), written.stderr + restored.stderr
    assert len(documents) >= 4
    for path in documents:
        text = path.read_text(encoding="utf-8")
        assert OLD not in text, path
        assert OLD_SITE not in text, path
        assert NEW in text, path


def test_nobody_reads_a_name_past_its_date() -> None:
    wrong = [
        f"{path.relative_to(ROOT)}: {found[0]}"
        for path in (ROOT / "ops").rglob("*.py")
        if "estate/model" not in str(path)
        for found in IN_CODE.finditer(path.read_text(encoding="utf-8"))
    ]

    assert wrong == []
