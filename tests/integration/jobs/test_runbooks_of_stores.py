"""The main store is lost: the runbook has a copy stand in, and fills a new disk, to its end."""

import json
import shutil
from pathlib import Path

import pytest

from tests.integration.jobs.answering import carry_out
from tests.integration.jobs.small_estate import build_estate, giucong

pytestmark = pytest.mark.slow

STORES = {
    "mirror": """
[[stores]]
name = "beside"
url = "stores/beside"
role = "mirror"
of = "near"
location = "phòng bên"
medium = "disk"
""",
    "copy": """
[[stores]]
name = "offsite"
url = "stores/offsite"
role = "copy"
of = "near"
location = "Biên Hòa"
medium = "object"
key = "file:keys/offsite.key"
""",
}
NEAR = 'url = "stores/near"\nrole = "primary"'
NEAR_MEANWHILE = {
    "mirror": 'url = "stores/near"\nrole = "mirror"\nof = "beside"',
    "copy": 'url = "stores/near"\nrole = "copy"\nof = "offsite"\nkey = "file:keys/repository.key"',
}


def trees_of(estate: Path, store: str) -> list[str]:
    """Give what the snapshots of the site hold, oldest first."""
    listed = giucong(estate, "backup.list", "--site", "cong-xa", "--store", store, "--json")
    assert listed.returncode == 0, listed.stderr
    return [str(it["taken_at"]) for it in json.loads(listed.stdout)["items"]]


@pytest.mark.parametrize(("kind", "acting"), [("mirror", "beside"), ("copy", "offsite")])
def test_another_store_stands_in_until_a_new_disk_is_filled(
    tmp_path: Path, kind: str, acting: str
) -> None:
    estate = build_estate(tmp_path / "estate", STORES[kind])
    for words in (
        ("backup.init",), ("backup.run", "--site", "cong-xa"), ("backup.copy",),
        ("backup.run", "--site", "giucong"),
    ):  # fmt: skip
        assert giucong(estate, *words).returncode == 0
    before = trees_of(estate, "near")
    shutil.rmtree(estate.parent / "stores" / "near")
    whole = estate.read_text(encoding="utf-8")
    meanwhile: list[str] = []

    def have_it_stand_in() -> None:
        text = whole.replace(f'role = "{kind}"\nof = "near"', 'role = "primary"')
        text = text.replace(NEAR, NEAR_MEANWHILE[kind], 1)
        text = text.replace('full_read = ""', 'full_read = ""\nforget = ""')
        estate.write_text(text, encoding="utf-8")

    def bring_a_new_disk() -> None:
        meanwhile.extend(trees_of(estate, acting))
        listed = json.loads(giucong(estate, "service.jobs", "--json").stdout)["items"]
        jobs = [it["job"] for it in listed]
        assert {it["schedule"] for it in jobs if it["kind"] == "forget"} == {""}

    def put_the_roles_back() -> None:
        shutil.copy(f"{estate}.truoc-khi-doi", estate)

    done = carry_out(
        estate,
        "main-store-gone",
        {"main": "near", "acting": acting, "estate": str(estate)},
        [
            ("mất hẳn chưa?", "có"),
            ("Dịch vụ đã dừng", "có"),
            ("Đã sửa xong", have_it_stand_in),
            ("Đĩa mới đã gắn", bring_a_new_disk),
            ("đã như trước khi mất", put_the_roles_back),
            ("ghi vào sổ", "có"),
        ],
    )

    assert done.code == 0, done.told
    assert meanwhile[:1] == before
    assert len(meanwhile) == 2  # backups went on
    assert trees_of(estate, "near")[:2] == meanwhile  # and nothing was forgotten
    assert trees_of(estate, "near") == trees_of(estate, acting)
    assert estate.read_text(encoding="utf-8") == whole
