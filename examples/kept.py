"""Find ports."""

import socket


def find_port(wanted: int = 0) -> int:
    """Give a port of the loopback that nobody listens at: the one wanted, or any."""
    for port in (wanted, 0):
        try:
            with socket.create_server(("127.0.0.1", port)) as server:
                return int(server.getsockname()[1])
        except OSError:
            continue
    raise OSError("no port is free")
