"""How a site is probed: `[sites.probe]`; and by whom: `[monitor.probes]`."""

import ipaddress
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from ops.estate.model.values import Flag, LocalPath, OwnName, Part, Text, mistake

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
