"""List the keys of sites' repositories in every store for a person."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from backup.repository.keyring import KeyInfo, list_keys
from ops.backups.keys.key_holders import choose_with_own
from ops.backups.keys.tasks import KeyList
from ops.backups.repositories.open import open_repository
from ops.estate.choose import choose_stores
from ops.estate.load.load import load_estate
from ops.estate.model.estate import Estate
from ops.estate.model.stores import Store
from ops.language.formats import format_moment
from ops.language.text import _
from ops.terminal.exit_codes import gravest, noting, report
from ops.terminal.output import write_json, write_table


def show_keys(wish: KeyList) -> int:
    """Write the keys of one site or of all, in one store or in every one; gives the exit code."""
    estate = load_estate()
    rows: list[dict[str, Any]] = []
    codes: list[int] = []
    for place in choose_stores(estate, wish.store):
        for chosen in choose_with_own(estate, wish.site):
            with noting(codes):
                rows += _read(estate, chosen.name, place, codes)
    if wish.json:
        write_json(rows)
        return gravest(codes)
    heads = [_("Site"), _("Store"), _("Key"), _("Made"), _("By"), _("In use")]
    zone = estate.organisation.timezone
    write_table(heads, [_row(row, zone) for row in rows])
    return gravest(codes)


def _read(estate: Estate, site: str, store: Store, codes: list[int]) -> Iterator[dict[str, Any]]:
    repository = open_repository(estate, site, store)
    found = list_keys(repository)
    codes += [report(error) for error in found.errors]
    for key in found.keys:
        yield _as_values(key, site, store.name, repository.id)


def _as_values(key: KeyInfo, site: str, store: str, repository: str) -> dict[str, Any]:
    return {
        "site": site,
        "store": store,
        "repository": repository,
        "id": key.id,
        "created": key.created,
        "username": key.username,
        "hostname": key.hostname,
        "in_use": key.is_current,
    }


def _row(row: dict[str, Any], zone: str) -> list[str]:
    return [
        row["site"],
        row["store"],
        row["id"][:8],
        _moment(row["created"], zone),
        f"{row['username']}@{row['hostname']}",
        _("yes") if row["in_use"] else "–",
    ]


def _moment(text: str, zone: str) -> str:
    """Show a moment as a key file has it; a foreign form is shown as it stands."""
    try:
        return format_moment(datetime.fromisoformat(text), zone)
    except ValueError:
        return text
