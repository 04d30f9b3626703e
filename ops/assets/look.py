"""What hosts themselves say they are, through SSH: serial, addresses, system.

A host is hostile: its answer is bounded in time and length, and cleaned.
"""

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from ipaddress import IPv6Address

from ops.errors import OpsError
from ops.estate.model.estate import Estate
from ops.hosts.connect import open_host
from ops.hosts.programs import EQUIPMENT
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
