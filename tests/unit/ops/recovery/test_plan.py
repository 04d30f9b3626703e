"""Where a recovery puts things: decided from the manifest and from what is there."""

from pathlib import Path
from typing import Any

import pytest

from ops.errors import OpsError
from ops.recovery.plan import Look, State, Step, plan_recovery

MANIFEST: dict[str, Any] = {
    "recovery": {
        "estate_folder": "/etc/giucong",
        "estate_file": "estate.toml",
        "store": "near",
        "user": "giucong",
        "key_file": "keys/repository.key",
        "places": [
            {"at": "files/estate/estate.toml", "to": "estate.toml"},
            {"at": "databases/catalog.sqlite", "to": "/var/lib/giucong/giucong.db"},
            {"at": "files/estate/sites.d/a.toml", "to": "sites.d/a.toml"},
            {"at": "other/signing-key.pem", "to": "keys/signing.key"},
        ],
    },
    "made_by": {"run": "r-1"},
}


CATALOG = Path("/var/lib/giucong/giucong.db")


def nothing(_at: str, _path: Path) -> State:
    return "free"


def taken(*suffixes: str) -> Look:
    return lambda _at, path: "taken" if path.suffix in suffixes else "free"


def test_everything_goes_home_and_the_estate_file_last() -> None:
    plan = plan_recovery(MANIFEST, None, nothing)
    paths = [str(step.path) for step in plan.steps]

    assert paths[-1] == "/etc/giucong/estate.toml"
    assert set(paths) == {
        "/etc/giucong/estate.toml", "/var/lib/giucong/giucong.db",
        "/etc/giucong/sites.d/a.toml", "/etc/giucong/keys/signing.key",
        "/etc/giucong/keys/repository.key",
    }  # fmt: skip
    assert (plan.taken, plan.is_moved) == ([], False)


def test_into_another_folder_nothing_leaves_it() -> None:
    plan = plan_recovery(MANIFEST, Path("/srv/try"), nothing)

    assert all(step.path.is_relative_to("/srv/try") for step in plan.steps)
    assert plan.is_moved


def test_a_key_that_is_there_is_left_alone_and_the_rest_is_named() -> None:
    plan = plan_recovery(MANIFEST, None, taken(".key", ".toml"))

    assert "key" not in [step.at for step in plan.steps]
    assert [step.path.name for step in plan.taken] == ["a.toml", "signing.key", "estate.toml"]


def test_what_is_there_already_needs_nobodys_word() -> None:
    plan = plan_recovery(MANIFEST, None, lambda _at, _path: "same")

    assert plan.taken == [Step("databases/catalog.sqlite", CATALOG, "taken")]  # a log lies beside


def test_the_log_of_an_old_catalog_counts_as_the_catalog() -> None:
    plan = plan_recovery(MANIFEST, None, taken(".db-wal"))

    assert [step.path.name for step in plan.taken] == ["giucong.db"]


@pytest.mark.parametrize("to", ["../../etc/passwd", "a/../../b"])
def test_a_manifest_that_leads_out_of_the_folder_is_refused(to: str) -> None:
    places = [{"at": "files/estate/x", "to": to}]
    manifest = {**MANIFEST, "recovery": {**MANIFEST["recovery"], "places": places}}
    with pytest.raises(OpsError):
        plan_recovery(manifest, None, nothing)


def test_another_sites_snapshot_is_refused() -> None:
    with pytest.raises(OpsError):
        plan_recovery({"site": {}}, None, nothing)
