"""Hosts, how to reach them, and the lines they share."""

from pydantic import Field

from ops.estate.model.monitor import Thresholds
from ops.estate.model.values import (
    Day,
    Flag,
    Limits,
    LocalPath,
    Name,
    OwnName,
    Part,
    Port,
    Positive,
    Secret,
    Text,
)


class Line(Part):
    """What several hosts share: one thin line to the Center."""

    name: OwnName = Field(examples=["so-nganh"])
    limit_mbps: Limits = Field(
        description="Megabits a second for all hosts on it together, the same all day or by part of"
        " the day.",
        examples=[100],
    )


class LegacyAlgorithms(Part):
    """Old SSH algorithms that one host still needs, with a reason and an end."""

    names: tuple[Text, ...] = Field(
        alias="list", description="SSH algorithms.", examples=[["ssh-rsa"]]
    )
    reason: Text = Field(description="Why they are needed.", examples=["Debian 9, chờ nâng cấp"])
    until: Day = Field(description="Until when.", examples=["2027-06-30"])


class Host(Part):
    """A machine reached through SSH."""

    name: OwnName = Field(examples=["web1"])
    address: Text = Field(description="Address or DNS name.", examples=["192.0.2.10"])
    port: Port = Field(default=22, description="SSH port.")
    user: Text = Field(default="giucong", description="Account on the host.")
    identity: Secret | None = Field(
        default=None, description="Private SSH key.", examples=["file:var/keys/web1"]
    )
    audit_user: str = Field(
        default="",
        description="Account for audits, made by `estate.account --audit`; left out: what only it"
        " may see is not checked.",
        examples=["giucong-audit"],
    )
    audit_identity: Secret | None = Field(
        default=None,
        description="Private SSH key of that account; another one than the backups'.",
        examples=["file:var/keys/web1-audit"],
    )
    known_hosts: LocalPath | None = Field(
        default=None,
        description="Host keys; an unknown one is refused.",
        examples=["var/keys/known_hosts"],
    )
    jump: Name | None = Field(default=None, description="Host to go through.", examples=["bastion"])
    line: Name | None = Field(
        default=None, description="The line it hangs on.", examples=["so-nganh"]
    )
    limit_mbps: Limits | None = Field(
        default=None,
        description="Megabits a second of this host alone, the same all day or by part of the day.",
        examples=[{"default": 50, "07:00-19:00": 10}],
    )
    legacy_algorithms: LegacyAlgorithms | None = Field(
        default=None,
        description="Old algorithms this host still needs, with a reason and an end.",
        examples=[{"list": ["ssh-rsa"], "reason": "...", "until": "2027-06-30"}],
    )
    silence_minutes: Positive = Field(
        default=30,
        description="A command there that is waited for and says nothing for so long is ended. What"
        " has a time limit of its own is left alone.",
        examples=[120],
    )
    shell: Flag = Field(
        default=True,
        description="No for a switch or another device without a POSIX shell: it gets the line of"
        " a `command` as it is.",
        examples=[False],
    )
    thresholds: Thresholds | None = Field(
        default=None,
        description="From what on something of this host is red, where it is not as for all.",
    )
