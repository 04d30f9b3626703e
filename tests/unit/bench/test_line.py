import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest

from bench.line import BadLine, Quality
from tests.private_server import find_free_port


@contextmanager
def echoing() -> Iterator[int]:
    """A server that sends everything back; give its port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=_accept, args=(listener,), daemon=True).start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)


def _accept(listener: socket.socket) -> None:
    while True:
        try:
            client, _ = listener.accept()
        except OSError:
            return
        threading.Thread(target=_echo, args=(client,), daemon=True).start()


def _echo(client: socket.socket) -> None:
    # A line that is cut hangs up on both sides, whichever the server is at: waiting or answering.
    with client, suppress(ConnectionError):
        while data := client.recv(65_536):
            client.sendall(data)


def send_and_take(port: int, data: bytes) -> bytes:
    """Send bytes, and give what comes back until the line ends."""
    taken = bytearray()
    with socket.create_connection(("127.0.0.1", port), 60) as line:
        sending = threading.Thread(target=_send, args=(line, data))
        sending.start()
        try:
            while piece := line.recv(65_536):
                taken += piece
        except ConnectionError:
            pass
        sending.join()
    return bytes(taken)


def _send(line: socket.socket, data: bytes) -> None:
    try:
        line.sendall(data)
        line.shutdown(socket.SHUT_WR)
    except OSError:
        return


DATA = bytes(range(256)) * 800


def test_a_line_carries_every_byte_and_counts_those_sent() -> None:
    with echoing() as port, BadLine(port) as line:
        assert send_and_take(line.port, DATA) == DATA
        assert line.sent == len(DATA)


def test_a_narrow_line_takes_its_time_and_a_lossy_one_keeps_order() -> None:
    quality = Quality(bytes_per_second=1e6, round_trip=0.02, loss=0.05)
    with echoing() as port, BadLine(port, quality) as line:
        began = time.monotonic()

        assert send_and_take(line.port, DATA) == DATA
        assert time.monotonic() - began >= len(DATA) / 1e6


def test_a_long_line_delays_each_way() -> None:
    with echoing() as port, BadLine(port, Quality(round_trip=0.1)) as line:
        began = time.monotonic()

        assert send_and_take(line.port, b"x") == b"x"
        assert time.monotonic() - began >= 0.1


def test_a_cut_line_carries_nobody_until_it_is_mended() -> None:
    with echoing() as port, BadLine(port, Quality(bytes_per_second=1e6)) as line:
        line.cut_at(100_000)

        assert len(send_and_take(line.port, DATA)) < len(DATA)
        assert 100_000 <= line.sent < len(DATA)
        assert line.cuts == 1
        assert send_and_take(line.port, b"x") == b""

        line.mend()

        assert send_and_take(line.port, b"x") == b"x"


def test_a_short_cut_mends_itself_and_the_next_one_comes_later() -> None:
    with echoing() as port, BadLine(port) as line:
        line.cut_at(50_000, 150_000, seconds=0.05)
        send_and_take(line.port, DATA)
        until = time.monotonic() + 60
        while send_and_take(line.port, b"x") != b"x":
            assert time.monotonic() < until
            time.sleep(0.01)

        assert line.cuts == 1

        send_and_take(line.port, DATA)

        assert line.cuts == 2


def test_a_cut_of_no_length_ends_what_is_carried_and_nothing_later() -> None:
    with echoing() as port, BadLine(port) as line:
        line.cut_at(carried=[50_000], seconds=0)

        assert len(send_and_take(line.port, DATA)) < len(DATA)
        assert (line.cuts, line.opened) == (1, 1)
        assert line.carried >= 50_000
        assert send_and_take(line.port, DATA) == DATA
        assert (line.cuts, line.opened) == (1, 2)


def test_a_line_to_nobody_hangs_up_on_everybody() -> None:
    with BadLine(find_free_port()) as line:
        assert [send_and_take(line.port, b"x") for _ in range(2)] == [b"", b""]
        assert line.opened == 0


@pytest.mark.parametrize("loss", [0.0, 1.0])
def test_a_lost_segment_costs_a_round_trip(loss: float) -> None:
    with echoing() as port, BadLine(port, Quality(round_trip=0.05, loss=loss)) as line:
        began = time.monotonic()
        send_and_take(line.port, b"x")
        took = time.monotonic() - began

        assert took >= (0.15 if loss else 0.05)
