"""Which tools there are, what each looks at, and what they are called."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from ops.language.text import N_
from ops.security.looks import facts

Where = Literal["host", "site"]
ALLOWED = ("ports", "keys", "sudoers")
"""Tools that list what is on a host, for the list of what is allowed there."""


@dataclass(frozen=True, slots=True)
class Tool:
    """One tool.

    Attributes:
        name: For life: findings, looks and controls name it.
        title: A message.
        where: What it looks at.
    """

    name: str
    title: str
    where: Where


TOOLS: Mapping[str, Tool] = {
    it.name: it
    for it in (
        Tool("updates", N_("security updates"), "host"),
        Tool("reboot", N_("restart"), "host"),
        Tool("ports", N_("open ports"), "host"),
        Tool("keys", N_("SSH keys"), "host"),
        Tool("sudoers", N_("administrator rights"), "host"),
        Tool("accounts", N_("accounts"), "host"),
        Tool("logs", N_("logs"), "host"),
        Tool("clock", N_("clock"), "host"),
        Tool("lynis", "Lynis", "host"),
        Tool("ssh", "ssh-audit", "host"),
        Tool("tls", "testssl.sh", "site"),
        Tool("unicode", N_("Vietnamese text"), "site"),
    )
}
FACTS = tuple(facts.SECTIONS)
"""Tools that one program on the host feeds together."""
