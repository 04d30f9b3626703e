"""The minutes of a retirement say where the backups stay."""

from datetime import UTC, date, datetime, timedelta

import pytest

from ops.catalog.tables.sites import RetiredSite
from ops.sites.retire import (
    find_site,
    newest_of_each,
    title_of,
    write_minutes,
)

NOW = datetime(2026, 11, 24, 18, tzinfo=UTC)


def test_the_newest_snapshot_of_each_set_of_paths_is_kept() -> None:
    rows = [
        ("old", NOW - timedelta(days=2), ["/a"]),
        ("new", NOW, ["/a"]),
        ("db", NOW - timedelta(days=1), ["/a/databases"]),
    ]

    assert newest_of_each(rows) == ["new", "db"]
    assert newest_of_each([]) == []


def test_a_site_is_found_in_a_document() -> None:
    document = {"sites": [{"name": "a", "title": "A"}]}

    assert find_site(document, "a")["title"] == "A"
    assert find_site(document, "b") == find_site({}, "b") == {}


def test_the_minutes_hold_addresses_ids_rules_and_what_was_not_checked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("GIUCONG_LANG", "en")
    known = ("store", "address", "outcome", "snapshots", "last", "last_at", "why")
    stores = [
        dict(zip(known, it, strict=True))
        for it in (
            ("near", "/srv/near/a", "ok", 2, ["b" * 64], NOW.isoformat(), ""),
            ("far", "env:FAR/a", "not_checked", 0, [], "", "no such store"),
        )
    ]
    retired = RetiredSite(
        name="a", title="Cổng A", unit="so-y-te", owner="nva", retired_at=NOW, retired_by="root",
        reason="sáp nhập", document="12/QĐ", estate="c" * 64,
        retention={"keep_last": 3, "minimum_days": 30, "minimum_basis": "tự đặt"}, stores=stores,
    )  # fmt: skip
    titles = {"unit": "Sở Y tế", "owner": "Nguyễn Văn A", "by": "root"}
    holds = [("05/QĐ-TTr", ""), ("06/QĐ-TTr", "d" * 64)]
    text = write_minutes(retired, titles, holds, organisation="Trung tâm", zone="Asia/Ho_Chi_Minh")

    for part in ("Trung tâm", "Cổng A (a)", "12/QĐ", "sáp nhập", "3 newest", "Sở Y tế",
                 "Nguyễn Văn A", "/srv/near/a",
                 "b" * 64, "25/11/2026 01:00 +07:00", "not checked now: no such store",
                 "env:FAR/a"):  # fmt: skip
        assert part in text
    assert "at least 30 days (tự đặt)" in text
    assert "Held for 05/QĐ-TTr until two people release it: all snapshots" in text
    assert f"Held for 06/QĐ-TTr until two people release it: {'d' * 64}" in text


def test_titles_are_those_of_the_day() -> None:
    names = [{"name": "Sở Y tế tỉnh", "from": "2020-01-01"},
             {"name": "Sở Y tế thành phố", "from": "2026-07-01"}]  # fmt: skip
    document = {"units": [{"name": "so-y-te", "title": "Sở Y tế", "names": names}]}

    assert title_of(document, "units", "so-y-te", date(2026, 6, 30)) == "Sở Y tế tỉnh"
    assert title_of(document, "units", "so-y-te", date(2026, 7, 1)) == "Sở Y tế thành phố"
    assert title_of(document, "units", "so-y-te", date(2019, 1, 1)) == "Sở Y tế"
    assert title_of({}, "people", "nva", NOW.date()) == "nva"
