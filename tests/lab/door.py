"""A door into the lab: a port of this machine's loopback that leads to one server in there."""

import ctypes
import os
import socket
import threading
from contextlib import suppress

from tests.lab.network import Network

_NETWORK_NAMESPACE = 0x40000000  # CLONE_NEWNET, of setns(2)
_PIECE = 1 << 16


def open_door(network: Network, address: str, port: int) -> int:
    """Let whoever connects to a port here speak to a server there; for as long as we live.

    Args:
        network: The lab's.
        address: Of the server.
        port: Of the server.

    Returns:
        The port of the loopback.
    """
    listener = socket.create_server(("127.0.0.1", 0))
    place = f"/proc/{network.process}/ns/net"

    def lead() -> None:
        while True:
            visitor, _place = listener.accept()
            words = (visitor, place, address, port)
            threading.Thread(target=_carry, args=words, daemon=True).start()

    threading.Thread(target=lead, daemon=True).start()
    return int(listener.getsockname()[1])


def _carry(visitor: socket.socket, place: str, address: str, port: int) -> None:
    """Connect from within the lab, for which this thread alone goes there, and carry both ways."""
    with visitor, suppress(OSError):
        _enter(place)
        with socket.create_connection((address, port)) as server:
            back = threading.Thread(target=_pump, args=(server, visitor), daemon=True)
            back.start()
            _pump(visitor, server)
            back.join()


def _enter(place: str) -> None:
    namespace = os.open(place, os.O_RDONLY)
    try:
        if ctypes.CDLL(None, use_errno=True).setns(namespace, _NETWORK_NAMESPACE):
            raise OSError(ctypes.get_errno(), "setns")
    finally:
        os.close(namespace)


def _pump(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while piece := source.recv(_PIECE):
            target.sendall(piece)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)
