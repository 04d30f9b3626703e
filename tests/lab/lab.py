"""The lab: an installed service, hosts and stores side by side, in a network of their own."""

import contextlib
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from tests.lab.hosts import Host, host, reach
from tests.lab.network import Network, find_network, network
from tests.lab.ops import Ops, install, ops_machine

_HOSTS = ("web1", "web2", "spare", "backup")
_EMPTY = ("backup",)  # the spare one has servers that nobody has started


@dataclass(frozen=True, slots=True)
class Lab:
    """A lab that is up.

    Attributes:
        folder: What it is made of; mails and hooks lie in `net` there.
        network: Names, mails, hooks, the object store, and what visitors see.
        ops: The machine of the service.
        hosts: The others by name.
    """

    folder: Path
    network: Network
    ops: Ops
    hosts: dict[str, Host]

    @property
    def web1(self) -> Host:
        """The first host."""
        return self.hosts["web1"]

    @property
    def web2(self) -> Host:
        """The second host."""
        return self.hosts["web2"]


def find_lab(folder: Path) -> Lab:
    """Give the lab that is up in a folder.

    Raises:
        FileNotFoundError: There is none.
    """
    net = find_network(folder / "net")
    hosts = {name: Host(name, folder, net) for name in _HOSTS}
    return Lab(folder, net, Ops("ops", folder, net), hosts)


@contextlib.contextmanager
def lab(folder: Path, below: Path = Path("/")) -> Iterator[Lab]:
    """Boot it and install the service; everything is gone when the block ends.

    Args:
        folder: To work in; it must not be there.
        below: The root that the machines are copies of.
    """
    folder.mkdir()
    try:
        with ExitStack() as stack:
            net = stack.enter_context(network(folder / "net"))
            hosts = {}
            for name in _HOSTS:
                booted = host(folder, name, net, below=below, is_empty=name in _EMPTY)
                hosts[name] = stack.enter_context(booted)
            ops = stack.enter_context(ops_machine(folder, net, below))
            install(ops, folder, hosts["backup"])
            for name in ("web1", "web2", "spare"):
                reach(ops, hosts[name])
            yield Lab(folder, net, ops, hosts)
    finally:
        shutil.rmtree(folder)
