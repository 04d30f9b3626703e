"""The watch in the estate: how often it looks, what counts as red, how a site is probed."""

import ipaddress
from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, Strict, model_validator

from ops.estate.model.policies import Percent
from ops.estate.model.values import (
    CatalogUrl,
    Flag,
    LocalPath,
    Name,
    OwnName,
    Part,
    Port,
    Positive,
    Secret,
    Text,
    mistake,
)

_LAST_PORT = 65_535


def split_place(value: str, port: int) -> tuple[str, int]:
    """Give address and port of `192.0.2.53`, `192.0.2.53:5353` or `[2001:db8::1]:53`.

    Args:
        value: As the estate has it.
        port: Where it names none.

    Raises:
        ValueError: It is no address.
    """
    is_bare = value.count(":") > 1 and not value.startswith("[")
    address, _, number = (value, "", "") if is_bare else value.rpartition(":")
    if not address:
        address, number = value, ""
    address = address.strip("[]")
    ipaddress.ip_address(address)
    if not number:
        return address, port
    if not number.isdecimal() or not 1 <= int(number) <= _LAST_PORT:
        raise ValueError(value)
    return address, int(number)


def check_place(value: str) -> str:
    """Refuse what is not an address, with or without a port."""
    try:
        split_place(value, 1)
    except ValueError as error:
        raise mistake(
            '"{value}" is not an address',
            'write it like `"192.0.2.53"` or `"192.0.2.53:53"`',
            value=value,
        ) from error
    return value


def check_network(value: str) -> str:
    """Refuse what is not a network such as `192.0.2.0/24`, or one address."""
    try:
        ipaddress.ip_network(value)
    except ValueError as error:
        raise mistake(
            '"{value}" is not a network',
            'write it like `"192.0.2.0/24"`, its last digits 0, or one address',
            value=value,
        ) from error
    return value


AddressedPlace = Annotated[str, AfterValidator(check_place)]
NetworkText = Annotated[str, AfterValidator(check_network)]


class ProbeCheck(Part):
    """One more page of a site that is asked for every five minutes."""

    name: OwnName = Field(examples=["tim-kiem"])
    kind: Literal["page", "search", "feedback"] = Field(
        default="page",
        description="page; search: `path` searches for something that is always found, and `words`"
        " names what the answer shows; feedback: the page shows its form, which is never sent.",
    )
    path: Text = Field(
        description="Below the site's `url`, or a whole address.", examples=["/tim-kiem?q=ubnd"]
    )
    words: tuple[Text, ...] = Field(
        default=(), description="Words that have to stand there.", examples=[["kết quả"]]
    )
    no_words: tuple[Text, ...] = Field(
        default=(), description="Words that must not stand there.", examples=[["hacked by"]]
    )

    @model_validator(mode="after")
    def _search_finds_something(self) -> Self:
        if self.kind == "search" and not self.words:
            raise mistake(
                "a search is good when its answer shows something, and `words` is empty",
                'write what every answer with results shows, e.g. `words = ["kết quả"]`',
            )
        return self


class SiteProbe(Part):
    """How the watch asks a site."""

    enabled: Flag = Field(
        default=True, description="No: it is not asked; a site without `url` never is."
    )
    page: Text = Field(default="/", description="The page that tells whether the site is up.")
    words: tuple[Text, ...] = Field(
        default=(), description="Words that have to stand on it.", examples=[["Cổng thông tin"]]
    )
    no_words: tuple[Text, ...] = Field(
        default=(), description="Words that must not stand on it.", examples=[["hacked by"]]
    )
    networks: tuple[NetworkText, ...] = Field(
        default=(),
        description="Where the site's name may lead; left out: every change of its addresses is"
        " told.",
        examples=[["192.0.2.0/24"]],
    )
    checks: tuple[ProbeCheck, ...] = Field(
        default=(), description="More pages, such as the search and the feedback form."
    )

    @model_validator(mode="after")
    def _checks_have_names_of_their_own(self) -> Self:
        names = [it.name for it in self.checks]
        twice = next((it for it in names if names.count(it) > 1), "")
        if twice:
            raise mistake(
                'two checks are called "{name}"', "give each a name of its own", name=twice
            )
        return self


class ProbeSettings(Part):
    """What all probes share."""

    nameservers: tuple[AddressedPlace, ...] = Field(
        default=(),
        description="Nameservers that are asked; left out: this machine's.",
        examples=[["192.0.2.53", "192.0.2.54:53"]],
    )
    authorities: LocalPath | None = Field(
        default=None,
        description="Certificates of authorities of your own (PEM), besides this machine's.",
        examples=["var/keys/ca-noi-bo.pem"],
    )
    references: tuple[AddressedPlace, ...] = Field(
        default=(),
        description="What answers as long as our own line works, address and TCP port; left out:"
        " the default gateway. Where neither they nor any site answer, no site is called down.",
        examples=[["192.0.2.53:53"]],
    )


LEAST_SECONDS, MOST_SECONDS = 15, 3600
Seconds = Annotated[int, Strict(), Field(ge=LEAST_SECONDS, le=MOST_SECONDS)]
Minutes = Annotated[int, Strict(), Field(ge=0, le=1440)]


class Thresholds(Part):
    """From what on something is red; each left out is the next wider one's, then the default."""

    disk_percent: Percent | None = Field(
        default=None,
        description="A disk that is so full; grave from halfway between that and full.",
        examples=[90],
    )
    disk_days: Positive | None = Field(
        default=None, description="A disk that is full in so many days, by forecast.", examples=[30]
    )
    inode_percent: Percent | None = Field(
        default=None, description="A file system with so many of its files used.", examples=[90]
    )
    memory_percent: Percent | None = Field(
        default=None, description="Memory that nothing could get, of all.", examples=[95]
    )
    swap_percent: Percent | None = Field(default=None, description="Swap in use.", examples=[80])
    cpu_percent: Percent | None = Field(
        default=None, description="Processors in use.", examples=[95]
    )
    load_per_core: Positive | None = Field(
        default=None, description="Load of the last five minutes by processor.", examples=[4]
    )
    pressure_percent: Percent | None = Field(
        default=None,
        description="Share of time in which all work waited for memory or for disks.",
        examples=[40],
    )
    busy_minutes: Minutes | None = Field(
        default=None,
        description="Memory, processors, load and pressure are told when it lasts so long.",
        examples=[10],
    )
    clock_seconds: Positive | None = Field(
        default=None, description="A clock that is so far from ours.", examples=[2]
    )
    updates_days: Positive | None = Field(
        default=None, description="Security updates that wait for so long.", examples=[7]
    )
    reboot_days: Positive | None = Field(
        default=None, description="A restart that is asked for since so long.", examples=[14]
    )
    log_hours: Positive | None = Field(
        default=None,
        description="A system log in which nothing was written for so long.",
        examples=[24],
    )
    certificate_days: Positive | None = Field(
        default=None,
        description="A certificate that ends in so many days; a warning from half of them, grave"
        " from a quarter.",
        examples=[30],
    )
    first_byte_seconds: Positive | None = Field(
        default=None, description="A page whose first byte takes so long.", examples=[5]
    )


DEFAULT_THRESHOLDS: Mapping[str, int] = {
    name: (field.examples or [])[0] for name, field in Thresholds.model_fields.items()
}
"""The Center's own targets where neither a host, a site nor `[monitor.thresholds]` says one: those
that stand as examples above."""


def resolve_thresholds(*nearest_first: Thresholds | None) -> dict[str, int]:
    """Give every threshold by name: of the nearest that says it, else the default."""
    found = dict(DEFAULT_THRESHOLDS)
    for thresholds in reversed(nearest_first):
        found |= thresholds.model_dump(exclude_none=True) if thresholds else {}
    return found


def check_listener(value: str) -> str:
    """Refuse what is not a loopback address with a port: figures are for this machine alone."""
    host, _, port = value.rpartition(":")
    try:
        is_loopback = ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        is_loopback = False
    if not is_loopback or not port.isdecimal() or not 1 <= int(port) <= 65_535:  # noqa: PLR2004 - the last port
        raise mistake(
            'figures cannot be given out at "{value}"',
            'write an address of this machine alone, like `metrics = "127.0.0.1:9187"`',
            value=value,
        )
    return value


class MonitorSettings(Part):
    """The watch."""

    series: CatalogUrl | None = Field(
        default=None,
        description="Where figures are kept; left out: `series.db` beside the catalog. Never part"
        " of the service's own backup.",
        examples=["sqlite:///var/series.db"],
    )
    sample_seconds: Seconds = Field(
        default=60, description="Hosts and devices are looked at so often; 15 to 3600."
    )
    probe_seconds: Seconds = Field(default=60, description="Sites are asked so often; 15 to 3600.")
    metrics: Annotated[str, AfterValidator(check_listener)] | None = Field(
        default=None,
        description="Prometheus text at this address; left out: off.",
        examples=["127.0.0.1:9187"],
    )
    metrics_token: Secret | None = Field(
        default=None,
        description="Who reads `metrics` shows this (a bearer token); nothing is given out without"
        " it.",
        examples=["file:var/keys/metrics-token"],
    )
    enabled: Flag = Field(default=True, description="Whether the service watches at all.")
    thresholds: Thresholds = Field(
        default=Thresholds(),
        description="From what on something is red; a host's or a site's own win.",
    )
    probes: ProbeSettings = Field(
        default=ProbeSettings(), description="What all probes of sites share."
    )


class Device(Part):
    """What is watched and has no SSH: a switch, a UPS, a camera."""

    name: OwnName = Field(examples=["switch-1"])
    title: Text | None = Field(
        default=None, description="What people call it.", examples=["Bộ chuyển mạch tầng 2"]
    )
    kind: Literal["switch", "ups", "camera", "other"] = Field(
        default="other", description="switch, ups, camera or other."
    )
    address: Text = Field(description="Address or DNS name.", examples=["192.0.2.2"])
    line: Name | None = Field(
        default=None, description="The line it hangs on.", examples=["so-nganh"]
    )
    ping: Flag = Field(default=True, description="Whether it answers to ping.")
    ports: tuple[Port, ...] = Field(
        default=(), description="TCP ports that have to be open.", examples=[[80, 443]]
    )
