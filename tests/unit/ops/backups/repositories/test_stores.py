"""From the estate's words about a store to the engine's: limits, promises, credentials."""

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from ops.backups.repositories.stores import options_of, terms_of
from ops.estate.model.stores import ObjectLock, Store
from ops.hosts.connect import plan_rates

ZONE = "Asia/Ho_Chi_Minh"


def store(**more: Any) -> Store:
    fields = {
        "name": "far",
        "url": "s3:https://s3.example.vn/giucong/main",
        "role": "primary",
        "location": "Biên Hòa",
        "medium": "object",
    }
    return Store.model_validate({**fields, **more})


@pytest.mark.parametrize(
    ("local", "mbps"), [("06:59", 50), ("07:00", 10), ("18:59", 10), ("19:00", 50)]
)
def test_the_limit_follows_the_organisation_s_clock(local: str, mbps: int) -> None:
    plan = plan_rates(store(limit_mbps={"default": 50, "07:00-19:00": 10}).limits(), ZONE)
    when = datetime.fromisoformat(f"2026-11-24T{local}").replace(tzinfo=ZoneInfo(ZONE))

    assert plan.at(when.timestamp())[0] == mbps * 1_000_000 / 8


def test_one_number_holds_all_day_and_none_means_no_limit() -> None:
    assert plan_rates(store(limit_mbps=8).limits(), ZONE).at(0)[0] == 1_000_000
    assert plan_rates(store().limits(), ZONE).is_unlimited


def test_credentials_are_looked_up_and_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAR_KEY", "the-key")
    monkeypatch.setenv("FAR_SECRET", "the-secret")
    options = options_of(
        store(access_key="env:FAR_KEY", secret_key="env:FAR_SECRET", region="vn-1")  # noqa: S106 -- a reference
    )

    assert (options.access_key, options.secret_key) == ("the-key", "the-secret")
    assert options.region == "vn-1"
    assert "the-" not in repr(options)


def test_a_promise_is_said_in_the_engine_s_words() -> None:
    terms = terms_of(ObjectLock(mode="governance", days=90))

    assert (terms.mode, terms.period, terms.cap) == ("governance", timedelta(days=90), None)
    assert not terms.confirmed


def test_compliance_needs_a_basis_a_cap_and_a_confirmation() -> None:
    whole = {"mode": "compliance", "days": 90, "basis": "QĐ 1", "cap_days": 95, "confirmed": True}
    terms = terms_of(ObjectLock.model_validate(whole))

    assert terms.confirmed
    assert terms.period + terms.margin <= timedelta(days=95)
    for lacking in ("basis", "cap_days", "confirmed"):
        with pytest.raises(ValueError, match="compliance cannot be undone"):
            ObjectLock.model_validate({k: v for k, v in whole.items() if k != lacking})
