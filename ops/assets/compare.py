"""What hosts themselves say they are, through SSH: serial, addresses, system.

A host is hostile: its answer is bounded in time and length, and cleaned.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, timedelta
from ipaddress import IPv6Address
from typing import Literal
from urllib.parse import urlsplit

from ops.assets.asset import AssetRow
from ops.errors import OpsError
from ops.estate.model.estate import Estate
from ops.hosts.connect import EQUIPMENT, open_host
from provisioning.errors import ProvisioningError

SECONDS = 30
MOST_BYTES = 1 << 16
_MOST_VALUE = 200
_AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class Seen:
    """What a host is.

    Attributes:
        addresses, macs: All of its own, but not the loopback.
        serial: As the maker wrote it into it; empty where it does not say so to everybody.
        system, version, system_title: Of its operating system (os-release(5)).
    """

    addresses: frozenset[str] = frozenset()
    macs: frozenset[str] = frozenset()
    serial: str = ""
    system: str = ""
    version: str = ""
    system_title: str = ""


def look_at_hosts(estate: Estate) -> dict[str, Seen | None]:
    """Look at every host of the estate, several at once; None for one that was not looked at."""
    names = [it.name for it in estate.hosts]
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return dict(zip(names, pool.map(lambda it: _look(estate, it), names), strict=True))


def _look(estate: Estate, name: str) -> Seen | None:
    try:
        told = open_host(estate, name).run(EQUIPMENT, timeout=SECONDS, most_bytes=MOST_BYTES)
    except (ProvisioningError, OpsError):
        return None
    return read_equipment(told.stdout) if told.status == 0 else None


def read_equipment(raw: bytes) -> Seen | None:
    """Read what `equipment.sh` prints; None where it was cut off; pure."""
    lines = raw.decode("utf-8", "replace").splitlines()
    if not lines or lines[-1] != "end":
        return None
    told: dict[str, list[str]] = {}
    for line in lines[:-1]:
        word, _blank, value = line.partition(" ")
        told.setdefault(word, []).append(_clean(value))
    addresses = [*told.get("ip", ()), *_read_hex(told.get("ip6", ()))]
    return Seen(
        addresses=frozenset(it for it in addresses if it != "::1" and not it.startswith("127.")),
        macs=frozenset(it.casefold() for it in told.get("mac", ()) if it.strip("0:")),
        serial=_one(told, "serial"),
        system=_one(told, "os_ID").casefold(),
        version=_one(told, "os_VERSION_ID"),
        system_title=_one(told, "os_PRETTY_NAME"),
    )


def _one(told: Mapping[str, list[str]], word: str) -> str:
    return told.get(word, [""])[0].strip("\"'")


def _clean(value: str) -> str:
    return "".join(it for it in value if it.isprintable()).strip()[:_MOST_VALUE]


def _read_hex(values: Iterable[str]) -> Iterable[str]:
    for it in values:
        try:
            yield str(IPv6Address(bytes.fromhex(it)))
        except ValueError:
            continue


ENDS_SOON = timedelta(days=180)
"""How long ahead an end of warranty or support is told: time enough to get into the next plan."""

Code = Literal[
    "host-without-asset",
    "asset-without-host",
    "domain-without-asset",
    "ends-soon",
    "ended",
    "unknown-unit",
    "unknown-system",
    "address-differs",
    "serial-differs",
    "version-differs",
    "system-without-asset",
    "not-checked",
]
_MAC = re.compile(r"(?:[0-9a-f]{2}[:-]){5}[0-9a-f]{2}")
_MOST_NAMED = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Mismatch:
    """One thing in which register and estate differ, or that ends.

    Attributes:
        code: What.
        name: Of the asset, the host or the domain.
        value: What was found: the name that is unknown, or what the host says; may be empty.
        day: When it ends; None for what has no end.
    """

    code: Code
    name: str
    value: str = ""
    day: date | None = None


def find_differences(assets: Iterable[AssetRow], estate: Estate, today: date) -> list[Mismatch]:
    """Give the differences, what the register lacks first."""
    known = [it for it in assets if it.state != "retired"]
    hosts = {it.name for it in estate.hosts}
    named = {it.host for it in known if it.kind == "server"}
    found = [Mismatch(code="host-without-asset", name=it) for it in sorted(hosts - named)]
    domains = {it.title.casefold() for it in known if it.kind == "domain"} | {
        it.name for it in known if it.kind == "domain"
    }
    found += [
        Mismatch(code="domain-without-asset", name=it)
        for it in sorted(_domains(estate))
        if not any(it == domain or it.endswith(f".{domain}") for domain in domains)
    ]
    for asset in known:
        found += _look_at(asset, estate, hosts, today)
    return found


def _domains(estate: Estate) -> set[str]:
    addresses = (urlsplit(it.url).hostname for it in estate.sites if it.url)
    return {it for it in addresses if it and any(letter.isalpha() for letter in it)}


def _look_at(asset: AssetRow, estate: Estate, hosts: set[str], today: date) -> list[Mismatch]:
    found = []
    if asset.host and asset.host not in hosts:
        found.append(Mismatch(code="asset-without-host", name=asset.name, value=asset.host))
    if asset.unit and asset.unit not in {it.name for it in estate.units}:
        found.append(Mismatch(code="unknown-unit", name=asset.name, value=asset.unit))
    if asset.system and asset.system not in {it.name for it in estate.systems}:
        found.append(Mismatch(code="unknown-system", name=asset.name, value=asset.system))
    end = asset.ends_on
    if end is not None and end < today:
        found.append(Mismatch(code="ended", name=asset.name, day=end))
    elif end is not None and end <= today + ENDS_SOON:
        found.append(Mismatch(code="ends-soon", name=asset.name, day=end))
    return found


def compare_hosts(
    assets: Sequence[AssetRow], seen: Mapping[str, Seen | None]
) -> Iterator[Mismatch]:
    """Give where the register and the hosts differ; a host that was not looked at is told.

    What the register leaves empty, or a host does not say, is no difference.
    """
    known = [it for it in assets if it.state != "retired"]
    for host, told in seen.items():
        if told is None:
            yield Mismatch(code="not-checked", name=host)
            continue
        own = [it for it in known if it.host == host]
        for asset in (it for it in own if it.kind == "server"):
            yield from _compare_server(asset, told)
        yield from _compare_system([it for it in own if it.kind == "software"], host, told)


def _compare_server(asset: AssetRow, told: Seen) -> Iterator[Mismatch]:
    wanted = {it for it in re.split(r"[\s,;]+", asset.address.casefold()) if it}
    if told.addresses and not wanted <= told.addresses:
        yield Mismatch(code="address-differs", name=asset.name, value=_name(told.addresses))
    serial = asset.serial.casefold()
    macs = {it.replace("-", ":") for it in _MAC.findall(serial)}
    if macs and told.macs and not macs <= told.macs:
        yield Mismatch(code="serial-differs", name=asset.name, value=_name(told.macs))
    elif not macs and serial and told.serial and told.serial.casefold() not in serial:
        yield Mismatch(code="serial-differs", name=asset.name, value=told.serial)


def _compare_system(software: Sequence[AssetRow], host: str, told: Seen) -> Iterator[Mismatch]:
    if not told.system:
        return
    mine = [it for it in software if told.system in it.title.casefold()]
    if not mine:
        yield Mismatch(code="system-without-asset", name=host, value=told.system_title)
    for asset in mine:
        is_same = f"{asset.version}.".startswith(f"{told.version}.")
        if asset.version and told.version and not is_same:
            yield Mismatch(code="version-differs", name=asset.name, value=told.version)


def _name(values: Iterable[str]) -> str:
    return ", ".join(sorted(values)[:_MOST_NAMED])
