"""The console in the estate: where it listens, and what the public may see."""

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
    public_status: bool = Field(
        default=False, description="Whether /trang-thai says without a login which sites answer."
    )

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
