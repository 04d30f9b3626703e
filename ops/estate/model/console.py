"""The console in the estate: where it listens, and what the public may see."""

import ipaddress
import re

from pydantic import Field, field_validator

from ops.estate.model.values import Part, mistake

_LOOPBACK = "127.0.0.1:8443"
_PORTS = range(1, 65_536)


class ConsoleSettings(Part):
    """The pages for people: `console.run` shows them, the service answers them."""

    listen: str = Field(
        default=_LOOPBACK,
        description="Where the pages are; a proxy with TLS stands before them.",
        examples=[_LOOPBACK],
    )
    captured: str = Field(
        default="127.0.0.1:8444",
        description="Where captured pages are shown, apart from all others.",
        examples=["127.0.0.1:8444"],
    )
    proxy: str = Field(
        default="",
        description="Address of the proxy that is believed who asks (X-Forwarded-For); left out:"
        " nobody is.",
        examples=["127.0.0.1"],
    )
    captured_at: str = Field(
        default="",
        description="Where browsers find captured pages behind the proxy; left out: on the"
        " console's own name, at the port of `captured`.",
        examples=["https://trang-cu.example.vn"],
    )
    public_status: bool = Field(
        default=False, description="Whether /trang-thai says without a login which sites answer."
    )

    @field_validator("proxy")
    @classmethod
    def _check_proxy(cls, value: str) -> str:
        try:
            return str(ipaddress.ip_address(value)) if value else ""
        except ValueError:
            raise mistake(
                '"{value}" is not an address', "write it like `127.0.0.1`", value=value
            ) from None

    @field_validator("captured_at")
    @classmethod
    def _check_captured_at(cls, value: str) -> str:
        if value and not re.fullmatch(r"https://[A-Za-z0-9.-]{1,253}(:[0-9]{1,5})?", value):
            raise mistake(
                '"{value}" is not the address of a site',
                "write it like `https://trang-cu.example.vn`",
                value=value,
            )
        return value

    @field_validator("listen", "captured")
    @classmethod
    def _check_address(cls, value: str) -> str:
        host, _colon, port = value.rpartition(":")
        if not host or not (port.isascii() and port.isdigit() and int(port) in _PORTS):
            raise mistake(
                '"{value}" is not an address and a port',
                f"write it like `{_LOOPBACK}`",
                value=value,
            )
        return value
