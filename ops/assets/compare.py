"""Compare the register of assets with what the estate names; pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal
from urllib.parse import urlsplit

from ops.assets.asset import AssetRow
from ops.estate.model.estate import Estate

ENDS_SOON = timedelta(days=180)
"""How long ahead an end of warranty or support is told: time enough to get into the next plan."""

Code = Literal["host-without-asset", "asset-without-host", "domain-without-asset", "ends-soon",
               "ended", "unknown-unit", "unknown-system"]  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One thing in which register and estate differ, or that ends.

    Attributes:
        code: What.
        name: Of the asset, the host or the domain.
        value: What was found: the name that is unknown, or a day; may be empty.
        day: When it ends; None for what has no end.
    """

    code: Code
    name: str
    value: str = ""
    day: date | None = None


def find_differences(assets: Iterable[AssetRow], estate: Estate, today: date) -> list[Difference]:
    """Give the differences, what the register lacks first."""
    known = [it for it in assets if it.state != "retired"]
    hosts = {it.name for it in estate.hosts}
    named = {it.host for it in known if it.kind == "server"}
    found = [Difference(code="host-without-asset", name=it) for it in sorted(hosts - named)]
    domains = {it.title.casefold() for it in known if it.kind == "domain"} | {
        it.name for it in known if it.kind == "domain"
    }
    found += [
        Difference(code="domain-without-asset", name=it)
        for it in sorted(_domains(estate))
        if not any(it == domain or it.endswith(f".{domain}") for domain in domains)
    ]
    for asset in known:
        found += _look_at(asset, estate, hosts, today)
    return found


def _domains(estate: Estate) -> set[str]:
    addresses = (urlsplit(it.url).hostname for it in estate.sites if it.url)
    return {it for it in addresses if it and any(letter.isalpha() for letter in it)}


def _look_at(asset: AssetRow, estate: Estate, hosts: set[str], today: date) -> list[Difference]:
    found = []
    if asset.host and asset.host not in hosts:
        found.append(Difference(code="asset-without-host", name=asset.name, value=asset.host))
    if asset.unit and asset.unit not in {it.name for it in estate.units}:
        found.append(Difference(code="unknown-unit", name=asset.name, value=asset.unit))
    if asset.system and asset.system not in {it.name for it in estate.systems}:
        found.append(Difference(code="unknown-system", name=asset.name, value=asset.system))
    end = asset.ends_on
    if end is not None and end < today:
        found.append(Difference(code="ended", name=asset.name, day=end))
    elif end is not None and end <= today + ENDS_SOON:
        found.append(Difference(code="ends-soon", name=asset.name, day=end))
    return found
