"""Assets as people type them: a sheet in, journaled, compared with the estate, a sheet out."""

import json
from pathlib import Path

import pytest

from ops.assets.asset import AssetRow, write_lines
from ops.assets.cli import export_assets, import_assets, show_assets, show_differences
from ops.assets.sheet import LinesError, read_lines
from ops.assets.tasks import CompareAssets, ExportAssets, ImportAssets, ListAssets
from ops.catalog.open import open_catalog
from ops.catalog.tables.core import JournalRow
from ops.csv_file import write_csv
from ops.hosts.connect import EQUIPMENT
from ops.sites.account import list_allowed
from tests.integration.jobs.small_estate import build_estate
from tests.private_server import find_free_port
from tests.ssh_server import ServerMaker, make_ssh_server

__all__ = ["make_ssh_server"]

pytestmark = pytest.mark.slow
HOST = """
[[hosts]]
name = "web1"
address = "192.0.2.10"
"""


@pytest.fixture(autouse=True)
def estate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = build_estate(tmp_path / "estate", HOST)
    (path.parent / "state").mkdir()
    monkeypatch.setenv("GIUCONG_ESTATE", str(path))
    monkeypatch.setenv("GIUCONG_LANG", "en")
    return path


def actions(estate: Path) -> list[str]:
    with (
        open_catalog(f"sqlite:///{estate.parent}/state/giucong.db") as catalog,
        catalog.reading() as session,
    ):
        rows = session.query(JournalRow).order_by(JournalRow.sequence)
        return [it.action for it in rows if it.action.startswith("asset.")]


def test_a_sheet_is_imported_changed_compared_and_exported(
    estate: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sheet = tmp_path / "in.csv"
    server = AssetRow(name="may-chu-1", kind="server", title="Máy chủ", host="web2", unit="khác")
    sheet.write_bytes(write_csv(write_lines([server])))
    assert import_assets(ImportAssets(file=str(sheet), dry_run=True)) == 0
    assert actions(estate) == []
    assert import_assets(ImportAssets(file=str(sheet))) == 0
    assert import_assets(ImportAssets(file=str(sheet))) == 0
    assert actions(estate) == ["asset.added"]
    capsys.readouterr()

    assert show_differences(CompareAssets(json=True)) == 1
    found = {it["code"]: it["name"] for it in json.loads(capsys.readouterr().out)["items"]}
    assert found == {
        "host-without-asset": "web1", "asset-without-host": "may-chu-1",
        "unknown-unit": "may-chu-1",
    }  # fmt: skip
    mended = AssetRow(name="may-chu-1", kind="server", title="Máy chủ", host="web1", unit="xa")
    sheet.write_bytes(write_csv(write_lines([mended])))
    assert import_assets(ImportAssets(file=str(sheet))) == 0
    assert show_differences(CompareAssets()) == 0
    assert actions(estate) == ["asset.added", "asset.changed"]

    out = tmp_path / "out.xlsx"
    assert export_assets(ExportAssets(out=str(out))) == 0
    assert read_lines(out)[1][0] == "may-chu-1"
    capsys.readouterr()
    assert show_assets(ListAssets()) == 0
    assert "Máy chủ" in capsys.readouterr().out


def test_a_sheet_with_a_mistake_changes_nothing(estate: Path, tmp_path: Path) -> None:
    sheet = tmp_path / "in.csv"
    sheet.write_text("mã,loại,tên\na,server,x\nB,rocket,\n", encoding="utf-8")
    with pytest.raises(LinesError) as caught:
        import_assets(ImportAssets(file=str(sheet)))

    assert len(caught.value.problems) == 3
    assert actions(estate) == []


def test_hosts_are_looked_at_as_they_are(
    make_ssh_server: ServerMaker,
    estate: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    server, allowed = make_ssh_server(), list_allowed()
    assert EQUIPMENT in allowed.commands  # what `estate.account` lets through
    hosts = (
        f'[[hosts]]\nname = "{name}"\naddress = "127.0.0.1"\nport = {port}\n'
        f'user = "{server.target().user}"\nidentity = "file:{server.identity}"\n'
        f'known_hosts = "{server.known_hosts}"\n'
        for name, port in (("web1", server.port), ("web2", find_free_port()))
    )
    estate.write_text(estate.read_text().replace(HOST, "\n".join(hosts)), encoding="utf-8")
    sheet = tmp_path / "in.csv"
    wrong = AssetRow(name="m1", kind="server", title="M", host="web1", serial="02:00:00:00:00:99",
                     address="198.51.100.77")  # fmt: skip
    other = AssetRow(name="m2", kind="server", title="M", host="web2")
    sheet.write_bytes(write_csv(write_lines([wrong, other])))
    import_assets(ImportAssets(file=str(sheet)))
    capsys.readouterr()

    assert show_differences(CompareAssets(look=True, json=True)) == 1
    found = {(it["code"], it["name"]) for it in json.loads(capsys.readouterr().out)["items"]}
    assert {("address-differs", "m1"), ("serial-differs", "m1"),
            ("system-without-asset", "web1"), ("not-checked", "web2")} == found  # fmt: skip
    assert actions(estate)[-1] == "asset.compared"
